"""accelerate's launch configuration: how many processes, and their number format.

It holds no accumulation: accelerate refuses a config with keys that it does not know.
"""

from __future__ import annotations

from framework.dialects.rendering.sheet import Sheet

_WORDS = {"fp32": "no", "bf16": "bf16", "fp16": "fp16"}


def write(sheet: Sheet) -> None:
    processes = sheet.facts["batch_size.processes"]
    on_cpu = str(sheet.facts.get("hardware.accelerator") or "").casefold() == "cpu"
    several = "MULTI_CPU" if on_cpu else "MULTI_GPU"
    sheet.put("compute_environment", "LOCAL_MACHINE")
    sheet.put("distributed_type", several if processes > 1 else "NO")
    sheet.put("use_cpu", on_cpu)
    sheet.put("machine_rank", 0)
    sheet.put("num_machines", 1)
    sheet.put("num_processes", processes, "hardware.count", "batch_size.processes")
    sheet.say_word("mixed_precision", "precision", _WORDS, "accelerate")

"""What decides the bits of a training beside its content key; a checkpoint is of use under the same ones only."""

from __future__ import annotations

from typing import Any

from runners.step_context import RunContext
from runners.training.batches import Geometry

_DECIDING = ("evaluation_batch_size", "gradient_checkpointing", "compile", "deterministic")
"""The knobs that choose other kernels or another order of additions; the others are part of the geometry or the key."""


def circumstances(context: RunContext, geometry: Geometry, threads: int) -> dict[str, Any]:
    """As JSON data: the step and what it starts from, the data, how a batch is spread, device and package versions."""
    record, knobs = context.record, context.step.knobs
    hardware = record.environment["hardware"]
    device = hardware["cpu"] if hardware["accelerator"] == "cpu" else hardware["accelerator"]
    parent = context.parent.record.artefacts if context.parent else {}
    return {
        "key": context.step.key,
        "parent": {name: facts["sha256"] for name, facts in parent.items() if name.endswith(".safetensors")},
        "data": record.data["fingerprint"],
        "validation_data": record.data["validation_fingerprint"],
        "processes": geometry.processes,
        "micro_batch_size": geometry.micro_batch_size,
        "accumulation": geometry.accumulation,
        "device": device,
        "cuda": hardware["cuda"],
        "threads": threads,
        "packages": record.environment["packages"],
        "knobs": {name: getattr(knobs, name) for name in _DECIDING},
    }

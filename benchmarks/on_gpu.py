"""What the built-in training costs on a GPU, in one go: `python benchmarks/on_gpu.py`, minutes on one device.

1. Transfers: two trainings, one of twice as many optimizer steps, are executed, and every wait of the host for the
   device is counted: on a GPU by torch's own debug mode for synchronizations, elsewhere by a dispatch mode. Twice the
   steps may cost as many more waits as they have more lines, and none for a step.
2. Speed: a 130M Llama in bf16, beside a bare loop and transformers' Trainer (`benchmarks/loop.py`); the built-in
   training has to reach 0.98 of the bare loop's tokens/s.

With `--device cpu` the same at a small size, to see that all of it works; the speed is then shown and not held. The
exit code is 1 where something that is held fails.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
import warnings
from pathlib import Path
from typing import Any

from loop import LOG_EVERY, SIZES, measured, shown, step_of

sys.path[:0] = [str(Path(__file__).resolve().parents[1])]

LEAST, MOST_PER_LINE = 0.98, 12
STEPS = 40


def waits(size: dict[str, Any], steps: int) -> int:
    """How often the host waits for the device, or reads a number of it, in a whole run of so many steps."""
    import torch

    from framework.evidence.store import RunStore
    from runners.execute import execute
    from runners.progress import Silent
    from runners.training import loop

    with tempfile.TemporaryDirectory() as name:
        arguments = step_of(size, steps), RunStore(Path(name) / "runs"), Path(name), Silent()
        if torch.cuda.is_available():
            torch.cuda.set_sync_debug_mode("warn")
            try:
                with warnings.catch_warnings(record=True) as seen:
                    warnings.simplefilter("always")
                    execute(*arguments)
            finally:
                torch.cuda.set_sync_debug_mode("default")
            return sum("synchroniz" in str(each.message) for each in seen)
        from tests.support.transfers import counted

        loop.waits_for_nothing = lambda device: False  # as on a device that the host would have to wait for
        with counted() as transfers:
            execute(*arguments)
        # Under autocast a tensor of the CPU is copied to one of another type on the CPU: no transfer on a GPU.
        return sum(name != "_to_copy" for name in transfers.seen)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", choices=("cuda", "cpu"), default="cuda")
    parser.add_argument("--rounds", type=int, default=7)
    options = parser.parse_args()
    if options.device == "cpu":
        os.environ["CUDA_VISIBLE_DEVICES"] = ""
    import torch

    if options.device == "cuda" and not torch.cuda.is_available():
        sys.exit("no GPU is seen here: --device cpu shows that the rest works")
    name = "130M" if options.device == "cuda" else "tiny"
    size = {**SIZES[name], "precision": "bf16"}
    where = torch.cuda.get_device_name() if options.device == "cuda" else "the CPU"
    print(f"torch {torch.__version__} on {where}: {name} in bf16", flush=True)
    failed = []

    few, many = waits(size, STEPS), waits(size, 2 * STEPS)
    lines = STEPS // LOG_EVERY
    print(f"transfers: {few} in {STEPS} steps, {many} in {2 * STEPS}, which have {lines} lines more", flush=True)
    if many - few >= min(STEPS, MOST_PER_LINE * lines + 1):
        failed.append(f"{many - few} waits more for {STEPS} steps more")

    found = measured(size, options.rounds, 50 if options.device == "cuda" else LOG_EVERY, 1)
    shown(name, size, found)
    pairs = zip(found["bare loop"].wall, found["built-in"].wall, strict=True)
    speed = statistics.median(bare / own for bare, own in pairs)
    print(f"{speed:.3f} of the bare loop's tokens/s, {'at least' if options.device == 'cuda' else 'on a GPU'} {LEAST}")
    if options.device == "cuda" and speed < LEAST:
        failed.append(f"{speed:.3f} of the bare loop's tokens/s")
    print(f"failed: {'; '.join(failed)}" if failed else "all that is held holds")
    return int(bool(failed))


if __name__ == "__main__":
    sys.exit(main())

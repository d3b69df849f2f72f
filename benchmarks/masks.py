"""What exact masks cost: `python benchmarks/masks.py`; every ratio is of two figures of the same run, on one thread.

- One global magnitude mask at 50% of 100M float32 weights, packed, against `torch.nn.utils.prune.global_unstructured`
  and against one copy of the weights; and the memory that it takes beside the weights.
- The masks of nine sparsities at once, against one.
- A checkpoint in shards, larger than the memory that `framework mask compute` is told it may take, for nine
  sparsities: the peak of the process, and that the masks are exact.

Needs about 6 GB of memory; `--weights 4_000_000 --checkpoint 384` is a quick look. Linux only: it reads /proc.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).resolve().parents[1]
LEVELS = [level / 10 for level in range(1, 10)]
ROWS = 4096
PART = """\
import sys
sys.path.insert(0, {repository!r})
from benchmarks.masks import {part}
{part}(*{arguments!r})
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--weights", type=int, default=100_000_000, help="of the model in memory (default: 100M)")
    parser.add_argument("--checkpoint", type=int, default=1536, help="MiB of the checkpoint on disk (default: 1536)")
    parser.add_argument("--memory", type=int, default=256, help="MiB that may be taken for it (default: 256)")
    parser.add_argument("--rounds", type=int, default=5, help="of each measurement; the best counts (default: 5)")
    options = parser.parse_args()
    mine = _part("in_memory", options.weights, options.rounds)
    theirs = _part("torch_prune", options.weights, 1 if options.weights > 20_000_000 else options.rounds)
    count = mine["weights"]
    allowed = 0.25 * count + (64 << 20)
    one, nine, torch = mine["one"], mine["nine"], theirs["seconds"]
    print(f"{count:,} float32 weights, one thread")
    print(f"  one copy of the weights          {mine['copy']:8.3f} s")
    print(
        f"  torch's global_unstructured      {torch:8.3f} s  {theirs['extra'] / count:6.2f} bytes a weight beside them"
    )
    print(f"  exact mask, packed               {one:8.3f} s  {mine['extra'] / count:6.2f} bytes a weight beside them")
    print(f"    {torch / one:.0f} times faster than torch (wanted: 60), {one / mine['copy']:.1f} copies of the weights")
    print(f"    {mine['extra'] / allowed:.2f} of 0.25 bytes a weight and 64 MiB (wanted: 1)")
    print(f"  exact masks of nine sparsities   {nine:8.3f} s")
    print(f"    {nine / one:.2f} times one (wanted: 3)")
    _streamed(options.checkpoint, options.memory)


def _part(part: str, *arguments: Any) -> dict[str, Any]:
    """A measurement in a process of its own, on one thread."""
    script = PART.format(repository=str(REPOSITORY), part=part, arguments=arguments)
    alone = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")
    done = subprocess.run([sys.executable, "-c", script], env={**os.environ, **alone}, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"{part} failed:\n{done.stderr}")
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def _peak() -> int:
    """The most memory that this process had resident since the last reset, in bytes."""
    status = Path("/proc/self/status").read_text()
    return int(next(line.split()[1] for line in status.splitlines() if line.startswith("VmHWM"))) * 1024


def _extra(work: Callable[[], object]) -> int:
    """What some work took beyond what was resident before it."""
    Path("/proc/self/clear_refs").write_text("5")
    before = _peak()
    work()
    return _peak() - before


def _best(rounds: int, *works: Callable[[], object]) -> list[float]:
    """The shortest time of each, by turns."""
    times = [float("inf")] * len(works)
    for _ in range(rounds):
        for index, work in enumerate(works):
            begun = time.perf_counter()
            work()
            times[index] = min(times[index], time.perf_counter() - begun)
    return times


def _weights(count: int) -> dict[str, Any]:
    """Matrices of normal numbers of different scale, as the layers of a model have."""
    import numpy

    source, found, left = numpy.random.default_rng(0), {}, count
    while left > 0:
        rows = min(ROWS, -(-left // 1024))
        scale = 0.02 * (1 + len(found) % 7)
        found[f"layers.{len(found):02d}.weight"] = source.standard_normal((rows, 1024), numpy.float32) * numpy.float32(
            scale
        )
        left -= rows * 1024
    return found


def in_memory(count: int, rounds: int) -> None:
    """Our masks of weights in memory."""
    import numpy

    from framework.evidence.score_keys import KINDS
    from runners.sparsity.exactly.keyed import ArrayKeys
    from runners.sparsity.exactly.packing import PackedMasks
    from runners.sparsity.exactly.top_k import write_masks

    weights = _weights(count)
    target = {name: numpy.empty_like(weight) for name, weight in weights.items()}
    keys = ArrayKeys({name: weight.view("<u4") for name, weight in weights.items()}, KINDS["F32"])
    total = sum(keys.sizes.values())

    def masks(levels: list[float]) -> PackedMasks:
        found = PackedMasks(keys.sizes, len(levels))
        write_masks(keys, [round(level * total) for level in levels], found)
        return found

    def copied() -> None:
        for name, weight in weights.items():
            numpy.copyto(target[name], weight)

    extra = _extra(lambda: masks([0.5]))
    for level, bits in zip(LEVELS, masks(LEVELS).levels, strict=True):
        kept = sum(int(numpy.unpackbits(packed).sum()) for packed in bits.values())
        assert total - kept == round(level * total), (level, total - kept)
    copied()
    copy, one, nine = _best(rounds, copied, lambda: masks([0.5]), lambda: masks(LEVELS))
    print(json.dumps({"weights": total, "copy": copy, "one": one, "nine": nine, "extra": extra}))


def torch_prune(count: int, rounds: int) -> None:
    """torch's own way."""
    import torch
    from torch.nn.utils import prune

    torch.set_num_threads(1)
    arrays = _weights(count)

    def modules() -> list[tuple[Any, str]]:
        found = []
        for array in arrays.values():
            layer = torch.nn.Linear(1, 1, bias=False)
            layer.weight = torch.nn.Parameter(torch.from_numpy(array))
            found.append((layer, "weight"))
        return found

    def pruned() -> None:
        targets = modules()
        prune.global_unstructured(targets, pruning_method=prune.L1Unstructured, amount=0.5)

    extra = _extra(pruned)
    (seconds,) = _best(rounds, pruned)
    print(json.dumps({"seconds": seconds, "extra": extra}))


def _streamed(mebibytes: int, memory: int) -> None:
    """A checkpoint on disk in bfloat16, in shards of 512 MiB at most."""
    with tempfile.TemporaryDirectory() as folder:
        written = _part("write_checkpoint", folder, mebibytes)
        found = _part("compute", folder, memory)
    size, peak, told = written["bytes"], found["peak"], memory << 20
    print(f"{size >> 20:,} MiB of bfloat16 on disk ({size // 2:,} weights) with {memory} MiB of memory")
    print(f"  nine exact masks, streamed       {found['seconds']:8.1f} s  peak of the process {peak >> 20} MiB")
    print(f"    {peak / told:.2f} of the declared memory (wanted: 1), which is {told / size:.2f} of the checkpoint")


def write_checkpoint(folder: str, mebibytes: int) -> None:
    """Shards of normal numbers, as transformers writes them; one tensor in memory at a time."""
    import struct

    import numpy

    tensors, per_shard = max(mebibytes // 32, 2), 16  # 32 MiB each
    source, placed, names = numpy.random.default_rng(1), {}, [f"layers.{index:04d}.weight" for index in range(tensors)]
    for first in range(0, tensors, per_shard):
        own = names[first : first + per_shard]
        shard = f"model-{first // per_shard:05d}.safetensors"
        size = ROWS * ROWS * 2
        entries = {
            name: {"dtype": "BF16", "shape": [ROWS, ROWS], "data_offsets": [place * size, (place + 1) * size]}
            for place, name in enumerate(own)
        }
        text = json.dumps(entries).encode()
        with (Path(folder) / shard).open("wb") as stream:
            stream.write(struct.pack("<Q", len(text)) + text)
            for _ in own:
                values = source.standard_normal((ROWS, ROWS), numpy.float32)
                stream.write((values.view("<u4") >> 16).astype("<u2").tobytes())
        placed |= dict.fromkeys(own, shard)
    (Path(folder) / "model.safetensors.index.json").write_text(json.dumps({"weight_map": placed}))
    print(json.dumps({"bytes": tensors * ROWS * ROWS * 2}))


def compute(folder: str, memory: int) -> None:
    """The command, in this process, which is a fresh one."""
    from contextlib import redirect_stdout
    from io import StringIO

    from framework.cli.main import run

    said, begun = StringIO(), time.perf_counter()
    levels = [str(level) for level in LEVELS]
    command = ["mask", "compute", folder, "--memory", f"{memory}M", "--output", f"{folder}/masks", "--format", "json"]
    with redirect_stdout(said):
        code = run([*command, "--sparsity", *levels])
    seconds, peak = time.perf_counter() - begun, _peak()
    assert code == 0
    assert "torch" not in sys.modules
    for mask in json.loads(said.getvalue())["masks"]:
        assert mask["zeros"] == round(mask["asked"] * mask["elements"]), mask
    print(json.dumps({"seconds": seconds, "peak": peak}))


if __name__ == "__main__":
    main()

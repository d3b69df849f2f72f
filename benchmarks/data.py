"""What preparing text costs beside `datasets.map` with the same tokenizer: time, memory, and both again.

    python benchmarks/data.py [MB] [times the text]

Text is made here: lines of words whose frequencies fall as in natural text. Every figure is of a process of its own,
which starts the clock after its imports and its tokenizer; the memory is the process's peak, and what the imports took.
Both read the same file, in turn, in the same run.
"""

from __future__ import annotations

import json
import os
import random
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).resolve().parents[1]
VOCABULARY, LENGTH, BATCH = 4096, 512, 32


def lines(megabytes: float, seed: int = 1) -> Iterator[str]:
    """Lines of some 67 bytes on average."""
    chosen = random.Random(seed)
    letters = "etaoinshrdlcumwfgypbvk"
    weights = [len(letters) - place for place in range(len(letters))]
    words = [
        "".join(chosen.choices(letters, weights, k=chosen.choice((2, 3, 4, 5, 6, 7, 8, 10)))) for _ in range(40_000)
    ]
    cumulated, total = [], 0.0
    for rank in range(len(words)):
        total += 1 / (rank + 2)
        cumulated.append(total)
    size = 0
    while size < megabytes * 1e6:
        line = " ".join(chosen.choices(words, cum_weights=cumulated, k=chosen.randrange(2, 24))).capitalize() + ".\n"
        size += len(line)
        yield line


def project(folder: Path, megabytes: float) -> None:
    folder.mkdir(parents=True)
    for split, part in (("train", megabytes), ("validation", 0.1)):
        with (folder / f"{split}.txt").open("w") as stream:
            stream.writelines(lines(part))
    time.sleep(2.2)  # a digest is remembered of files that have stood still


def tokenizer_in(folder: Path) -> None:
    sys.path.insert(0, str(REPOSITORY))
    from framework.manifest.sections.models import Model
    from runners.data.tokenizing import tokenizer_for

    model = Model(family="gpt2", vocabulary=VOCABULARY, tokenizer="train")
    tokenizer_for("tiny", model, lines(4, seed=2), folder).save_pretrained(folder)


def _measured(work: Callable[[], Any]) -> dict[str, Any]:
    before, started = _peak(), time.perf_counter()
    found = work()
    return {"seconds": time.perf_counter() - started, "imports": before, "peak": _peak(), "found": found}


def _peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def ours(folder: Path, tokenizer: Path) -> dict[str, Any]:
    sys.path.insert(0, str(REPOSITORY))
    from transformers import AutoTokenizer

    from framework.manifest.sections.models import Dataset, Model
    from framework.manifest.sections.phases import Phase
    from framework.planning.steps import Training
    from runners.data.preparing import prepare

    own = AutoTokenizer.from_pretrained(tokenizer)
    stated = {"objective": "causal_lm", "dataset": "text", "optimizer": {"learning_rate": 1}, "batch_size": 1}
    phase = Phase.model_validate({**stated, "sequence_length": LENGTH, "max_steps": 1})
    work = Training(phase, "text", Dataset(path="."))
    model = Model(family="gpt2", tokenizer=str(tokenizer))
    return _measured(lambda: prepare(work, "tiny", model, own, folder).facts["train_tokens"])


def theirs(folder: Path, tokenizer: Path) -> dict[str, Any]:
    import datasets
    from transformers import AutoTokenizer

    own = AutoTokenizer.from_pretrained(tokenizer)
    datasets.disable_progress_bars()

    def work() -> int:
        files = {split: str(folder / f"{split}.txt") for split in ("train", "validation")}
        text = datasets.load_dataset("text", data_files=files, cache_dir=str(folder / "arrow"))
        mapped = text.map(lambda rows: own(rows["text"]), batched=True, remove_columns=["text"])
        return len(mapped["train"])

    return _measured(work)


def order(folder: Path, _: Path) -> dict[str, Any]:
    """Seconds of all batches in random order: from a tensor in memory, as it was, and from a memory-mapped file."""
    sys.path.insert(0, str(REPOSITORY))
    import numpy as np
    import torch

    from runners.data.examples import Sequences

    count = 40_000
    tokens = np.random.default_rng(1).integers(VOCABULARY, size=count * LENGTH).astype(np.uint16)
    tokens.tofile(folder / "tokens.bin")
    blocks = torch.from_numpy(tokens.astype(np.int32)).view(count, LENGTH)
    mapped = Sequences(np.asarray(np.memmap(folder / "tokens.bin", np.uint16, mode="r")), LENGTH, None)
    ways: dict[str, Callable[[list[int]], Any]] = {
        "in memory": lambda rows: (blocks[rows].long(), torch.ones(len(rows), LENGTH, dtype=torch.int64)),
        "memory-mapped": mapped.batch,
    }
    least = dict.fromkeys(ways, float("inf"))
    for turn in range(7):
        places = torch.randperm(count, generator=torch.Generator().manual_seed(turn)).tolist()
        for name, batch in ways.items():
            started = time.perf_counter()
            for first in range(0, count, BATCH):
                batch(places[first : first + BATCH])
            least[name] = min(least[name], time.perf_counter() - started)
    return {name: 1e6 * seconds / (count / BATCH) for name, seconds in least.items()}


def child(what: str, folder: Path, tokenizer: Path) -> dict[str, Any]:
    environment = {**os.environ, "FRAMEWORK_CACHE_DIR": str(folder / "cache"), "HF_HUB_OFFLINE": "1"}
    command = [sys.executable, __file__, what, str(folder), str(tokenizer)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(done.stderr)
    return dict(json.loads(done.stdout.splitlines()[-1]))


def shown(name: str, cost: dict[str, Any]) -> None:
    above = cost["peak"] - cost["imports"]
    print(
        f"{name:34} {cost['seconds']:8.2f} s  peak {cost['peak']:6.0f} MB, {above:5.0f} above the imports", flush=True
    )


def main(megabytes: float, times: float) -> None:
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        tokenizer = folder / "tokenizer"
        tokenizer.mkdir()
        tokenizer_in(tokenizer)
        project(folder / "one", megabytes)
        costs = {}
        for name in ("datasets.map", "prepare"):
            for again in ("", ", again"):
                what = "theirs" if name == "datasets.map" else "ours"
                costs[name + again] = child(what, folder / "one", tokenizer)
                shown(f"{name}{again}, {megabytes:g} MB", costs[name + again])
        if times:
            project(folder / "more", megabytes * times)
            costs["more"] = child("ours", folder / "more", tokenizer)
            shown(f"prepare, {megabytes * times:g} MB", costs["more"])
            print(f"memory for {times:g} times the text: {costs['more']['peak'] / costs['prepare']['peak']:.2f}")
        first, again = costs["prepare"], costs["prepare, again"]
        print(f"time of the first use: {first['seconds'] / costs['datasets.map']['seconds']:.2f} of datasets.map")
        print(f"peak of the first use: {first['peak'] / costs['datasets.map']['peak']:.2f} of datasets.map")
        print(f"again: {again['seconds']:.3f} s, {again['peak'] - again['imports']:.0f} MB above the imports")
        batches = child("order", folder / "one", tokenizer)
        print("a batch in random order: " + ", ".join(f"{name} {value:.0f} µs" for name, value in batches.items()))


if __name__ == "__main__":
    if len(sys.argv) == 4:
        work = {"ours": ours, "theirs": theirs, "order": order}[sys.argv[1]]
        print(json.dumps(work(Path(sys.argv[2]), Path(sys.argv[3]))))
    else:
        main(*(float(argument) for argument in (*sys.argv[1:], *("67", "8")[len(sys.argv) - 1 :])))

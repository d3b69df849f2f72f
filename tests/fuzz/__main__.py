"""Forge and spoil finished runs for as long as it is told to: `python -m tests.fuzz --seconds 3600 --seed 1`.

Ends with 1 if a verification ended in anything but an answer, hung, needed too much memory, or did not see a forgery
that it must see; each is printed once, with the seed.
"""

from __future__ import annotations

import argparse
import random
import resource
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import chdir
from pathlib import Path

from framework.errors import InputError
from framework.manifest.loading import load
from framework.planning.build import build
from framework.reading.formats import read
from tests.fuzz.forging import Forger, forgeries
from tests.fuzz.second_runs import alone
from tests.fuzz.spoiling import answered, asked, spoilings
from tests.fuzz.studied import executed
from tests.reading.fragments import FRAGMENTS

MOST_MEMORY = 512
"""MiB of this process beyond what it had when it began."""
SUFFIXES = {"yaml": "yaml", "json": "json", "toml": "toml", "shell": "sh", "python": "py", "ini": "ini"}


def texts(folder: Path, chance: random.Random) -> Iterator[Callable[[], str | None]]:
    """Texts of every language, made of its fragments, read as config files and as manifests."""
    while True:
        kind = chance.choice(list(SUFFIXES))
        text = "".join(chance.choices(FRAGMENTS[kind], k=chance.randint(1, 40)))
        path = folder / f"input.{SUFFIXES[kind]}"

        def one(path: Path = path, text: str = text) -> str | None:
            path.write_text(text, "utf-8", "surrogatepass")

            def look() -> None:
                try:
                    document = read(path, path.name)
                    for _, node in document.leaves():
                        document.value(node)
                except InputError:
                    pass

            return asked(look)

        yield one


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__.partition("\n")[0])
    parser.add_argument("--seconds", type=float, default=3600, help="how long (default: an hour)")
    parser.add_argument("--seed", type=int, default=0, help="what decides which cases are tried")
    options = parser.parse_args()
    chance, found, counts = random.Random(options.seed), Counter[str](), Counter[str]()
    with tempfile.TemporaryDirectory(prefix="framework-fuzz-") as root:
        study = Path(root) / "study"
        executed(study)
        with chdir(study):
            experiment = load("experiment.yaml", None)
            forger = Forger(experiment, build(experiment))
            _run(forger, Path(root), options.seconds, chance, found, counts)
    said = ", ".join(f"{count} {what}" for what, count in sorted(counts.items()))
    print(f"seed {options.seed}: {said}; {sum(found.values())} of them ended badly")
    for what, count in found.most_common():
        print(f"{count:6} {what}")
    return 1 if found else 0


def _run(
    forger: Forger, root: Path, seconds: float, chance: random.Random, found: Counter[str], counts: Counter[str]
) -> None:
    folders = list(forger.steps)
    forged = [each for folder in folders for each in forgeries(folder, forger.files(folder)) if not alone(each.fact)]
    chance.shuffle(forged)
    spoiled = {folder: spoilings(folder, forger.files(folder), chance) for folder in folders}
    written, before, end = texts(root, chance), _memory(), time.monotonic() + seconds
    while time.monotonic() < end:
        spoiling = next(spoiled[chance.choice(folders)])
        outcome = answered(forger, spoiling)
        counts["spoiled files"] += 1
        if outcome is not None:
            found[f"{outcome} ({spoiling.folder}: {spoiling.what})"] += 1
        if forged:
            forgery = forged.pop()
            counts["forgeries"] += 1
            if not forger.noticed(forgery):
                found[f"silent: {forgery.folder}: {forgery.fact}"] += 1
        for _ in range(100):
            counts["texts"] += 1
            if (outcome := next(written)()) is not None:
                found[outcome] += 1
        if _memory() - before > MOST_MEMORY:
            found[f"more than {MOST_MEMORY} MiB"] += 1
            before = _memory()


def _memory() -> float:
    """The most memory that this process has had, in MiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    sys.exit(main())

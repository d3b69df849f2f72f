"""Forge and spoil finished runs, and try config files, for as long as it is told to:
`python -m tests.fuzz --seconds 3600 --seed 1`.

Ends with 1 if anything ended in anything but an answer, hung, needed too much memory, or if a verification did not see
a forgery that it must see; each kind is printed once, with the first case of it. Where Atheris is installed, a fifth
of the time goes to the readers under its guidance by coverage, in processes of their own.
"""

from __future__ import annotations

import argparse
import random
import resource
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import chdir, suppress
from importlib.util import find_spec
from itertools import chain, cycle
from pathlib import Path

from framework.errors import FrameworkError
from framework.manifest.loading import load
from framework.planning.build import build
from tests.fuzz.config_files import Case, bound, dialects, manifests, texts
from tests.fuzz.forging import Forger, forgeries
from tests.fuzz.second_runs import alone
from tests.fuzz.spoiling import answered, asked, spoilings
from tests.fuzz.studied import executed
from tests.reading.fuzz_readers import KINDS

MOST_MEMORY = 512
"""MiB of this process beyond what it had when it began."""
_SHARES = {"texts": 600, "data in the words of dialects": 300, "bound files": 3, "manifests": 1}
"""How many cases of each kind are tried between two verifications: those that take longer are fewer."""
_MINUTE = 60.0


class Tally:
    """What was tried, what ended badly, and the longest and the largest case."""

    def __init__(self) -> None:
        self.counts, self.found, self.first = Counter[str](), Counter[str](), dict[str, str]()
        self.slowest, self.began, self._most = (0.0, ""), _memory(), _memory()

    def take(self, kind: str, what: str, trial: Callable[[], str | None]) -> None:
        """Try a case; a trial answers with what it ended in, if that was bad."""
        start = time.monotonic()
        outcome = trial()
        seconds = time.monotonic() - start
        self.counts[kind] += 1
        if outcome is not None:
            self.bad(outcome, what)
        if seconds > self.slowest[0]:
            self.slowest = (seconds, what)
        if (now := _memory()) - self._most > MOST_MEMORY:
            self.bad(f"more than {MOST_MEMORY} MiB", what)
            self._most = now

    def bad(self, outcome: str, what: str) -> None:
        self.found[outcome] += 1
        if self.first.setdefault(outcome, what) is what and self.found[outcome] == 1:
            print(f"BAD {outcome}\n    {what[:3000]}", flush=True)

    def __str__(self) -> str:
        said = ", ".join(f"{count:,} {what}" for what, count in sorted(self.counts.items()))
        memory = f"{_memory():,.0f} MiB at most, {self.began:,.0f} at the beginning"
        slowest = f"the longest {self.slowest[0]:.1f} s"
        return f"{self.counts.total():,} cases: {said}; {self.found.total()} ended badly; {memory}; {slowest}"


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__.partition("\n")[0])
    parser.add_argument("--seconds", type=float, default=3600, help="how long (default: an hour)")
    parser.add_argument("--seed", type=int, default=0, help="what decides which cases are tried")
    options = parser.parse_args()
    chance, tally = random.Random(options.seed), Tally()
    guided = options.seconds / 5 if find_spec("atheris") else 0.0
    with tempfile.TemporaryDirectory(prefix="framework-fuzz-") as root:
        study = Path(root) / "study"
        executed(study)
        with chdir(study):
            experiment = load("experiment.yaml", None)
            forger = Forger(experiment, build(experiment))
            tally.began = tally._most = _memory()
            _run(forger, Path(root), options.seconds - guided, chance, tally)
        if guided:
            _under_coverage(guided, options.seed, Path(root), tally)
    print(f"seed {options.seed}: {tally} ({tally.slowest[1][:300]})")
    for what, count in tally.found.most_common():
        print(f"{count:6} {what}")
    return 1 if tally.found else 0


def _run(forger: Forger, root: Path, seconds: float, chance: random.Random, tally: Tally) -> None:
    folders = list(forger.steps)
    forged = [each for folder in folders for each in forgeries(folder, forger.files(folder)) if not alone(each.fact)]
    chance.shuffle(forged)
    spoiled = {folder: spoilings(folder, forger.files(folder), chance) for folder in folders}
    configs: dict[str, Iterator[Case]] = {
        "texts": texts(chance),
        "data in the words of dialects": dialects(chance),
        "bound files": bound(root / "bound", chance),
        "manifests": manifests(root / "manifests", chance),
    }
    end, said = time.monotonic() + seconds, time.monotonic()
    for folder in cycle(folders):
        if time.monotonic() > end:
            return
        spoiling = next(spoiled[folder])
        tally.take("spoiled files", f"{folder}: {spoiling.what}", lambda s=spoiling: answered(forger, s))  # type: ignore[misc]
        if forged:
            forgery = forged.pop()
            silent = f"silent: {forgery.folder}: {forgery.fact}"
            seen = lambda f=forgery, silent=silent: None if forger.noticed(f) else silent  # noqa: E731
            tally.take("forgeries", silent, seen)  # type: ignore[arg-type]
        for kind, cases in configs.items():
            for _ in range(_SHARES[kind]):
                what, trial = next(cases)
                tally.take(kind, what, lambda trial=trial: asked(lambda: _answer(trial)))  # type: ignore[misc]
        if time.monotonic() - said > _MINUTE:
            said = time.monotonic()
            print(tally, flush=True)


def _answer(trial: Callable[[], object]) -> None:
    """A trial, in which an error of this program with its place is an answer."""
    with suppress(FrameworkError):
        trial()


def _under_coverage(seconds: float, seed: int, root: Path, tally: Tally) -> None:
    """The readers and the manifest's loader under Atheris, each for its share of the time."""
    each = max(1, round(seconds / len(KINDS)))
    for kind in KINDS:
        options = [f"-max_total_time={each}", f"-seed={seed + 1}", "-timeout=5", "-rss_limit_mb=1024"]
        program = [sys.executable, "-m", "tests.reading.fuzz_readers", kind, *options, f"-artifact_prefix={root}/"]
        done = subprocess.run(
            program, cwd=Path(__file__).parents[2], capture_output=True, text=True, errors="replace", check=False
        )
        runs = [int(line.split()[1]) for line in done.stderr.splitlines() if line.startswith("Done ")]
        tally.counts[f"inputs under coverage ({kind})"] += sum(runs)
        if done.returncode != 0:
            kept = next(chain(root.glob("crash-*"), root.glob("timeout-*"), root.glob("oom-*")), None)
            tally.bad(
                f"under coverage: {kind}",
                f"{kept and kept.read_bytes()!r}\n{done.stdout[-1500:]}\n{done.stderr[-1500:]}",
            )


def _memory() -> float:
    """The most memory that this process has had, in MiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    sys.exit(main())

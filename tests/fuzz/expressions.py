"""Fuzz the assertions of claims: `python -m tests.fuzz.expressions --seconds 600 --seed 1`.

Each text is parsed, its comparisons are computed over usual and extreme results, and decided by every test. Whatever
is no refusal is told: a traceback, an expression that takes longer than 20 seconds, a program started, a socket opened.
"""

from __future__ import annotations

import argparse
import random
import signal
import sys
import tempfile
import time
import traceback
import warnings
from contextlib import suppress
from pathlib import Path
from typing import Any

from framework.errors import InputError
from framework.manifest.assertions.assertion import assertion_of
from framework.manifest.assertions.sides import AGGREGATES, Part, Unsupported
from framework.manifest.experiment import Experiment
from framework.manifest.formulas.derived import FUNCTIONS, evaluate, is_expression, names_in
from framework.manifest.sections.statements import Claim
from framework.stages.claim.decisions import alone, decided
from tests.support.project import Project

CALLS = ("perplexity(masked)", "perplexity(dense)", "latency(masked, batch_size=8)", "f1(pruned, topics)")
NUMBERS = ("0", "1", "-1", "2.5", "1e308", "1e-320", "1e999", "9" * 120, "0x10", "1_000", "1j", "True", "None", "''")
OPERATORS = ("+", "-", "*", "/", "//", "%", "**", "@", "<<")
COMPARISONS = ("<", "<=", ">", ">=", "==", "is", "in")
EVIL = (
    "().__class__", "__import__('os').system('true')", "x.y.z", "perplexity(masked).__class__", "lambda: 0",
    "[i for i in (1,)]", "f'{1}'", "a if b else c", "(y:=1)", "*x", "x[0]", "print(1)", "open('/etc/passwd')",
)  # fmt: skip
LETTERS = "()[]{},.<>=+-*/%\\\n\t\0#'\"_0e９é∞\ud800 "
RESULTS = (
    [9.0, 9.1, 9.3], [0.0, 0.0, 0.0], [1e308, -1e308, 1e308], [float("inf")] * 3, [float("nan"), 1.0, 2.0],
    [1.0, 1.0, 1.0], [-1.0, 0.0, 1.0], [1e-320, 2.0, 3.0],
)  # fmt: skip
TESTS = ("t", "sign_flip", "bootstrap", "welch", "mann_whitney", "comparison")


class _TooLong(BaseException):
    pass


class Texts:
    """Texts that are nearly assertions."""

    def __init__(self, seed: int):
        self.draw = random.Random(seed)

    def side(self, depth: int) -> str:
        draw, kind = self.draw, self.draw.random()
        if depth <= 0 or kind < 0.25:
            return draw.choice(CALLS) if draw.random() < 0.7 else draw.choice(NUMBERS)
        if kind < 0.55:
            known = OPERATORS if draw.random() < 0.1 else OPERATORS[:6]
            return f"{self.side(depth - 1)} {draw.choice(known)} {self.side(depth - 1)}"
        if kind < 0.9:
            inner = ", ".join(self.side(depth - 1) for _ in range(draw.choice((1, 1, 1, 2, 2, 3, 0))))
            return f"{draw.choice((*FUNCTIONS, *AGGREGATES))}({inner})"
        return draw.choice(EVIL) if kind < 0.93 else f"-({self.side(depth - 1)})"

    def one(self) -> str:
        draw = self.draw
        text = f"{self.side(draw.randint(0, 5))} {draw.choice(COMPARISONS[:5])} {self.side(draw.randint(0, 4))}"
        while draw.random() < 0.2:
            text += f" {draw.choice(('and', 'or', 'not'))} {self.side(2)} {draw.choice(COMPARISONS)} {self.side(2)}"
        for _ in range(draw.randint(1, 5) if draw.random() < 0.15 else 0):
            place = draw.randrange(len(text) + 1)
            text = text[: max(0, place - draw.randint(0, 1))] + draw.choice(LETTERS) + text[place:]
        if draw.random() < 0.04:
            text = draw.choice("(-") * draw.randint(50, 1_900) + text
        return text


def tried(experiment: Experiment, text: str, test: str, draw: random.Random) -> None:
    """All that is done with one text.

    Raises:
        Exception: anything that is no refusal.
    """
    is_expression(text)
    try:
        names_in(text)
        evaluate(text, {"x": 1.0})
    except ValueError:
        pass
    claim = Claim.model_construct(id="c", assert_=text)
    try:
        parts = assertion_of(experiment, claim, 0)
    except InputError:
        return
    for part in parts:
        _decide(part, test, draw)


def _decide(part: Part, test: str, draw: random.Random) -> None:
    count = draw.choice((1, 2, 3))
    results = {
        call: draw.choice(RESULTS)[:count] if draw.random() < 0.4 else [draw.gauss(10, 1) for _ in range(count)]
        for call in part.calls
    }
    with suppress(Unsupported):
        alone(part, results, count, "seeds") if test == "comparison" else decided(part, results, test, 0.9, "seeds")


def _heard(event: str, arguments: tuple[Any, ...]) -> None:
    if event in ("os.system", "subprocess.Popen", "socket.connect") or (event == "open" and "passwd" in str(arguments)):
        print("REACHED", event, arguments, flush=True)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    warnings.simplefilter("ignore")

    def too_long(*_: object) -> None:
        raise _TooLong

    signal.signal(signal.SIGALRM, too_long)
    texts, seen = Texts(options.seed), set()
    experiment = Project(Path(tempfile.mkdtemp())).load()
    sys.addaudithook(_heard)
    end, count = time.monotonic() + options.seconds, 0
    while time.monotonic() < end:
        text, count = texts.one(), count + 1
        test = texts.draw.choice(TESTS)
        signal.alarm(20)
        try:
            tried(experiment, text, test, texts.draw)
        except _TooLong:
            print("TOO LONG", repr(text), flush=True)
            seen.add(text)
        except Exception as problem:
            last = traceback.extract_tb(problem.__traceback__)[-1]
            if (place := f"{last.filename}:{last.lineno}") not in seen:
                seen.add(place)
                print("TRACEBACK", repr(text), test, repr(problem), place, flush=True)
        finally:
            signal.alarm(0)
    print(f"{count} texts, {len(seen)} faults")
    return 1 if seen else 0


if __name__ == "__main__":
    sys.exit(main())

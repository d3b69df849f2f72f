"""Answers that took reading a model, asked again of the same bytes: each with the digests of all that it depends on.

An answer is kept beside the digests of the run's files (:mod:`framework.evidence.remembering.known_files`), and holds
for this program's code alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from framework.evidence.record import MODEL
from framework.evidence.remembering.file_state import FileState
from framework.evidence.remembering.kept_facts import sum_of
from framework.evidence.remembering.known_files import LEAST, KnownFiles, Seen
from framework.stages.checkpoint.zeros import DIGEST, MASKS
from framework.stages.run.observed import Observed

SEEN, CHOICE_OF = "what reading told of ", "how the choice of weights differs"
NOT_FINITE, APART = "weights that are not finite", "weights that are not its parent's"
"""What is known of a file of a run, by this and its name, and of the run: see :attr:`Observed.known`."""
MODEL_FILE, CONFIG = f"{MODEL}/model.safetensors", f"{MODEL}/config.json"
_CODE = ("evidence", "stages/checkpoint", "manifest/sections")


class StandingStill:
    """Whether files stay as they are from here on; what is not there stays away."""

    def __init__(self, paths: Iterable[Path]):
        self._states = {path: _state(path) for path in paths}
        self._settled = all(state is None or state.settled for state in self._states.values())

    @property
    def holds(self) -> bool:
        return self._settled and all(_state(path) == state for path, state in self._states.items())


class Asked(NamedTuple):
    """What a model is read for: a kind of answer, and the run that it is about (the model's own, or one that was pruned
    from it), which knows it under ``kind``; see :attr:`Observed.known`. ``parent`` is whose model is read beside it."""

    kind: str
    model: Observed
    run: Observed
    parent: Observed | None = None


class Told(NamedTuple):
    """A question that the reading of a model answered; ``still`` is what was read beside the model."""

    asked: Asked
    still: StandingStill


class Memory:
    """What is remembered of the runs of one verification."""

    def __init__(self) -> None:
        self._of_runs: dict[Path, KnownFiles | None] = {}

    def recall(self, observed: Observed, name: str) -> bool:
        """Whether a file's digest is remembered, which is known of the run from then on."""
        known = self._of(observed)
        seen = known.seen(name) if known is not None else None
        if seen is not None:
            observed.known[SEEN + name] = seen
        return seen is not None

    def answer(self, asked: Iterable[Asked]) -> bool:
        """Whether all that is asked of a model is remembered; the runs that it is about know it from then on."""
        found = []
        for each in asked:
            known, question = self._of(each.run), question_of(each)
            answers = known.answers(each.kind, question) if known is not None and question is not None else []
            if not answers:
                return False
            found.append((each, answers[0]))
        for each, (answer, digests) in found:
            each.run.known[each.kind] = answer
            if digests is not None:
                each.run.known[DIGEST + MASKS] = tuple(digests)
        return True

    def keep(self, read: Iterable[Observed], told: Iterable[Told]) -> None:
        """Remember what was seen of files, and the answers of those that stood still all the while."""
        answers: dict[Path, dict[str, tuple[str, Any]]] = {}
        for asked, still in told:
            question, run = question_of(asked), asked.run
            if question is not None and still.holds and asked.kind in run.known:
                digests = run.known.get(DIGEST + MASKS)
                answer = [run.known[asked.kind], None if digests is None else list(digests)]
                answers.setdefault(_folder(run), {})[asked.kind] = question, answer
        for observed in {_folder(each): each for each in read}.values():
            if (known := self._of(observed)) is not None:
                seen = {
                    name.removeprefix(SEEN): each
                    for name, each in observed.known.items()
                    if name.startswith(SEEN) and isinstance(each, Seen)
                }
                known.keep(seen, answers.get(_folder(observed), {}))

    def _of(self, observed: Observed) -> KnownFiles | None:
        """None for a run of small files alone."""
        run = observed.run
        assert run is not None
        key = run.folder
        if key not in self._of_runs:
            large = any(_size(facts) >= LEAST for facts in run.record.artefacts.values())
            self._of_runs[key] = KnownFiles(run.folder) if large else None
        return self._of_runs[key]


def beside(asked: Asked) -> StandingStill:
    """What is read beside a model to answer a question."""
    return StandingStill(_folder(run) / name for run, name in _read_beside(asked))


def question_of(asked: Asked) -> str | None:
    """All that an answer depends on, as one digest; None where the digest of a file is not known."""
    run, digests = asked.run, [_sha256(asked.model, MODEL_FILE)]
    for each, name in _read_beside(asked):
        digests.append(_sha256(each, name))
        if digests[-1] is None and (_folder(each) / name).exists():
            return None
    if digests[0] is None:
        return None
    facts: dict[str, Any] = {"asks": asked.kind, "of": digests, "family": run.step.model.family, "code": _code()}
    if asked.kind in (CHOICE_OF, APART):
        assert run.run is not None
        facts |= {"work": dict(run.step.identity), "seed": run.step.seed, "pruned": run.run.record.sparsity}
        facts["optimizer"] = run.facts.get("optimizer")
    return sum_of(facts)


def _read_beside(asked: Asked) -> Iterator[tuple[Observed, str]]:
    yield asked.model, CONFIG
    if asked.kind != NOT_FINITE:
        yield asked.run, MASKS
    if asked.parent is not None:
        yield from ((asked.parent, name) for name in (MODEL_FILE, CONFIG))


def _sha256(observed: Observed, name: str) -> str | None:
    """That of a file which was seen, and is as it was then."""
    seen = observed.known.get(SEEN + name)
    assert observed.run is not None
    return seen.sha256 if isinstance(seen, Seen) and seen.holds(observed.run.folder / name) else None


def _size(facts: Mapping[str, Any]) -> int:
    size = facts.get("bytes")
    return size if isinstance(size, int) else 0


def _folder(observed: Observed) -> Path:
    assert observed.run is not None
    return observed.run.folder


def _state(path: Path) -> FileState | None:
    try:
        return FileState.at(path)
    except OSError:
        return None


@cache
def _code() -> str:
    """The state of the code that answers."""
    root = Path(__file__).parents[2]
    files = sorted(path for room in _CODE for path in (root / room).rglob("*.py"))
    return sum_of({path.relative_to(root).as_posix(): list(FileState.at(path)[:3]) for path in files})

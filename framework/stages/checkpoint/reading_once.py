"""Every file of the runs is read once, for all that the rules ask of it: its SHA-256, the zeros of a model under its
masks, whether its weights are finite and, where they should be, its parent's, and whether those that were pruned from
it lost their lowest scores.

What was seen is kept with each step (:attr:`Observed.known`), where the rules find it. A mask file is read beside each
model that it is held to, in step with it; so is the parent's model, a piece at a time and at about the time at which
its own turn comes, so that the system has it in memory. Whatever is not foreseen here (a model that is gone, masks that
fit nothing, merged and permuted tensors) is left to the rule that asks: it reads for itself, and says what is wrong.

What large files told is remembered, for whoever asks to be spared reading the same bytes again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from stat import S_ISREG
from typing import NamedTuple

from framework.errors import InputError
from framework.evidence.bundles.left_out import is_left_out
from framework.evidence.forms.weights import WeightsFile
from framework.evidence.remembering.file_state import FileState
from framework.evidence.remembering.known_files import LEAST, Seen
from framework.evidence.scanning.carriers import Carrier
from framework.evidence.scanning.file_scan import FileScan, Watching
from framework.evidence.scanning.parallel import CHUNK, scan
from framework.evidence.scanning.windows import Watcher, units_of
from framework.evidence.tensors import kind_of
from framework.manifest.sections.methods import Prune
from framework.stages.checkpoint.recomputed.finite import NotFinite
from framework.stages.checkpoint.recomputed.kept_weights import Apart, apart_of
from framework.stages.checkpoint.recomputed.lowest_scores import RECOMPUTED, Choice, choice_of
from framework.stages.checkpoint.remembered_answers import (
    APART,
    CHOICE_OF,
    MODEL_FILE,
    NOT_FINITE,
    SEEN,
    Asked,
    Memory,
    Told,
    beside,
)
from framework.stages.checkpoint.zeros import COUNTED, MASKS, UnderMasks, masks_of, pruned_tensors
from framework.stages.run.observed import NotRecorded, Observed, Related

Watchers = UnderMasks | NotFinite | Apart | Choice


class Spared(NamedTuple):
    """How many files were not read again, since what an earlier reading told of them is remembered, and their bytes."""

    files: int
    bytes: int


@dataclass(frozen=True)
class _File:
    """A file of a run, by its name; ``children`` are the prunings that a model is to be read for too, and ``held`` says
    whether it is for its own sake, beside the model of its ``parent``."""

    observed: Observed
    name: str
    children: Sequence[Observed] = ()
    held: bool = False
    parent: Observed | None = None

    @cached_property
    def path(self) -> Path:
        assert self.observed.run is not None
        return self.observed.run.folder / self.name

    @property
    def asked(self) -> list[Asked]:
        """What a model is read for."""
        model = self.observed
        asked = [Asked(CHOICE_OF, model, child) for child in self.children]
        if self.held:
            asked.append(Asked(NOT_FINITE, model, model))
            assert model.run is not None
            if (model.run.folder / MASKS).is_file():
                asked.append(Asked(COUNTED, model, model))
            if self.parent is not None:
                asked.append(Asked(APART, model, model, self.parent))
        return asked


def read_once(held: Iterable[Observed], related: Related, quick: bool = False, threads: int | None = None) -> Spared:
    """Read all files that the runs recorded, and the models that held prunings started from.

    Args:
        held: The steps that are held to the manifest, whose files are hashed.
        related: Gives the step that a pruning started from.
        quick: Leave out large files that are as they were when they were read before.
    """
    files = list(_files(held, related))
    memory, told, spared = Memory(), list[Told](), list[_File]()

    def unknown(some: Iterable[_File]) -> Iterator[_File]:
        for file in some:
            if quick and memory.recall(file.observed, file.name) and memory.answer(file.asked):
                spared.append(file)
            else:
                file.observed.known.pop(SEEN + file.name, None)
                yield file

    # What is remembered of models depends on their masks and configs: these first, where anything is to be left out.
    models, others = ([file for file in files if (file.name == MODEL_FILE) is model] for model in (True, False))
    for some in (others, models) if quick else (files,):
        scan([each for file in unknown(some) for each in _scan(file, told)], threads)
    memory.keep((file.observed for file in files), told)
    return Spared(len(spared), sum(file.path.stat().st_size for file in spared))


def changed_files(observed: Observed) -> list[str]:
    """The artefacts that are missing, or whose content is no longer what the run wrote.

    Raises:
        InputError: one cannot be read, or changed while it was.
    """
    assert observed.run is not None
    artefacts = sorted(observed.run.record.artefacts.items())
    if unseen := [name for name, _ in artefacts if SEEN + name not in observed.known]:
        scan(each for name in unseen for each in _scan(_File(observed, name), []))
    changed = []
    for name, facts in artefacts:
        seen = observed.known.get(SEEN + name)
        if isinstance(seen, InputError):
            raise seen
        if seen is None and is_left_out(observed.run.folder / name):
            continue
        if seen is None or seen.sha256 != facts["sha256"]:
            changed.append(name)
    return changed


def _files(held: Iterable[Observed], related: Related) -> Iterator[_File]:
    by_folder = {observed.run.folder: observed for observed in held if observed.run is not None}
    pruned: dict[Path, tuple[Observed, list[Observed]]] = {}
    for observed in by_folder.values():
        work = observed.step.work
        if isinstance(work, Prune) and work.score in RECOMPUTED and _windowed(work):
            parent = related.parent(observed)
            if parent is not None and parent.run is not None:
                pruned.setdefault(parent.run.folder, (parent, []))[1].append(observed)
    for folder, observed in by_folder.items():
        assert observed.run is not None
        for name in observed.run.record.artefacts:
            if name != MODEL_FILE:
                yield _File(observed, name)
                continue
            parent = None if observed.logged else related.parent(observed)
            started = parent if parent is not None and parent.run is not None else None
            yield _File(observed, name, pruned.pop(folder, (observed, []))[1], True, started)
    for parent, children in pruned.values():  # which are not held, or did not record their model
        yield _File(parent, MODEL_FILE, children)


def _windowed(work: Prune) -> bool:
    return work.structure == "unstructured" or ":" in work.structure


def _scan(file: _File, told: list[Told]) -> Iterator[FileScan]:
    """The reading of one file of a run; none where there is no such file."""
    try:
        found = file.path.stat()
    except (OSError, ValueError):
        return
    if not S_ISREG(found.st_mode):
        return
    size = found.st_size
    telling: list[tuple[Told | None, Callable[[], None]]] = []

    def watching() -> Watching:
        return _watching(file, telling, size >= LEAST)

    def done(seen: Seen | InputError) -> None:
        file.observed.known[SEEN + file.name] = seen
        if not isinstance(seen, InputError):
            for answer, tell in telling:
                tell()
                if answer is not None:
                    told.append(answer)

    yield FileScan(file.path, size, done, watching if file.name == MODEL_FILE else None)


def _watching(file: _File, telling: list[tuple[Told | None, Callable[[], None]]], large: bool) -> Watching:
    """Who looks at a model while it is read, and what they have to tell afterwards; of a large one it is remembered."""
    model = file.observed
    try:
        weights = model.tensors
    except (NotRecorded, InputError):
        return (), None, ()
    watchers: list[Watcher] = []
    carriers: list[Carrier] = []
    for asked in file.asked:
        still = beside(asked) if large else None
        try:
            watcher = _watcher(asked)
            found = _carriers(weights, [*watchers, watcher])
        except (NotRecorded, InputError, KeyError):  # the rule that asks says so
            continue
        if found is not None:
            carriers = found
            watchers.append(watcher)
            telling.append((None if still is None else Told(asked, still), _telling(watcher, asked)))
    return carriers, FileState.of(weights.file.stat), watchers


def _carriers(file: WeightsFile, watchers: Sequence[Watcher]) -> list[Carrier] | None:
    """The stored tensors that show all that these want to see; None where a chunk does not hold what must stay
    together, or a form does not show its weight in passing."""
    found: list[Carrier] = []
    for name, unit in units_of(watchers).items():
        own = file.carriers(name, unit) if unit * int(kind_of(file.tensors[name].dtype)[-1]) <= CHUNK else None
        if own is None:
            return None
        found += own
    return found


def _watcher(asked: Asked) -> Watchers:
    """Who looks at a model to answer a question.

    Raises:
        NotRecorded, InputError, KeyError: that cannot be answered; the rule says why.
    """
    _, model, run, parent = asked
    if parent is not None:
        return apart_of(run, parent)
    if asked.kind == NOT_FINITE:
        return NotFinite(model.tensors.tensors)
    masks = masks_of(run)
    if asked.kind == COUNTED:
        return UnderMasks(masks, model.tensors.tensors)
    step, work = run.step, run.step.work
    assert isinstance(work, Prune)
    return choice_of(model.tensors, masks, pruned_tensors(run, masks), work, step.seed, step.model.family)


def _telling(watcher: Watchers, asked: Asked) -> Callable[[], None]:
    def tell() -> None:
        if isinstance(watcher, UnderMasks | NotFinite | Apart):
            asked.run.known[asked.kind] = watcher.counts
        else:
            with suppress(InputError):  # the rule that asks says so
                asked.run.known[asked.kind] = watcher.misplaced(asked.model.tensors)

    return tell

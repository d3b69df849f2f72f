"""Every file of the runs is read once, for all that the rules ask of it: its SHA-256, the zeros of a model under its
masks, and whether those that were pruned from it lost their lowest scores.

What was seen is kept with each step (:attr:`Observed.known`), where the rules find it. A mask file is read beside each
model that it is held to, in step with it. Whatever is not foreseen here (a model that is gone, masks that fit nothing,
merged and permuted tensors) is left to the rule that asks: it reads for itself, and says what is wrong.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress

from framework.errors import InputError
from framework.evidence.forms.weights import WeightsFile
from framework.evidence.record import MODEL
from framework.evidence.remembering.file_state import FileState
from framework.evidence.scanning.carriers import Carrier
from framework.evidence.scanning.file_scan import FileScan, Seen, Watching
from framework.evidence.scanning.parallel import CHUNK, scan
from framework.evidence.scanning.windows import Watcher, units_of
from framework.evidence.tensors import kind_of
from framework.manifest.sections.methods import Prune
from framework.stages.checkpoint.recomputed.lowest_scores import RECOMPUTED, Choice, choice_of
from framework.stages.checkpoint.zeros import COUNTED, MASKS, UnderMasks, masks_of, pruned_tensors
from framework.stages.run.observed import NotRecorded, Observed

CHOICE_OF, SEEN = "how the choice of weights differs", "what reading told of "
"""What is remembered of a run: see :attr:`Observed.known`."""
MODEL_FILE = f"{MODEL}/model.safetensors"


def read_once(held: Iterable[Observed], lookup: Mapping[str, Observed], threads: int | None = None) -> None:
    """Read all files that the runs recorded, and the models that held prunings started from.

    Args:
        held: The steps that are held to the manifest, whose files are hashed.
        lookup: Every planned step by its key.
    """
    by_key = {observed.step.key: observed for observed in held if observed.run is not None}
    pruned: dict[str, list[Observed]] = {}
    for observed in by_key.values():
        work, parent = observed.step.work, observed.step.parent
        if isinstance(work, Prune) and parent is not None and work.score in RECOMPUTED and _windowed(work):
            pruned.setdefault(parent, []).append(observed)
    scans: list[FileScan] = []
    for observed in by_key.values():
        assert observed.run is not None
        for name in observed.run.record.artefacts:
            model = name == MODEL_FILE
            scans += _scan(observed, name, pruned.pop(observed.step.key, []) if model else (), model)
    for key, children in pruned.items():  # whose parents are not held, or did not record their model
        if lookup[key].run is not None:
            scans += _scan(lookup[key], MODEL_FILE, children, False)
    scan(scans, threads)


def changed_files(observed: Observed) -> list[str]:
    """The artefacts that are missing, or whose content is no longer what the run wrote.

    Raises:
        InputError: one cannot be read, or changed while it was.
    """
    assert observed.run is not None
    artefacts = sorted(observed.run.record.artefacts.items())
    if unseen := [name for name, _ in artefacts if SEEN + name not in observed.known]:
        scan(each for name in unseen for each in _scan(observed, name, (), False))
    changed = []
    for name, facts in artefacts:
        seen = observed.known.get(SEEN + name)
        if isinstance(seen, InputError):
            raise seen
        if seen is None or seen.sha256 != facts["sha256"]:
            changed.append(name)
    return changed


def _windowed(work: Prune) -> bool:
    return work.structure == "unstructured" or ":" in work.structure


def _scan(observed: Observed, name: str, children: Sequence[Observed], counted: bool) -> Iterable[FileScan]:
    """The reading of one file of a run; none where there is no such file."""
    assert observed.run is not None
    path = observed.run.folder / name
    try:
        size = path.stat().st_size if path.is_file() else None
    except OSError:
        size = None
    if size is None:
        return
    telling: list[Callable[[], None]] = []

    def watching() -> Watching:
        return _watching(observed, children, counted, telling)

    def done(seen: Seen | InputError) -> None:
        observed.known[SEEN + name] = seen
        if not isinstance(seen, InputError):
            for tell in telling:
                tell()

    yield FileScan(path, size, done, watching if name == MODEL_FILE else None)


def _watching(
    observed: Observed, children: Sequence[Observed], counted: bool, telling: list[Callable[[], None]]
) -> Watching:
    """Who looks at a model while it is read, and what they have to tell afterwards."""
    try:
        file = observed.tensors
    except (NotRecorded, InputError):
        return (), None, ()
    watchers: list[Watcher] = []
    carriers: list[Carrier] = []

    def join(watcher: Watcher, tell: Callable[[], None]) -> None:
        """Let somebody look too, where chunks can be cut for all who do."""
        if (found := _carriers(file, [*watchers, watcher])) is not None:
            carriers[:] = found
            watchers.append(watcher)
            telling.append(tell)

    try:
        if counted and observed.run is not None and (observed.run.folder / MASKS).is_file():
            with suppress(NotRecorded):
                under = UnderMasks(masks_of(observed), file.tensors)
                join(under, lambda: observed.known.update({COUNTED: under.counts}))
        for child in children:
            if (choice := _choice(observed, child)) is not None:
                join(choice, lambda child=child, choice=choice: _tell(observed, child, choice))  # type: ignore[misc]
    except InputError:  # the rule that asks says so
        return (), None, ()
    return carriers, FileState.of(file.file.stat), watchers


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


def _choice(parent: Observed, child: Observed) -> Choice | None:
    """Who holds what a pruning chose."""
    step, work = child.step, child.step.work
    assert isinstance(work, Prune)
    try:
        masks = masks_of(child)
        names = pruned_tensors(child, masks)
        return choice_of(parent.tensors, masks, names, work, step.seed, step.model.family)
    except (NotRecorded, InputError, KeyError):
        return None


def _tell(parent: Observed, child: Observed, choice: Choice) -> None:
    with suppress(InputError):  # the rule that asks says so
        child.known[CHOICE_OF] = choice.misplaced(parent.tensors)

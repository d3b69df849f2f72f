"""Which weights a pruning had to zero: those with the lowest scores of the checkpoint before it, without torch.

Whoever holds a choice to it looks at the checkpoint window by window, in any order: as it is read for other questions
too (:mod:`framework.stages.checkpoint.reading_once`), or for this one alone. What went wrong is counted in a second
look, by which it is known what the lowest score is that stayed.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from framework.evidence.architectures.roles import Architecture
from framework.evidence.masks import MaskFile
from framework.evidence.orientation import input_first, matrices
from framework.evidence.scanning.windows import BYTE, Watcher, Window, show, windows
from framework.evidence.score_keys import RANDOM, FloatKind, common_kind, magnitude_keys, random_keys
from framework.evidence.tensors import FlatTensors
from framework.manifest.sections.methods import Prune
from framework.stages.run.observed import NotRecorded

if TYPE_CHECKING:
    import numpy

    Array = numpy.ndarray[Any, Any]

RECOMPUTED = ("magnitude", "random")
"""The scores that follow from the weights and the seed."""
_NOWHERE = (-1, -1)


class Choice(Watcher, Protocol):
    """Holds a choice of weights to the lowest scores."""

    def misplaced(self, parent: FlatTensors) -> str | None:
        """How the choice differs from the declared one, once all of the checkpoint was looked at; None where the lowest
        scores went, and of equal ones the last positions."""
        ...


def misplaced(
    parent: FlatTensors, masks: MaskFile, names: list[str], work: Prune, seed: int, family: str
) -> str | None:
    """See :meth:`Choice.misplaced`; for a checkpoint that is read for this alone.

    Args:
        parent: The checkpoint before the pruning.
        names: The tensors that were pruned, sorted.

    Raises:
        NotRecorded: a tensor of the parent is missing or of another shape.
    """
    choice = choice_of(parent, masks, names, work, seed, family)
    show(parent, choice)
    return choice.misplaced(parent)


def choice_of(parent: FlatTensors, masks: MaskFile, names: list[str], work: Prune, seed: int, family: str) -> Choice:
    """Who holds the choice, of a checkpoint with these tensors; see :func:`misplaced`."""
    for name in names:
        if name not in parent.tensors or parent.tensors[name].shape != masks.tensors[name].shape:
            raise NotRecorded(f"the checkpoint before has no tensor {name} of this shape")
    scores = _Scores(masks, work, seed, common_kind(parent.tensors[name].dtype for name in names))
    if ":" in work.structure or work.scope == "output":
        return _InGroups(scores, names, work, Architecture(family))
    return _OverTensors(scores, [[name] for name in names] if work.scope == "layer" else [names])


class _Scores:
    """The scores of weights as integers that order alike, and which of them stayed."""

    def __init__(self, masks: MaskFile, work: Prune, seed: int, kind: FloatKind):
        self.masks, self.score, self.seed, self.kind = masks, work.score, seed, kind

    @property
    def highest(self) -> int:
        """That of infinity; above it are those of what is not a number."""
        return RANDOM.infinity if self.score == "random" else self.kind.infinity

    def of(self, window: Window) -> Array:
        keys = magnitude_keys(window.bits, window.tensor.dtype, self.kind)
        if self.score == "random":
            keys = random_keys(self.seed, window.tensor.name, window.start, window.stop) * (keys != 0)
        return keys

    def kept(self, window: Window) -> Array:
        """Booleans of the window's elements."""
        import numpy

        start = window.start // BYTE * BYTE
        bits = self.masks.packed_between(window.tensor.name, start, window.stop)
        return numpy.unpackbits(bits, count=window.stop - start, bitorder="little")[window.start - start :].view(bool)

    def seen_again(self, parent: FlatTensors, name: str) -> Iterator[tuple[Array, Array]]:
        """Keys and what stayed, window by window in the tensor's order."""
        for window in windows(parent, name, BYTE):
            yield self.of(window), self.kept(window)


class _Group:
    """What is known of tensors that compete with each other: the lowest score that stayed, and the last place of it;
    the highest that went, and the first place of it. A place is the tensor's and the flat index."""

    def __init__(self, names: Sequence[str], highest: int):
        self.names = names
        self.lowest_kept, self.last = highest, _NOWHERE
        self.highest_gone, self.first = -1, _NOWHERE
        self._turn = threading.Lock()

    def kept(self, key: int, place: tuple[int, int]) -> None:
        with self._turn:
            if key < self.lowest_kept:
                self.lowest_kept, self.last = key, place
            elif key == self.lowest_kept:
                self.last = max(self.last, place)

    def gone(self, key: int, place: tuple[int, int]) -> None:
        with self._turn:
            if key > self.highest_gone:
                self.highest_gone, self.first = key, place
            elif key == self.highest_gone:
                self.first = min(self.first, place)

    @property
    def apart(self) -> bool:
        return self.highest_gone > self.lowest_kept

    @property
    def disordered(self) -> bool:
        """Of equal scores an earlier one went and a later one stayed."""
        return self.highest_gone == self.lowest_kept and self.first < self.last


class _OverTensors:
    """One threshold over all of the tensors of a group."""

    def __init__(self, scores: _Scores, groups: Sequence[list[str]]):
        self._scores = scores
        self._groups = [_Group(names, scores.highest) for names in groups]
        self._of = {name: (group, rank) for group in self._groups for rank, name in enumerate(group.names)}
        self.units: Mapping[str, int] = dict.fromkeys(self._of, BYTE)

    def look(self, window: Window) -> None:
        import numpy

        group, rank = self._of[window.tensor.name]
        bits = self._scores.masks.packed_between(window.tensor.name, window.start, window.stop)
        for piece in window.pieces(BYTE):
            keys, offset = self._scores.of(piece), piece.start - window.start
            stayed = bits[offset // BYTE : -(-(offset + len(keys)) // BYTE)]
            # Hardly any is as low as the lowest that stayed so far, so that the few are looked at one by one.
            low = numpy.packbits(keys <= keys.dtype.type(group.lowest_kept), bitorder="little") & stayed
            if low.any():
                places = _places(low, len(keys))
                key = keys[places].min()
                group.kept(int(key), (rank, piece.start + int(places[keys[places] == key][-1])))
            high = numpy.packbits(keys >= keys.dtype.type(max(group.highest_gone, 0)), bitorder="little") & ~stayed
            if high.any():
                places = _places(high, len(keys))
                key = keys[places].max()
                group.gone(int(key), (rank, piece.start + int(places[keys[places] == key][0])))

    def misplaced(self, parent: FlatTensors) -> str | None:
        for group in self._groups:
            if group.apart:
                return self._apart(parent, group)
            if group.disordered:
                return self._disordered(parent, group)
        return None

    def _apart(self, parent: FlatTensors, group: _Group) -> str:
        """What went although something lower stayed."""
        import numpy

        counts = dict.fromkeys(group.names, 0)
        for name in group.names:
            for keys, kept in self._scores.seen_again(parent, name):
                counts[name] += int(numpy.count_nonzero((keys > group.lowest_kept) & ~kept))
        worst = max(counts, key=lambda name: counts[name])
        return (
            f"{sum(counts.values()):,} weights went whose {self._scores.score} is above that of one that stayed; "
            f"{counts[worst]:,} of them in {worst}"
        )

    def _disordered(self, parent: FlatTensors, group: _Group) -> str | None:
        """Where of equal scores another one went than the last."""
        import numpy

        gone_before = None
        for name in group.names:
            seen = self._scores.seen_again(parent, name)
            kept = numpy.concatenate([stayed[keys == group.highest_gone] for keys, stayed in seen])
            if gone_before is not None and kept.any():
                return f"of equal scores one of {gone_before} went, and one of {name}, which comes later, stayed"
            if not kept.all():
                if kept[int(numpy.argmin(kept)) :].any():
                    return f"of equal scores in {name} an earlier one went and a later one stayed"
                gone_before = name
        return None


def _places(bits: Array, count: int) -> Array:
    """The indices of the bits that are 1."""
    import numpy

    return numpy.flatnonzero(numpy.unpackbits(bits, count=count, bitorder="little"))


class _InGroups:
    """A threshold for each output, or for each M neighbouring inputs."""

    def __init__(self, scores: _Scores, names: Sequence[str], work: Prune, architecture: Architecture):
        self._scores = scores
        shapes = {name: scores.masks.tensors[name].shape for name in names}
        self._turned = input_first(architecture, shapes)
        self._sizes: dict[str, tuple[int, int, int]] = {}
        self._uneven, self._wrong = dict.fromkeys(shapes, 0), dict.fromkeys(shapes, 0)
        self._turn = threading.Lock()
        units = {}
        for name, (outputs, inputs) in matrices(architecture, shapes).items():
            if ":" in work.structure:
                stay, size = map(int, work.structure.split(":"))
            else:
                assert isinstance(work.sparsity, float)
                stay, size = inputs - round(work.sparsity * inputs), inputs
            self._sizes[name] = stay, size, outputs
            if name not in self._turned:
                units[name] = size
            elif len(shapes[name]) == 2 and inputs % max(size, 1) == 0:
                units[name] = size * outputs
            else:
                units[name] = max(outputs * inputs, 1)
        self.units: Mapping[str, int] = {name: max(unit, 1) for name, unit in units.items()}

    def look(self, window: Window) -> None:
        name = window.tensor.name
        for piece in window.pieces(self.units[name]):
            uneven, wrong = self._held(name, self._scores.of(piece), self._scores.kept(piece))
            with self._turn:
                self._uneven[name] += uneven
                self._wrong[name] += wrong

    def misplaced(self, parent: FlatTensors) -> str | None:
        for name, (stay, size, _) in self._sizes.items():
            if uneven := self._uneven[name]:
                return f"{uneven:,} groups of {size} inputs of {name} do not keep exactly {stay}"
            if wrong := self._wrong[name]:
                which = f"in {wrong:,} groups of {size} inputs of {name}"
                return f"{which} another weight went than one with the lowest score"
        return None

    def _held(self, name: str, keys: Array, kept: Array) -> tuple[int, int]:
        """How many groups do not keep as many as they must, and how many keep others than they must."""
        import numpy

        stay, size, outputs = self._sizes[name]
        if not size:
            return 0, 0
        keys, kept = (self._in_groups(name, each, outputs).reshape(-1, size) for each in (keys, kept))
        uneven = int((kept.sum(axis=1) != stay).sum())
        if stay in (0, size):
            return uneven, 0
        gone = numpy.where(kept, 0, keys).max(axis=1, keepdims=True)
        stayed = numpy.where(kept, keys, keys.dtype.type(numpy.iinfo(keys.dtype).max)).min(axis=1, keepdims=True)
        place = numpy.arange(size)
        last = numpy.where(kept & (keys == gone), place, -1).max(axis=1)
        first = numpy.where(~kept & (keys == gone), place, size).min(axis=1)
        return uneven, int(((gone > stayed)[:, 0] | (last > first)).sum())

    def _in_groups(self, name: str, values: Array, outputs: int) -> Array:
        """Flat elements, the inputs of an output one after the other."""
        if name not in self._turned:
            return values
        shape = self._scores.masks.tensors[name].shape
        if len(shape) > 2:
            return values.reshape(shape).swapaxes(-1, -2)
        return values.reshape(-1, outputs).T

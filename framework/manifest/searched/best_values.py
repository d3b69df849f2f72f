"""Values that are the best of a grid: `optimizer.learning_rate: {best_of: lr, by: validation_loss}`.

Like a grid's own `$axis` they are put in in the tree of the file, before anything is validated: in the place of the
words stands the node of the variant that was chosen, with its own place. As long as none is chosen it is that of the
grid's first variant, and everybody who looks is told that the value is open.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from framework.errors import InputError, Problem
from framework.locations import Location
from framework.names import Path, did_you_mean, format_path
from framework.reading.nodes import AnyNode, Document, MappingNode, ScalarNode, SequenceNode

WORDS = {"best_of", "by"}
Asked = tuple[str, str]
"""A grid, and the metric that its variants are compared by."""


@dataclass(frozen=True, slots=True)
class BestValue:
    """A value of a variant that is the best of a grid; ``path`` is where it stands with the grids written out, and
    ``place`` where the words do.

    ``among`` is what it was chosen among, as JSON data: for each variant of the grid its `value`, the mean of the
    metric as `measured`, and its `runs`; ``variant`` is the chosen one, and None while the value is open, with
    ``why``.
    """

    path: Path
    place: Location
    grid: str
    metric: str
    variant: str | None = None
    among: tuple[Mapping[str, Any], ...] = field(default=(), hash=False)
    why: str = "`framework verify` looks at its runs"

    @property
    def asked(self) -> Asked:
        """The grid, and by what."""
        return self.grid, self.metric

    @property
    def is_open(self) -> bool:
        """Whether nothing is chosen."""
        return self.variant is None

    @property
    def reason(self) -> str:
        """Why it is open, in words."""
        return f"the best of {self.grid} by {self.metric} is not known yet: {self.why}"


@dataclass(frozen=True)
class BestValues:
    """All such values of a manifest, by their places; ``document`` is the file with its grids written out and nothing
    chosen."""

    document: Document | None = None
    values: Mapping[Path, BestValue] = field(default_factory=dict)

    def of(self, path: Path) -> BestValue | None:
        """The one that a clause is, or is a part of."""
        if not self.values:
            return None
        return next((self.values[path[:end]] for end in range(len(path), 0, -1) if path[:end] in self.values), None)

    def of_variant(self, variant: str) -> list[BestValue]:
        """Those that a variant states itself."""
        return [each for path, each in self.values.items() if path[1] == variant]

    def as_stated(self, profile: str | None) -> BestValues:
        """What the paper says where they were chosen under a profile: nothing."""
        if profile is None or not self.values:
            return self
        why = f"it was chosen under the profile {profile}"
        return replace(self, values={at: replace(each, variant=None, why=why) for at, each in self.values.items()})


Chosen = Mapping[Asked, tuple[str, tuple[Mapping[str, Any], ...]] | str]
"""By what is asked for the chosen variant and what it was chosen among, or why none is."""


def with_best(document: Document, chosen: Chosen) -> tuple[Document, BestValues]:
    """The document with the chosen values in the places of the words, and these places.

    Args:
        document: Its grids are written out.

    Raises:
        InputError: a value is the best of what is no grid, or of one whose variants do not state it, or of itself.
    """
    root = document.root
    if not isinstance(root, MappingNode):
        return document, BestValues()
    problems = list(_misplaced(document, root))
    filling = _Filling(document, root, chosen)
    nodes: dict[Path, AnyNode] = {}
    values: dict[Path, BestValue] = {}
    for path, node in filling.asked():
        try:
            values[path] = value = filling.value(path, node)
            nodes[path] = filling.node(value)
        except ValueError as problem:
            problems.append(Problem(str(problem), document.location(node, path), _ADVICE))
    if problems:
        raise InputError(problems)
    if not nodes:
        return document, BestValues()
    above = {path[:end] for path in nodes for end in range(len(path))}
    return replace(document, root=_replaced(root, (), nodes, above)), BestValues(document, values)


_ADVICE = "write {best_of: GRID, by: METRIC}: the grid states the value under the same key of its step, or of its model"


class _Filling:
    """A file whose variants state values that are the best of its grids."""

    def __init__(self, document: Document, root: MappingNode, chosen: Chosen):
        self.document, self.chosen = document, chosen
        self.variants, grids = _mapping_in(root, "variants"), _mapping_in(root, "grids")
        self.firsts = dict.fromkeys(grids, "")
        """By grid the name of its first variant."""
        for name in reversed(list(self.variants)):
            if (grid := name.partition("/")[0]) in self.firsts and "/" in name:
                self.firsts[grid] = name

    def asked(self) -> Iterator[tuple[Path, MappingNode]]:
        """Every place of a variant's own values that asks for the best of a grid."""
        for name, variant in self.variants.items():
            for path, node in _below(variant, ("variants", name)):
                if isinstance(node, MappingNode) and WORDS & set(node.pairs()):
                    yield path, node

    def value(self, path: Path, node: MappingNode) -> BestValue:
        """What a place asks for, and what is chosen.

        Raises:
            ValueError: it is stated otherwise, or names no grid.
        """
        words = {key: value.text for key, value in node.children() if isinstance(value, ScalarNode)}
        if set(words) != WORDS:
            raise ValueError(f"the best of a grid is stated by two names, {' and '.join(sorted(WORDS))}")
        grid, metric = words["best_of"], words["by"]
        if not self.firsts.get(grid):
            raise ValueError(f"unknown grid {grid!r}; {did_you_mean(grid, self.firsts)}")
        of, place = self.chosen.get((grid, metric)), self.document.location(node, path)
        if of is None:
            return BestValue(path, place, grid, metric)
        if isinstance(of, str):
            return BestValue(path, place, grid, metric, why=of)
        return BestValue(path, place, grid, metric, of[0], of[1])

    def node(self, value: BestValue, seen: tuple[str, ...] = ()) -> AnyNode:
        """The node of the chosen variant at the same key; of the first one where none is chosen.

        Raises:
            ValueError: that variant states nothing there, or asks for the best of the grid that asks.
        """
        if value.grid in seen:
            raise ValueError(f"{' is the best of '.join((*seen, value.grid))}: a grid cannot be chosen from itself")
        source, inner = value.variant or self.firsts[value.grid], _within(value.path)
        for path, node in _below(self.variants[source], ("variants", source)):
            if _within(path) == inner:
                if isinstance(node, MappingNode) and WORDS & set(node.pairs()):
                    return self.node(self.value(path, node), (*seen, value.grid))
                return node
        raise ValueError(f"the variants of {value.grid} state no {format_path(inner[1:])} of their own")


def _mapping_in(root: MappingNode, section: str) -> dict[str, AnyNode]:
    pair = root.get(section)
    return dict(pair[1].children()) if pair is not None and isinstance(pair[1], MappingNode) else {}


def _within(path: Path) -> Path:
    """What a place in a variant is about, whichever of its steps runs the phase: `train`, `set`, `optimizer`..."""
    inner = path[4:] if path[2] == "steps" else ("", *path[2:])
    return (*inner[:2], *".".join(map(str, inner[2:])).split("."))


def _below(variant: AnyNode, path: Path) -> Iterator[tuple[Path, AnyNode]]:
    """The values that a variant states of its phases and of its model, at every depth."""
    steps = variant.get("steps") if isinstance(variant, MappingNode) else None
    model = variant.get("model") if isinstance(variant, MappingNode) else None
    if model is not None:
        yield from _all_of(model[1], (*path, "model"))
    for index, step in enumerate(steps[1].items if steps is not None and isinstance(steps[1], SequenceNode) else ()):
        for phase, use in step.children() if isinstance(step, MappingNode) else ():
            own = use.get("set") if isinstance(use, MappingNode) else None
            if own is not None:
                yield from _all_of(own[1], (*path, "steps", index, phase, "set"))


def _all_of(node: AnyNode, path: Path) -> Iterator[tuple[Path, AnyNode]]:
    for key, value in node.children() if isinstance(node, MappingNode) else ():
        yield (*path, key), value
        if not (isinstance(value, MappingNode) and WORDS & set(value.pairs())):
            yield from _all_of(value, (*path, key))


def _misplaced(document: Document, root: MappingNode) -> Iterator[Problem]:
    """The words where no variant states a value of its own: there each variant of the grid would ask for itself."""
    for section in ("models", "datasets", "phases"):
        pair = root.get(section)
        for path, node in _all_of(pair[1], (section,)) if pair is not None else ():
            if isinstance(node, MappingNode) and set(node.pairs()) == WORDS:
                message = f"{format_path(path)} is the best of a grid for all variants, those of the grid among them"
                advice = "state it in `set` of a step, or in `model`, of the variants that it is chosen for"
                yield Problem(message, document.location(node, path), advice)


def _replaced(node: AnyNode, path: Path, nodes: Mapping[Path, AnyNode], above: set[Path]) -> AnyNode:
    """A tree with other nodes at some places; ``above`` are the paths above these."""
    if path in nodes or path not in above:
        return nodes.get(path, node)
    if isinstance(node, MappingNode):
        made = MappingNode(node.line, node.column, node.start, node.stop, node.tag)
        for key, value in node.pairs().values():
            made.add(key, _replaced(value, (*path, key.text), nodes, above))
        return made
    assert isinstance(node, SequenceNode)
    items = [_replaced(item, (*path, index), nodes, above) for index, item in enumerate(node.items)]
    return SequenceNode(node.line, node.column, node.start, node.stop, node.tag, items)

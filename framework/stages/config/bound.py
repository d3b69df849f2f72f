"""Config files under their bindings: each is read when a rule asks for it, and let go when the rules are through.

What follows from a binding and from the keys of a file alone is in its :class:`Plan`, which all files with these keys
share; so a rule does its work on keys once for all of them, and on values once for each file.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from framework.manifest.experiment import Experiment
from framework.manifest.sections.bindings import Binding
from framework.names import Path, exact_path, find_path
from framework.reading.formats import is_shell
from framework.reading.nodes import AnyNode, Document
from framework.reading.shapes import Shape
from framework.stages.config.key_products import keys_in, product
from framework.stages.config.matching import read_bound
from framework.stages.config.meaning.clause_targets import Target

if TYPE_CHECKING:
    from framework.dialects.terms import Dialect
    from framework.stages.config.meaning.dialect_targets import DialectReading

T = TypeVar("T")
_MOST_PLANS = 1024


class Spot(NamedTuple):
    """Where a key leads in all files of one shape: a place, and the leaves there (``first`` to below ``stop``)."""

    path: Path
    first: int
    stop: int
    is_leaf: bool


class Plan:
    """What a binding and the keys of a file decide, whatever the file's values are.

    Sound because its files have one shape (the paths of all their leaves), one reader, and the same other bindings:
    where a key leads and what covers it is then the same in all of them. ``memo`` keeps what rules worked out of that.
    """

    __slots__ = ("_held", "_spots", "memo", "shape")

    def __init__(self, shape: Shape, held: object):
        self.shape = shape
        self._held = held  # whose identities the plan is found by: they stay their own as long as it is kept
        self.memo: dict[str, Any] = {}
        self._spots: dict[str, Spot | None] = {}

    def spot(self, bound: BoundFile, key: str) -> Spot | None:
        """Where a key leads in this plan's files; None where they have none of that name."""
        if key not in self._spots:
            self._spots[key] = self._found(bound, key)
        return self._spots[key]

    def _found(self, bound: BoundFile, key: str) -> Spot | None:
        path: Path | None = bound.document.shortcut(key) or exact_path(key)
        if not path or bound.document.node(path) is None:
            path = find_path(bound.data, key)
        if not path:
            return None
        below = [place for place, leaf in enumerate(self.shape) if leaf[: len(path)] == path]
        return Spot(path, below[0], below[-1] + 1, self.shape[below[0]] == path) if below else None


class Pattern:
    """A binding, and what all its files share."""

    __slots__ = ("binding", "dialect", "experiment", "here", "index", "plans", "stated", "states", "targets")

    def __init__(
        self,
        experiment: Experiment,
        binding: Binding,
        index: int,
        stated: int,
        targets: dict[str, Target],
        states: list[list[Target]],
        dialect: Dialect | None,
    ):
        self.experiment = experiment
        self.binding = binding
        self.index = index
        """Its number among all bindings; one that captures parts of names is several."""
        self.stated = stated
        """Its place under `configs:`."""
        self.targets = targets
        """Key -> the clause that it states, as the binding says."""
        self.states = states
        """The clauses that every file must state, whatever the key; of the clauses of a section any."""
        self.dialect = dialect
        self.here = os.getcwd()
        self.plans: dict[tuple[object, ...], Plan] = {}


class BoundFile:
    """One config file under one binding: what each bound key states."""

    __slots__ = (
        "_document",
        "_kept",
        "_plan",
        "_reading",
        "chosen",
        "doubts",
        "file",
        "hand",
        "hands",
        "lay",
        "others",
        "pattern",
        "starts",
    )

    def __init__(self, pattern: Pattern, file: str):
        self.pattern = pattern
        self.file = file
        """Its name, as messages show it."""
        self.others: tuple[BoundFile, ...] = ()
        """The same file under other bindings."""
        self.starts: tuple[Any, ...] = ()
        """The commands of bound scripts that name it."""
        self.chosen: tuple[tuple[str, str, str], ...] = ()
        """Groups that commands of bound scripts choose for a composed config, their files, and where."""
        self.doubts: tuple[tuple[Path, str], ...] = ()
        """Places of which commands of bound scripts make something that the file does not tell, and why."""
        self.lay: Callable[[BoundFile, Document], Document] = lambda _, document: document
        """What lays over the file what these commands give."""
        self.hand: Callable[[BoundFile], set[Path]] = lambda _: set()
        """Of a script: what tells which of its places are judged at the files that its commands name."""
        self.hands: tuple[BoundFile, ...] = ()
        """Of a script: the bound files that its commands name."""
        self._document: Document | None = None
        self._plan: Plan | None = None
        self._reading: DialectReading | None = None
        self._kept: dict[str, Any] | None = None

    def close(self) -> None:
        """Let go of all that was read; who asks again has the file read again."""
        self._document = self._plan = self._reading = self._kept = None

    @property
    def binding(self) -> Binding:
        return self.pattern.binding

    @property
    def index(self) -> int:
        """The number of the binding (see :class:`Pattern`)."""
        return self.pattern.index

    @property
    def document(self) -> Document:
        """The file, as its own consumer reads it.

        Raises:
            InputError: it cannot be read.
        """
        if self._document is None:
            self._document = self.alone
            if self.starts or self.chosen or self.doubts:
                self._document = self.lay(self, self._document)
        return self._document

    @property
    def is_script(self) -> bool:
        """Whether a shell runs it: its commands may start programs with the other files."""
        return is_shell(os.path.join(self.pattern.here, self.file), self.binding.reader)

    @property
    def alone(self) -> Document:
        """The file without what commands give beside it."""
        return read_bound(self.file, self.pattern.here, self.binding)

    @property
    def data(self) -> Any:
        """The whole file as plain data, for who needs more than single values."""
        return self.kept("data", lambda: None if (root := self.document.root) is None else self.document.value(root))

    @property
    def dialect(self) -> DialectReading | None:
        """What the binding's dialect makes of the file beside."""
        if self._reading is None and self.pattern.dialect is not None:
            from framework.stages.config.meaning.dialect_targets import read

            experiment, dialect = self.pattern.experiment, self.pattern.dialect
            handed = self.hand(self) if self.hands else set()
            self._reading = read(experiment, self.binding, dialect, self.data, self.document, handed)
        return self._reading

    @property
    def targets(self) -> dict[str, Target]:
        """Key in the file -> the clause that it states: by the binding, else by what its dialect is sure of."""
        own, reading = self.pattern.targets, self.dialect
        return own if reading is None else self.kept("targets", lambda: {**reading.targets, **own})

    @property
    def by_dialect(self) -> bool:
        """Whether a dialect, which goes by all values of a file, has a say in what its keys are about."""
        return self.pattern.dialect is not None or any(other.pattern.dialect is not None for other in self.others)

    @property
    def plan(self) -> Plan:
        if self._plan is None:
            every = [self, *self.others]
            held = [(each.pattern, each.document.shape(), each.document.rules) for each in every]
            key = tuple(part for pattern, shape, rules in held for part in (pattern.index, id(shape), rules))
            plans = self.pattern.plans
            plan = plans.get(key)
            if plan is None:
                if len(plans) >= _MOST_PLANS:
                    plans.clear()
                plan = plans[key] = Plan(held[0][1], held)
            self._plan = plan
        return self._plan

    def kept(self, name: str, make: Callable[[], T]) -> T:
        """Something made of this file's values, made once as long as the file is open."""
        if self._kept is None:
            self._kept = {}
        if name not in self._kept:
            self._kept[name] = make()
        found: T = self._kept[name]
        return found

    def by_keys(self, name: str, make: Callable[[], T]) -> T:
        """Something made of the binding and the file's keys: made once for all files of the plan; with a dialect,
        which goes by the values, too, once for each file."""
        if self.by_dialect:
            return self.kept(name, make)
        memo = self.plan.memo
        if name not in memo:
            memo[name] = make()
        found: T = memo[name]
        return found

    def find(self, key: str) -> tuple[Path, AnyNode] | None:
        """The place of a bound key in the file."""
        spot = self.plan.spot(self, key)
        if spot is None:
            parts = keys_in(key)
            return None if parts == (key,) else product(self.document, key, [self.find(part) for part in parts])
        node = self.document.leaf_nodes()[spot.first] if spot.is_leaf else self.document.node(spot.path)
        assert node is not None
        return spot.path, node

    def leaves_of(self, keys: Iterable[str]) -> list[int]:
        """The places, among all leaves, of what the keys lead to; nothing for a key that the file does not have."""
        parts = [part for key in keys for part in keys_in(key)]
        spots = [spot for part in parts if (spot := self.plan.spot(self, part)) is not None]
        return [place for spot in spots for place in range(spot.first, spot.stop)]

    def look(self, path: Path) -> Look:
        """Where the file states a value."""
        return Look(self, path)


class Look:
    """Where a bound file states a value, worked out when somebody reads it (`file:line:column`): a check of many
    files looks at far more places than it shows."""

    __slots__ = ("bound", "path")

    def __init__(self, bound: BoundFile, path: Path):
        self.bound = bound
        self.path = path

    def __str__(self) -> str:
        node = self.bound.document.node(self.path)
        return self.bound.file if node is None else self.bound.document.place(node)

    def __repr__(self) -> str:
        return f"Look({str(self)!r})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, (str, Look)) and str(self) == str(other)

    def __hash__(self) -> int:
        return hash(str(self))

"""Which config files configure one run together, and which are each a run's own.

A clause that one file settles is settled for the files beside it in the same run: a DeepSpeed JSON beside the trainer's
arguments, a launcher beside the file that it names, the parts of a contract that is split. For all other files it is
not: 63 configs that say nothing of a clause are not vouched for by the one that does.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cached_property, partial
from typing import Literal, NamedTuple

from framework.manifest.lengths import described
from framework.manifest.sections.phases import LENGTHS
from framework.names import Path, parse_path
from framework.stages.config.bound import BoundFile, Pattern
from framework.stages.config.meaning.clause_targets import BATCH_PARTS, Target

_CORE = frozenset(["learning_rate", "optimizer.learning_rate", "batch_size", *LENGTHS])
"""What makes a config that of a training: how fast, in what steps, and for how long."""
PROGRAMS = frozenset(["shell", "python"])
"""The formats of files that run, and may set what another file leaves out."""
Core = tuple[str, str, str | None]
"""A phase, what is stated of it, and the factor of the batch that it is."""
LAUNCHED = ("mixed_precision", "--mixed_precision", "--mixed-precision")
"""The key of accelerate's launch settings, and its flags."""
Switch = Literal["launch", "on", "off"]
_WORD = re.compile(r"[\w./-]+\.(?:ya?ml|json|toml|py|ini|cfg|conf)\b")


class Group:
    """Files under the same bindings that state the same clauses."""

    __slots__ = ("about", "core", "files", "is_program", "patterns", "precisions", "stated", "stated_by_key")

    def __init__(
        self,
        patterns: tuple[Pattern, ...],
        by_key: frozenset[str],
        defaults: frozenset[str],
        core: frozenset[Core],
        precisions: frozenset[tuple[Switch, str]],
        is_program: bool,
    ):
        self.patterns = patterns
        self.stated_by_key = by_key
        """The clauses that a file states."""
        self.stated = by_key | defaults
        """Those, and the ones of which its trainer's default is known."""
        self.core = core
        """What it states of how a training runs."""
        self.precisions = precisions
        """How it states which clauses of a precision."""
        self.is_program = is_program
        self.about = frozenset(
            (each.binding.variant, *(described(each.experiment, each.binding) or (None, None))) for each in patterns
        )
        """The variants, phases and tasks that its bindings name."""
        self.files: list[str] = []

    @property
    def is_beside(self) -> bool:
        """Whether its files are no training by themselves, but stand beside one."""
        return all(each.dialect is not None and each.dialect.beside for each in self.patterns)


class Companions:
    """The bound files by what they state, and which of them belong to one run."""

    def __init__(self) -> None:
        self.groups: dict[tuple[object, ...], Group] = {}
        self._beside: dict[Group, list[Group]] = {}
        self.off: dict[str, list[tuple[str, str, str]]] = {}
        """By clause of a precision, the files, keys and places of switches that are off."""
        self._names: dict[str, frozenset[str]] = {}
        """By file, the last parts of the names of files that it speaks of."""

    def add(self, bounds: Sequence[BoundFile]) -> None:
        """Note what a file states, while it is open."""
        stated = [bound.by_keys("stated", partial(_stated, bound)) for bound in bounds]
        document = bounds[0].document
        is_program = document.format in PROGRAMS
        key = (tuple(bound.index for bound in bounds), tuple(stated), is_program)
        group = self.groups.get(key)
        if group is None:
            by_key = frozenset().union(*(each.by_key for each in stated))
            defaults = frozenset().union(*(each.defaults for each in stated))
            core = frozenset().union(*(each.core for each in stated))
            precisions = frozenset().union(*(each.precisions for each in stated))
            patterns = tuple(bound.pattern for bound in bounds)
            group = self.groups[key] = Group(patterns, by_key, defaults, core, precisions, is_program)
        group.files.append(bounds[0].file)
        for bound in bounds if any(switch == "off" for switch, _ in group.precisions) else ():
            for each, target in bound.targets.items():
                if (found := bound.find(each)) is not None and _switch(each, target) == "off":
                    place = str(bound.look(found[0]))
                    self.off.setdefault(target.clause.id, []).append((bound.file, each, place))
        if is_program or bounds[0].by_dialect:
            named = frozenset(word.rpartition("/")[2] for word in _WORD.findall(document.text))
            if named:
                self._names[bounds[0].file] = named

    @cached_property
    def _group_of(self) -> dict[str, Group]:
        return {file: group for group in self.groups.values() for file in group.files}

    @cached_property
    def _namers(self) -> dict[str, list[str]]:
        """The files that speak of a name."""
        found: dict[str, list[str]] = {}
        for file, names in self._names.items():
            for name in names:
                found.setdefault(name, []).append(file)
        return found

    def knows(self, file: str) -> bool:
        return file in self._group_of

    def group(self, file: str) -> Group:
        return self._group_of[file]

    def beside(self, group: Group) -> list[Group]:
        """The groups whose files configure a run together with one of this group."""
        if group not in self._beside:
            self._beside[group] = [other for other in self.groups.values() if _together(group, other)]
        return self._beside[group]

    def named(self, file: str) -> Iterator[str]:
        """The files that a file speaks of, and that speak of it, in trainings that may be one."""
        own, last = self._group_of[file], file.rpartition("/")[2]
        if not self._names:
            return
        mentioned = self._names.get(file, frozenset())
        for other in self._by_last if mentioned else ():
            if other in mentioned:
                yield from (name for name in self._by_last[other] if _may_meet(own, self._group_of[name]))
        yield from (name for name in self._namers.get(last, ()) if _may_meet(own, self._group_of[name]))

    @cached_property
    def _by_last(self) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        for file in self._group_of:
            found.setdefault(file.rpartition("/")[2], []).append(file)
        return found

    def of(self, file: str, which: Callable[[Group], bool] = lambda _: True) -> bool:
        """Whether a file of the same run is in a group of which something holds."""
        if any(which(other) for other in self.beside(self._group_of[file])):
            return True
        return any(which(self._group_of[name]) for name in self.named(file))

    def settles(self, file: str, settled: Iterable[str]) -> bool:
        """Whether one of some files is of the same run."""
        wanted = set(settled)
        if file not in self._group_of:  # a base of a bound file, such as a Hydra group's
            return False
        if any(not wanted.isdisjoint(other.files) for other in self.beside(self._group_of[file])):
            return True
        return any(name in wanted for name in self.named(file))

    def programs(self, file: str) -> Iterator[Group]:
        """The scripts whose training may be that of a file, though none says so."""
        own = self._group_of[file]
        yield from (
            other for other in self.groups.values() if other.is_program and other is not own and _may_meet(own, other)
        )


class _Stated(NamedTuple):
    by_key: frozenset[str]
    defaults: frozenset[str]
    core: frozenset[Core]
    precisions: frozenset[tuple[Switch, str]]


def _stated(bound: BoundFile) -> _Stated:
    named = [(key, target) for key, target in bound.targets.items() if bound.find(key) is not None]
    targets = [target for _, target in named]
    assumed = bound.dialect.assumed if bound.dialect is not None else ()
    targets += [target for each in bound.dialect.ambiguous for target in each.among] if bound.dialect else []
    cores = (_core(each) for each in targets)
    return _Stated(
        frozenset(target.clause.id for target in targets),
        frozenset(each.target.clause.id for each in assumed),
        frozenset(core for core in cores if core is not None),
        frozenset((switch, each.clause.id) for key, each in named if (switch := _switch(key, each)) is not None),
    )


def _switch(key: str, target: Target) -> Switch | None:
    """How a key states a precision: as accelerate's launch does, or as a switch of a trainer's arguments."""
    if target.clause.path[-1] != "precision":
        return None
    if key.rpartition(".")[2] in LAUNCHED:
        return "launch"
    word = None if target.translation is None else target.translation.word
    return None if not isinstance(word, bool) else "on" if word else "off"


def _core(target: Target) -> Core | None:
    found = inner_path(target.clause.path)
    name = ".".join(map(str, found[1])) if found is not None else ""
    if found is None or name not in _CORE:
        return None
    return found[0], name.rpartition(".")[2], target.facet if target.facet in BATCH_PARTS else None


def inner_path(path: Path) -> tuple[str, Path] | None:
    """The phase that a clause is about, and the clause below it; also of a task, and of what a variant sets."""
    if path[0] == "phases" and len(path) > 2:
        return str(path[1]), path[4:] if path[2] == "tasks" else path[2:]
    if path[0] == "variants" and path[5:6] == ("set",) and len(path) > 6:
        return str(path[4]), (*parse_path(str(path[6])), *path[7:])
    return None


def _together(one: Group, two: Group) -> bool:
    """Whether a run has a file of each. Files of one pattern are sisters, each with its own run, unless each states
    another part of how a training runs."""
    if one is two or not _may_meet(one, two):
        return False
    sisters = {each.stated for each in one.patterns} & {each.stated for each in two.patterns}
    if sisters:
        return bool(one.core) and bool(two.core) and one.core.isdisjoint(two.core)
    return one.is_beside or two.is_beside or one.core.isdisjoint(two.core)


def _may_meet(one: Group, two: Group) -> bool:
    """Whether one run may have a file of each: of variants, phases and tasks that are the same or not said."""
    pairs = ((a, b) for a in one.about for b in two.about)
    return any(all(None in (x, y) or x == y for x, y in zip(a, b, strict=True)) for a, b in pairs)

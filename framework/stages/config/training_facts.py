"""The numbers that a config file states about training, by what its keys are bound to, else by their names."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from framework.locations import Location
from framework.manifest.hyperparameters import GENERIC, KNOBS, SLIPS, folded
from framework.manifest.lengths import by_task, described, phase_under, phases_of
from framework.manifest.sections.phases import Phase
from framework.names import Path
from framework.reading.nodes import AnyNode, ScalarNode
from framework.reading.scalars import resolve
from framework.stages.config.bound import BoundFile
from framework.stages.config.context import ConfigContext
from framework.stages.config.meaning.clause_targets import Target

_BY_CLAUSE = {
    "learning_rate": "learning_rate",
    "min_learning_rate": "min_learning_rate",
    "weight_decay": "weight_decay",
    "epochs": "epochs",
    "max_steps": "max_steps",
    "sequence_length": "sequence_length",
    "max_grad_norm": "max_grad_norm",
}
_BY_FACET = {
    "ratio": "warmup_ratio",
    "steps": "warmup_steps",
    "micro": "micro_batch_size",
    "accumulation": "accumulation",
    "processes": "processes",
    None: "global_batch_size",
}
_LARGEST = 2**63
"""Counts and rates above it are no training's; with those below it arithmetic ends."""


@dataclass(slots=True)
class Fact:
    """One number that a config file states about training.

    ``scope`` are the sections around it that tell it from others (`pretrain`, `sst2`, `encoder`).
    """

    knob: str
    scope: tuple[str, ...]
    value: float
    path: Path
    target: Target | None
    bound: BoundFile = field(compare=False, repr=False)

    @property
    def location(self) -> Location:
        node = self.bound.document.node(self.path)
        assert node is not None
        return self.bound.document.location(node, self.path)


class FactPlace(NamedTuple):
    """Where a file states a number about training, if what it states there is one; see :class:`Fact`."""

    knob: str
    scope: tuple[str, ...]
    path: Path
    target: Target | None


def facts_of(context: ConfigContext, bound: BoundFile) -> list[Fact]:
    """The training facts of one file: what its keys are bound to, else what their names say."""
    return bound.kept("facts", lambda: list(_facts(context, bound)))


def _facts(context: ConfigContext, bound: BoundFile) -> Iterator[Fact]:
    for knob, scope, path, target in fact_places(context, bound):
        node = bound.document.node(path)
        assert node is not None
        meant = target.translation if target is not None else None
        value = number(bound, node) if meant is None else as_number(meant.value)
        if value is not None:
            yield Fact(knob, scope, value, path, target, bound)


def fact_places(context: ConfigContext, bound: BoundFile) -> list[FactPlace]:
    """Where a file may state facts, as far as its keys tell."""
    return bound.by_keys("facts", lambda: list(_looked_up(context, bound)))


def fact_leaves(context: ConfigContext, bound: BoundFile, seeds: bool) -> list[int]:
    """The places, among all leaves, of the seeds that a file may state, or of all other facts."""
    wanted = {place.path for place in fact_places(context, bound) if (place.knob == "seed") is seeds}
    return [number for number, path in enumerate(bound.document.shape()) if path in wanted]


def _looked_up(context: ConfigContext, bound: BoundFile) -> Iterator[FactPlace]:
    found = described_by(context, bound)
    phase = found[0] if found else None
    targets: set[Path] = set()
    for key, target in bound.targets.items():
        if (place := bound.find(key)) is None:
            continue
        targets.add(place[0])
        if (knob := _knob(target)) is not None:
            yield FactPlace(knob, _scope(place[0][:-1], phase), place[0], target)
    # A key that another binding of the file states a clause with is no second statement here.
    targets |= {place[0] for other in bound.others for key in other.targets if (place := other.find(key))}
    ignored = [below for name in bound.binding.ignore if (below := bound.document.called(name, bound.data))]
    if bound.dialect is not None:
        ignored += bound.dialect.silent
    for path in telling_paths(bound):
        if (knob := KNOBS[path[-1]]) is not None and path not in targets and not _below(path, ignored):
            yield FactPlace(knob, _scope(path[:-1], phase), path, None)


def described_by(context: ConfigContext, bound: BoundFile) -> tuple[str, str | None] | None:
    """The phase, and the task if it is one, that a file is about; worked out once for each binding."""
    key = ("described", bound.index)
    if key not in context.cache:
        context.cache[key] = described(context.experiment, bound.binding)
    found: tuple[str, str | None] | None = context.cache[key]
    return found


def phases_by(context: ConfigContext, bound: BoundFile) -> dict[str | None, Phase]:
    """The phase that a file describes, by task; worked out once for each binding."""
    key = ("phases", bound.index)
    if key not in context.cache:
        context.cache[key] = phases_of(context.experiment, bound.binding)
    found: dict[str | None, Phase] = context.cache[key]
    return found


def phases_in(context: ConfigContext, bound: BoundFile, scope: tuple[str, ...]) -> dict[str | None, Phase]:
    """The phase that a section is about, by task: the one that the file describes, else the one that a section is
    called by."""
    if bound.binding.describes is not None:
        return phases_by(context, bound)
    key = ("phases in", bound.index, scope)
    if key not in context.cache:
        sections = {folded(part) for part in scope}
        named = [name for name in context.experiment.stated.phases if folded(name) in sections]
        phase = phase_under(context.experiment, named[0], bound.binding.variant) if len(named) == 1 else None
        context.cache[key] = {} if phase is None else by_task(phase)
    found: dict[str | None, Phase] = context.cache[key]
    return found


def is_about(context: ConfigContext, bound: BoundFile, phase: str) -> bool:
    """Whether a file describes a phase as a whole or, describing none, has a section that is called as the phase."""
    if bound.binding.describes is not None:
        return described_by(context, bound) == (phase, None)
    key = ("sections of phases", bound.index, bound.file)  # asked again when the file is closed
    if key not in context.cache:
        context.cache[key] = bound.by_keys("sections of phases", lambda: _sections(context, bound))
    return phase in context.cache[key]


def within_phase(path: Path, phase: str) -> bool:
    """Whether a place is below a section that is called as a phase."""
    return any(isinstance(part, str) and folded(part) == folded(phase) for part in path[:-1])


def _sections(context: ConfigContext, bound: BoundFile) -> frozenset[str]:
    phases = context.experiment.stated.phases
    return frozenset(name for name in phases if any(within_phase(path, name) for path in bound.document.shape()))


def telling_paths(bound: BoundFile) -> list[Path]:
    """The file's leaves that a well-known key, or a slip of one, names."""

    def told() -> list[Path]:
        if bound.document.is_prose:  # an unbound label is about whatever its section is about
            return []
        return [path for path in bound.document.shape() if path and (KNOBS[path[-1]] or SLIPS[path[-1]])]

    return bound.by_keys("telling", told)


def _below(path: Path, prefixes: Sequence[Path]) -> bool:
    return any(path[: len(prefix)] == prefix for prefix in prefixes)


def _knob(target: Target) -> str | None:
    last = str(target.clause.path[-1]).rpartition(".")[2]
    if last in ("batch_size", "warmup"):
        return _BY_FACET.get(target.facet) if last == "batch_size" or target.facet else None
    return _BY_CLAUSE.get(last) if "adapter" not in target.clause.path and "mask" not in target.clause.path else None


def _scope(path: Path, phase: str | None) -> tuple[str, ...]:
    own = folded(phase) if phase else None
    parts = (str(part) for part in path)
    return tuple(part for part in parts if (name := folded(part)) not in GENERIC and name != own)


def number(bound: BoundFile, node: AnyNode) -> float | None:
    """The number that a leaf states, also where its reader takes it for a string; None for anything else."""
    if not isinstance(node, ScalarNode):
        return None
    return as_number(bound.document.value(node))


def as_number(value: Any) -> float | None:
    """A value that is a number that a training can have, or looks like one; None for anything else."""
    if isinstance(value, str):
        value = resolve(value.strip() or "~", "yaml-1.2")
    if not isinstance(value, (int, float)) or isinstance(value, bool):
        return None
    return value if abs(value) <= _LARGEST else None

"""`framework check`: the manifest itself, and the config files held to it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import date
from functools import cached_property
from typing import TYPE_CHECKING, Any

from framework.conformance.model import Finding, Matrix, Rule, Severity, Stage, Status
from framework.conformance.registry import apply
from framework.conformance.targets import Target, target_of
from framework.conformance.waivers import Judge, worst
from framework.errors import InputError, Problem, UsageError
from framework.locations import Location
from framework.manifest.bindings import Binding
from framework.manifest.loading import Experiment
from framework.manifest.variants import phase_of
from framework.names import Path, exact_path, find_path
from framework.planning.overrides import with_settings
from framework.reading.bound import bound_files
from framework.reading.nodes import AnyNode, Document

if TYPE_CHECKING:
    from framework.dialects.binding import DialectReading


_leaf_places: dict[tuple[int, str], tuple[tuple[Path, ...], Path, int]] = {}
"""Where a bound key's leaf stands in files of one shape; the shape is kept with it, so that its id stays its own."""
_MOST_PLACES = 65_536


@dataclass(frozen=True)
class BoundFile:
    """One config file under one binding: what each bound key states."""

    binding: Binding
    index: int
    document: Document
    targets: dict[str, Target]
    """Key in the file -> the clause that it states."""
    dialect: DialectReading | None = None
    """What the binding's dialect makes of the file beside."""

    @cached_property
    def data(self) -> Any:
        """The whole file as plain data, for who needs more than single values."""
        return self.document.value(self.document.root) if self.document.root is not None else None

    def find(self, key: str) -> tuple[Path, AnyNode] | None:
        """The place of a bound key in the file."""
        shape = self.document.shape()
        known = _leaf_places.get((id(shape), key))
        if known is not None and known[0] is shape:
            return known[1], self.document.leaf_nodes()[known[2]]
        path: Path | None = exact_path(key)
        if path in shape and len(_leaf_places) < _MOST_PLACES:
            _leaf_places[id(shape), key] = (shape, path, shape.index(path))
        node = self.document.node(path) if path else None
        if node is None:
            path = find_path(self.data, key)
            node = self.document.node(path) if path else None
        return (path, node) if path and node is not None else None


@dataclass
class ConfigContext:
    """What the rules of the config stage see."""

    experiment: Experiment
    judge: Judge
    files: list[BoundFile]
    stage: Stage = Stage.CONFIG
    cache: dict[Any, Any] = field(default_factory=dict)
    """What several rules need of a file, computed once."""


@dataclass
class ManifestContext:
    """What the rules of the manifest stage see."""

    experiment: Experiment
    judge: Judge
    stage: Stage = Stage.MANIFEST


@dataclass
class CheckResult:
    """What `framework check` found."""

    experiment: Experiment
    matrix: Matrix
    findings: list[Finding]
    files: list[str]
    bindings: int
    keys: int = 0
    unbound: int = 0
    statuses: dict[str, Status] = field(default_factory=dict)

    @property
    def failed(self) -> bool:
        """Whether a gate must fail."""
        return any(finding.severity is Severity.ERROR for finding in self.findings)

    def summary(self) -> dict[str, int]:
        counts = {str(status): 0 for status in Status}
        for status in self.statuses.values():
            counts[str(status)] += 1
        clauses = {"clauses": len(self.statuses), "bindings": self.bindings, "files": len(self.files)}
        return {**clauses, **counts, "keys": self.keys, "unbound": self.unbound}

    def as_dict(self) -> dict[str, Any]:
        return {"findings": [finding.as_dict() for finding in self.findings], "summary": self.summary()}


def check(experiment: Experiment, today: date | None = None) -> CheckResult:
    """Hold the manifest to itself, and every bound config file to the manifest as the paper states it.

    Raises:
        InputError: a binding matches no file or names no clause, a file cannot be read, or nothing is bound at
            all: a gate that looked at nothing must not pass.
    """
    _consistent(experiment)
    judge = Judge(experiment, today)
    files = _bound(experiment)
    matrix = Matrix(experiment.clauses)
    verdicts, findings = apply("config_rules", ConfigContext(experiment, judge, files))
    matrix.add(verdicts)
    context = ManifestContext(experiment, judge)
    verdicts, more = apply("manifest_rules", context)
    matrix.add(verdicts)
    blamed = {verdict.clause for verdict in verdicts if verdict.status is not Status.CONFORMS}
    stated = (clause for clause in experiment.clauses if not clause.added)
    matrix.add(judge.conforms(clause, Stage.MANIFEST, "valid") for clause in stated if clause.id not in blamed)
    findings = [*matrix.findings(), *matrix.unsettled(), *findings, *more]
    looked = (verdict.status is not Status.UNVERIFIED for verdict in matrix.verdicts if verdict.stage is Stage.CONFIG)
    if not any(bound.targets or bound.dialect for bound in files) or not any(looked):
        raise InputError.at(
            Location(experiment.document.file, 1, 1),
            "no config file states any clause: there is nothing to check",
            "bind files under `configs:`, with `keys:` that name clauses",
        )
    result = CheckResult(
        experiment,
        matrix,
        sorted(findings, key=_order),
        sorted({bound.document.file for bound in files}),
        len(experiment.stated.configs),
    )
    result.keys, result.unbound = _coverage(files, findings)
    for clause in experiment.clauses:
        if clause.added:
            continue
        looks = [*matrix.looks(clause, Stage.CONFIG), *(v for v in matrix.looks(clause, Stage.MANIFEST) if v.finding)]
        result.statuses[clause.id] = worst(verdict.status for verdict in looks) or Status.UNVERIFIED
    return result


def _order(finding: Finding) -> tuple[Any, ...]:
    where = finding.location or finding.declared or Location("", 0, 0)
    return (finding.severity is not Severity.ERROR, where.file, where.line, where.column, finding.code, finding.message)


def _consistent(experiment: Experiment) -> None:
    """Hold what only shows when it is used: the variants' own settings, and the claims.

    Raises:
        InputError: with every problem.
    """
    problems = _commands(experiment)
    for name, variant in experiment.stated.variants.items():
        for index, step in enumerate(variant.steps):
            if (found := phase_of(step)) is None:
                continue
            phase, use = found
            place: Path = ("variants", name, "steps", index, phase, "set")
            try:
                with_settings(experiment.stated.phases[phase], use.set, experiment, place)
            except InputError as failure:
                problems += failure.problems
    for index, claim in enumerate(experiment.stated.claims):
        from framework.conformance.claims import sides_of

        try:
            sides_of(experiment, claim, index)
        except InputError as failure:
            problems += failure.problems
    if problems:
        raise InputError(list(dict.fromkeys(problems)))


def _commands(experiment: Experiment) -> list[Problem]:
    """Values that a runner passes nowhere, and whatever else keeps a command from being made; none is started."""
    if not experiment.stated.runners:
        return []
    from framework.planning.build import build

    try:
        build(experiment.as_stated, seeds=experiment.stated.seeds[:1])
    except InputError as failure:
        return failure.problems
    return []


def _bound(experiment: Experiment) -> list[BoundFile]:
    files: list[BoundFile] = []
    problems = []
    for index, binding in enumerate(experiment.stated.configs):
        try:
            _known(experiment, binding, index)
            targets = {
                key: target_of(experiment, binding, text, ("configs", index, "keys", key))
                for key, text in binding.keys.items()
            }
            declared = experiment.location(("configs", index, "file"))
            documents = bound_files(experiment.root, binding, declared)
            files += [_spoken(experiment, BoundFile(binding, index, each, targets)) for each in documents]
        except InputError as failure:
            problems += failure.problems
    if problems:
        raise InputError(problems)
    return files


def _known(experiment: Experiment, binding: Binding, index: int) -> None:
    """Refuse a dialect that does not exist."""
    if binding.dialect is not None:
        from framework.dialects.registry import dialect

        try:
            dialect(binding.dialect)
        except UsageError as problem:
            raise InputError.at(experiment.location(("configs", index, "dialect")), str(problem)) from None


def _spoken(experiment: Experiment, bound: BoundFile) -> BoundFile:
    """The file, with the targets of what its dialect knows without doubt; explicit keys go before."""
    if bound.binding.dialect is None:
        return bound
    from framework.dialects.binding import read
    from framework.dialects.registry import dialect

    reading = read(experiment, bound.binding, dialect(bound.binding.dialect), bound.data, bound.document)
    return replace(bound, targets={**reading.targets, **bound.targets}, dialect=reading)


def _coverage(files: list[BoundFile], findings: list[Finding]) -> tuple[int, int]:
    """How many keys the bound files hold, and how many of them nothing covers."""
    shapes: dict[str, dict[int, tuple[Path, ...]]] = {}
    for bound in files:
        shape = bound.document.shape()
        shapes.setdefault(bound.document.file, {})[id(shape)] = shape
    keys = 0
    for each in shapes.values():
        first, *others = each.values()
        keys += len(set(first).union(*others)) if others else len(first)
    unbound = {
        (finding.location.file, finding.location.key)
        for finding in findings
        if finding.location and is_unbound(finding.rule)
    }
    return keys, len(unbound)


def is_unbound(rule: Rule) -> bool:
    """Whether a finding says that a key is covered by nothing."""
    return rule.name in ("unbound-key", "ambiguous-key")

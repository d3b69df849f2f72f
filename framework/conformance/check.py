"""`framework check`: the manifest itself, and the config files held to it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING, Any

from framework.conformance.bound import BoundFile, Pattern
from framework.conformance.grid_statements import for_all_of_a_grid
from framework.conformance.matrix import Conforming, Keys, Matrix, worst
from framework.conformance.model import Finding, Rule, Severity, Stage, Status
from framework.conformance.registry import apply, apply_to_file
from framework.conformance.targets import target_of
from framework.conformance.waivers import Judge
from framework.errors import InputError, Problem, UsageError
from framework.locations import Location
from framework.manifest.bindings import Binding
from framework.manifest.loading import Experiment
from framework.manifest.variants import phase_of
from framework.names import Path
from framework.planning.overrides import with_settings
from framework.reading.bound import bound_names

if TYPE_CHECKING:
    from framework.dialects.model import Dialect

__all__ = ["BoundFile", "CheckResult", "ConfigContext", "ManifestContext", "check", "is_unbound"]


@dataclass(eq=False, repr=False)
class ConfigContext:
    """What the rules of the config stage see."""

    experiment: Experiment
    judge: Judge
    files: list[BoundFile]
    stage: Stage = Stage.CONFIG
    cache: dict[Any, Any] = field(default_factory=dict)
    """What several rules need, computed once. What belongs to a file is kept with it, and with its plan."""
    conforming: dict[Keys, Conforming] = field(default_factory=dict)
    """Verdicts that many files share."""

    def conforms(self, bound: BoundFile, keys: Keys) -> Conforming:
        """Note that a file conforms: clause, reason and place of each verdict."""
        found = self.conforming.get(keys)
        if found is None:
            found = self.conforming[keys] = Conforming(self.stage, keys, [])
        if keys:
            found.files.append(bound)
        return found


@dataclass(eq=False, repr=False)
class ManifestContext:
    """What the rules of the manifest stage see."""

    experiment: Experiment
    judge: Judge
    stage: Stage = Stage.MANIFEST


@dataclass(eq=False, repr=False)
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
    matrix = Matrix(experiment.clauses)
    files, problems = _bound(experiment)
    context = ConfigContext(experiment, judge, files)
    keys, findings, stating = _each_file(context, matrix, problems)
    if problems:
        raise InputError([problem for _, problem in sorted(problems, key=lambda pair: pair[0])])
    verdicts, found = apply("config_rules", context)
    matrix.add(verdicts)
    matrix.add_conforming(context.conforming.values())
    matrix.add(list(for_all_of_a_grid(experiment, matrix)))
    findings += found
    verdicts, found = apply("manifest_rules", ManifestContext(experiment, judge))
    matrix.add(verdicts)
    findings += found
    blamed = {verdict.clause for verdict in verdicts if verdict.status is not Status.CONFORMS}
    stated = [clause for clause in experiment.clauses if not clause.added]
    matrix.add(judge.conforms(clause, Stage.MANIFEST, "valid") for clause in stated if clause.id not in blamed)
    if not stating or not matrix.looked_at(Stage.CONFIG):
        raise InputError.at(
            Location(experiment.document.file, 1, 1),
            "no config file states any clause: there is nothing to check",
            "bind files under `configs:`, with `keys:` that name clauses",
        )
    result = CheckResult(
        experiment,
        matrix,
        sorted([*matrix.findings(), *matrix.unsettled(), *findings], key=_order),
        sorted({bound.file for bound in files}),
        len(experiment.stated.configs),
        keys,
        len({(each.location.file, each.location.key) for each in findings if each.location and is_unbound(each.rule)}),
    )
    for clause in stated:
        broken = (verdict.status for verdict in matrix.looks(clause, Stage.MANIFEST) if verdict.finding)
        seen = matrix.seen(clause, Stage.CONFIG)
        result.statuses[clause.id] = worst([*broken, *([seen] if seen else ())]) or Status.UNVERIFIED
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


Problems = list[tuple[tuple[int, str], Problem]]
"""What keeps a check from its answer, with the binding and the file that it is about."""


def _bound(experiment: Experiment) -> tuple[list[BoundFile], Problems]:
    """The files of all bindings, none of them read, and what is wrong with a binding itself."""
    files: list[BoundFile] = []
    problems: Problems = []
    for index, binding in enumerate(experiment.stated.configs):
        try:
            dialect = _dialect(experiment, binding, index)
            targets = {
                key: target_of(experiment, binding, text, ("configs", index, "keys", key))
                for key, text in binding.keys.items()
            }
            pattern = Pattern(experiment, binding, index, targets, dialect)
            declared = experiment.location(("configs", index, "file"))
            files += [
                BoundFile(pattern, name) for name in bound_names(experiment.root, pattern.here, binding, declared)
            ]
        except InputError as failure:
            problems += [((index, ""), problem) for problem in failure.problems]
    return files, problems


def _dialect(experiment: Experiment, binding: Binding, index: int) -> Dialect | None:
    if binding.dialect is None:
        return None
    from framework.dialects.registry import dialect

    try:
        return dialect(binding.dialect)
    except UsageError as problem:
        raise InputError.at(experiment.location(("configs", index, "dialect")), str(problem)) from None


def _each_file(context: ConfigContext, matrix: Matrix, problems: Problems) -> tuple[int, list[Finding], bool]:
    """Ask the rules about one file after the other, so that none needs to be kept in memory. Gives the number of
    keys, the findings that belong to no clause, and whether any file can state anything."""
    keys, findings, stating = 0, [], False
    for bounds in _by_file(context.files):
        try:
            shapes = [bound.plan.shape for bound in bounds]
            keys += len(shapes[0]) if len(shapes) == 1 else len({path for shape in shapes for path in shape})
            stating = stating or any(bound.targets or bound.dialect for bound in bounds)
            if problems:
                continue  # there will be no answer, only all that is wrong
            verdicts, found = apply_to_file("config_rules", context, bounds)
            matrix.add(verdicts)
            findings += found
        except InputError as failure:
            problems += [((bounds[0].index, bounds[0].file), problem) for problem in failure.problems]
        finally:
            for bound in bounds:
                bound.close()
    return keys, findings, stating


def _by_file(files: list[BoundFile]) -> Iterator[list[BoundFile]]:
    """The files under all their bindings, in the order in which they are first bound."""
    together: dict[str, list[BoundFile]] = {}
    if files and files[0].pattern is not files[-1].pattern:
        for bound in files:
            together.setdefault(bound.file, []).append(bound)
    for bound in files:
        bounds = together.get(bound.file, [bound])
        if bounds[0] is bound:
            for each in bounds if len(bounds) > 1 else ():
                each.others = tuple(other for other in bounds if other is not each)
            yield bounds


def is_unbound(rule: Rule) -> bool:
    """Whether a finding says that a key is covered by nothing."""
    return rule.name in ("unbound-key", "ambiguous-key")

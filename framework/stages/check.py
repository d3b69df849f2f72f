"""`framework check`: the manifest itself, and the config files held to it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from typing import Any

from framework.conformance import Finding, Severity, Stage, Status
from framework.conformance.finding import place_order
from framework.conformance.matrix import Matrix, worst
from framework.conformance.waivers import Judge
from framework.errors import InputError, Problem
from framework.manifest.experiment import Experiment
from framework.manifest.overrides import with_settings
from framework.manifest.sections.variants import phase_of
from framework.names import Path
from framework.stages.config import verdicts as config_stage
from framework.stages.config.verdicts import is_unbound
from framework.stages.manifest import verdicts as manifest_stage


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
    read: frozenset[str] = frozenset()
    """The config files that were read, by their names in the resolved folders: bound ones, what these name, and what
    they are composed of."""

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
    """Hold the manifest to itself, and every bound config file to the manifest as the paper states it, whatever profile
    it was loaded under.

    Raises:
        InputError: a binding matches no file or names no clause, a file cannot be read, or nothing is bound at
            all: a gate that looked at nothing must not pass.
    """
    experiment = experiment.as_stated
    problems = [*_commands(experiment), *_inconsistencies(experiment)]
    judge = Judge(experiment, today)
    matrix = Matrix(experiment.clauses)
    try:
        held = config_stage.hold(experiment, judge, matrix)
    except InputError as failure:
        problems += failure.problems
    if problems:
        raise InputError(list(dict.fromkeys(problems)))
    findings = held.findings + manifest_stage.hold(experiment, judge, matrix)
    result = CheckResult(
        experiment,
        matrix,
        sorted([*matrix.findings(), *matrix.unsettled(held.companions.settles), *findings], key=place_order),
        held.files,
        len(experiment.stated.configs),
        held.keys,
        _unbound(findings),
        read=held.read,
    )
    for clause in [clause for clause in experiment.clauses if not clause.added]:
        broken = (verdict.status for verdict in matrix.looks(clause, Stage.MANIFEST) if verdict.finding)
        seen = matrix.seen(clause, Stage.CONFIG)
        result.statuses[clause.id] = worst([*broken, *([seen] if seen else ())]) or Status.UNVERIFIED
    return result


def _unbound(findings: list[Finding]) -> int:
    """How many keys nothing covers, those that are only counted included."""
    found = [each for each in findings if each.location and is_unbound(each.rule)]
    named = {(each.location.file, each.location.key) for each in found if each.location and each.location.key}
    return len(named) + sum(int(each.actual) for each in found if each.location and each.location.key is None)


def held_to_itself(experiment: Experiment, today: date | None = None) -> tuple[Matrix, list[Finding]]:
    """The manifest stage alone, of a project that binds no config file: its verdicts and all its findings. What a
    script of one's own would be passed is left to whoever starts it.

    Raises:
        InputError: what is stated contradicts itself where it is used.
    """
    experiment = experiment.as_stated
    if problems := _inconsistencies(experiment):
        raise InputError(list(dict.fromkeys(problems)))
    matrix = Matrix(experiment.clauses)
    findings = manifest_stage.hold(experiment, Judge(experiment, today), matrix)
    return matrix, [*matrix.findings(), *findings]


def _inconsistencies(experiment: Experiment) -> list[Problem]:
    """What is wrong and only shows when it is used: in the variants' own settings, and the claims."""
    problems: list[Problem] = []
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
        from framework.manifest.assertions.assertion import assertion_of

        try:
            assertion_of(experiment, claim, index)
        except InputError as failure:
            problems += failure.problems
    if experiment.stated.documents.bound:
        from framework.stages.document.bound_verdicts import misnamed

        problems += [problem for failure in misnamed(experiment) for problem in failure.problems]
    return problems


def _commands(experiment: Experiment) -> list[Problem]:
    """Values that a runner passes nowhere, and whatever else keeps a command from being made; none is started."""
    if not experiment.stated.runners:
        return []
    from framework.planning.build import build

    try:
        plan = build(experiment, seeds=experiment.stated.seeds[:1], read=False)
    except InputError as failure:
        return failure.problems
    lacking = {(step.command.runner, name) for step in plan.steps if step.command for name in step.command.sources}
    return [
        Problem(
            f"`sources` names {pattern!r}, which matches no file below {experiment.root}",
            experiment.location(("runners", runner, "sources")),
        )
        for runner, pattern in sorted(lacking)
    ]

"""`framework check`: the manifest itself, and the config files held to it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from typing import Any

from framework.conformance.model import Finding, Matrix, Rule, Severity, Stage, Status
from framework.conformance.registry import apply
from framework.conformance.targets import Target, target_of
from framework.conformance.waivers import Judge, worst
from framework.errors import InputError
from framework.locations import Location
from framework.manifest.bindings import Binding
from framework.manifest.loading import Experiment
from framework.names import Path, find_path
from framework.reading.bound import bound_files
from framework.reading.nodes import AnyNode, Document


@dataclass(frozen=True)
class BoundFile:
    """One config file under one binding: what each bound key states."""

    binding: Binding
    index: int
    document: Document
    data: Any
    targets: dict[str, Target]
    """Key in the file -> the clause that it states."""

    def find(self, key: str) -> tuple[Path, AnyNode] | None:
        """The place of a bound key in the file."""
        path = find_path(self.data, key)
        found = self.document.walk(path) if path else None
        return (path, found[1]) if path and found else None


@dataclass
class ConfigContext:
    """What the rules of the config stage see."""

    experiment: Experiment
    judge: Judge
    files: list[BoundFile]
    stage: Stage = Stage.CONFIG


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
    findings = [*matrix.findings(), *findings, *more]
    if not any(verdict.stage is Stage.CONFIG for verdict in matrix.verdicts):
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


def _bound(experiment: Experiment) -> list[BoundFile]:
    files: list[BoundFile] = []
    problems = []
    for index, binding in enumerate(experiment.stated.configs):
        try:
            targets = {
                key: target_of(experiment, binding, text, ("configs", index, "keys", key))
                for key, text in binding.keys.items()
            }
            declared = experiment.location(("configs", index, "file"))
            for document in bound_files(experiment.root, binding, declared):
                data = document.value(document.root) if document.root is not None else None
                files.append(BoundFile(binding, index, document, data, targets))
        except InputError as failure:
            problems += failure.problems
    if problems:
        raise InputError(problems)
    return files


def _coverage(files: list[BoundFile], findings: list[Finding]) -> tuple[int, int]:
    """How many keys the bound files hold, and how many of them nothing covers."""
    keys = {(bound.document.file, path) for bound in files for path, _ in bound.document.leaves()}
    unbound = {
        (finding.location.file, finding.location.key)
        for finding in findings
        if finding.location and is_unbound(finding.rule)
    }
    return len(keys), len(unbound)


def is_unbound(rule: Rule) -> bool:
    """Whether a finding says that a key is covered by nothing."""
    return rule.name == "unbound-key"

"""What is done to a project or its runs so that one rule finds it, and what must then be found."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from framework.conformance import Rule, Severity
from framework.stages.catalogue import rules
from framework.stages.claim.verdicts import REFUTED
from framework.stages.document.verdicts import STALE
from framework.stages.plan.verdicts import DIFFERS
from tests.support.evidence import Evidence
from tests.support.project import Project
from tests.support.run_folders import change_lines, change_record, seal, write_lines

CODES: dict[str, Rule] = {**rules(), **{rule.code: rule for rule in (DIFFERS, STALE, REFUTED)}}
"""Every rule by its code."""
BESIDE = ("T122", "T104", "T133")
"""What finds most single changes too: a record is held to itself, and a checkpoint to the one before it."""
Edit = Callable[[Project], object]
Break = Callable[[Evidence], object]


def recorded(variant: str, name: str, change: Callable[[object], object]) -> Break:
    """Change the record of a run."""
    return lambda evidence: change_record(evidence.folder(variant, name), change)


def observed(variant: str, step: str, /, *path: str, to: object) -> Break:
    """Change one recorded fact of a run."""

    def change(record: object) -> None:
        value = getattr(record, path[0])
        if len(path) == 1:
            setattr(record, path[0], to)
            return
        for part in path[1:-1]:
            value = value[part]
        value[path[-1]] = to

    return recorded(variant, step, change)


def line(variant: str, step: str, number: int, /, **facts: object) -> Break:
    """Change a line of a run's trace."""
    return lambda evidence: change_lines(
        evidence.folder(variant, step) / "steps.jsonl", lambda lines: lines[number - 1].update(facts)
    )


def traced(variant: str, step: str, keep: int) -> Break:
    """Cut a run's trace off."""
    return lambda evidence: change_lines(
        evidence.folder(variant, step) / "steps.jsonl", lambda lines: lines.__delitem__(slice(keep, None))
    )


def evaluated(*values: float, stopped: bool) -> Break:
    """Evaluations of the fine-tuning, and whether it stopped early."""

    def change(evidence: Evidence) -> None:
        folder = evidence.folder("pruned", "finetune")
        write_lines(folder / "events.jsonl", [{"event": "evaluation", "accuracy": value} for value in values])
        observed("pruned", "finetune", "observed", "stopped_early", to=stopped)(evidence)
        seal(folder)

    return change


def in_file(variant: str, step: str, name: str, old: str, new: str) -> Break:
    """Change a text file of a run."""

    def change(evidence: Evidence) -> None:
        path = evidence.folder(variant, step) / name
        assert old in path.read_text()
        path.write_text(path.read_text().replace(old, new))
        seal(path.parents[len(Path(name).parts) - 1])

    return change


def in_manifest(old: str, new: str) -> Break:
    """State something else after the runs, which changes no key."""
    return lambda evidence: evidence.project.replace(old, new)


def assert_only_finding(project: Project, case: tuple[str, Edit], placed: bool = True) -> None:
    """After the change, a check finds this and nothing else; where ``placed``, right after the mark."""
    code, change = case
    change(project)
    findings = project.check().findings
    assert {finding.code for finding in findings} == {code}, findings
    assert len(findings) == 1
    (finding,) = findings
    if placed:
        assert str(finding.location) == project.place
    assert finding.rule == CODES[code]
    assert finding.advice
    if finding.clause is not None:
        clause = next(each for each in project.load().clauses if each.id == finding.clause)
        assert finding.declared == clause.location


def assert_only_finding_of_runs(project: Project, evidence: Evidence, case: tuple[str, Break, str]) -> None:
    """After the change, a verification finds this, there, and nothing else but what one changed fact contradicts."""
    code, change, place = case
    change(evidence)
    result = project.verify()
    found = [finding for finding in result.findings if finding.code not in {*BESIDE} - {code}]
    assert list(dict.fromkeys(each.code for each in found)) == [code], [(f.code, f.message) for f in result.findings]
    finding = found[0]
    assert finding.location is not None
    folder, _, name = finding.location.file.removeprefix("runs/").partition("/")
    assert f"{folder.rsplit('.', 1)[0]}/{name}:{finding.location.line}" == place
    if finding.clause is not None:
        clause = next(each for each in project.load().clauses if each.id == finding.clause)
        assert finding.declared == clause.location
    assert result.failed == (CODES[code].severity is Severity.ERROR)

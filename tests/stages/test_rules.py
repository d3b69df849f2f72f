"""The rules of all stages: what conforms has no finding, and each rule has a fixture that breaks it."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from framework.conformance import Rule, Severity
from tests.stages.breaking import CODES
from tests.stages.checkpoint import test_broken_checkpoints as checkpoints
from tests.stages.config import test_drift as configs
from tests.stages.manifest import test_differences as manifests
from tests.stages.run import test_broken_runs as runs
from tests.support.project import Project

TABLES = (manifests.BROKEN, configs.BROKEN, runs.BROKEN, checkpoints.BROKEN)
ELSEWHERE = {"P101", "D101", "A101"}
"""What single tests of the plan, document and claim stages break."""


@pytest.mark.usefixtures("evidence")
def test_what_conforms_has_no_finding(project: Project) -> None:
    assert project.check().findings == []
    result = project.verify()
    assert result.findings == []
    assert result.finished == len(result.steps) == 15


def test_every_rule_of_every_stage_has_a_fixture_that_breaks_it(repository: Path) -> None:
    here = {code for table in TABLES for code, *_ in table.values()} | ELSEWHERE
    assert here <= set(CODES)
    stages = {str(CODES[code].stage) for code in here}
    assert stages == {"manifest", "config", "plan", "run", "checkpoint", "document", "claim"}
    missing = set(CODES) - here
    for path in repository.glob("tests/**/test_*.py"):
        missing -= _strings(path)
    for path in repository.glob("tests/dialects/trainers/*.py"):
        missing -= _strings(path)
    assert not missing, f"no test breaks {sorted(missing)}"


def _strings(path: Path) -> set[str]:
    """The codes that a test names."""
    tree = ast.parse(path.read_text()) if path.exists() else ast.Module([], [])
    return {node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)}


def test_a_code_says_its_stage() -> None:
    letters = {"C": "config", "M": "manifest", "P": "plan", "R": "run", "T": "checkpoint", "D": "document"}
    for code, rule in CODES.items():
        assert str(rule.stage) == {**letters, "A": "claim"}[code[0]]
        assert rule.summary
        assert rule.name


def test_two_rules_with_one_code_are_a_bug(monkeypatch: pytest.MonkeyPatch) -> None:
    from types import ModuleType

    from framework.stages import catalogue

    clash = ModuleType("clash")
    clash.CLASH = Rule("C101", "other", Severity.ERROR, CODES["C101"].stage, "another rule")  # type: ignore[attr-defined]
    known = catalogue.families
    monkeypatch.setattr(catalogue, "families", lambda stage: (*known(stage), clash))
    with pytest.raises(ValueError, match="two rules with the code C101"):
        catalogue.rules()

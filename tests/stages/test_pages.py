"""Every rule is explained, and the reference of the rules says what the rules say."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import yaml

from framework.cli import main as command_line
from framework.conformance import Rule, Severity, Stage
from framework.stages.catalogue import PAGES, SECTIONS, catalogue, explanation, page, rendered

_LETTERS = {"manifest": "M", "config": "C", "plan": "P", "run": "R", "checkpoint": "T", "document": "D", "claim": "A"}
RULES = list(catalogue().values())


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.code)
def test_a_rule_has_a_code_of_its_stage_and_a_whole_page(rule: Rule) -> None:
    assert re.fullmatch(rf"{_LETTERS[rule.stage]}\d\d\d", rule.code)
    assert re.fullmatch(r"[a-z][a-z0-9-]+", rule.name)
    text = explanation(rule)
    headings = re.findall(r"^## (.+)$", text, re.MULTILINE)
    assert tuple(headings) == SECTIONS
    paragraphs = re.split(r"^## .+$", text, flags=re.MULTILINE)
    assert all(paragraph.strip() for paragraph in paragraphs), "no section is empty"


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.code)
def test_the_examples_of_a_page_are_yaml(rule: Rule) -> None:
    for block in re.findall(r"^```yaml\n(.+?)^```", page(rule), re.MULTILINE | re.DOTALL):
        yaml.safe_load(block)


def test_no_page_is_left_without_its_rule() -> None:
    assert {path.stem for path in PAGES.glob("*.md")} <= set(catalogue())


def test_no_code_and_no_name_stands_for_two_rules() -> None:
    assert len({rule.code for rule in RULES}) == len(RULES)
    names = [(rule.stage, rule.name) for rule in RULES]
    assert sorted(set(names)) == sorted(names)


def test_the_reference_is_fresh(repository: Path) -> None:
    """After a change: `framework explain --write docs/rules`."""
    folder = repository / "docs" / "rules"
    wanted = dict(rendered(catalogue()))
    assert {path.name for path in folder.iterdir()} == set(wanted)
    assert [name for name, text in wanted.items() if (folder / name).read_text("utf-8") != text] == []


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    code = command_line.run(["explain", *arguments])
    return code, *capsys.readouterr()


@pytest.mark.parametrize("asked", ["C101", "c101", "drift"])
def test_a_rule_is_explained_by_code_and_by_name(capsys: pytest.CaptureFixture[str], asked: str) -> None:
    code, out, _ = run(capsys, asked)
    assert code == 0
    assert out.startswith("# C101 drift\n")
    assert "## How to waive" in out


@pytest.mark.parametrize(
    ("asked", "near"), [("C1011", "C101"), ("C10", "C101"), ("drfit", "drift"), ("zzz", "lists all")]
)
def test_an_unknown_rule_names_the_near_ones(capsys: pytest.CaptureFixture[str], asked: str, near: str) -> None:
    code, out, err = run(capsys, asked)
    assert (code, out) == (2, "")
    assert near in err


def test_all_rules_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys)
    assert code == 0
    assert [line.split()[0] for line in out.splitlines()] == list(catalogue())
    assert "D101" in out


def test_json(capsys: pytest.CaptureFixture[str]) -> None:
    listed = json.loads(run(capsys, "--format", "json")[1])
    assert [rule["code"] for rule in listed] == list(catalogue())
    one = json.loads(run(capsys, "C101", "--format", "json")[1])
    assert one["severity"] == "error"
    assert one["stage"] == "config"
    assert "How to waive" in one["page"]


def test_another_distribution_s_rule_carries_its_page() -> None:
    rule = Rule("C900", "theirs", Severity.ERROR, Stage.CONFIG, "theirs", "What it is.\n")
    assert page(rule) == "# C900 theirs\n\n*error, stage config*: theirs.\n\nWhat it is.\n"
    bare = Rule("C901", "bare", Severity.ERROR, Stage.CONFIG, "something is wrong")
    assert explanation(bare) == "Something is wrong."


def test_the_catalogue_has_every_stage() -> None:
    assert {rule.stage for rule in catalogue().values()} >= {Stage.MANIFEST, Stage.CONFIG, Stage.PLAN, Stage.RUN}

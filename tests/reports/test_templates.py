"""Templates: sandboxed, from the project before the packaged ones, and safe in Markdown tables."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from jinja2 import Environment

from framework.stages.verify import verify
from reports.analysis import write
from reports.analysis.rows import study
from reports.documents import DOCUMENTS
from reports.template_environment import cell, environment, packaged
from tests.support.evidence import Evidence
from tests.support.project import Project

SETUP, COMPLIANCE = "EXPERIMENTAL_SETUP.md.j2", "COMPLIANCE.md.j2"


def with_template(tmp_path: Path, text: str | bytes, name: str = SETUP) -> Project:
    project = Project(tmp_path).append("documents: {templates: own}\n")
    project.write(f"own/{name}", text)
    return project


FORBIDDEN: dict[str, tuple[str, str]] = {
    "a class": ("{{ ''.__class__.__mro__ }}", "__class__"),
    "all classes": ("{{ ().__class__.__bases__[0].__subclasses__() }}", "__class__"),
    "a function's globals": ("{{ manifest.model_dump.__globals__ }}", "__globals__"),
    "a change": ("{{ manifest.seeds.append(9) }}", "append"),
    "a format that reaches further": ("{{ '{0.__class__}'.format(manifest) }}", "__class__"),
    "a file above": ("{% include '../experiment.yaml' %}", "../experiment.yaml"),
    "a file of the system": ("{% include '/etc/passwd' %}", "/etc/passwd"),
    "an undefined name": ("{{ nothing }}", "'nothing' is undefined"),
    "an undefined field": ("{{ manifest.nothing }}", "nothing"),
    "a step below what is undefined": ("{{ paper.nothing.more }}", "nothing"),
    "an import": ("{% import 'os' as os %}", "os"),
    "a syntax error": ("{% if %}", "Expected an expression"),
    "a block that does not end": ("{% for x in [] %}", "Unexpected end of template"),
    "an unknown filter": ("{{ 1 | nothing }}", "nothing"),
    "a division by zero": ("{{ 1 / 0 }}", "division by zero"),
    "a sum of a text and a number": ("{{ 'a' + 1 }}", "TypeError"),
    "a text where a number belongs": ("{{ 'a' | count }}", "ValueError"),
    "a range beyond measure": ("{% for i in range(10 ** 9) %}{% endfor %}", "Range too big"),
    "an inclusion of itself": ("{% include '" + SETUP + "' %}", "recursion"),
    "a macro without end": ("{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}", "recursion"),
}


@pytest.mark.parametrize("case", FORBIDDEN)
def test_what_a_template_may_not_do_is_refused_at_its_line(tmp_path: Path, case: str) -> None:
    text, words = FORBIDDEN[case]
    project = with_template(tmp_path, f"# A title\n\n{text}\n")
    before = project.files()
    outcome = project.cli("docs")
    assert (outcome.code, outcome.out) == (2, "")
    assert words in outcome.err
    assert "Traceback" not in outcome.err
    place = outcome.err.partition(": error: ")[0]
    assert place.rpartition("/")[2] in (f"{SETUP}:3:1", f"{SETUP}:4:1"), place
    assert project.files() == before


def test_a_template_that_is_not_utf_8_is_refused(tmp_path: Path) -> None:
    outcome = with_template(tmp_path, b"\xff\xfe").cli("docs")
    assert outcome.code == 2
    assert SETUP in outcome.err
    assert "Traceback" not in outcome.err


def test_a_template_of_the_project_goes_before_the_packaged_one(tmp_path: Path) -> None:
    project = with_template(tmp_path, "Only {{ paper.title }}.\n")
    assert project.cli("docs").code == 0
    assert project.read("documents/EXPERIMENTAL_SETUP.md") == "Only A small study.\n"
    assert project.read("documents/COMPLIANCE.md").startswith("<!-- Rendered from experiment.yaml")


def test_a_template_may_build_on_its_own_folder(tmp_path: Path) -> None:
    project = with_template(tmp_path, "{% include 'part.md.j2' %}")
    project.write("own/part.md.j2", "{% for seed in manifest.seeds %}{{ seed }};{% endfor %}")
    assert project.cli("docs").code == 0
    assert project.read("documents/EXPERIMENTAL_SETUP.md") == "1;2;3;"


def test_a_folder_of_templates_that_does_not_exist_is_refused_at_its_place(tmp_path: Path) -> None:
    project = Project(tmp_path).append("documents: {templates: «nothing}\n")
    outcome = project.cli("docs")
    assert outcome.code == 2
    assert outcome.err.startswith(f"{project.place}: error: no folder 'nothing'")


def test_every_document_has_a_packaged_template() -> None:
    from reports.documents import DOCUMENTS

    for document in (each for each in DOCUMENTS if each.template):
        assert (packaged() / document.template).is_file()


def test_every_packaged_template_is_sound(tmp_path: Path) -> None:
    made = environment(Project(tmp_path).load())
    templates = list(packaged().glob("*.j2"))
    assert templates
    for template in templates:
        made.get_template(template.name)


# Cells


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("a|b", "a\\|b"),
        ("a\\|b", "a\\\\\\|b"),
        ("<script>", "&lt;script&gt;"),
        ("two\nlines", "two lines"),
        ("  much \t space ", "much space"),
        (2e-4, "0.0002"),
        (True, "true"),
        (None, "none"),
        ([1, "a|b"], "[1, a\\|b]"),
        ("", ""),
    ],
)
def test_a_cell_is_one_line_without_bars_and_html(value: Any, text: str) -> None:
    assert cell(value) == text


NASTY = 'a | b <script>alert(1)</script> `c` \\\\ \\"d\\"'


def test_what_a_manifest_says_cannot_break_a_table(tmp_path: Path) -> None:
    project = Project(tmp_path).replace("dense pre-training", f'"{NASTY}"')
    assert project.cli("docs").code == 0
    for name in ("EXPERIMENTAL_SETUP.md", "COMPLIANCE.md"):
        text = project.read(f"documents/{name}")
        assert "<script>" not in text
        for table in _tables(text):
            assert len({_columns(line) for line in table}) == 1, table


def _tables(text: str) -> list[list[str]]:
    tables: list[list[str]] = [[]]
    for line in text.splitlines():
        if line.startswith("|"):
            tables[-1].append(line)
        elif tables[-1]:
            tables.append([])
    return [table for table in tables if table]


def _columns(line: str) -> int:
    return line.replace("\\\\", "").replace("\\|", "").count("|")


@pytest.mark.parametrize("name", ["a|b", "a`b"])
def test_a_variant_with_a_bar_in_its_name_cannot_break_a_table(tmp_path: Path, name: str) -> None:
    project = Project(tmp_path).replace("variants:\n", f'variants:\n  "{name}": {{steps: [finetune]}}\n')
    assert project.cli("docs").code == 0
    assert project.cli("docs", "--check").code == 0
    for file in ("EXPERIMENTAL_SETUP.md", "COMPLIANCE.md"):
        for table in _tables(project.read(f"documents/{file}")):
            assert len({_columns(line) for line in table}) == 1, table


def rows_of(title: str) -> dict[str, str]:
    """The rows of a section's table, by each name that their first cell has in backticks."""
    text = (Path(__file__).parents[2] / "docs/templates.md").read_text("utf-8")
    section = text.partition(f"## {title}\n")[2].partition("\n## ")[0]
    rows = [line for line in section.splitlines() if line.startswith("| `")]
    return {name: row for row in rows for name in NAME.findall(row.split("|")[1])}


NAME = re.compile("`([a-z_]+)`")


def test_what_templates_get_is_documented(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    project = Project(tmp_path)
    Evidence(project)
    result = verify(project.load(), project.plan())
    for document in (each for each in DOCUMENTS if each.template):
        context, rows = document.context(result), rows_of(f"`{document.template}`")
        assert sorted(rows) == sorted(context), document.name
        for name, value in context.items():
            fields = set(value[0]) if isinstance(value, list) and value and isinstance(value[0], dict) else set()
            assert fields <= set(NAME.findall(rows[name])), (document.name, name)
    given: list[dict[str, Any]] = []
    monkeypatch.setattr(write, "render", lambda experiment, template, context: given.append(context) or "")
    found = study(result.experiment, result.plan)
    write.write(result.experiment, found, tmp_path / "out")
    assert sorted(rows_of("`ANALYSIS.md.j2`")) == sorted(given[0])


def test_the_filters_are_documented(tmp_path: Path) -> None:
    usual = Environment().filters
    own = {name for name, each in environment(Project(tmp_path).load()).filters.items() if usual.get(name) is not each}
    assert sorted(rows_of("Filters")) == sorted(own)


def test_an_undefined_name_is_told_with_those_that_there_are(tmp_path: Path) -> None:
    outcome = with_template(tmp_path, "{{ titel }}").cli("docs")
    assert "this template is given answers, chosen, clause_rows, deviations" in outcome.err

"""The report as one page: what it says, and that nothing in it reaches out or breaks out."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from framework.locations import Location
from reports.analysis.run_groups import Summary, summary
from reports.documents import stale, write
from reports.page.page_contents import embedded, page_context, verdict_line
from reports.page.result_tables import rounded
from reports.page.snippets import snippet
from tests.support.evidence import Evidence
from tests.support.project import Project
from tests.support.run_folders import change_record


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    monkeypatch.chdir(tmp_path)
    return Project(tmp_path)


@pytest.fixture
def evidence(project: Project) -> Evidence:
    return Evidence(project)


class Page(HTMLParser):
    """The page's elements, and whether each is closed."""

    def __init__(self, text: str):
        super().__init__()
        self.open: list[str] = []
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))
        if tag not in ("meta", "input", "br", "path", "use", "rect"):
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        if tag in self.open[-1:]:
            self.open.pop()


def rendered(project: Project) -> str:
    result = project.verify()
    write(result, ["report", "data"])
    return (project.root / "documents" / "REPORT.html").read_text()


def test_the_page_needs_nothing_else(project: Project, evidence: Evidence) -> None:
    text = rendered(project)
    page = Page(text)
    assert page.open == []
    loaded = [attrs.get(name) for tag, attrs in page.found for name in ("src", "href", "action", "data") if tag != "a"]
    assert all(each is None or each.startswith("#") for each in loaded)
    assert not re.search(r"(?:@import|url\(\s*['\"]?https?:|<link|<iframe|<img)", text)
    assert "default-src 'none'" in text


def test_every_clause_has_a_row_and_every_cell_a_button(project: Project, evidence: Evidence) -> None:
    text, result = rendered(project), project.verify()
    page = Page(text)
    rows = [attrs for tag, attrs in page.found if tag == "tr" and "data-row" in attrs]
    assert len(rows) == len(result.matrix.clauses)
    buttons = [attrs for tag, attrs in page.found if tag == "button" and "data-stage" in attrs]
    assert len(buttons) == sum(bool(cell) for row in rows for cell in str(row["data-cells"]).split(","))


def test_what_a_cell_opens_is_in_the_page(project: Project, evidence: Evidence) -> None:
    text = rendered(project)
    match = re.search(r'id="looks-data">(.*?)</script>', text, re.DOTALL)
    assert match is not None
    looks = json.loads(match[1])
    number = next(n for n, clause in enumerate(project.verify().matrix.clauses) if clause.id.endswith("learning_rate"))
    statuses = {look[0] for look in looks[str(number)]["config"]}
    assert statuses == {"conforms"}


def test_hostile_texts_stay_texts(project: Project, evidence: Evidence) -> None:
    bad = "</script><script>alert(1)</script><img src=x onerror=alert(2)>\"'&"
    project.replace("title: A small study", f"title: {json.dumps(bad)}")
    change_record(evidence.folder("dense", "pretrain", 1), lambda record: record.metrics.update({"<b>x</b>": 1.0}))
    text = rendered(project)
    page = Page(text)
    assert [tag for tag, _ in page.found].count("script") == 2
    assert not [tag for tag, _ in page.found if tag in ("img", "b")]
    assert "<" not in str(embedded({"a": bad, "b": "<!--"}))
    assert json.loads(str(embedded({"a": bad}))) == {"a": bad}


def test_findings_show_both_places_with_their_lines(project: Project, evidence: Evidence) -> None:
    project.write("configs/pretrain.yaml", project.path("configs/pretrain.yaml").read_text().replace("2e-4", "3e-4"))
    result = project.verify()
    (finding,) = [each for each in page_context(result)["findings"] if each["code"] == "C101"]
    places = {place["label"]: place for place in finding["places"]}
    assert places["found"]["file"] == "configs/pretrain.yaml"
    assert any("3e-4" in line for _, line, here in places["found"]["lines"] if here)
    assert any("2e-4" in line for _, line, here in places["stated"]["lines"] if here)


def test_a_place_that_cannot_be_shown_is_named_all_the_same(tmp_path: Path) -> None:
    found = snippet(tmp_path, Location("gone.yaml", 3, 1))
    assert found == {"file": "gone.yaml", "line": 3, "column": 1, "lines": []}
    (tmp_path / "binary").write_bytes(b"\xff\xfe\x00")
    assert snippet(tmp_path, Location("binary", 1, 1)) == {"file": "binary", "line": 1, "column": 1, "lines": []}
    assert snippet(tmp_path, None) is None


def test_the_verdict_says_no_more_than_the_evidence(project: Project) -> None:
    nothing = verdict_line(project.verify())
    assert nothing["kind"] == "unverified"
    assert "0 of" in nothing["text"]
    evidence = Evidence(project)
    some = verdict_line(project.verify())
    assert "violated" not in some["kind"]
    assert f"{len(evidence.plan.steps)} of {len(evidence.plan.steps)} planned runs" in some["text"]
    change_record(
        evidence.folder("dense", "pretrain", 1), lambda record: record.observed["optimizer"].update(weight_decay=9.0)
    )
    broken = verdict_line(project.verify())
    assert broken["kind"] == "violated"
    assert "violation" in broken["text"]


@pytest.mark.parametrize(
    ("values", "text"),
    [
        ([0.842], "0.842 (n = 1)"),
        ([1.0, 1.0, 1.0], "1 ± 0 (n = 3)"),
        ([0.84, 0.85, 0.86], "0.850 ± 0.025 (n = 3)"),
        ([84.0, 85.0, 86.0], "85.0 ± 2.5 (n = 3)"),
        ([840.0, 850.0, 960.0], "883 ± 165 (n = 3)"),
    ],
)
def test_no_more_digits_than_the_interval_carries(values: list[float], text: str) -> None:
    found: Summary = summary(values)
    assert rounded(found) == text


def test_the_page_is_fresh_until_something_changes(project: Project, evidence: Evidence) -> None:
    rendered(project)
    assert stale(project.verify(), ["report", "data"]) == []
    change_record(evidence.folder("dense", "pretrain", 1), lambda record: record.metrics.update(perplexity=1.25))
    assert [path.name for path, _ in stale(project.verify(), ["report", "data"])] == ["REPORT.html", "report.json"]


def test_the_data_is_json_without_markup(project: Project, evidence: Evidence) -> None:
    rendered(project)
    data = json.loads((project.root / "documents" / "report.json").read_text())
    assert data["title"] == "A small study"
    assert "figures" not in data
    assert {"sections", "findings", "claims", "runs", "tables"} <= set(data)


def test_runs_have_curves_in_their_variant_s_colour(project: Project, evidence: Evidence) -> None:
    pytest.importorskip("matplotlib", reason="figures need the extra `reports`")
    figures = page_context(project.verify())["figures"]
    assert figures
    ids = re.findall(r'id="([^"]+)"', "".join(str(figure["svg"]) for figure in figures))
    assert len(ids) == len(set(ids))
    assert all("#000000" not in str(figure["svg"]) for figure in figures)

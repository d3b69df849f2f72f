"""`framework docs --pdf`: by a browser that is there, or how to print without one."""

from __future__ import annotations

from pathlib import Path

import pytest

from framework.errors import UsageError
from reports import printing
from tests.support.evidence import Evidence
from tests.support.project import Project


@pytest.fixture
def project(tmp_path: Path) -> Project:
    made = Project(tmp_path)
    Evidence(made)
    return made


def a_browser(folder: Path, script: str, monkeypatch: pytest.MonkeyPatch) -> None:
    path = folder / "bin" / "chromium"
    path.parent.mkdir()
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    monkeypatch.setenv("PATH", f"{path.parent}:/usr/bin:/bin")


_TO = 'for each in "$@"; do case "$each" in --print-to-pdf=*) to="${each#*=}";; esac; done'


def test_without_a_browser_the_documents_are_there_and_it_says_how_to_print(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(printing, "browser", lambda: None)
    outcome = project.cli("docs", "--pdf")
    assert outcome.code == 2
    assert "print it to a file (Ctrl+P or Cmd+P)" in outcome.err
    page = project.path("documents/REPORT.html").read_text()
    assert "print this page from the browser (Ctrl+P or Cmd+P, to a file)" in page
    assert not project.path("documents/REPORT.pdf").exists()


def test_the_page_is_printed_without_a_network_and_the_figures_lie_beside_it(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("matplotlib", reason="figures need the extra `reports`")
    a_browser(tmp_path, f'{_TO}\necho "$@" > {tmp_path}/asked\nprintf "%%PDF-1.4 made" > "$to"', monkeypatch)
    outcome = project.cli("docs", "report", "--pdf")
    assert outcome.code == 0, outcome.err
    assert project.path("documents/REPORT.pdf").read_bytes() == b"%PDF-1.4 made"
    asked = (tmp_path / "asked").read_text()
    assert "--headless" in asked
    assert "file://" in asked
    assert "http" not in asked.replace("file://", "")
    kinds = {path.suffix for path in project.path("documents/figures").iterdir()}
    assert kinds == {".svg", ".pdf", ".png"}
    project.path("documents/figures/old.svg").write_text("<svg/>")
    assert project.cli("docs", "report", "--pdf").code == 0
    assert not project.path("documents/figures/old.svg").exists()


@pytest.mark.parametrize("script", ["echo it broke >&2; exit 7", f'{_TO}; echo "no pdf" > "$to"'])
def test_a_browser_that_prints_nothing_is_said_and_leaves_the_old_file(
    tmp_path: Path, script: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    a_browser(tmp_path, script, monkeypatch)
    page = tmp_path / "REPORT.html"
    page.write_text("<p>")
    page.with_suffix(".pdf").write_bytes(b"%PDF old")
    with pytest.raises(UsageError, match="printed no PDF of REPORT"):
        printing.print_report(page)
    assert page.with_suffix(".pdf").read_bytes() == b"%PDF old"


@pytest.mark.slow
@pytest.mark.skipif(printing.browser() is None, reason="no Chromium or Chrome is on the PATH")
def test_a_real_browser_prints_the_report(project: Project) -> None:
    outcome = project.cli("docs", "report", "--pdf")
    assert outcome.code == 0, outcome.err
    assert project.path("documents/REPORT.pdf").read_bytes().startswith(b"%PDF")
    assert project.path("documents/REPORT.pdf").stat().st_size > 20_000


@pytest.mark.parametrize("arguments", [("--pdf", "--check"), ("setup", "--pdf")])
def test_what_prints_nothing_is_refused(project: Project, arguments: tuple[str, ...]) -> None:
    outcome = project.cli("docs", *arguments)
    assert outcome.code == 2
    assert "--pdf prints the report" in outcome.err

"""The page in a real browser: filters, cells, keyboard, narrow and dark, and that no request leaves it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.reports.test_page import rendered
from tests.support.evidence import Evidence
from tests.support.project import Project

pytestmark = pytest.mark.slow
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


@pytest.fixture
def page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    driver = pytest.importorskip("playwright.sync_api", reason="a browser is driven by playwright")
    if CHROMIUM is None:
        pytest.skip("there is no Chromium here")
    monkeypatch.chdir(tmp_path)
    project = Project(tmp_path)
    Evidence(project)
    rendered(project)
    address = (project.root / "documents" / "REPORT.html").as_uri()
    with driver.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        opened = browser.new_page()
        opened.said, opened.asked = [], []
        opened.on("console", lambda message: opened.said.append(message.text))
        opened.on("pageerror", lambda problem: opened.said.append(str(problem)))
        opened.on("request", lambda request: opened.asked.append(request.url))
        opened.goto(address)
        yield opened
        assert opened.said == []
        assert opened.asked == [address]
        browser.close()


def test_filters_leave_what_they_say(page: Any) -> None:
    everything = page.locator("tr[data-row]").count()
    page.fill("#filters input[name=text]", "learning_rate")
    some = page.locator("tr[data-row]:visible").count()
    assert 0 < some < everything
    assert page.inner_text("#shown") == f"{some} of {everything} clauses"
    page.fill("#filters input[name=text]", "nothing is called like this")
    assert page.locator("tr[data-row]:visible").count() == 0
    page.fill("#filters input[name=text]", "")
    page.select_option("#filters select[name=status]", "conforms")
    assert page.locator("tr[data-row]:visible").count() > 0
    page.fill("#run-filter input", "masked")
    assert 0 < page.locator("#run-table tbody tr:visible").count() < page.locator("#run-table tbody tr").count()


def test_a_cell_opens_with_the_keyboard_and_closes_with_escape(page: Any) -> None:
    page.fill("#filters input[name=text]", "learning_rate")
    button = page.locator("button[data-stage=config]:visible").first
    button.focus()
    page.keyboard.press("Enter")
    assert page.locator("dialog[open] li").count() >= 1
    assert "configs/pretrain.yaml" in page.inner_text("dialog")
    page.keyboard.press("Escape")
    assert page.locator("dialog[open]").count() == 0
    assert button.evaluate("node => node === document.activeElement")


@pytest.mark.parametrize("width", [1280, 768, 360])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_fits_any_width_and_both_schemes(page: Any, width: int, scheme: str) -> None:
    page.emulate_media(color_scheme=scheme)
    page.set_viewport_size({"width": width, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    ink, paper = page.evaluate(
        "[getComputedStyle(document.body).color, getComputedStyle(document.body).backgroundColor]"
    )
    light = [sum(int(part) for part in colour[4:-1].split(",")) for colour in (ink, paper)]
    assert (light[0] < light[1]) is (scheme == "light")


def test_links_lead_to_sections(page: Any) -> None:
    for link in page.locator("nav a").all():
        assert page.locator(link.get_attribute("href")).count() == 1

"""How large the report page of many runs is, how long it takes to render, and to open in a browser.

    python benchmarks/report.py [--runs 360] [--rounds 3]

The runs are made here, without training: each pruned from the one of its seed, with a result. To open means from the
request to the end of the page's own script, in Chromium without a network, where playwright and a Chromium are there.
The page of 360 runs is to stay at most 1.5 MB, and to open in under a second.
"""

from __future__ import annotations

import argparse
import shutil
import statistics
import sys
import tempfile
import time
from contextlib import chdir
from pathlib import Path

from made_runs import many

from framework import api
from reports.documents import write

MOST_BYTES, MOST_SECONDS, VARIANTS = 1.5e6, 1.0, 36


def opened(page: Path, rounds: int) -> list[float] | None:
    """Seconds that the page takes to open, once for each round; None where nothing here opens it."""
    browser = shutil.which("chromium") or shutil.which("google-chrome")
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        return None
    if browser is None:
        return None
    found = []
    with sync_playwright() as started:
        running = started.chromium.launch(executable_path=browser, args=["--no-sandbox"])
        for _ in range(rounds):
            tab = running.new_page()
            begun = time.perf_counter()
            tab.goto(page.resolve().as_uri())
            found.append(time.perf_counter() - begun)
            tab.close()
        running.close()
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=360)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="framework-report-") as made, chdir(made):
        folder = Path(made)
        many(folder, options.runs, VARIANTS)
        result = api.verify(api.load(folder / "experiment.yaml"))
        begun = time.perf_counter()
        write(result, ["report"])
        rendered = time.perf_counter() - begun
        page = folder / "documents" / "REPORT.html"
        size = page.stat().st_size
        print(f"{result.finished} runs: {size / 1e6:.2f} MB, rendered in {rendered:.2f} s")
        seconds = opened(page, options.rounds)
    if seconds is None:
        print("not opened: playwright or a Chromium is missing")
    else:
        print(f"opened in {statistics.median(seconds):.2f} s, the median of {len(seconds)}")
    if result.finished <= 360 and (size > MOST_BYTES or (seconds and statistics.median(seconds) > MOST_SECONDS)):
        sys.exit(f"above {MOST_BYTES / 1e6:g} MB or {MOST_SECONDS:g} s")


if __name__ == "__main__":
    main()

"""The report as PDF, by a browser that is there, and the figures as files beside it."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

from framework.errors import UsageError
from framework.evidence.atomic import write_bytes
from framework.stages.verify import VerifyResult
from reports.figures.all_figures import figures_of

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome", "microsoft-edge")
FIGURES = "figures"
_SECONDS = 180
_WITHOUT = "open it in any browser and print it to a file (Ctrl+P or Cmd+P): it has a layout for paper"


def browser() -> str | None:
    """The first browser on the path that prints by itself."""
    return next((found for name in BROWSERS if (found := shutil.which(name))), None)


def print_report(page: Path) -> Path:
    """Print an HTML page to a PDF beside it, whole or not at all; nothing is fetched for it.

    The flags are Chromium's own (`headless/app/headless_command_handler.cc`): without the headers and footers that a
    browser adds, in a profile of its own.

    Raises:
        UsageError: there is no such browser, or it made none; how to print all the same.
    """
    found = browser()
    if found is None:
        raise UsageError(f"no {BROWSERS[0]} or Chrome is on the PATH to print {page.name}: {_WITHOUT}")
    with tempfile.TemporaryDirectory(prefix="framework-print-") as folder:
        made = Path(folder) / "report.pdf"
        flags = ["--headless", "--disable-gpu", "--no-pdf-header-footer", f"--user-data-dir={folder}/profile"]
        if os.geteuid() == 0:  # its sandbox does not start for root, and the page is our own
            flags.append("--no-sandbox")
        command = [found, *flags, f"--print-to-pdf={made}", page.resolve().as_uri()]
        try:
            ended = subprocess.run(
                command, capture_output=True, text=True, errors="replace", timeout=_SECONDS, check=False
            )
        except (OSError, subprocess.TimeoutExpired) as problem:
            raise UsageError(f"{found} did not print {page.name}: {problem}; {_WITHOUT}") from None
        if not made.is_file() or not (content := made.read_bytes()).startswith(b"%PDF"):
            said = ended.stderr.strip().rpartition("\n")[2][:200]
            raise UsageError(
                f"{found} printed no PDF of {page.name}: {said or f'exit status {ended.returncode}'}; {_WITHOUT}"
            )
    target = page.with_suffix(".pdf")
    write_bytes(target, content)
    return target


def write_figures(result: VerifyResult, folder: Path) -> Iterator[Path]:
    """Each figure as SVG, PDF and PNG below a folder; figures that there are no more are removed."""
    made = []
    for figure in figures_of(result):
        name = figure.name.replace("/", "_").replace("\\", "_")
        for kind in ("svg", "pdf", "png"):
            path = folder / FIGURES / f"{name}.{kind}"
            write_bytes(path, figure.rendered(kind))
            made.append(path)
            yield path
    for path in sorted((folder / FIGURES).glob("*")) if made else ():
        if path not in made and path.suffix in (".svg", ".pdf", ".png"):
            path.unlink()

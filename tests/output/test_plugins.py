"""Entry points of other distributions are found, without reading the metadata of everything when there are none."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]


def run(folder: Path, code: str) -> str:
    prepare = f"import sys; sys.path[:0] = [{str(folder)!r}, {str(REPOSITORY)!r}]\n"
    return subprocess.run(
        [sys.executable, "-c", prepare + code], capture_output=True, text=True, check=True, cwd=folder
    ).stdout.strip()


def distribution(folder: Path, text: str) -> None:
    (folder / "theirs-1.0.dist-info").mkdir()
    (folder / "theirs-1.0.dist-info" / "METADATA").write_text("Metadata-Version: 2.1\nName: theirs\nVersion: 1.0\n")
    (folder / "theirs-1.0.dist-info" / "entry_points.txt").write_text(text)


FIND = (
    "from framework.plugins import entry_points\n"
    "print([p.name for p in entry_points('framework.formats')], 'importlib.metadata' in sys.modules)"
)


def test_an_entry_point_is_found(tmp_path: Path) -> None:
    distribution(tmp_path, "[framework.formats]\nhtml = theirs:HTML\ncsv = theirs:CSV\n")
    assert run(tmp_path, FIND) == "['csv', 'html'] True"


@pytest.mark.parametrize("text", ["[console_scripts]\nx = y:z\n", ""])
def test_without_any_no_metadata_is_read(tmp_path: Path, text: str) -> None:
    distribution(tmp_path, text)
    assert run(tmp_path, FIND) == "[] False"


def test_a_format_of_another_distribution_is_used(tmp_path: Path) -> None:
    distribution(tmp_path, "[framework.formats]\nnumber = theirs\n")
    (tmp_path / "theirs.py").write_text(
        "DESCRIPTION = 'a number'\ndef render(report):\n    return f'{len(report.findings)} findings\\n'\n"
    )
    code = (
        f"import os; os.chdir({str(REPOSITORY)!r})\nfrom framework.cli.main import run\n"
        "raise SystemExit(run(['check', '--format', 'number']))"
    )
    assert run(tmp_path, code).endswith(" findings")


def test_one_that_does_not_import_is_named_with_its_distribution(tmp_path: Path) -> None:
    distribution(tmp_path, "[framework.formats]\nnumber = theirs\n")
    (tmp_path / "theirs.py").write_text("import nothing_of_the_kind\n")
    code = (
        f"import os; os.chdir({str(REPOSITORY)!r})\nfrom framework.cli.main import run\nimport contextlib\n"
        "with contextlib.redirect_stderr(sys.stdout):\n    code = run(['check', '--format', 'number'])\nprint(code)"
    )
    told = run(tmp_path, code)
    assert told.endswith("2")
    assert "the plug-in 'number' of theirs 1.0" in told
    assert "does not import: ModuleNotFoundError" in told

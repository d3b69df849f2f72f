"""Text reads like a compiler's: both places, the line, a caret under exactly the value, the repair."""

from __future__ import annotations

from pathlib import Path

import pytest

from framework.locations import Location
from framework.output.ansi import Ink, cells, harmless, wants_colour
from framework.output.file_places import Places
from framework.output.report import coverage
from framework.output.snippet import snippet
from tests.support.project import Project


def test_a_drift_with_both_places(drifted: Project) -> None:
    done = drifted.cli("check")
    assert done.code == 1
    number = drifted.read().split("learning_rate: 2e-4")[0].count("\n") + 1
    blank = " " * len(str(number))
    assert done.out.startswith(
        "error[C101] drift: optim.lr is 0.0003; the manifest states phases.pretrain.optimizer.learning_rate = 0.0002\n"
        "  --> configs/pretrain.yaml:4:7\n"
        "  4 |   lr: 3e-4  # note\n"
        "    |       ^^^^\n"
        f"  stated at experiment.yaml:{number}:22\n"
        f"  {number} |       learning_rate: 2e-4\n"
        f"  {blank} |                      ^^^^\n"
        "  fix: "
    )


def test_the_summary_has_the_coverage_and_the_counts(drifted: Project) -> None:
    lines = drifted.cli("check").out.splitlines()
    summary = lines[lines.index("") + 1 :]
    assert "drifted: 1 config file, 10 of 11 keys bound, 90 %" in summary
    assert summary[-1] == "1 error, 1 warning"


@pytest.mark.parametrize(
    ("keys", "unbound", "text"), [(56, 1, "55 of 56 keys bound, 98 %"), (1000, 1, "999 of 1000 keys bound, 99 %")]
)
def test_only_everything_is_a_hundred_percent(keys: int, unbound: int, text: str) -> None:
    assert coverage({"keys": keys, "unbound": unbound}) == text


def test_plain_without_a_terminal_and_coloured_by_wish(drifted: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.delenv("FORCE_COLOR", raising=False)
    assert "\x1b" not in drifted.cli("check").out
    monkeypatch.setenv("FORCE_COLOR", "1")
    coloured = drifted.cli("check").out
    assert "\x1b[1;31merror[C101]\x1b[0m" in coloured
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b" not in drifted.cli("check").out


class _Stream:
    def __init__(self, terminal: bool):
        self.terminal = terminal

    def isatty(self) -> bool:
        return self.terminal


@pytest.mark.parametrize(
    ("terminal", "environment", "colour"),
    [
        (True, {}, True),
        (False, {}, False),
        (True, {"TERM": "dumb"}, False),
        (True, {"NO_COLOR": "1"}, False),
        (True, {"NO_COLOR": ""}, True),
        (False, {"FORCE_COLOR": "1"}, True),
        (True, {"NO_COLOR": "1", "FORCE_COLOR": "1"}, False),
    ],
)
def test_when_colour_is_wanted(terminal: bool, environment: dict[str, str], colour: bool) -> None:
    assert wants_colour(_Stream(terminal), environment) is colour  # type: ignore[arg-type]


def test_the_caret_counts_cells_not_characters(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("名前: 'é\N{COMBINING ACUTE ACCENT}' # x\n")
    line, caret = snippet(Location("a.yaml", 1, 5, width=4), Places(tmp_path, tmp_path), Ink())
    assert line == "  1 | 名前: 'é\N{COMBINING ACUTE ACCENT}' # x"
    assert caret == "    | " + " " * 6 + "^^^"
    assert cells("名a") == 3


def test_a_long_line_is_cut_around_the_value(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text("x" * 300 + "VALUE" + "y" * 300)
    line, caret = snippet(Location("a.json", 1, 301, width=5), Places(tmp_path, tmp_path), Ink())
    assert len(line) < 200
    assert line[caret.index("^") : caret.rindex("^") + 1] == "VALUE"


@pytest.mark.parametrize("data", [b"\0\1\2binary\n", b"\xff\xfe", b""])
def test_what_is_no_text_has_no_snippet(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "a.safetensors").write_bytes(data)
    assert list(snippet(Location("a.safetensors", 9, 1), Places(tmp_path, tmp_path), Ink())) == []


def test_lines_are_those_that_yaml_counts(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_bytes(b"a: 1\r\nb: '\x0c'\rc: 2\n")
    line, _ = snippet(Location("a.yaml", 3, 4), Places(tmp_path, tmp_path), Ink())
    assert line == "  3 | c: 2"


def test_a_file_cannot_write_to_the_terminal(project: Project) -> None:
    project.append('odd: "\\e[2J\\u202e\\n::error::x"\nraw: \u202ex\n', "configs/pretrain.yaml")
    out = project.cli("check").out
    assert "\x1b" not in out
    assert "\u202e" not in out
    assert not any(line.startswith("::") for line in out.splitlines())


def test_harmless_keeps_the_columns() -> None:
    assert harmless("a\tb\x1bc\nd") == "a b\ufffdc\ufffdd"


def test_the_order_is_stable(drifted: Project) -> None:
    assert drifted.cli("check").out == drifted.cli("check").out


def test_no_table_library_is_loaded_for_a_check(drifted: Project) -> None:
    import subprocess
    import sys

    code = "import sys; from framework.cli.main import run; run(['check', '--no-cache']); print('rich' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], cwd=drifted.root, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "False"

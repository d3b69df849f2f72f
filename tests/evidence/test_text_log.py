"""Printed lines of named numbers, whatever else stands in them."""

from __future__ import annotations

from pathlib import Path

import pytest

from framework.evidence.logs.log import Reading
from framework.evidence.logs.text_log import read

LONG = ("a", "1", "a ", "1,", "a.-/", " ", "x1", "=", "1.", "1e", "step ")


@pytest.mark.parametrize("text", LONG)
def test_a_long_text_in_a_line_is_read(tmp_path: Path, text: str) -> None:
    """An expression that looks back over it would take hours."""
    log = tmp_path / "train.log"
    log.write_text(f"step 1 loss: 2.5 sample: {text * 20_000}x\nstep {text * 20_000}x\n")
    found = read([log], Reading())
    assert found.steps[0]["loss"] == 2.5


def test_no_part_of_a_number_is_one(tmp_path: Path) -> None:
    log = tmp_path / "train.log"
    log.write_text("step 1 loss 2.5, seen 1,000x, mfu 20.5%, run7 ok\n")
    (line,) = read([log], Reading()).steps
    assert line == {"step": 1, "loss": 2.5}

"""Python configs that take in the names of other files, as mmengine 0.10.7 reads `with read_base():`."""

from __future__ import annotations

from pathlib import Path

import pytest

from framework.errors import InputError
from framework.reading.formats import read
from framework.reading.nodes import Document, Opaque
from tests.reading.test_python_configs import value

TAKES_IN = "from mmengine.config import read_base\nwith read_base():\n    from .base import {}\n"
BASE = "wrapper = dict(type='W', lr=1, clip=9)\ntrain_cfg = dict(max_epochs=3)\n_hidden = 1\n"


def document(folder: Path, text: str) -> Document:
    (folder / "run.py").write_text(text)
    return read(folder / "run.py", "run.py")


@pytest.mark.parametrize(
    "taken", ["from .base import wrapper as w", "from .missing import *", "from . import base", "from mm.x import *"]
)
def test_what_read_base_takes_in_from_elsewhere_may_state_anything(tmp_path: Path, taken: str) -> None:
    (tmp_path / "base.py").write_text(BASE)
    found = document(tmp_path, f"from mmengine.config import read_base\nwith read_base():\n    {taken}\nx = 1\n")
    assert "read_base" in found.absent[""]
    assert "" not in document(tmp_path, "x = 1\n").absent


@pytest.mark.parametrize("names", ["*", "wrapper, train_cfg", "wrapper, train_cfg  # noqa"])
def test_names_that_read_base_takes_in_are_the_config_s_own(tmp_path: Path, names: str) -> None:
    (tmp_path / "base.py").write_text(BASE)
    found = document(tmp_path, TAKES_IN.format(names) + "x = 1\n")
    assert value(found, "wrapper", "lr") == 1
    assert value(found, "train_cfg", "max_epochs") == 3
    assert found.node(("_hidden",)) is None
    assert "" not in found.absent
    node = found.node(("wrapper", "lr"))
    assert node is not None
    assert found.home(node).file.endswith("base.py")


def test_only_the_named_ones_are_taken_in(tmp_path: Path) -> None:
    (tmp_path / "base.py").write_text(BASE)
    found = document(tmp_path, TAKES_IN.format("train_cfg"))
    assert found.node(("wrapper",)) is None
    assert value(found, "train_cfg", "max_epochs") == 3


def test_a_name_that_is_set_anew_is_replaced_whole(tmp_path: Path) -> None:
    (tmp_path / "base.py").write_text(BASE)
    found = document(tmp_path, TAKES_IN.format("*") + "wrapper = dict(type='W', lr=2)\n")
    assert value(found, "wrapper", "lr") == 2
    assert found.node(("wrapper", "clip")) is None


@pytest.mark.parametrize(
    "change", ["wrapper.update(lr=2)", "wrapper['lr'] = 2", "wrapper |= dict(lr=2)", "del wrapper"]
)
def test_a_name_that_is_changed_is_open(tmp_path: Path, change: str) -> None:
    (tmp_path / "base.py").write_text(BASE)
    found = document(tmp_path, TAKES_IN.format("*") + f"{change}\n")
    assert isinstance(value(found, "wrapper", "lr"), Opaque)
    assert value(found, "train_cfg", "max_epochs") == 3
    assert "wrapper" in found.absent[""]


def test_bases_of_bases_are_taken_in_and_a_circle_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "base.py").write_text(TAKES_IN.format("*").replace(".base", ".below.other"))
    (tmp_path / "below").mkdir()
    (tmp_path / "below/other.py").write_text(BASE)
    assert value(document(tmp_path, TAKES_IN.format("*")), "wrapper", "lr") == 1
    (tmp_path / "below/other.py").write_text(TAKES_IN.format("*").replace(".base", "..base"))
    with pytest.raises(InputError, match="circle"):
        document(tmp_path, TAKES_IN.format("*"))

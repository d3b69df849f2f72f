"""Python files that are configs over base files, as mmengine 0.10.7 reads them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from framework.reading.formats import read
from framework.reading.nodes import Document, Opaque

BASE = """\
max_epochs = 12
optimizer = dict(type='SGD', lr=0.02, momentum=0.9)
optim_wrapper = dict(type='OptimWrapper', optimizer=optimizer)
param_scheduler = [
    dict(type='LinearLR', begin=0, end=500),
    dict(type='MultiStepLR', end=max_epochs, milestones=[8, 11]),
]
train_cfg = dict(max_epochs=max_epochs)
model = dict(type='A', head=dict(classes=80))
"""


def document(folder: Path, text: str, base: str = BASE) -> Document:
    (folder / "base.py").write_text(base)
    (folder / "run.py").write_text(text)
    return read(folder / "run.py", "run.py")


def value(found: Document, *path: str | int) -> Any:
    node = found.node(path)
    return None if node is None else found.value(node)


def test_a_base_keeps_what_it_made_of_its_own_names(tmp_path: Path) -> None:
    found = document(tmp_path, "_base_ = './base.py'\nmax_epochs = 36\noptimizer = dict(lr=0.1)\n")
    assert value(found, "train_cfg", "max_epochs") == 12
    assert value(found, "optim_wrapper", "optimizer") == {"type": "SGD", "lr": 0.02, "momentum": 0.9}
    assert value(found, "optimizer", "lr") == 0.1
    assert value(found, "max_epochs") == 36
    node = found.node(("optim_wrapper", "optimizer", "lr"))
    assert node is not None
    assert found.place(node) == "base.py:2:33"


@pytest.mark.parametrize(
    ("text", "path", "expected"),
    [
        ("optim_wrapper = dict(optimizer=dict(lr=0.1))", ("optim_wrapper", "optimizer"),
         {"type": "SGD", "lr": 0.1, "momentum": 0.9}),
        ("optim_wrapper = dict(optimizer=dict(_delete_=True, type='AdamW', lr=1e-4))", ("optim_wrapper", "optimizer"),
         {"type": "AdamW", "lr": 1e-4}),
        ("train_cfg = dict(max_epochs=_base_.max_epochs)", ("train_cfg", "max_epochs"), 12),
        ("train_cfg = dict(max_epochs={{_base_.max_epochs}})", ("train_cfg", "max_epochs"), 12),
        ("train_cfg = dict(max_epochs='{{_base_.max_epochs}}')", ("train_cfg", "max_epochs"), 12),
        ("train_cfg = dict(max_epochs=_base_.param_scheduler[0]['end'])", ("train_cfg", "max_epochs"), 500),
        ("x = _base_.optimizer\noptim_wrapper = dict(second=x)", ("optim_wrapper", "second", "lr"), 0.02),
        ("_base_.param_scheduler[1].milestones = [16, 22]", ("param_scheduler", 1, "milestones"), [16, 22]),
        ("_base_.optim_wrapper.optimizer.lr = 0.3", ("optim_wrapper", "optimizer", "lr"), 0.3),
        ("del _base_.model\nmodel = dict(type='B')", ("model",), {"type": "B"}),
        ("kind = AdamW\noptim_wrapper = dict(optimizer=dict(type=kind))", ("optim_wrapper", "optimizer", "type"),
         "AdamW"),
        ("optim_wrapper = dict(optimizer=dict(type=torch.optim.AdamW))", ("optim_wrapper", "optimizer", "type"),
         "torch.optim.AdamW"),
    ],
)  # fmt: skip
def test_what_a_config_makes_of_its_base(tmp_path: Path, text: str, path: tuple[str | int, ...], expected: Any) -> None:
    assert value(document(tmp_path, f"_base_ = ['base.py']\n{text}\n"), *path) == expected


@pytest.mark.parametrize(
    "text",
    [
        "_base_.optim_wrapper.optimizer.update(lr=1)",
        "_base_.optim_wrapper.optimizer.lr *= 2",
        "_base_.optim_wrapper.optimizer[name] = 2",
        "x = _base_.optim_wrapper\nx.optimizer.update(lr=2)",
        "x = _base_.optim_wrapper\nx[name]['lr'] = 2",
        "_base_.optim_wrapper['opt' + 'imizer'].lr = 2",
        "if x:\n    _base_.optim_wrapper.optimizer.lr = 2",
        "for i in x:\n    _base_.optim_wrapper.update(i)",
    ],
)
def test_what_only_running_tells_is_left_open(tmp_path: Path, text: str) -> None:
    found = value(document(tmp_path, f"_base_ = ['base.py']\n{text}\n"), "optim_wrapper", "optimizer", "lr")
    assert isinstance(found, Opaque)
    assert "run.py:" in found.reason


def test_a_list_of_which_an_item_is_set_stays_a_list(tmp_path: Path) -> None:
    found = document(tmp_path, BASE + "param_scheduler[0]['end'] = 100\n")
    assert value(found, "param_scheduler", 0, "end") == 100
    assert value(found, "param_scheduler", 1, "milestones") == [8, 11]


def test_other_programs_are_read_as_before(tmp_path: Path) -> None:
    found = document(tmp_path, "opt = dict(lr=1)\ntrain = dict(opt=opt)\n")
    assert isinstance(value(found, "train", "opt"), Opaque)

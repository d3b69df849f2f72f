"""What a Hydra config says of its own sweep goes before its values."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from framework.conformance.meaning import compare
from framework.reading.formats import read
from framework.reading.hydra.override_values import hydra_value
from framework.reading.nodes import Document, Opaque

PARAMS = "hydra:\n  mode: MULTIRUN\n  sweeper:\n    params:\n"


def _document(folder: Path, text: str, **groups: str) -> Document:
    for name, group in groups.items():
        (folder / name).mkdir()
        (folder / name / "x.yaml").write_text(group)
    (folder / "config.yaml").write_text(text)
    return read(folder / "config.yaml", "config.yaml", "omegaconf")


def _value(document: Document, *path: str) -> Any:
    node = document.node(path)
    assert node is not None
    return document.value(node)


def test_a_sweep_replaces_the_files_own_value(tmp_path: Path) -> None:
    document = _document(tmp_path, f"lr: 1e-3\nepochs: 20\n{PARAMS}      lr: 1e-4,3e-4\n")
    value = _value(document, "lr")
    assert isinstance(value, Opaque)
    assert value.each == (1e-4, 3e-4)
    assert _value(document, "epochs") == 20
    node = document.node(("lr",))
    assert node is not None
    assert str(document.location(node)) == "config.yaml:7:11"
    assert not document.editable(node)


@pytest.mark.parametrize("name", ["optimizer.lr", "+optimizer.lr", "++optimizer.lr"])
def test_a_dotted_name_leads_into_a_section(tmp_path: Path, name: str) -> None:
    document = _document(tmp_path, f"optimizer: {{lr: 1e-3, eps: 1e-8}}\n{PARAMS}      {name}: 5e-4\n")
    assert _value(document, "optimizer") == {"lr": 5e-4, "eps": 1e-8}


def test_a_group_may_hold_the_sweep(tmp_path: Path) -> None:
    group = f"# @package _global_\n{PARAMS}      lr: interval(1e-5, 1e-2)\n"
    document = _document(tmp_path, "defaults: [_self_, {search: x}]\nlr: 1e-3\n", search=group)
    value = _value(document, "lr")
    assert isinstance(value, Opaque)
    assert "search space" in value.reason
    node = document.node(("lr",))
    assert node is not None
    assert document.place(node).startswith("search/x.yaml:")


def test_a_swept_group_leaves_what_it_holds_open(tmp_path: Path) -> None:
    text = f"defaults: [_self_, {{optimizer: x}}]\n{PARAMS}      optimizer: x,y\n"
    document = _document(tmp_path, text, optimizer="lr: 1e-3\n")
    assert isinstance(_value(document, "optimizer", "lr"), Opaque)


@pytest.mark.parametrize("mode", ["RUN", "multirun", "''"])
def test_without_multirun_the_files_own_value_counts(tmp_path: Path, mode: str) -> None:
    document = _document(tmp_path, "lr: 1e-3\n" + PARAMS.replace("MULTIRUN", mode) + "      lr: 1e-4,3e-4\n")
    assert _value(document, "lr") == 1e-3


@pytest.mark.parametrize("text", ["range(1,4)", "interval(1,4)", "choice(1,2)", "range(1, 4, step=2)", "tag(t, 1,2)"])
def test_a_search_space_is_no_value(text: str) -> None:
    value = hydra_value(text)
    assert isinstance(value, Opaque)
    assert "search space" in value.reason
    assert value.each == ()


def test_values_of_a_sweep_are_read_as_values() -> None:
    assert hydra_value("1e-4,true,adam").each == (1e-4, True, "adam")


@pytest.mark.parametrize(
    ("text", "between"),
    [
        ("interval(1e-5, 1e-4)", (1e-5, 1e-4)),
        ("tag(log, interval(1e-5, 1e-4))", (1e-5, 1e-4)),
        ("tag(a, b, int(interval(1, 5)))", (1, 5)),
        ("range(1, 10, step=2)", (1, 10)),
        ("interval(4, 1)", (1, 4)),
        ("choice(3, 1, 2.5)", (1, 3)),
        ("choice(1, 2.5, yes)", None),
        ("choice(a, b(c))", None),
        ("range(start=1, stop=4)", None),
        ("glob(*)", None),
    ],
)
def test_between_what_the_values_of_a_search_space_lie(text: str, between: tuple[float, float] | None) -> None:
    assert hydra_value(text).between == between


@pytest.mark.parametrize(
    ("declared", "said"),
    [(1e-3, False), (1e-4, None), (1e-5, None), (5e-5, None)],
)
def test_a_value_that_cannot_come_from_an_interval_is_another(declared: float, said: bool | None) -> None:
    space = hydra_value("tag(log, interval(1e-5, 1e-4))")
    assert compare(("phases", "p", "optimizer", "learning_rate"), declared, space).same is said

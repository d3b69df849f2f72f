"""Which reader takes a file, and what all of them have in common."""

from __future__ import annotations

import types
from pathlib import Path

import pytest

from framework.errors import InputError
from framework.manifest.sections.bindings import Binding
from framework.reading import formats
from framework.reading.formats import read, readable
from framework.reading.nodes import Document
from framework.reading.yaml.parsing import parse_yaml
from framework.stages.config.matching import bound_names, read_bound

SAMPLES = {
    "a.yaml": ("lr: 2e-4\n", "lr"),
    "a.yml": ("lr: 2e-4\n", "lr"),
    "a.json": ('{"lr": 2e-4}\n', "lr"),
    "a.toml": ("lr = 2e-4\n", "lr"),
    "a.sh": ("python train.py --lr 2e-4\n", "--lr"),
    "a.slurm": ("srun python train.py --lr=2e-4\n", "--lr"),
    "launch": ("#!/usr/bin/env bash\nLR=2e-4\n", "LR"),
    "tool": ("#!/usr/bin/env python3\nLR = 2e-4\n", "LR"),
    "a.py": ("LR = 2e-4\n", "LR"),
    "a.ini": ("lr = 2e-4\n", "lr"),
    "a.conf": ("lr: 2e-4\n", "lr"),
    "a.gin": ("lr = 2e-4\n", "lr"),
    "a.tex": ("\\newcommand{\\lr}{2e-4}\n", "\\lr"),
    "a.md": ("- lr: 2e-4\n", "lr"),
}


def _written(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.write_bytes(text.encode("utf-8"))
    return path


@pytest.mark.parametrize("name", SAMPLES)
def test_a_file_is_read_by_its_name_or_its_first_line(tmp_path: Path, name: str) -> None:
    text, key = SAMPLES[name]
    path = _written(tmp_path, name, text)
    assert readable(path)
    document = read(path, name)
    found = document.walk((key,))
    assert found is not None
    assert document.value(found[1]) == 2e-4
    assert document.text[found[1].start : found[1].stop] == "2e-4"
    assert document.location(found[1], (key,)).key == key


@pytest.mark.parametrize("name", SAMPLES)
@pytest.mark.parametrize("change", [lambda text: "\ufeff" + text, lambda text: text.replace("\n", "\r\n")])
def test_a_byte_order_mark_and_windows_line_ends_change_nothing(tmp_path: Path, name: str, change) -> None:
    text, key = SAMPLES[name]
    if name in ("launch", "tool") and change(text)[0] == "\ufeff":
        pytest.skip("no kernel takes such a file for a script either")
    document = read(_written(tmp_path, name, change(text)), name)
    found = document.walk((key,))
    assert found is not None
    assert document.value(found[1]) == 2e-4
    assert document.text[found[1].start : found[1].stop] == "2e-4"


@pytest.mark.parametrize("name", SAMPLES)
def test_bytes_that_are_no_text_have_a_place(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_bytes(SAMPLES[name][0].encode() + b"# \xff\n")
    with pytest.raises(InputError, match=rf"{name}:\d+:3: not UTF-8"):
        read(path, name)


def _bound(folder: Path, binding: Binding) -> list[Document]:
    return [read_bound(name, str(folder), binding) for name in bound_names(folder, str(folder), binding)]


@pytest.mark.parametrize(
    ("name", "reader", "value"),
    [
        ("a.yaml", "yaml-1.2", 2e-4),
        ("a.yaml", "pyyaml", "2e-4"),
        ("a.yaml", "omegaconf", 2e-4),
        ("a.json", "yaml-1.2", 2e-4),
    ],
)
def test_a_binding_says_how_its_consumer_reads(tmp_path: Path, name: str, reader: str, value: object) -> None:
    _written(tmp_path, name, SAMPLES[name][0])
    (document,) = _bound(tmp_path, Binding(file=name, reader=reader))
    found = document.walk(("lr",))
    assert found is not None
    assert document.value(found[1]) == value


def test_a_name_that_no_format_knows_asks_for_a_reader(tmp_path: Path) -> None:
    path = _written(tmp_path, "settings.props", "lr = 1\n")
    assert not readable(path)
    with pytest.raises(InputError, match=r"no reader for '\.props' files\n.*`reader:`"):
        read(path, "settings.props")
    assert read(path, "settings.props", "toml").format == "toml"
    with pytest.raises(InputError, match=r"no reader 'tomll'\n.*'toml'"):
        read(path, "settings.props", "tomll")


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    for name in ("a.yaml", "b.json", "none"):
        with pytest.raises(InputError, match="no such file"):
            read(tmp_path / name, name)


def test_other_distributions_add_formats(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def read_props(path: Path, shown: str, reader: str):
        return parse_yaml(path.read_text().replace(" =", ":"), shown)

    module = types.SimpleNamespace(SUFFIXES=(".props",), READERS=("props",), read=read_props)
    monkeypatch.setattr(formats, "third_parties", lambda: {".props": module})
    path = _written(tmp_path, "a.props", "lr = 1\n")
    assert readable(path)
    document = read(path, "a.props")
    assert document.root is not None
    assert document.value(document.root) == {"lr": 1}
    assert read(path, "a.props", "props").root is not None


def test_a_bound_file_is_read_again_when_a_file_it_is_composed_of_changes(tmp_path: Path) -> None:
    (tmp_path / "optimizer").mkdir()
    _written(tmp_path, "config.yaml", "defaults:\n  - optimizer: adamw\n  - _self_\nseed: 1\n")
    group = _written(tmp_path, "optimizer/adamw.yaml", "lr: 1\n")
    binding = Binding(file="config.yaml")

    def lr() -> object:
        (document,) = _bound(tmp_path, binding)
        found = document.walk(("optimizer", "lr"))
        return document.value(found[1]) if found else None

    assert lr() == 1
    group.write_text("lr: 0.25\n")
    assert lr() == 0.25
    (first,), (second,) = _bound(tmp_path, binding), _bound(tmp_path, binding)
    assert first is second


# YAML


def test_several_documents_are_a_list_each_with_its_own_keys() -> None:
    document = parse_yaml("lr: 1\n---\nlr: 2\nlr: 3\n", "file")
    assert document.several
    assert [path for path, _ in document.leaves()] == [(0, "lr"), (1, "lr")]
    assert [duplicate.path for duplicate in document.duplicates] == [(1, "lr")]
    with pytest.raises(InputError, match="file:2:1: a second document"):
        parse_yaml("lr: 1\n---\nlr: 2\n", "file", "omegaconf")


def test_an_anchor_and_a_merge_keep_the_place_where_the_value_is_written() -> None:
    document = parse_yaml("base: &base {lr: 1, wd: 2}\nown:\n  <<: *base\n  lr: 3\n", "file")
    assert document.root is not None
    assert document.value(document.root) == {"base": {"lr": 1, "wd": 2}, "own": {"lr": 3, "wd": 2}}
    found = document.walk(("own", "wd"))
    assert found is not None
    assert str(document.location(found[1])) == "file:1:25"


@pytest.mark.parametrize(
    ("text", "pyyaml", "omegaconf"),
    [
        ("2e-4", "2e-4", 2e-4),
        ("1E+3", "1E+3", 1000.0),
        ("yes", True, True),
        ("off", False, False),
        ("1:30", 90, 90),
        ("017", 15, 15),
        ("0o17", "0o17", "0o17"),
        ("1_000", 1000, 1000),
        ("y", "y", "y"),
        ("-.5e3", "-.5e3", "-.5e3"),
        ("1e1000", "1e1000", float("inf")),
    ],
)
def test_yaml_1_1_as_pyyaml_and_as_omegaconf_take_it(text: str, pyyaml: object, omegaconf: object) -> None:
    for reader, expected in (("pyyaml", pyyaml), ("omegaconf", omegaconf)):
        document = parse_yaml(f"x: {text}\n", "file", reader)  # type: ignore[arg-type]
        assert document.root is not None
        value = document.value(document.root)["x"]
        assert (type(value), value) == (type(expected), expected)


def test_a_date_is_one_to_pyyaml_only() -> None:
    for reader, kind in (("pyyaml", "date"), ("omegaconf", "str"), ("yaml-1.2", "str")):
        document = parse_yaml("x: 2024-01-31\n", "file", reader)  # type: ignore[arg-type]
        assert document.root is not None
        assert type(document.value(document.root)["x"]).__name__ == kind


def test_quotes_are_known_to_whom_replaces_a_value() -> None:
    document = parse_yaml("a: 'x'\nb: \"y\"\nc: z\n", "file")
    assert [document.quote(node) for _, node in document.leaves()] == ["'", '"', None]

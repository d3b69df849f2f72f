"""OmegaConf's interpolations and Hydra's defaults lists, as far as the files themselves hold the answer.

What is expected here is what OmegaConf 2.3 and Hydra 1.3 make of the same files.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from framework.errors import InputError
from framework.reading.formats import read
from framework.reading.interpolation import interpolate
from framework.reading.nodes import UNSET, Document, Opaque
from framework.reading.yaml.parsing import parse_yaml

BASE = """
a: 1
s: text
which: a
last: m
n: {m: 2, l: [10, 20, '${.0}', '${..m}', '${...a}']}
x:
  a: inner
  y: """


def _resolved(text: str) -> Document:
    document = parse_yaml(text, "config.yaml", "omegaconf")
    interpolate(document)
    return document


def _value(document: Document, *path: str | int) -> Any:
    found = document.walk(path)
    assert found is not None
    return document.value(found[1])


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("${a}", 1),
        ("${ a }", 1),
        ('"${a}"', 1),
        ("${.a}", "inner"),
        ("${..a}", 1),
        ("x${a}y", "x1y"),
        ("${a}.5", "1.5"),
        ("${n.l[1]}", 20),
        ("${n.l.1}", 20),
        ("${x[a]}", "inner"),
        ("${n.l.2}", 10),
        ("'${${which}}'", 1),
        ("${n.${last}}", 2),
        ("\\${a}", "${a}"),
        ("\\\\${a}", "\\1"),
        ("${a}${s}", "1text"),
        ("${oc.select:a,5}", 1),
        ("${oc.select:zz,5}", 5),
        ("${oc.decode:'1e-4'}", 1e-4),
    ],
)
def test_what_the_file_itself_answers(text: str, expected: Any) -> None:
    value = _value(_resolved(BASE + text + "\n"), "x", "y")
    assert (type(value), value) == (type(expected), expected)


def test_lists_count_from_their_own_place() -> None:
    assert _value(_resolved(BASE + "1\n"), "n", "l") == [10, 20, 10, 2, 1]


def test_a_whole_section_can_be_meant() -> None:
    document = _resolved(BASE + "${n}\n")
    assert _value(document, "x", "y", "m") == 2


@pytest.mark.parametrize(
    ("text", "default"),
    [
        ("${nope}", UNSET),
        ("${.nope}", UNSET),
        ("${....a}", UNSET),
        ("${oc.env:LR}", UNSET),
        ("${oc.env:LR,3e-4}", "3e-4"),
        ("${my_resolver:1}", UNSET),
        ("${.y}", UNSET),
        ("${", UNSET),
        ("x${n}", UNSET),
    ],
)
def test_what_it_does_not_answer_is_opaque(text: str, default: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LR", "1")
    value = _value(_resolved(BASE + f"'{text}'\n"), "x", "y")
    assert isinstance(value, Opaque)
    assert value.default == default
    assert value.reason


def test_the_place_where_the_value_is_written_is_kept() -> None:
    document = _resolved("lr: 3e-4\nuse: ${mid}\nmid: ${lr}\n")
    found = document.walk(("use",))
    assert found is not None
    assert str(document.location(found[1])) == "config.yaml:2:6"
    assert str(document.location(document.origin(found[1]))) == "config.yaml:1:5"
    assert not document.editable(found[1])


def test_a_circle_of_sections_is_refused() -> None:
    with pytest.raises(InputError, match="in a circle"):
        _resolved("a: {x: '${b}'}\nb: {y: '${a}'}\n")


def test_a_file_that_safe_load_reads_has_no_interpolations(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_text("a: 1\nb: ${a}\n")
    assert _value(read(path, "a.yaml", "pyyaml"), "b") == "${a}"
    assert _value(read(path, "a.yaml"), "b") == 1


# Hydra's defaults lists

FILES = {
    "config.yaml": "defaults:\n  - base\n  - optimizer: adamw\n  - optimizer@opt2: sgd\n  - exp: e1\n  - db: [x, y]\n"
    "  - optional model: nope\n  - override hydra/job_logging: disabled\nlr: 1\noptimizer: {lr: 5}\n",
    "base.yaml": "{lr: 9, seed: 3, base: true}\n",
    "optimizer/adamw.yaml": "name: adamw\nlr: 2e-4\n",
    "optimizer/sgd.yaml": "defaults:\n  - common\n  - _self_\nname: sgd\n",
    "optimizer/common.yaml": "common: ${seed}\nname: cc\nmom: ${.name}\n",
    "exp/e1.yaml": "# @package _global_\ndefaults:\n  - override /optimizer: sgd\nseed: 42\noptimizer: {z: 1}\n",
    "db/x.yaml": "host: x\np: 1\n",
    "db/y.yaml": "# @package foo.bar\nhost: y\n",
    "nested.yaml": "defaults:\n  - server@srv.a: apache\n  - server: null\n  - _self_\n  - alpha: two\n"
    "server: {l: 2}\n",
    "server/apache.yaml": "defaults:\n  - sub: s1\n  - /db2: q\n  - /db2@backup: q\n  - /db2@_here_: q\n  - sub/s2\n"
    "name: apache\nn: 1\n",
    "server/sub/s1.yaml": "s: 1\nm: 2\n",
    "server/sub/s2.yaml": "s: 2\n",
    "db2/q.yaml": "q: 1\nname: qq\n",
    "alpha/two.yaml": "two: 1\nl: [1]\n",
}


@pytest.fixture
def configs(tmp_path: Path) -> Path:
    for name, text in FILES.items():
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    return tmp_path


def test_groups_packages_and_overrides_are_composed(configs: Path) -> None:
    document = read(configs / "config.yaml", "conf/config.yaml")
    assert document.root is not None
    assert document.value(document.root) == {
        "lr": 1,
        "seed": 42,
        "base": True,
        "optimizer": {"common": 42, "name": "sgd", "mom": "sgd", "z": 1, "lr": 5},
        "opt2": {"common": 42, "name": "sgd", "mom": "sgd"},
        "db": {"host": "x", "p": 1},
        "foo": {"bar": {"host": "y"}},
    }
    places = {path: str(document.location(node)) for path, node in document.leaves()}
    assert places["optimizer", "lr"] == "conf/config.yaml:10:17"
    assert places["optimizer", "name"] == "conf/optimizer/sgd.yaml:4:7"
    assert places["seed",] == "conf/exp/e1.yaml:4:7"
    for _, node in document.leaves():
        home = document.home(node)
        assert home.text[node.start : node.stop]


def test_nested_lists_go_where_their_parent_goes(configs: Path) -> None:
    document = read(configs / "nested.yaml", "nested.yaml", "omegaconf")
    assert document.root is not None
    assert document.value(document.root) == {
        "srv": {"a": {"sub": {"s": 2, "m": 2}, "db2": {"q": 1, "name": "qq"}, "backup": {"q": 1, "name": "qq"},
                      "q": 1, "name": "apache", "n": 1}},
        "server": {"l": 2},
        "alpha": {"two": 1, "l": [1]},
    }  # fmt: skip


def test_self_decides_who_wins(configs: Path) -> None:
    (configs / "first.yaml").write_text("defaults: [_self_, optimizer: adamw]\noptimizer: {lr: 5}\n")
    (configs / "last.yaml").write_text("defaults: [optimizer: adamw, _self_]\noptimizer: {lr: 5}\n")
    assert _value(read(configs / "first.yaml", "first.yaml"), "optimizer", "lr") == 2e-4
    assert _value(read(configs / "last.yaml", "last.yaml"), "optimizer", "lr") == 5


@pytest.mark.parametrize("choice", ["optimizer: lion", "optimizer: ${which}", "optimizer: ???"])
def test_what_a_config_that_is_not_there_may_overrule_is_opaque(configs: Path, choice: str) -> None:
    (configs / "gap.yaml").write_text(f"defaults:\n  - base\n  - {choice}\n  - _self_\nlr: 7\n")
    document = read(configs / "gap.yaml", "gap.yaml", "omegaconf")
    assert _value(document, "lr") == 7
    assert isinstance(_value(document, "seed"), Opaque)
    assert document.absent[""]


def test_a_list_called_defaults_that_is_not_hydras_is_left_alone(configs: Path) -> None:
    (configs / "own.yaml").write_text("defaults: [a, b]\nlr: 1\n")
    document = read(configs / "own.yaml", "own.yaml")
    assert document.root is not None
    assert document.value(document.root) == {"defaults": ["a", "b"], "lr": 1}


def test_lists_that_lead_in_a_circle_are_refused(configs: Path) -> None:
    (configs / "one.yaml").write_text("defaults: [two]\n")
    (configs / "two.yaml").write_text("defaults: [one]\n")
    with pytest.raises(InputError, match="lead in a circle"):
        read(configs / "one.yaml", "one.yaml")


def test_no_file_outside_of_the_configs_folder_is_read(configs: Path) -> None:
    inner = configs / "inner"
    inner.mkdir()
    (inner / "config.yaml").write_text("defaults: [_self_, ../base]\nlr: 1\n")
    document = read(inner / "config.yaml", "config.yaml")
    assert document.walk(("seed",)) is None
    assert isinstance(_value(document, "lr"), Opaque)

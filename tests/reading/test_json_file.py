"""JSON, by its own rules."""

from __future__ import annotations

import pytest

from framework.errors import InputError
from framework.reading.json_file import parse_json
from framework.reading.nodes import MappingNode, SequenceNode

TEXT = """{
  "lr": 1e5,
  "big": 123456789012345678901234567890,
  "zero": {"stage": 2, "on": true, "off": null},
  "betas": [0.9, 0.98],
  "name": "a\\u0041\\n",
  "empty": {}, "none": []
}
"""


def test_values_and_places() -> None:
    document = parse_json(TEXT, "ds.json")
    assert document.root is not None
    value = document.value(document.root)
    assert value["lr"] == 1e5
    assert type(value["lr"]) is float
    assert value["big"] == 123456789012345678901234567890
    assert value["zero"] == {"stage": 2, "on": True, "off": None}
    assert value["name"] == "aA\n"
    found = document.walk(("zero", "stage"))
    assert found is not None
    key, node = found
    assert key is not None
    assert (key.line, key.column) == (4, 12)
    assert str(document.location(node, ("zero", "stage"))) == "ds.json:4:21"
    assert TEXT[key.start : key.stop] == '"stage"'
    assert [path for path, _ in document.leaves()][-2:] == [("empty",), ("none",)]


def test_collections_stand_from_bracket_to_bracket() -> None:
    document = parse_json(TEXT, "ds.json")
    zero, betas = document.walk(("zero",)), document.walk(("betas",))
    assert zero is not None
    assert betas is not None
    assert isinstance(zero[1], MappingNode)
    assert isinstance(betas[1], SequenceNode)
    assert TEXT[zero[1].start : zero[1].stop] == '{"stage": 2, "on": true, "off": null}'
    assert TEXT[betas[1].start : betas[1].stop] == "[0.9, 0.98]"


def test_a_key_that_stands_twice_is_seen_and_the_last_counts() -> None:
    document = parse_json('{"a": {"lr": 1,\n "lr": 2}}', "f")
    assert document.root is not None
    assert document.value(document.root) == {"a": {"lr": 2}}
    (duplicate,) = document.duplicates
    assert duplicate.path == ("a", "lr")
    assert (duplicate.first.line, duplicate.second.line) == (1, 2)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"a": 1,}', "f:1:9: .*\n.*remove the comma"),
        ('{"a": 1} // x', "f:1:10: .*\n.*no comments"),
        ("// x\n{}", "f:1:1: .*\n.*no comments"),
        ("{'a': 1}", "f:1:2: .*\n.*double quotes"),
        ('{"a": 1e}', "f:1:8: not JSON"),
        ('{"a": 01}', "f:1:8: not JSON"),
        ('{"a": 1', "f:1:8: not JSON"),
    ],
)
def test_what_is_no_json_is_refused_with_advice(text: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        parse_json(text, "f")


def test_an_empty_file_has_no_root() -> None:
    assert parse_json(" \n", "f").root is None

"""Files that differ only in the values of their plain lines are read by one layout, exactly as the real parser reads
each of them."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from framework.errors import InputError
from framework.reading.nodes import Document
from framework.reading.yaml import parsing
from framework.reading.yaml.lines import ParsedRoot
from framework.reading.yaml.parsing import parse_yaml

VALUES = ["1", "3e-4", "x", "'y z'", '"1"', "null", "[1, 2]", "[]", "a b", "07", "true", "1, q", "2 }"]
FOREIGN = [
    "{k}: &a\n",
    "{k}: &a 5\n",
    "<<: *a\n",
    "{k}: *a\n",
    "{k}: {{p: 1, q: [2]}}\n",
    "{k}: {{p: 1,\n",
    "  q: 2}}\n",
    "  }}\n",
    "{k}: !!str 7\n",
    "{k}: |\n",
    "  text\n",
    "{k}: 'open\n",
    "  closed'\n",
    "? {k}\n",
    "---\n",
    "- - 1\n",
    "{k}: [1, [2]]\n",
    '{k}: "\\u0041"\n',
]
PLAIN = ["{k}: {v}\n", "{k}:\n", "- {v}\n", "- {k}: {v}\n", "# {v}\n", "\n"]


@st.composite
def families(draw: st.DrawFn) -> list[str]:
    """Three texts of the same lines, but for the values of the plain ones, comments and empty lines."""
    texts = ["", "", ""]
    for _ in range(draw(st.integers(1, 9))):
        line = " " * (2 * draw(st.integers(0, 2))) + draw(st.sampled_from(FOREIGN + 2 * PLAIN))
        key = draw(st.sampled_from("abcd"))
        for at in range(3):
            texts[at] += line.format(k=key, v=draw(st.sampled_from(VALUES)))
            if draw(st.integers(0, 5)) == 0:
                texts[at] += draw(st.sampled_from(["# c\n", "\n", "   # d: 1\n"]))
    return texts


def said(document: Document) -> tuple[object, ...]:
    """All that others ask a document: what stands where, and what it means."""
    nodes = [(leaf.line, leaf.column, leaf.start, leaf.stop) for leaf in document.leaf_nodes()]
    twice = [(each.path, each.first.start, each.second.start) for each in document.duplicates]
    return document.shape(), repr(document.leaf_values()), nodes, twice, document.several


def read(text: str, quick: bool) -> object:
    try:
        document = parse_yaml(text, "file") if quick else parsing._parsed_by_events(text, "file", "yaml-1.2")[0]
        return said(document)
    except InputError as problem:
        return str(problem)


@settings(max_examples=600, deadline=20_000, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
@given(families())
@example([f"a: {{p: 1,\n  q: {value}\n  }}\n" for value in ("2", "2", "2, r")])
@example([f"a: 'open\n  b: {value}\n  '\n" for value in ("2", "2", "it''s'")])
def test_texts_of_one_layout_are_read_as_each_alone(texts: list[str]) -> None:
    few, parsing._FEW = parsing._FEW, 0
    try:
        for text in [*texts, *texts]:
            assert read(text, quick=True) == read(text, quick=False)
    finally:
        parsing._FEW = few


def test_files_with_an_anchor_share_a_layout(monkeypatch: pytest.MonkeyPatch) -> None:
    """Otherwise the test above says nothing of layouts with foreign lines."""
    monkeypatch.setattr(parsing, "_FEW", 0)
    text = "shared: &s {{x: 1}}\ntrain:\n  <<: *s\n  lr: {}\n"
    documents = [parse_yaml(text.format(rate), "file") for rate in ("1e-1", "1e-2", "1e-3")]
    assert isinstance(documents[2].root, ParsedRoot)
    assert documents[2].shape() is documents[0].shape()
    assert documents[2].leaf_values() == [1, 0.001, 1]

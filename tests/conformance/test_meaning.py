"""Whether two values say the same thing: meaning before strings."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from framework.conformance import Stage, Status
from framework.conformance.meaning import compare, same
from framework.manifest.sections.methods import Permute
from framework.manifest.sections.values.durations import Duration
from tests.support.project import Project
from tests.support.statuses import codes, status_of

PLACE = ("phases", "pretrain", "optimizer", "learning_rate")

EQUAL: list[tuple[Any, Any]] = [
    (2e-4, 0.0002),
    (2e-5, 0.1 * 2e-4),
    (1.0, 1),
    (0.0, 0),
    (129_135_360, 129135360.0),
    ([0.9, 0.98], [0.9, 0.98]),
    ([0.9, 0.98], (0.9, 0.98)),
    ([[1], [2.0]], [[1.0], [2]]),
    (True, True),
    ("text", "text"),
    (None, None),
    (Permute(method="csp"), "csp"),
    (Permute(method="csp"), {"method": "csp", "dimension": "state"}),
]
DIFFERENT: list[tuple[Any, Any]] = [
    (2e-4, 2.0000001e-4),
    (1, True),
    (0, False),
    (True, 1),
    (True, "true"),
    (1, "1"),
    (0.0, 1e-300),
    (5e-324, 0.0),
    ([0.9, 0.98], [0.98, 0.9]),
    ([0.9, 0.98], [0.9]),
    ([1, 0], [True, False]),
    ("text", "Text"),
    (2e-4, None),
    (1.0, float("nan")),
    (1.0, float("inf")),
    (1.0, 10**400),
    (10**400, 1.0),
    (Permute(method="csp"), "sort"),
    (Permute(method="csp"), {"method": "csp", "dimension": "channel"}),
]


@pytest.mark.parametrize(("declared", "stated"), EQUAL)
def test_one_meaning_in_other_words(declared: Any, stated: Any) -> None:
    assert same(declared, stated)
    assert compare(PLACE, declared, stated).same is True


@pytest.mark.parametrize(("declared", "stated"), DIFFERENT)
def test_other_meanings(declared: Any, stated: Any) -> None:
    assert not same(declared, stated)
    assert compare(PLACE, declared, stated).same is False


@given(st.floats(1e-12, 1e12), st.floats(1e-6, 1e6))
def test_a_number_that_was_computed_is_the_number(value: float, factor: float) -> None:
    assert same(value, value / factor * factor)
    assert not same(value, value * 1.000001)


@given(st.floats(allow_nan=False) | st.integers() | st.booleans() | st.text(max_size=3))
def test_everything_says_the_same_as_itself(value: Any) -> None:
    assert same(value, value)


@given(
    st.one_of(st.floats(), st.integers(), st.booleans(), st.none()),
    st.one_of(st.floats(), st.integers(), st.booleans()),
)
def test_sameness_has_no_direction(one: Any, other: Any) -> None:
    assert same(one, other) == same(other, one)


@pytest.mark.parametrize("field", ["name", "metric", "score", "structure", "objective", "precision", "importance"])
def test_a_term_of_the_field_may_be_spelled_in_several_ways(field: str) -> None:
    for stated in ("AdamW", "adamw", "adam_w", "Adam-W", "ADAMW"):
        assert compare(("phases", "pretrain", "optimizer", field), "adamw", stated).same is True
    assert compare(("phases", "pretrain", "optimizer", field), "adamw", "adam").same is False


@pytest.mark.parametrize("field", ["title", "hub", "path", "same_as"])
def test_a_name_of_one_thing_may_not(field: str) -> None:
    assert compare(("models", "tiny", field), "M_sdm", "m-sdm").same is False


def test_the_name_of_a_dataset_s_configuration_is_no_term_of_the_field() -> None:
    assert compare(("datasets", "wikitext", "name"), "wikitext-103-raw-v1", "WikiText_103_raw_v1").same is False


def test_a_variant_s_own_name_of_an_optimizer_is_a_term_of_the_field() -> None:
    place = ("variants", "dense", "steps", 0, "pretrain", "set", "optimizer.name")
    assert compare(place, "adamw", "AdamW").same is True


# What is not known


@pytest.mark.parametrize("stated", ["${lr}", "${oc.env:LR,1}", "a-${b}-c", "$LR", "{{ lr }}"])
def test_an_interpolation_is_not_known(stated: str) -> None:
    comparison = compare(PLACE, 2e-4, stated)
    assert comparison.same is None
    assert stated in comparison.reason


def test_a_text_that_is_declared_like_an_interpolation_is_known() -> None:
    assert compare(("paper", "title"), "costs $5", "costs $5").same is True


# Strings for numbers


@pytest.mark.parametrize("stated", ["2e-4", " 2e-4 ", "3e-4", "1"])
def test_a_number_that_its_reader_takes_for_a_string_is_a_finding_of_its_own(stated: str) -> None:
    comparison = compare(PLACE, 2e-4, stated)
    assert (comparison.same, comparison.wrong_type) == (False, True)


@pytest.mark.parametrize(("declared", "stated"), [(2e-4, "fast"), ("2e-4", 2e-4), (2e-4, "")])
def test_another_value_is_not_a_matter_of_its_reader(declared: Any, stated: Any) -> None:
    comparison = compare(PLACE, declared, stated)
    assert (comparison.same, comparison.wrong_type) == (False, False)


@pytest.mark.parametrize(
    ("declared", "stated", "expected"),
    [
        (2e-4, [2e-4], True),  # argparse's `nargs="+"`
        (2e-4, [3e-4], False),
        ("a", ["a"], True),
        ([0.9], 0.9, True),
        ([42], 42, True),
        ([42], 43, False),
        ([0.9, 0.98], 0.9, False),
        (2e-4, [2e-4, 2e-4], False),
        (130_000_000, "130_000_000", True),  # to YAML 1.2 a text, to PyYAML and Python a number
        (130_000_000, "13_0000_000", False),
    ],
)
def test_a_list_of_one_is_its_item(declared: Any, stated: Any, expected: bool) -> None:
    assert compare(PLACE, declared, stated).same is expected


# Durations

WARMUP = ("phases", "pretrain", "schedule", "warmup")


@pytest.mark.parametrize(
    ("declared", "stated", "facet", "same"),
    [
        ("10%", 0.1, "ratio", True),
        ("10%", 0.2, "ratio", False),
        ("500 steps", 500, "steps", True),
        ("500 steps", 500.0, "steps", True),
        ("500 steps", 501, "steps", False),
        ("10%", "10%", None, True),
        ("500 steps", "500 steps", None, True),
        ("500 steps", {"steps": 500}, None, True),
        ("500 steps", "501 steps", None, False),
        ("10%", 500, "steps", None),
        ("500 steps", 0.1, "ratio", None),
        ("500 steps", 500, None, None),
        ("10%", "${warmup}", "ratio", None),
        ("10%", "${warmup}", None, None),
    ],
)
def test_a_warmup_is_compared_in_its_unit(declared: str, stated: Any, facet: str | None, same: bool | None) -> None:
    assert compare(WARMUP, Duration.model_validate(declared), stated, facet).same is same


@pytest.mark.parametrize(
    ("declared", "stated", "facet", "totals", "same"),
    [
        ("10%", 100, "steps", [1000], True),
        ("10%", 99, "steps", [1000], False),
        ("10%", 101, "steps", [1005], True),
        ("10%", 100, "steps", [1005], True),
        ("100 steps", 0.1, "ratio", [1000], True),
        ("100 steps", 0.2, "ratio", [1000], False),
        ("10%", 100, "steps", [1000, 2000], None),
    ],
)
def test_a_warmup_in_the_other_unit_is_compared_in_steps(
    declared: str, stated: Any, facet: str, totals: list[int], same: bool | None
) -> None:
    assert compare(WARMUP, Duration.model_validate(declared), stated, facet, totals).same is same


# The reader of a file


@pytest.mark.parametrize("reader", ["yaml-1.2", "pyyaml", "omegaconf"])
@pytest.mark.parametrize(("text", "pyyaml"), [("2e-4", "C103"), ("2.0e-4", None), ("0.0002", None), ("3.0e-4", "C101")])
def test_a_file_is_read_as_its_own_trainer_reads_it(tmp_path: Path, reader: str, text: str, pyyaml: str | None) -> None:
    project = Project(tmp_path).replace("    keys:\n", f"    reader: {reader}\n    keys:\n")
    project.config("min_lr: 2e-5", "min_lr: 2.0e-5").config("  lr: 2e-4", f"  lr: {text}")
    expected = pyyaml if reader == "pyyaml" or text == "3.0e-4" else None
    assert codes(project.check()) == ([expected] if expected else [])


def test_what_pyyaml_takes_for_a_truth_value_is_one(tmp_path: Path) -> None:
    project = Project(tmp_path).replace("    keys:\n", "    reader: pyyaml\n    keys:\n")
    project.config("min_lr: 2e-5", "min_lr: 2.0e-5").config("  lr: 2e-4", "  lr: 2.0e-4").config("AdamW", "no")
    (finding,) = project.check().findings
    assert (finding.code, finding.actual) == ("C101", False)


def test_a_permutation_that_is_stated_by_its_name_can_be_bound(tmp_path: Path) -> None:
    binding = "      epochs: epochs\n      permutation: variants.reordered.steps[0].permute\n"
    project = Project(tmp_path).replace("      epochs: epochs\n", binding)
    project.append("permutation: csp\n", "configs/pretrain.yaml")
    result = project.check()
    assert result.findings == []
    assert status_of(result, "variants.reordered.steps[0].permute", Stage.CONFIG) is Status.CONFORMS

"""Exactly as many go as asked, by the specification written out, whatever way the engine takes."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy
import pytest

from framework.evidence.score_keys import KINDS, random_keys
from runners.sparsity.exactly.keyed import ArrayKeys
from runners.sparsity.exactly.packing import PackedMasks
from runners.sparsity.exactly.passes import NotANumber
from runners.sparsity.exactly.top_k import write_masks

SHARES = (0.0, 1e-6, 0.1, 0.25, 0.5, 0.5001, 0.9, 0.999999, 1.0)
"""0% prunes nothing and 100% everything; two levels lie next to each other."""


def masks(bits: dict[str, Any], kind: str, zeros: list[int], room: int = 1 << 22) -> list[numpy.ndarray]:
    keys = ArrayKeys(bits, KINDS[kind])
    found = PackedMasks(keys.sizes, len(zeros))
    write_masks(keys, zeros, found, room)
    return [
        numpy.concatenate(
            [
                numpy.unpackbits(level[name], count=size, bitorder="little").view(bool)
                for name, size in keys.sizes.items()
            ]
        )
        for level in found.levels
    ]


def specified(bits: dict[str, Any], kind: str, zeros: int) -> numpy.ndarray:
    """Sort by |x|; among equal ones the last position goes first."""
    flat = numpy.concatenate([part.ravel() for part in bits.values()]) & (KINDS[kind].sign - 1)
    order = numpy.lexsort((-numpy.arange(len(flat)), flat.astype(numpy.uint64)))
    kept = numpy.ones(len(flat), bool)
    kept[order[:zeros]] = False
    return kept


def normal(size: int, seed: int) -> numpy.ndarray:
    return numpy.random.default_rng(seed).standard_normal(size, numpy.float32)


def scores(case: str, size: int) -> tuple[dict[str, Any], str]:
    one, other = normal(size, 1), 9 * normal(size // 2 + 1, 2)
    if case == "bfloat16":
        return {"a": (one.view("<u4") >> 16).astype("<u2"), "b": (other.view("<u4") >> 16).astype("<u2")}, "BF16"
    if case == "float16":
        return {"a": one.astype("<f2").view("<u2")}, "F16"
    if case == "float64":
        return {"a": one.astype("<f8").view("<u8"), "b": other.astype("<f8").view("<u8")}, "F64"
    if case == "mostly zeros":  # of both signs, as after a pruning
        one[one < 0.7] = 0
        return {"a": one.view("<u4"), "b": numpy.full(size, 1 << 31, "<u4")}, "F32"
    if case == "one value":
        return {"a": numpy.full(size, 0x3F800000, "<u4")}, "F32"
    if case == "three values":
        return {name: numpy.full(size, value, "<u4") for name, value in (("a", 7), ("b", 0x7F800000), ("c", 9))}, "F32"
    if case == "sorted":  # a sample of neighbours is a poor one
        return {"a": numpy.sort(one).view("<u4"), "b": other.view("<u4")}, "F32"
    return {"a": one.view("<u4"), "b": other.view("<u4")}, "F32"


CASES = ("float32", "bfloat16", "float16", "float64", "mostly zeros", "one value", "three values", "sorted")


@pytest.mark.parametrize("room", [1 << 22, 500], ids=["room for all", "room for few"])
@pytest.mark.parametrize("size", [1, 9, 5_000, 400_000])
@pytest.mark.parametrize("case", CASES)
def test_exactly_the_lowest_go_and_levels_are_nested(case: str, size: int, room: int) -> None:
    bits, kind = scores(case, size)
    elements = sum(part.size for part in bits.values())
    zeros = [round(share * elements) for share in SHARES]
    found = masks(bits, kind, zeros, room)
    for count, mask in zip(zeros, found, strict=True):
        assert int((~mask).sum()) == count
        assert numpy.array_equal(mask, specified(bits, kind, count))
    for fewer, more in pairwise(found):
        assert not (more & ~fewer).any()


def test_a_sample_that_misleads_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    from runners.sparsity.exactly import brackets, top_k

    bits, kind = scores("float32", 300_000)
    elements = sum(part.size for part in bits.values())
    wrong = [brackets.Bracket(1000, 2000, 5.0), brackets.Bracket(0x7F000000, 0x7F800001, 5.0)]
    monkeypatch.setattr(top_k, "sampled_brackets", lambda keys, zeros: wrong)
    for count, mask in zip(
        [elements // 3, elements // 2], masks(bits, kind, [elements // 3, elements // 2]), strict=True
    ):
        assert numpy.array_equal(mask, specified(bits, kind, count))


def test_impossible_numbers_are_refused() -> None:
    bits = {"a": numpy.zeros(4, "<u4")}
    for count in (-1, 5):
        with pytest.raises(ValueError, match=f"{count} of 4 scores cannot be removed"):
            masks(bits, "F32", [count])


@pytest.mark.parametrize("size", [10, 600_000])
def test_what_is_not_a_number_is_refused_by_name(size: int) -> None:
    bits = {"a": normal(size, 1).view("<u4"), "b": normal(size, 2).view("<u4")}
    bits["b"][size // 2] = 0x7FC00000
    with pytest.raises(NotANumber, match="a score of b is not a number"):
        masks(bits, "F32", [size])


def test_random_keys_follow_from_seed_name_and_index_alone() -> None:
    whole = random_keys(3, "a", 0, 1000)
    assert whole.dtype == numpy.uint32
    assert whole.min() >= 1
    assert whole.max() <= 1 << 24
    for start, stop in ((0, 8), (8, 17), (3, 1000), (999, 1000)):
        assert numpy.array_equal(random_keys(3, "a", start, stop), whole[start:stop])
    assert not numpy.array_equal(random_keys(4, "a", 0, 1000), whole)
    assert not numpy.array_equal(random_keys(3, "b", 0, 1000), whole)
    assert abs(float(whole.mean()) / 2**23 - 1) < 0.1
    assert whole[:4].tolist() == [671425, 13589205, 4501765, 4582031]  # the same on every machine, for ever

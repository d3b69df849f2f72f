"""The same number of each group is kept: per output, or N of each M neighbouring inputs."""

from __future__ import annotations

import numpy
import pytest
import torch

from framework.errors import UsageError
from runners.sparsity.exactly.groups import kept_of_each
from runners.sparsity.scored import masks_of
from runners.sparsity.structures import Amount, Wanted


@pytest.mark.parametrize("zeros", [0, 1, 3, 4])
def test_the_lowest_of_each_group_go_and_the_first_of_equal_ones_stay(zeros: int) -> None:
    keys = numpy.random.default_rng(0).integers(0, 3, (500, 4)).astype(numpy.uint32)
    for row, kept in zip(keys.tolist(), kept_of_each(keys, zeros).tolist(), strict=True):
        gone = sorted(range(4), key=lambda index: (row[index], -index))[:zeros]
        assert kept == [index not in gone for index in range(4)]


@pytest.mark.parametrize(("pattern", "size"), [((2, 4), 4), ((4, 8), 8), ((1, 4), 4)])
def test_n_of_each_m_along_the_inputs(pattern: tuple[int, int], size: int) -> None:
    torch.manual_seed(0)
    weights = {
        "linear.weight": torch.randn(6, 16),
        "turned.weight": torch.randn(16, 6),
        "even.weight": torch.ones(3, 8),
    }
    scores = {name: weight.abs() for name, weight in weights.items()}
    wanted = Wanted([Amount(share=0.5)], pattern=pattern, input_first=frozenset({"turned.weight"}))
    (masks,) = masks_of(scores, f"{pattern[0]}:{pattern[1]}", wanted)
    for name, mask in masks.items():
        rows = mask.T if name == "turned.weight" else mask
        own = scores[name].T if name == "turned.weight" else scores[name]
        assert (rows.reshape(-1, size).sum(dim=1) == pattern[0]).all()
        for group, kept in zip(own.reshape(-1, size), rows.reshape(-1, size), strict=True):
            assert group[kept].min() >= group[~kept].max()
    assert masks["even.weight"][0].tolist() == ([True] * pattern[0] + [False] * (size - pattern[0])) * (8 // size)


def test_inputs_that_do_not_divide_are_refused() -> None:
    with pytest.raises(UsageError, match=r"a\.weight has 6 inputs, which do not divide into groups of 4"):
        masks_of({"a.weight": torch.ones(2, 6)}, "2:4", Wanted([Amount(share=0.5)], pattern=(2, 4)))


def test_each_output_has_its_own_number() -> None:
    scores = {"a.weight": torch.rand(50, 10), "b.weight": torch.rand(10, 30), "conv.weight": torch.rand(5, 1, 4)}
    amounts = [Amount(share=share) for share in (0.0, 0.3, 0.5)]
    levels = masks_of(scores, "unstructured", Wanted(amounts, "output", input_first=frozenset({"b.weight"})))
    for amount, masks in zip(amounts, levels, strict=True):
        assert ((~masks["a.weight"]).sum(dim=1) == amount.of(10)).all()
        assert ((~masks["b.weight"]).sum(dim=0) == amount.of(10)).all()
        assert ((~masks["conv.weight"]).sum(dim=(1, 2)) == amount.of(4)).all()
    assert not any((more & ~fewer).any() for fewer, more in zip(levels[1].values(), levels[2].values(), strict=True))

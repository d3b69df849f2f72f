"""A paper's name of an accelerator, and what drivers call the same."""

from __future__ import annotations

import pytest

from framework.conformance.devices import memory_stated, same_device, same_memory

SAME = [
    ("NVIDIA V100", "Tesla V100-SXM2-16GB"),
    ("Tesla V100", "Tesla V100-PCIE-32GB"),
    ("V100 32GB", "Tesla V100-SXM2-32GB"),
    ("NVIDIA T4", "Tesla T4"),
    ("NVIDIA H100 SXM5", "NVIDIA H100 80GB HBM3"),
    ("H100 SXM", "NVIDIA H100 80GB HBM3"),
    ("H100-80GB", "NVIDIA H100 80GB HBM3"),
    ("H200 SXM", "NVIDIA H200"),
    ("H200 NVL", "NVIDIA H200 NVL"),
    ("A100-80GB", "NVIDIA A100-SXM4-80GB"),
    ("A100-80GB", "NVIDIA A100 80GB PCIe"),
    ("A100-80G", "NVIDIA A100-SXM4-80GB"),
    ("A100 (80 GB)", "NVIDIA A100-SXM4-80GB"),
    ("A100-SXM4-80GB", "NVIDIA A100-SXM4-80GB"),
    ("NVIDIA A100 SXM", "NVIDIA A100-SXM4-80GB"),
    ("NVIDIA A100 Tensor Core GPU", "NVIDIA A100-SXM4-40GB"),
    ("RTX3090", "NVIDIA GeForce RTX 3090"),
    ("GeForce RTX 2080Ti", "NVIDIA GeForce RTX 2080 Ti"),
    ("A6000", "NVIDIA RTX A6000"),
    ("AMD MI250X", "AMD Instinct MI250X"),
    ("CPU", "cpu"),
]
OTHER = [
    ("NVIDIA A10", "NVIDIA A100-SXM4-80GB"),
    ("NVIDIA H100", "NVIDIA H200"),
    ("A100-40GB", "NVIDIA A100-SXM4-80GB"),
    ("A100 40 GB", "NVIDIA A100 80GB PCIe"),
    ("H100 SXM5", "NVIDIA H100 PCIe"),
    ("H100 PCIe", "NVIDIA H100 80GB HBM3"),
    ("A100 SXM2", "NVIDIA A100-SXM4-40GB"),
    ("RTX 3080", "NVIDIA GeForce RTX 3080 Ti"),
    ("RTX 2080 Ti", "NVIDIA GeForce RTX 2080"),
    ("A100", "NVIDIA A100-SXM4-40GB MIG 1g.5gb"),
    ("NVIDIA", "NVIDIA A100-SXM4-80GB"),
    ("NVIDIA T4", "cpu"),
]


@pytest.mark.parametrize(("stated", "found"), SAME)
def test_the_same_device_by_other_words(stated: str, found: str) -> None:
    assert same_device(stated, found)


@pytest.mark.parametrize(("stated", "found"), OTHER)
def test_another_device(stated: str, found: str) -> None:
    assert not same_device(stated, found)


@pytest.mark.parametrize(
    ("stated", "found", "same"),
    [
        (80, 85.0, True),
        (80, 79.2, True),
        (40, 42.4, True),
        (16, 15.6, True),
        (141, 150.1, True),
        (40, 85.0, False),
        (16, 34.1, False),
        (80, 42.4, False),
        (24, 16.9, False),
    ],
)
def test_memory_is_a_figure_and_no_lower_bound(stated: float, found: float, same: bool) -> None:
    assert same_memory(stated, found) is same


def test_a_name_that_says_its_memory() -> None:
    assert (memory_stated("A100-80GB"), memory_stated("A100 (40 GB)"), memory_stated("NVIDIA H100 PCIe")) == (
        80,
        40,
        None,
    )

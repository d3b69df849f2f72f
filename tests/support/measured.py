"""Measurements of a small project, and the machines that they are made on."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from framework.evidence.record import RunRecord
from framework.planning import measured_checkpoints as measuring

SPEED = """\
measurements:
  speed:
    measure: [latency, throughput, peak_memory]
    batch_sizes: [1, 4]
    sequence_lengths: [8]
    warmup: 2
    repeats: 5
  size:
    measure: [parameters, nonzero_parameters, flops]
    variants: [dense, pruned]
    sequence_lengths: [8]
    adapters: [merged, unmerged]
"""
HERE = {"processor": "a processor", "cores": 4, "accelerators": ["NVIDIA A100-SXM4-80GB"]}
ELSEWHERE = {"processor": "another processor", "cores": 2, "accelerators": []}


def on(machine: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(measuring, "machine", lambda: machine)


def of(quantity: str, **facts: Any) -> Callable[[RunRecord], None]:
    def change(record: RunRecord) -> None:
        found = [each for each in record.measurements if each["quantity"] == quantity]
        assert found
        found[-1].update(facts)

    return change

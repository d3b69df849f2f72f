"""How often a run is saved: what saving costs decides, unless a knob sets it."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from framework.planning.steps import Knobs
from runners.training.checkpointing import saving
from runners.training.checkpointing.saving import Saver


def test_without_a_knob_saving_costs_at_most_a_hundredth(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    monkeypatch.setattr(saving.time, "monotonic", lambda: now[0])
    saver = Saver(tmp_path, Knobs(), {})
    now[0] = 29.9
    assert not saver.due(1)
    now[0] = 30.0
    assert saver.due(2)

    def slow(*arguments: Any) -> None:
        now[0] += 4.0

    monkeypatch.setattr(saver.folder, "write", slow)
    state: Any = SimpleNamespace(tensors=dict, facts=dict)
    saver.save(2, state, [], {})
    now[0] += 399.9
    assert not saver.due(3)
    now[0] += 0.1
    assert saver.due(4)


def test_a_knob_sets_the_minutes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    monkeypatch.setattr(saving.time, "monotonic", lambda: now[0])
    saver = Saver(tmp_path, Knobs(checkpoint_minutes=2.0, checkpoint_every=100), {})
    now[0] = 119.9
    assert not saver.due(1)
    assert saver.due(100)
    now[0] = 120.0
    assert saver.due(101)

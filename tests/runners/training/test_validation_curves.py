"""Looks at the validation split on the way: for the curve alone, whether or not anything may stop early."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

from framework.evidence.record import EVENTS, MODEL, STEPS, VALIDATION, read_lines
from framework.evidence.store import Run
from framework.manifest.sections.phases import Phase
from framework.planning.steps import Knobs
from reports.figures.curves import _validation

EARLY = {"metric": "loss", "patience": 9}


def events(run: Run, name: str) -> list[dict[str, Any]]:
    return [line for line in read_lines(run.folder / EVENTS) if line["event"] == name]


def test_a_look_changes_nothing_that_is_trained(laboratory: Any, phase: Callable[..., Phase]) -> None:
    stated = phase(batch_size=16, epochs=2.0)  # 64 sequences: 4 steps an epoch
    model = laboratory.model.model_copy(update={"family": "gpt2", "heads": 2, "state": None})  # with dropout
    without, looked = (
        laboratory.pretrain(stated, model=model, knobs=Knobs(validate_every=every), seed=seed)
        for every, seed in ((None, 3), (3, 3))
    )
    assert [line["step"] for line in events(looked, VALIDATION)] == [3, 6]
    assert [line["epoch"] for line in events(looked, VALIDATION)] == [0.75, 1.5]
    assert not events(without, VALIDATION)
    for name in (STEPS, f"{MODEL}/model.safetensors"):
        assert (without.folder / name).read_bytes() == (looked.folder / name).read_bytes()
    assert without.record.metrics == looked.record.metrics


def test_what_may_stop_early_is_not_evaluated_twice(laboratory: Any, phase: Callable[..., Phase]) -> None:
    run = laboratory.pretrain(phase(batch_size=16, epochs=2.0, early_stopping=EARLY), knobs=Knobs(validate_every=2))
    assert [line["step"] for line in events(run, "evaluation")] == [4, 8]
    assert [line["step"] for line in events(run, VALIDATION)] == [2, 6]


def test_the_curve_has_each_look(laboratory: Any, phase: Callable[..., Phase]) -> None:
    run = laboratory.pretrain(phase(batch_size=16, epochs=2.0), knobs=Knobs(validate_every=3))
    seen = _validation(SimpleNamespace(run=run), 8)
    assert [step for step, _ in seen] == [0, 3, 6, 8]
    assert dict(seen)[6] == events(run, VALIDATION)[1]["loss"]
    assert dict(seen)[8] == run.record.metrics["validation_loss"]

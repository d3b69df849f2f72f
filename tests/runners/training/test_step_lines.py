"""What `steps.jsonl` says: the same bytes however seldom the device is asked, and it is asked with the lines only."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import torch

from framework.errors import FrameworkError
from framework.evidence.record import CHECKPOINTS, EVENTS, STEPS
from framework.evidence.store import Run
from framework.manifest.sections.methods import SDM, SGH, Adapter, LoRA, Mask
from framework.manifest.sections.phases import Phase
from framework.planning.steps import Knobs, Step, Training
from runners.data.examples import Batch
from runners.training import loop, update
from tests.support.transfers import counted

SPARSE = Mask(sdm=SDM(target_sparsity=0.3, learning_rate=0.4, sparsity_weight=10.0, initial_logit=0.5))
COSINE = {"name": "cosine", "warmup": "2 steps", "min_learning_rate": "0.1 * learning_rate"}
KNOWN = """\
{"step": 1, "epoch": 1, "learning_rate": 0.0, "samples": 24, "tokens": 768, \
"loss": 5.551645517349243, "gradient_norm": 0.5869197249412537, \
"temperature": 5.0, "expected_sparsity": 0.4750208258628845, "hard_sparsity": 0.0}
{"step": 2, "epoch": 1, "learning_rate": 0.0015, "samples": 24, "tokens": 768, \
"loss": 5.403887450695038, "gradient_norm": 0.6735398173332214, \
"temperature": 3.5036295918402196, "expected_sparsity": 0.4502565264701843, "hard_sparsity": 0.0}
{"step": 3, "epoch": 1, "learning_rate": 0.003, "samples": 16, "tokens": 512, \
"loss": 5.452477812767029, "gradient_norm": 0.6449097394943237, \
"temperature": 2.455084063363693, "expected_sparsity": 0.3898581266403198, "hard_sparsity": 0.0}
{"step": 4, "epoch": 2, "learning_rate": 0.0029339262969984574, "samples": 24, "tokens": 768, \
"loss": 5.415680348873138, "gradient_norm": 0.6685715913772583, \
"temperature": 1.7203410349712729, "expected_sparsity": 0.2980803847312927, "hard_sparsity": 0.0}
"""
"""What each step's own transfer gave, before lines were fetched together (torch 2.13, x86-64 with AVX-512)."""


@pytest.fixture
def elsewhere(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Trains from here on as on a device that the host would have to wait for."""
    return lambda: monkeypatch.setattr(loop, "waits_for_nothing", lambda device: False)


def learned_mask(laboratory: Any, phase: Callable[..., Phase], **knobs: Any) -> Step:
    stated = phase(batch_size=24, epochs=4.0, max_grad_norm=1.0, schedule=COSINE)
    work = Training(stated, "data", laboratory.text(), SPARSE, None)
    return laboratory.step(work, knobs=Knobs(micro_batch_size=4, **knobs))


def early_stopping(laboratory: Any, phase: Callable[..., Phase], **knobs: Any) -> Step:
    stated = phase(batch_size=4, epochs=6.0, early_stopping={"metric": "loss", "patience": 2})
    work = Training(stated, "data", laboratory.text(limit=12))
    return laboratory.step(work, knobs=Knobs(divergence=3.0, checkpoint_every=4, **knobs))


def low_rank(laboratory: Any, phase: Callable[..., Phase], **knobs: Any) -> Step:
    lora = Adapter(lora=LoRA(rank=2, alpha=4.0, dropout=0.2, targets=["in_proj"]))
    work = Training(phase("classification", epochs=2.0, max_grad_norm=0.5), "data", laboratory.topics(), None, lora)
    return laboratory.step(work, knobs=Knobs(**knobs))


def hybrid(laboratory: Any, phase: Callable[..., Phase], **knobs: Any) -> Step:
    sgh = Adapter(sgh=SGH(importance="magnitude", dropout=0.1))
    work = Training(phase("classification", epochs=2.0), "data", laboratory.topics(), None, sgh)
    return laboratory.step(work, knobs=Knobs(**knobs))


def lines(run: Run) -> dict[str, str]:
    return {name: (run.folder / name).read_text() for name in (STEPS, EVENTS)}


def test_the_lines_are_those_that_were_fetched_step_by_step(laboratory: Any, phase: Callable[..., Phase]) -> None:
    found = (laboratory.execute(learned_mask(laboratory, phase)).folder / STEPS).read_text().splitlines()[:4]
    for text, known in zip(found, KNOWN.splitlines(), strict=True):
        ours, theirs = json.loads(text), json.loads(known)
        assert list(ours) == list(theirs)
        assert json.dumps(ours) == text
        for name, value in theirs.items():
            assert type(ours[name]) is type(value)
            assert ours[name] == pytest.approx(value, rel=1e-4)  # another processor adds in another order
        if torch.__version__.startswith("2.13") and torch.backends.cpu.get_cpu_capability() == "AVX512":
            assert text == known


@pytest.mark.parametrize("every", [3, 1000])
@pytest.mark.parametrize("case", [learned_mask, early_stopping, low_rank, hybrid], ids=lambda case: case.__name__)
def test_lines_that_are_fetched_together_are_the_same_bytes(
    laboratory: Any, phase: Callable[..., Phase], elsewhere: Callable[[], None], case: Callable[..., Step], every: int
) -> None:
    at_once = laboratory.execute(case(laboratory, phase))
    elsewhere()
    together = laboratory.execute(case(laboratory, phase, log_every=every))
    assert lines(together) == lines(at_once)
    assert together.record.metrics == at_once.record.metrics
    assert together.record.adapter == at_once.record.adapter
    sums = [run.record.artefacts["model/model.safetensors"]["sha256"] for run in (at_once, together)]
    assert sums[0] == sums[1]


@contextmanager
def step_by_step(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[tuple[int, list[str]]]]:
    """After each optimizer step (from 1) the transfers within it; the evaluations' are not among them, nor what the
    host reads of a batch before it moves to the device."""
    seen: list[tuple[int, list[str]]] = []
    gradients, due, to = update.Update.gradients, loop.Loop._line_due, Batch.to
    with counted() as transfers:

        def begun(self: Any, step: int, indices: Any) -> Any:
            transfers.seen.clear()
            transfers.counting = False
            return gradients(self, step, indices)

        def moved(self: Any, device: torch.device) -> Any:
            transfers.counting = True
            return to(self, device)

        def ended(self: Any, done: int) -> bool:
            seen.append((done, list(transfers.seen)))
            return due(self, done)

        monkeypatch.setattr(update.Update, "gradients", begun)
        monkeypatch.setattr(Batch, "to", moved)
        monkeypatch.setattr(loop.Loop, "_line_due", ended)
        yield seen


@pytest.mark.parametrize("case", [learned_mask, early_stopping, low_rank, hybrid], ids=lambda case: case.__name__)
def test_no_step_makes_the_host_wait(
    laboratory: Any, phase: Callable[..., Phase], elsewhere: Callable[[], None], case: Callable[..., Step],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    elsewhere()
    with step_by_step(monkeypatch) as seen:
        laboratory.execute(case(laboratory, phase, log_every=5))
    assert len(seen) >= 12
    assert {step: found for step, found in seen if found} == {}


def test_a_line_costs_one_transfer(
    laboratory: Any, phase: Callable[..., Phase], elsewhere: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    fetched: list[int] = []
    plain = loop.Loop._read

    def read(self: Any, done: int) -> None:
        with counted() as transfers:
            plain(self, done)
        fetched.append(len(transfers.seen))

    monkeypatch.setattr(loop.Loop, "_read", read)
    elsewhere()
    laboratory.execute(learned_mask(laboratory, phase, log_every=5))
    assert fetched == [1, 1, 1]  # 12 steps: after 5, 10 and 12


def test_the_counting_sees_each_way_out_of_a_tensor() -> None:
    value = torch.ones(())
    ways: list[Callable[[], Any]] = [value.item, value.tolist, value.numpy, value.cpu, lambda: float(value)]
    for way in [*ways, lambda: bool(value), lambda: int(value), lambda: math.isfinite(value)]:
        with counted() as transfers:
            way()
        assert transfers.seen
    with counted() as transfers:
        (value + 1).double().sum()
    assert transfers.seen == []


@pytest.mark.parametrize(
    ("factor", "what", "good"), [(math.nan, "training loss is nan", 4), (1e35, "norm of the gradient is inf", 4)]
)
def test_a_fault_is_found_with_the_line_and_its_own_step_is_named(
    laboratory: Any, phase: Callable[..., Phase], elsewhere: Callable[[], None], monkeypatch: pytest.MonkeyPatch,
    factor: float, what: str, good: int,
) -> None:  # fmt: skip
    """Step 7 breaks, step 10 is read: nothing was saved since step 4, and the lines end before the step."""
    real, calls = update.summed_loss, [0]

    def loss(logits: Any, batch: Any) -> Any:
        calls[0] += 1
        return real(logits, batch) * (factor if calls[0] == 7 else 1.0)

    monkeypatch.setattr(update, "summed_loss", loss)
    elsewhere()
    stated = phase(max_steps=20, max_grad_norm=1.0, optimizer={"name": "sgd", "learning_rate": 0.1})
    step = laboratory.step(Training(stated, "data", laboratory.text()), knobs=Knobs(log_every=10, checkpoint_every=4))
    # the state after step 8 is due before the line
    with pytest.raises(FrameworkError, match=f"the {what} at optimizer step 7 of 20; the last good state, that after"):
        laboratory.execute(step)
    assert calls[0] == 8
    folder: Path = laboratory.store.folder(step.folder)
    assert [path.name for path in (folder / CHECKPOINTS).glob("step-*")] == [f"step-0000000{good}"]
    assert [json.loads(line)["step"] for line in (folder / STEPS).read_text().splitlines()] == [1, 2, 3, 4, 5, 6]
    run = laboratory.execute(step)
    assert [json.loads(line)["step"] for line in (run.folder / STEPS).read_text().splitlines()] == list(range(1, 21))


def test_a_divergence_is_found_with_the_line_as_it_was_step_by_step(
    laboratory: Any, phase: Callable[..., Phase], elsewhere: Callable[[], None]
) -> None:
    stated = phase(max_steps=80, batch_size=2, sequence_length=8, optimizer={"learning_rate": 1.0})
    told = []
    for every in (1, 7, 1000):
        knobs = Knobs(log_every=every, divergence=1.2)
        step = laboratory.step(Training(stated, "data", laboratory.text()), knobs=knobs)
        with pytest.raises(FrameworkError, match="the training has diverged") as caught:
            laboratory.execute(step)
        text = (laboratory.store.folder(step.folder) / STEPS).read_text()
        told.append((str(caught.value), text))
        elsewhere()
    assert told[0] == told[1] == told[2]

"""Counts of a training that stand twice: its steps, its epochs, the factors of its batch, its data."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

from framework.conformance.meaning import same
from framework.evidence.record import EVENTS, STEPS
from framework.manifest.lengths import optimizer_steps, scale_of, steps_per_epoch
from framework.manifest.sections.methods import SDM
from framework.planning.recipes import Recipe
from framework.planning.steps import Training
from framework.stages.checkpoint.recorded.contradiction import Contradiction, Facts, alike, real, whole
from framework.stages.run.observed import Observed

_DEFAULTS: dict[str, dict[str, Any]] = {
    "AdamW": {"betas": [0.9, 0.999], "eps": 1e-8, "weight_decay": 0.01},
    "Adam": {"betas": [0.9, 0.999], "eps": 1e-8, "weight_decay": 0},
    "SGD": {"momentum": 0, "weight_decay": 0},
}
"""What torch's classes take where nothing is stated (the signatures in `torch/optim/`, torch 2.13)."""


def contradictions(observed: Observed, facts: Facts, work: Training) -> Iterator[Contradiction]:
    """Of a training that the built-in runner made."""
    yield from _batch(facts)
    yield from _length(observed, facts, work)
    yield from _settings(facts, work)
    if isinstance(work.phase, Recipe):
        yield from _as_declared(facts, work.phase)
    yield from facts.alike(("observed", "loss_normalization"), "batch", "the built-in training has")
    yield from facts.alike(("observed", "master_weights"), "fp32", "the built-in training has")
    yield from facts.alike(("observed", "micro_batch_size"), facts("knobs", "micro_batch_size"), "its knobs say")
    yield from _lines(observed, facts)
    yield from _mask_lines(observed, work)
    yield from _evaluated(observed, facts)


def _batch(facts: Facts) -> Iterator[Contradiction]:
    factors = [whole(facts("observed", name)) for name in ("micro_batch_size", "accumulation", "processes")]
    if None not in factors:
        product = math.prod(factor for factor in factors if factor is not None)
        yield from facts.alike(("observed", "batch_size"), product, "its factors give")
    examples = whole(facts("data", "train_examples"))
    yield from facts.alike(("observed", "train_examples"), examples, "its data has")


def _length(observed: Observed, facts: Facts, work: Training) -> Iterator[Contradiction]:
    if isinstance(work.phase, Recipe):
        demanded = optimizer_steps(work.phase, whole(facts("observed", "train_examples")))
        yield from facts.alike(("observed", "planned_steps"), demanded, "its identity demands")
    done, planned = (whole(facts("observed", name)) for name in ("optimizer_steps", "planned_steps"))
    yield from facts.alike(("observed", "optimizer_steps"), len(observed.trace), f"{STEPS} has")
    if (
        done is not None
        and planned is not None
        and (done > planned or (done < planned and not facts("observed", "stopped_early")))
    ):
        yield Contradiction(
            "observed.planned_steps",
            f"{done} of {planned} planned steps were done, and it did not stop early",
            done,
            planned,
        )
    if done == planned and facts("observed", "stopped_early"):
        yield Contradiction(
            "observed.stopped_early", f"it stopped early, and all {done} steps were done", None, planned
        )
    examples, batch = (whole(facts("observed", name)) for name in ("train_examples", "batch_size"))
    if done is not None and examples and batch:
        yield from facts.alike(("observed", "epochs"), done / steps_per_epoch(examples, batch), "its steps are")


def _settings(facts: Facts, work: Training) -> Iterator[Contradiction]:
    """What the step did by its identity, stated or by default."""
    does = facts("identity", "does")
    phase = does.get("phase") if isinstance(does, dict) else None
    if not isinstance(does, dict) or not isinstance(phase, dict):
        return
    for name in ("sequence_length", "objective", "batch_size"):
        yield from facts.alike(("observed", name), phase.get(name), "by its identity it is")
    yield from facts.alike(("observed", "precision"), does.get("precision"), "by its identity it is")
    if isinstance(work.phase, Recipe) and (clipped := facts("observed", "max_grad_norm")) != work.phase.max_grad_norm:
        message = f"observed.max_grad_norm is {clipped}, and by its identity {work.phase.max_grad_norm}"
        yield Contradiction("observed.max_grad_norm", message, work.phase.max_grad_norm, clipped)
    yield from facts.alike(("data", "name"), work.dataset_name, "its step is on")
    yield from facts.alike_source(work)


def _as_declared(facts: Facts, phase: Recipe) -> Iterator[Contradiction]:
    """The optimizer and the schedule of the phase, stated or torch's own."""
    optimizer = phase.optimizer
    kind = facts("observed", "optimizer", "class")
    if kind is not None and not same(optimizer.name, kind, True):
        yield Contradiction(
            "observed.optimizer.class",
            f"the optimizer is {kind}, and by its identity {optimizer.name}",
            optimizer.name,
            kind,
        )
    if not (optimizer.groups or optimizer.layer_decay is not None or optimizer.name == "muon"):
        yield from facts.alike(
            ("observed", "optimizer", "learning_rate"), optimizer.learning_rate, "by its identity it is"
        )
        for name in ("weight_decay", "betas", "eps", "momentum"):
            stated = getattr(optimizer, name)
            by_default = _DEFAULTS.get(str(kind), {}).get(name)
            expected = by_default if stated is None else _plain(stated)
            yield from facts.alike(("observed", "optimizer", name), expected, "by its identity it is")
    yield from facts.alike(("observed", "schedule", "name"), phase.schedule.name, "by its identity it is")
    yield from facts.alike(
        ("observed", "schedule", "min_learning_rate"), phase.min_learning_rate(), "by its identity it is"
    )
    planned, examples = whole(facts("observed", "planned_steps")), whole(facts("observed", "train_examples"))
    if planned is not None and examples:
        steps = phase.schedule.warmup.in_steps(planned, scale_of(phase, examples))
        yield from facts.alike(("observed", "schedule", "warmup_steps"), steps, "by its identity it is")


def _lines(observed: Observed, facts: Facts) -> Iterator[Contradiction]:
    """Each line is of the epoch that its step lies in, and has no more tokens than its samples can have."""
    examples, batch = (whole(facts("observed", name)) for name in ("train_examples", "batch_size"))
    length = whole(facts("observed", "sequence_length"))
    if not examples or not batch:
        return
    per_epoch = steps_per_epoch(examples, batch)
    tokens: dict[int, int] = {}
    for number, line in enumerate(observed.trace, 1):
        epoch, seen, samples = (whole(line.get(name)) for name in ("epoch", "tokens", "samples"))
        if epoch is not None and epoch != (number - 1) // per_epoch + 1:
            yield Contradiction(f"{STEPS}:{number}", f"step {number} is not in epoch {epoch}", None, epoch)
            return
        if seen is not None and length and samples is not None and seen > samples * length:
            message = f"step {number} has {seen} tokens, and {samples} samples of {length} have fewer"
            yield Contradiction(f"{STEPS}:{number}", message, samples * length, seen)
            return
        if epoch is not None and seen is not None:
            tokens[epoch] = tokens.get(epoch, 0) + seen
    whole_epoch = whole(facts("data", "train_tokens"))
    for epoch, seen in tokens.items():
        complete = len(observed.trace) >= epoch * per_epoch
        if whole_epoch is not None and (seen > whole_epoch or (complete and seen != whole_epoch)):
            yield Contradiction(
                STEPS,
                f"the steps of epoch {epoch} have {seen} tokens, and the training data {whole_epoch}",
                whole_epoch,
                seen,
            )
            return


def _mask_lines(observed: Observed, work: Training) -> Iterator[Contradiction]:
    """The temperature of a learned mask falls geometrically, and its sparsity is a share."""
    spec = work.mask.chosen[1] if work.mask is not None else None
    if not isinstance(spec, SDM):
        return
    first, last = spec.temperature
    steps = whole(observed.facts.get("planned_steps")) or len(observed.trace)
    for number, line in enumerate(observed.trace, 1):
        expected = first * (last / first) ** ((number - 1) / max(1, steps - 1))
        found = real(line.get("temperature"))
        if found is not None and not math.isclose(found, expected, rel_tol=1e-6):
            yield Contradiction(
                f"{STEPS}:{number}", f"the temperature is {found}, and {expected:.6g} is due", expected, found
            )
        for name in ("expected_sparsity", "hard_sparsity"):
            share = real(line.get(name))
            if share is not None and not 0 <= share <= 1:
                yield Contradiction(f"{STEPS}:{number}", f"{name} is {share}, no share", None, share)


def _evaluated(observed: Observed, facts: Facts) -> Iterator[Contradiction]:
    """The evaluations stand at the ends of epochs, and the best of them is the one that was kept."""
    assert observed.run is not None
    examples, batch = (whole(facts("observed", name)) for name in ("train_examples", "batch_size"))
    if not examples or not batch:
        return
    per_epoch = steps_per_epoch(examples, batch)
    events = observed.events
    evaluations = [line for line in events if line.get("event") == "evaluation"]
    for index, line in enumerate(evaluations, 1):
        step, epoch = whole(line.get("step")), real(line.get("epoch"))
        due = min(index * per_epoch, len(observed.trace))
        if step is not None and (step != due or (epoch is not None and not alike(epoch, step / per_epoch))):
            message = f"evaluation {index} is of step {step} and epoch {epoch}, and was due after step {due}"
            yield Contradiction(EVENTS, message, due, step)
    best = facts("observed", "best")
    restored = next((line for line in events if line.get("event") == "restored"), None)
    if isinstance(best, dict) and evaluations and restored is None:
        yield Contradiction(EVENTS, f"a best state was kept, and {EVENTS} does not tell that it was restored")
    if isinstance(best, dict) and restored is not None:
        yield from _best(best, restored, evaluations, len(observed.trace), facts)


def _best(
    best: dict[str, Any], restored: dict[str, Any], evaluations: list[dict[str, Any]], done: int, facts: Facts
) -> Iterator[Contradiction]:
    for name, value in best.items():
        if not alike(value, restored.get(name)):
            message = f"observed.best.{name} is {value}, and {EVENTS} says {restored.get(name)}"
            yield Contradiction(f"observed.best.{name}", message, restored.get(name), value)
    if whole(restored.get("step")) not in (None, done):
        yield Contradiction(EVENTS, f"restored after step {restored['step']}, and {done} steps were done", done)
    epoch = whole(best.get("epoch"))
    if epoch is not None and not 1 <= epoch <= len(evaluations):
        yield Contradiction("observed.best.epoch", f"the best of {len(evaluations)} evaluations is number {epoch}")
        return
    for name, value in best.items():
        seen = evaluations[epoch - 1].get(name) if epoch is not None else None
        if name != "epoch" and seen is not None and not alike(value, seen):
            yield Contradiction(
                f"observed.best.{name}", f"the best {name} is {value}, its evaluation has {seen}", seen, value
            )
    stopped = facts("observed", "stopped_early")
    if isinstance(stopped, dict) and (epoch := whole(stopped.get("epoch"))) is not None and epoch != len(evaluations):
        yield Contradiction(
            "observed.stopped_early.epoch", f"it stopped in epoch {epoch}, after {len(evaluations)} evaluations"
        )
    if isinstance(stopped, dict) and stopped.get("best") is not None:
        values = [value for name, value in best.items() if name != "epoch"]
        if values and not alike(values[0], stopped["best"]):
            yield Contradiction(
                "observed.stopped_early.best", f"it stopped at {stopped['best']}, its best is {values[0]}"
            )


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value

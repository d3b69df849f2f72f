"""What a planned step would take: optimizer steps, tokens and FLOPs, as far as the manifest's numbers say."""

from __future__ import annotations

from dataclasses import dataclass

from framework.manifest.lengths import batch_of, optimizer_steps
from framework.manifest.sections.values.quantities import whole
from framework.planning.steps import Step, Training
from framework.stages.manifest.budgets import samples_in
from framework.stages.manifest.flops import per_token


@dataclass(frozen=True, slots=True)
class Estimate:
    """Of one training; None with ``unknown``, the reason. ``at_most`` says what can make it less than the tokens and
    the FLOPs that are given."""

    optimizer_steps: int | None = None
    tokens: int | None = None
    flops: int | None = None
    unknown: str | None = None
    at_most: str | None = None


def estimate(step: Step) -> Estimate:
    """Of a training alone: evaluations are not counted, and transforms and measurements have no optimizer steps."""
    work = step.work
    if not isinstance(work, Training):
        return Estimate(0, 0, 0)
    phase, examples = work.phase, _examples(work)
    total, batch, length = optimizer_steps(phase, examples), batch_of(phase), whole(phase.sequence_length)
    if total is None and examples is None:
        named = f"datasets.{work.dataset_name}" if work.dataset_name else "a phase without a dataset"
        return Estimate(unknown=f"{named} states no `train_examples`")
    if total is None:
        return Estimate(unknown=f"phases.{step.name} does not say how many optimizer steps that is")
    if batch is None or length is None:
        return Estimate(total, unknown="the batch is not known in examples")
    samples = total * batch if examples is None else samples_in(total, examples, batch)
    tokens = samples * length
    language_model = phase.objective == "causal_lm"
    forward = per_token(step.model, length, language_model=language_model)
    at_most = _less(work, language_model)
    if forward is None:
        unknown = "the manifest states no model, whose sizes decide the FLOPs"
        if step.model_name:
            unknown = f"models.{step.model_name} states not all sizes that decide its FLOPs"
        return Estimate(total, tokens, None, unknown, at_most)
    return Estimate(total, tokens, tokens * forward.training(frozen=work.adapter is not None), None, at_most)


def _examples(work: Training) -> int | None:
    """How many training examples there are; None where the manifest does not say."""
    stated = whole(work.dataset.train_examples)
    if work.dataset.limit is not None:
        return work.dataset.limit if stated is None else min(stated, work.dataset.limit)
    return stated


def _less(work: Training, language_model: bool) -> str | None:
    reasons = ["it may stop early"] if work.phase.early_stopping else []
    if work.dataset.limit is not None and work.dataset.train_examples is None:
        reasons.append("the dataset may hold fewer examples than its `limit`")
    if not language_model:
        reasons.append("texts may be shorter than `sequence_length`")
    return " and ".join(reasons) or None


_PREFIXES = ("", "k", "M", "G", "T", "P", "E", "Z", "Y")


def short(value: int, unit: str) -> str:
    """A large number with its unit: `12.3 PFLOP`, `4.5M tokens`."""
    scale = min((len(f"{float(f'{value:.3g}'):.0f}") - 1) // 3, len(_PREFIXES) - 1)
    number = f"{value / 1000**scale:.3g}" if scale else str(value)
    return f"{number} {_PREFIXES[scale]}{unit}" if unit == "FLOP" else f"{number}{_PREFIXES[scale]} {unit}"

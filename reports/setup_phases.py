"""What the setup document says of a phase: what the paper states, and what follows where a training needs it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from framework.manifest.clauses import leaves_of, shown, value_at
from framework.manifest.experiment import Experiment
from framework.manifest.formulas import resolved, value_in
from framework.manifest.sections.phases import OBJECTIVES, Phase
from framework.manifest.sections.root import Manifest

_OBJECTIVES = {
    "causal_lm": "Causal language modelling",
    "classification": "Classification",
    "completion": "Answers to prompts",
}


def phase_context(experiment: Experiment, name: str) -> dict[str, Any]:
    """A phase's sentence, its rows, and its tasks."""
    manifest = experiment.manifest
    phase = manifest.phases[name]
    tasks = [{"name": task, "phase": _evaluated(manifest, phase.for_task(task))} for task in phase.tasks]
    return {
        "name": name,
        "phase": phase,
        "tasks": tasks,
        "summary": _summary(phase),
        "rows": [(label, text) for label, text in _rows(experiment, phase)],
    }


def _evaluated(manifest: Manifest, phase: Phase) -> Phase:
    """With its derived values put in, as far as they have any."""
    try:
        return resolved(manifest, phase)
    except ValueError:
        return phase


def _summary(phase: Phase) -> str:
    what = _OBJECTIVES.get(phase.objective or "", phase.objective or "Training")
    data = f" on {phase.dataset}" if phase.dataset else ""
    of_text = phase.objective in OBJECTIVES or "sequence_length" in phase.model_fields_set
    return (
        what[0].upper()
        + what[1:]
        + data
        + (f", sequences of at most {phase.sequence_length} tokens." if of_text else ".")
    )


def _rows(experiment: Experiment, phase: Phase) -> Iterator[tuple[str, str]]:
    def text(value: Any) -> str:
        found = value_in(experiment.manifest, phase, value)
        return f"{shown(found)} ({value})" if found is not value else shown(value)

    executed = phase.objective in OBJECTIVES
    for label, optimizer in [
        ("", phase.optimizer),
        *((f"{key}: ", each) for key, each in (phase.optimizers or {}).items()),
    ]:
        if label == "" and not executed and "optimizer" not in phase.model_fields_set:
            continue
        yield f"{label}optimizer", optimizer.name
        if optimizer.learning_rate is not None:
            yield f"{label}peak learning rate", text(optimizer.learning_rate)
        known = optimizer.model_dump(exclude_none=True, exclude={"name", "learning_rate", "settings", "groups"})
        for key, value in known.items():
            yield f"{label}{key.replace('_', ' ')}", text(value)
        yield from _own(optimizer.settings, text, label)
        for group in optimizer.groups or ():
            stated = group.model_dump(exclude_none=True, exclude={"parameters"})
            yield (
                f"{label}{', '.join(group.parameters)}",
                ", ".join(f"{key} {text(value)}" for key, value in stated.items()),
            )
    if executed or "schedule" in phase.model_fields_set:
        least = shown(value_in(experiment.manifest, phase, phase.schedule.min_learning_rate))
        yield "schedule", f"{phase.schedule.name}, warmup {phase.schedule.warmup}, down to {least}"
        for piece in phase.schedule.segments or filter(None, [phase.schedule.decay]):
            stated = piece.model_dump(exclude_none=True, by_alias=True, exclude={"begin", "length"})
            times = [f"{key} {value}" for key in ("begin", "length") if (value := getattr(piece, key)) is not None]
            yield "decay", ", ".join([*(f"{key} {text(value)}" for key, value in stated.items()), *times])
    if phase.batch_size is not None:
        yield "sequences per optimizer step" if executed else "examples per optimizer step", text(phase.batch_size)
    if phase.epochs is not None:
        yield "length", f"{text(phase.epochs)} epochs"
    elif phase.max_steps is not None:
        steps = f"{phase.max_steps:,}" if isinstance(phase.max_steps, int) else text(phase.max_steps)
        yield "length", f"{steps} optimizer steps"
    elif phase.length is not None:
        yield "length", str(phase.length)
    if phase.max_grad_norm is not None:
        yield "gradient norm at most", text(phase.max_grad_norm)
    if (stop := phase.early_stopping) is not None:
        yield "early stopping", f"on {stop.metric_name}, patience {stop.patience} evaluations"
    yield from _own(phase.settings, text)


def _own(settings: dict[str, Any] | None, text: Any, label: str = "") -> Iterator[tuple[str, str]]:
    for path in leaves_of(settings) if settings else ():
        yield label + ".".join(str(part) for part in path), text(value_at(settings, path))

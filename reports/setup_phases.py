"""What the setup document says of a phase: what the paper states, and what follows where a training needs it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from framework.manifest.clauses import leaves_of, shown, value_at
from framework.manifest.experiment import Experiment
from framework.manifest.formulas.language import resolved, value_in
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

    # What the built-in training takes by default is part of what is done; of another's training only what is stated is.
    executed = phase.objective in OBJECTIVES and not _foreign(experiment, phase)
    for label, optimizer in [
        ("", phase.optimizer),
        *((f"{key}: ", each) for key, each in (phase.optimizers or {}).items()),
    ]:
        if label == "" and not executed and "optimizer" not in phase.model_fields_set:
            continue
        if executed or "name" in optimizer.model_fields_set:
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
        yield from _schedule(experiment, phase, executed)
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


def _foreign(experiment: Experiment, phase: Phase) -> bool:
    """Whether nothing here trains a phase: a script does, or it states less than a training needs."""
    manifest = experiment.manifest
    names = {name for name, each in manifest.phases.items() if each is phase}
    scripts = {runner.phase or name for name, runner in manifest.runners.items()}
    return bool(names & scripts) or phase.optimizer.learning_rate is None


def _schedule(experiment: Experiment, phase: Phase, executed: bool) -> Iterator[tuple[str, str]]:
    """Shape, warmup and end: all of what is executed, else those that are stated."""
    stated = phase.schedule.model_fields_set
    least = shown(value_in(experiment.manifest, phase, phase.schedule.min_learning_rate))
    parts = {
        "name": phase.schedule.name,
        "warmup": f"warmup {phase.schedule.warmup}",
        "min_learning_rate": f"down to {least}",
    }
    if said := [text for name, text in parts.items() if executed or name in stated]:
        yield "schedule", ", ".join(said)


def _own(settings: dict[str, Any] | None, text: Any, label: str = "") -> Iterator[tuple[str, str]]:
    for path in leaves_of(settings) if settings else ():
        yield label + ".".join(str(part) for part in path), text(value_at(settings, path))

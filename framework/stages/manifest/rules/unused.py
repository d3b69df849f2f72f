"""Clauses that no stage reads: they look like statements of the paper, and decide nothing."""

from __future__ import annotations

from collections.abc import Iterator

from framework.conformance import Finding, Rule, Severity, Stage, Verdict
from framework.manifest.architectures import ARCHITECTURES, SIZES
from framework.manifest.lengths import phase_under
from framework.manifest.sections.optimizers import Optimizer
from framework.manifest.sections.phases import Phase
from framework.manifest.sections.schedules import Schedule
from framework.manifest.sections.variants import PermuteStep, phase_of
from framework.names import Path, format_path
from framework.stages.manifest.context import ManifestContext

UNUSED = Rule("M180", "unused-clause", Severity.WARNING, Stage.MANIFEST, "a clause that no stage reads")

Unread = tuple[Path, str, str]
"""The path, why nothing reads it, and what to do."""


def check(context: ManifestContext) -> Iterator[Verdict | Finding]:
    experiment = context.experiment
    for path, why, advice in (*_phases(context), *_datasets(context), *_models(context), *_settings(context)):
        clauses = experiment.below(path)
        if not clauses:
            continue
        clause = clauses[0]
        where = experiment.location(path)
        finding = Finding(UNUSED, f"{format_path(path)}: {why}", clause.id, location=where, advice=advice)
        yield context.judge.violated(clause, finding)


def _run(context: ManifestContext) -> set[str]:
    """The phases that some variant runs."""
    steps = (step for variant in context.experiment.stated.variants.values() for step in variant.steps)
    return {use[0] for step in steps if (use := phase_of(step))}


def _phases(context: ManifestContext) -> Iterator[Unread]:
    for name in context.experiment.stated.phases:
        if name not in _run(context):
            yield ("phases", name), "no variant runs this phase", "name it in a variant's `steps`, or remove it"


def _datasets(context: ManifestContext) -> Iterator[Unread]:
    stated = context.experiment.stated
    phases = list(stated.phases.values())
    used: set[str | None] = set()
    for name, variant in stated.variants.items():
        uses = [use for step in variant.steps if (use := phase_of(step))]
        phases += [phase_under(context.experiment, phase, name) for phase, use in uses if use.set]
        used |= {step.permute.dataset for step in variant.steps if isinstance(step, PermuteStep)}
    for phase in phases:
        used |= {own.dataset or task for task, own in phase.tasks.items()} if phase.tasks else {phase.dataset}
    for name in context.experiment.stated.datasets if used - {None} else ():
        if name not in used:
            yield ("datasets", name), "no phase and no task uses this dataset", "use it in a phase, or remove it"


def _models(context: ManifestContext) -> Iterator[Unread]:
    for name, model in context.experiment.stated.models.items():
        known = ARCHITECTURES[model.family].sizes if model.family in ARCHITECTURES else SIZES
        for field in (size for size in SIZES if size not in known):
            if getattr(model, field) is not None:
                yield ("models", name, field), f"a {model.family} has no such size", "remove it, or correct `family`"


def _settings(context: ManifestContext) -> Iterator[Unread]:
    for name, phase in context.experiment.stated.phases.items():
        place: Path = ("phases", name)
        optimizer = phase.optimizer
        called = _stated_name(optimizer)
        if optimizer.momentum is not None and called in ("adam", "adamw"):
            yield (*place, "optimizer", "momentum"), f"{called} has no momentum", "remove it, or write sgd"
        for field in ("betas", "eps"):
            if called == "sgd" and getattr(optimizer, field) is not None:
                yield (*place, "optimizer", field), "sgd has none", "remove it, or correct the optimizer's name"
        decays = phase.schedule.decay is not None or phase.schedule.segments is not None
        if (
            _stated_name(phase.schedule) == "constant"
            and not decays
            and "min_learning_rate" in phase.schedule.model_fields_set
        ):
            yield (*place, "schedule", "min_learning_rate"), "a constant schedule has no end", "name a decay, or remove"
        if phase.tasks:
            yield from _overruled(place, phase)


def _stated_name(section: Optimizer | Schedule) -> str | None:
    """The name that the paper gives: where it gives none, nothing is held to the one that a run would take."""
    return section.name if "name" in section.model_fields_set else None


def _overruled(place: Path, phase: Phase) -> Iterator[Unread]:
    tasks = phase.tasks.values()
    if phase.dataset is not None:
        yield (*place, "dataset"), "the phase has tasks, and each has its own dataset", "remove it"
    stated = {"epochs": phase.epochs, "max_steps": phase.max_steps, "metric": phase.metric}
    for key, value in stated.items():
        own = "epochs" if key == "max_steps" else key
        if value is not None and all(getattr(task, own) is not None for task in tasks):
            yield (*place, key), f"every task states its own {own}", "remove it, or a task's own"

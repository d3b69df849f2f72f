"""What a phase is for one variant and model, and what keeps it from being executed, each with its place."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from framework.errors import Problem
from framework.manifest.experiment import Experiment
from framework.manifest.sections.methods import Adapter
from framework.manifest.sections.models import Dataset, Model
from framework.manifest.sections.root import Manifest
from framework.names import Path
from framework.planning.commands.command import Command
from framework.planning.recipes import Recipe, recipe_of
from framework.planning.refusing.adapter_targets import adapter_refusals
from framework.planning.refusing.built_in import dataset_refusals, model_refusals
from framework.planning.refusing.optimizer_arguments import method_refusals
from framework.planning.refusing.refusal import OWN_SCRIPT, Refusal
from framework.planning.steps import Measure, Training, Work

UNSTATED_DATA = Dataset.model_construct()
"""What is known of a dataset of which the manifest states the name alone."""
UNSTATED_MODEL = ""
"""The name of the model of a manifest that states none."""


def models_of(manifest: Manifest) -> Mapping[str, Model]:
    """The models of a manifest; without any, one of which nothing is known."""
    return manifest.models or {UNSTATED_MODEL: Model.model_construct()}


def missing_for(
    experiment: Experiment, name: str, model: tuple[str, Model], task: str | None, work: Work, command: Command | None
) -> Iterator[Problem]:
    """What keeps a step from being executed: clauses that are not stated, and those that no runner here has. ``model``
    is its name, and what it is for the variant."""
    if isinstance(work, Measure) or command is not None:
        return
    manifest = experiment.manifest
    if model[0] == UNSTATED_MODEL:
        yield Problem("the manifest states no model, and a run needs one", experiment.location(()), "state `models`")
    else:
        for refusal in model_refusals(model[1]):
            yield _problem(experiment, ("models", model[0]), refusal)
    if not isinstance(work, Training):
        return
    if not isinstance(work.phase, Recipe):
        found = recipe_of(manifest, work.phase, model[1])
        for refusal in found if isinstance(found, list) else ():
            yield _problem(experiment, ("phases", name), refusal, ("tasks", task) if task else ())
    if work.adapter is not None:
        for refusal in adapter_refusals(work.adapter, model[1]):
            yield _problem(experiment, _adapted(experiment, name, work.adapter), refusal)
    for refusal in method_refusals(work.phase.optimizer, work.adapter is not None):
        yield _problem(experiment, ("phases", name), refusal, ("tasks", task) if task else ())
    if work.dataset_name and work.dataset_name not in manifest.datasets:
        where = experiment.location(("phases", name, "dataset"))
        advice = f"state it under `datasets`, {OWN_SCRIPT}"
        yield Problem(f"of the dataset {work.dataset_name!r} only the name is known", where, advice)
    elif work.dataset_name:
        for refusal in dataset_refusals(work.dataset, work.phase.objective):
            yield _problem(experiment, ("datasets", work.dataset_name), refusal)


def _adapted(experiment: Experiment, phase: str, adapter: Adapter) -> Path:
    """Where a variant states these targets for a phase; the phase, where they are its model's."""
    targets = None if adapter.lora is None else adapter.lora.targets
    for path, clause in experiment.by_path.items():
        if path[-3:] == ("adapter", "lora", "targets") and phase in path and clause.value == targets:
            return path[:-2]
    return ("phases", phase)


def _problem(experiment: Experiment, base: Path, refusal: Refusal, task: Path = ()) -> Problem:
    own = (*base, *task, *refusal.path)
    path = own if task and experiment.below(own) else (*base, *refusal.path)
    label = ".".join(str(part) for part in base)
    return Problem(f"{label}: {refusal.message}", experiment.location(path), refusal.advice)

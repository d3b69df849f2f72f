"""What a phase is for one variant and model, and what keeps it from being executed, each with its place."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from framework.errors import Problem
from framework.manifest.experiment import Experiment
from framework.manifest.overrides import with_settings
from framework.manifest.sections.methods import Adapter, Mask
from framework.manifest.sections.models import Dataset, Model
from framework.manifest.sections.phases import Phase, merged
from framework.manifest.sections.root import Manifest
from framework.manifest.sections.variants import PhaseUse
from framework.names import Path
from framework.planning.commands.command import Command
from framework.planning.recipes import Recipe, recipe_of
from framework.planning.refusing.built_in import dataset_refusals, model_refusals
from framework.planning.refusing.optimizer_arguments import method_refusals
from framework.planning.refusing.refusal import OWN_SCRIPT, Refusal
from framework.planning.steps import Measure, Training, Work

UNSTATED_DATA = Dataset.model_construct()
"""What is known of a dataset of which the manifest states the name alone."""
UNSTATED_MODEL = ""
"""The name of the model of a manifest that states none."""
_METHODS = ("mask", "adapter")


def models_of(manifest: Manifest) -> Mapping[str, Model]:
    """The models of a manifest; without any, one of which nothing is known."""
    return manifest.models or {UNSTATED_MODEL: Model.model_construct()}


def phase_for(
    experiment: Experiment, name: str, use: PhaseUse, variant: str, index: int, model: str
) -> tuple[Phase, PhaseUse]:
    """A phase with what the dataset, the model and the variant state in its place, the last the strongest; and the use
    with what these state for its masks and adapters.

    Raises:
        InputError: one of them sets what the phase does not take.
    """
    manifest = experiment.manifest
    phase = manifest.phases[name]
    data = phase.dataset or ""
    for section, key, found in (
        ("datasets", data, manifest.datasets.get(data)),
        ("models", model, manifest.models.get(model)),
    ):
        if found is not None and found.set:
            phase = with_settings(phase, dict(_of_phase(name, found.set)), experiment, (section, key, "set"))
            use = _with_methods(use, found.set)
    return with_settings(phase, use.set, experiment, ("variants", variant, "steps", index, name, "set")), use


def _of_phase(name: str, settings: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """The settings that are about a phase: those of all phases, and those that name it."""
    for path, value in settings.items():
        head, _, rest = path.partition(".")
        if head == "phases":
            known, _, inner = rest.partition(".")
            if known == name and inner:
                yield inner, value
        elif head not in _METHODS:
            yield path, value


def _with_methods(use: PhaseUse, settings: Mapping[str, Any]) -> PhaseUse:
    """A use whose masks and adapters have what a model states of them; one that has none gets none."""
    changed: dict[str, Any] = {}
    for head, kind in (("mask", Mask), ("adapter", Adapter)):
        method = getattr(use, head)
        own = {path.partition(".")[2]: value for path, value in settings.items() if path.partition(".")[0] == head}
        if method is None or not own:
            continue
        data = method.model_dump(by_alias=True, exclude_none=True)
        for path, value in own.items():
            nested: Any = value
            for part in reversed(path.split(".")):
                nested = {part: nested}
            data = merged(data, nested)
        changed[head] = kind.model_validate(data)
    return use.model_copy(update=changed) if changed else use


def missing_for(
    experiment: Experiment, name: str, model: str, task: str | None, work: Work, command: Command | None
) -> Iterator[Problem]:
    """What keeps a step from being executed: clauses that are not stated, and those that no runner here has."""
    if isinstance(work, Measure) or command is not None:
        return
    manifest = experiment.manifest
    if model == UNSTATED_MODEL:
        yield Problem("the manifest states no model, and a run needs one", experiment.location(()), "state `models`")
    else:
        for refusal in model_refusals(manifest.models[model]):
            yield _problem(experiment, ("models", model), refusal)
    if not isinstance(work, Training):
        return
    if not isinstance(work.phase, Recipe):
        found = recipe_of(manifest, work.phase, models_of(manifest)[model])
        for refusal in found if isinstance(found, list) else ():
            yield _problem(experiment, ("phases", name), refusal, ("tasks", task) if task else ())
    for refusal in method_refusals(work.phase.optimizer, work.adapter is not None):
        yield _problem(experiment, ("phases", name), refusal, ("tasks", task) if task else ())
    if work.dataset_name and work.dataset_name not in manifest.datasets:
        where = experiment.location(("phases", name, "dataset"))
        advice = f"state it under `datasets`, {OWN_SCRIPT}"
        yield Problem(f"of the dataset {work.dataset_name!r} only the name is known", where, advice)
    elif work.dataset_name:
        for refusal in dataset_refusals(work.dataset, work.phase.objective):
            yield _problem(experiment, ("datasets", work.dataset_name), refusal)


def _problem(experiment: Experiment, base: Path, refusal: Refusal, task: Path = ()) -> Problem:
    own = (*base, *task, *refusal.path)
    path = own if task and experiment.below(own) else (*base, *refusal.path)
    label = ".".join(str(part) for part in base)
    return Problem(f"{label}: {refusal.message}", experiment.location(path), refusal.advice)

"""What stands in the way of executing a plan on this machine, found before anything is started."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import nn
from transformers import AutoConfig

from framework.conformance.devices import memory_stated, same_device, same_memory
from framework.errors import FrameworkError
from framework.manifest.sections.methods import Permute, Prune
from framework.manifest.sections.paper import Hardware
from framework.names import did_you_mean, format_path
from framework.planning.steps import Measure, Step, Training
from runners.adapters import ADAPTERS
from runners.adapters.reachable import unreachable
from runners.command.starting import unstartable
from runners.data.sources import local_files as local
from runners.environment import hardware
from runners.hub import Repository, missing_repositories
from runners.models.building import skeleton
from runners.models.families import FAMILIES, configuration_in, size_fault
from runners.models.refusals import refusals
from runners.registry import Registry
from runners.sparsity.scores import SCORES
from runners.sparsity.structures import STRUCTURES, registered_name
from runners.transforms import LEARNED_MASKS, TRANSFORMS


@dataclass(frozen=True, slots=True)
class Obstacle:
    """One clause that cannot be met here: what is declared, and what was found instead."""

    clause: str
    declared: str
    found: str


def obstacles(experiment_hardware: Hardware, steps: Sequence[Step], project: Path) -> list[Obstacle]:
    """Everything that would make the steps fail or run on other hardware than declared, each clause once.

    Checked are the accelerator, local files, the models' sizes, hub repositories (whether they are cached or can be
    reached, all at once, within two seconds), and whether a runner implements each method. A command finds its own data
    and models; of it, its program and what it is passed are.
    """
    own = [step for step in steps if step.command is None]
    found = [*_hardware(experiment_hardware), *_hub(own, project)]
    for step in steps:
        if step.command is not None:
            found += (Obstacle(*each) for each in unstartable(step, step.command, project))
    for step in own:
        found += _methods(step)
        found += _local(step, project)
        found += _sizes(step)
        found += _tied_head(step, project)
    found += _unreachable(own, project)
    return list(dict.fromkeys(found))


def _hardware(declared: Hardware) -> Iterator[Obstacle]:
    """A declared accelerator must be there; its memory is what is sold under the declared figure."""
    if declared.accelerator is None or declared.accelerator.casefold() == "cpu":
        return
    here = hardware()
    if not same_device(declared.accelerator, here["accelerator"]):
        what = "no accelerator" if here["accelerator"] == "cpu" else here["accelerator"]
        yield Obstacle("hardware.accelerator", declared.accelerator, what)
        return
    if here["count"] < declared.count:
        yield Obstacle("hardware.count", str(declared.count), str(here["count"]))
    for clause, size in (("memory_gb", declared.memory_gb), ("accelerator", memory_stated(declared.accelerator))):
        if size is not None and not same_memory(size, here["memory_gb"]):
            yield Obstacle(f"hardware.{clause}", f"{size:g} GB", f"{here['memory_gb']:g} GB")


def _methods(step: Step) -> Iterator[Obstacle]:
    """What the step asks for and no registry holds."""
    wanted: list[tuple[Registry, str, str]] = []
    place = format_path(("variants", step.variant, "steps", step.index))
    work = step.work
    if isinstance(work, Training):
        if work.mask is not None:
            wanted.append((LEARNED_MASKS, work.mask.chosen[0], place))
        if work.adapter is not None:
            wanted.append((ADAPTERS, work.adapter.chosen[0], place))
        if work.mask is not None and work.adapter is not None:
            yield Obstacle(place, "a learned mask with an adapter", "a mask is learned on the full weights only")
        if (work.recipe.precision or step.knobs.precision) == "fp16" and not torch.cuda.is_available():
            yield Obstacle(f"phases.{step.name}.precision", "fp16", "needs an accelerator; a CPU computes fp32 or bf16")
    elif isinstance(work, Measure):
        if work.measurement.precision == "fp16" and not torch.cuda.is_available():
            found = "needs an accelerator; a CPU computes fp32 or bf16"
            yield Obstacle(f"measurements.{work.name}.precision", "fp16", found)
    elif isinstance(work, Prune):
        wanted.append((SCORES, work.score, place))
        wanted.append((STRUCTURES, registered_name(work.structure), place))
    elif isinstance(work, Permute):
        wanted.append((TRANSFORMS, work.method, place))
    wanted.append((FAMILIES, step.model.family, f"models.{step.model_name}.family"))
    for registry, name, clause in wanted:
        if name not in registry:
            advice = did_you_mean(name, registry.names())
            yield Obstacle(clause, f"{registry.kind} {name}", f"no runner implements it; {advice}")
    if step.model.family in FAMILIES and not isinstance(work, Measure):
        for declared, found in refusals(FAMILIES.get(step.model.family), work):
            own = ".prune" if isinstance(work, Prune) else ".permute" if isinstance(work, Permute) else ""
            yield Obstacle(f"{place}{own}", declared, found)


def _sizes(step: Step) -> Iterator[Obstacle]:
    """Sizes that make no model of their family."""
    model = step.model
    if step.parent is None and model.family in FAMILIES and (fault := size_fault(model, FAMILIES.get(model.family))):
        yield Obstacle(f"models.{step.model_name}.family", model.family, fault)


def _tied_head(step: Step, project: Path) -> Iterator[Obstacle]:
    """An adapter on a head that is the embedding: a merge would change what the model reads, too. Of a repository on
    the hub the run says it when the adapter is put on."""
    work, model = step.work, step.model
    if not isinstance(work, Training) or work.adapter is None or work.recipe.objective == "classification":
        return
    name, specification = work.adapter.chosen
    heads = [target for target in specification.targets if target.rpartition(".")[2] in ("lm_head", "embed_out")]
    if not heads or model.family not in FAMILIES or (model.hub is not None and model.path is None):
        return
    folder = project / model.path if model.path is not None else None
    if folder is not None and not (folder / "config.json").is_file():
        return
    if folder is None and FAMILIES.get(model.family).switches:
        tied = model.architecture is None or model.architecture.tied
    else:
        config = AutoConfig.for_model(model.family) if folder is None else configuration_in(folder)
        tied = config.tie_word_embeddings
    if tied:
        place = format_path(("variants", step.variant, "steps", step.index))
        found = "it is tied to the embedding, which a merge would change, too: leave it out"
        yield Obstacle(place, f"{name} on {heads[0]}", found)


def _unreachable(steps: Sequence[Step], project: Path) -> Iterator[Obstacle]:
    """Targets of adapters that are no linear layers of their model."""
    models: dict[str, nn.Module | None] = {}
    for step in steps:
        work, model = step.work, step.model
        if not isinstance(work, Training) or work.adapter is None or model.family not in FAMILIES:
            continue
        name, specification = work.adapter.chosen
        if (key := model.model_dump_json()) not in models:
            try:
                models[key] = skeleton(model, project)
            except FrameworkError:  # what stands against the model itself is said of it
                models[key] = None
        built = models[key]
        told = {f"{name} on {target}" for target in specification.targets}
        told &= {declared for declared, _ in refusals(FAMILIES.get(model.family), work)}
        for target, found in unreachable(built, specification.targets) if built is not None else ():
            if f"{name} on {target}" not in told:
                place = format_path(("variants", step.variant, "steps", step.index))
                yield Obstacle(place, f"{name} on {target}", found)


def _read(step: Step) -> Training | None:
    """The training whose data a step reads: its own, or the one that it is calibrated on."""
    return step.work if isinstance(step.work, Training) else step.calibration


def _local(step: Step, project: Path) -> Iterator[Obstacle]:
    """Local paths that are not there."""
    model = step.model
    if step.parent is None and model.path is not None and not (project / model.path / "config.json").is_file():
        yield Obstacle(f"models.{step.model_name}.path", model.path, "no folder with a config.json")
    data = _read(step)
    if data is not None and data.dataset.path is not None:
        dataset, name = data.dataset, data.dataset_name
        assert dataset.path is not None
        for split in (dataset.train_split, dataset.validation_split):
            try:
                local.find(name, split, project / dataset.path)
            except FrameworkError as problem:
                yield Obstacle(f"datasets.{name}.path", dataset.path, str(problem))


def _hub(steps: Sequence[Step], project: Path) -> Iterator[Obstacle]:
    """Repositories that are neither cached nor can be reached."""
    wanted: dict[Repository, str] = {}
    for step in steps:
        model = step.model
        if step.parent is None and model.hub is not None and model.path is None:
            wanted[Repository("model", model.hub, model.revision)] = f"models.{step.model_name}.hub"
        own = model.tokenizer
        if step.parent is None and own not in (None, "train", "bytes", model.hub) and not (project / own).is_dir():
            wanted[Repository("model", own, None)] = f"models.{step.model_name}.tokenizer"
        data = _read(step)
        if data is not None:
            dataset = data.dataset
            if dataset.hub is not None and dataset.path is None and dataset.builtin is None:
                clause = f"datasets.{data.dataset_name}.hub"
                wanted[Repository("dataset", dataset.hub, dataset.revision)] = clause
    for repository, reason in missing_repositories(wanted).items():
        yield Obstacle(wanted[repository], repository.name, reason)

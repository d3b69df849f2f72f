"""What the manifest says of one training step, by the names that dialects know facts by."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from framework.dialects.rendering.sheet import Facts
from framework.errors import InputError
from framework.manifest.clauses import Clause, leaves_of, own, value_at
from framework.manifest.experiment import Experiment
from framework.manifest.formulas.language import value_in
from framework.manifest.lengths import batch_of, examples_in, optimizer_steps, scale_of
from framework.manifest.sections.models import Dataset, Model
from framework.manifest.sections.phases import Phase
from framework.manifest.sections.root import Manifest
from framework.manifest.sections.schedules import Schedule
from framework.names import Path, format_path
from framework.planning.fact_places import clause_of, parts_below
from framework.planning.steps import Knobs, Training

MOST_AT_ONCE = 32
"""The largest micro-batch that is chosen where no config states one, as in the built-in training."""


@dataclass(frozen=True)
class Situation:
    """The step that a command is for."""

    experiment: Experiment
    variant: str
    index: int
    phase: str
    task: str | None
    seed: int
    model_name: str
    model: Model
    work: Training
    continues: bool
    """Whether it starts from the checkpoint of a step before."""
    knobs: Knobs

    def clause(self, fact: str) -> Clause | None:
        """The clause that states a fact."""
        if fact == "seed":
            return self.experiment.by_path.get(("seeds",))
        section, _, name = fact.partition(".")
        owners = {"dataset": ("datasets", self.work.dataset_name), "model": ("models", self.model_name)}
        if section in owners and name:
            return self.experiment.by_path.get((*owners[section], *name.split(".")))
        if section == "hardware":
            return self.experiment.by_path.get(("hardware", name))
        step: Path = ("variants", self.variant, "steps", self.index)
        found = clause_of(self.experiment, [step], self.phase, self.task, fact)
        if found is None and section == "schedule":  # a decay, segments: each of their parts is a clause
            found = next(iter(self.parts(fact).values()), None)
        return found or (self.experiment.by_path.get(tuple(fact.split("."))) if section == "settings" else None)

    def parts(self, fact: str) -> dict[str, Clause]:
        """The clauses of a fact of the phase's, and of its parts (`schedule.decay.length`), each by its name there."""
        step: Path = ("variants", self.variant, "steps", self.index)
        found = parts_below(self.experiment, [step], self.phase, self.task, fact)
        return {format_path(inner): clause for inner, clause in found.items()}


def facts_of(situation: Situation) -> Facts:
    """All facts of a step.

    Raises:
        InputError: the batch is no multiple of the processes and the micro-batch.
    """
    work, hardware = situation.work, situation.experiment.manifest.hardware
    values: dict[str, Any] = dict(_phase(work.phase))
    for name, method in (("adapter", work.adapter), ("mask", work.mask)):
        if method is not None:
            kind, specification = method.chosen
            given = specification.model_dump(exclude_none=True)
            values.update({f"{name}.{kind}.{key}": _whole(value) for key, value in given.items()})
    values["seed"] = situation.seed
    values["hardware.count"] = hardware.count
    if hardware.accelerator is not None:
        values["hardware.accelerator"] = hardware.accelerator
    values.update(_batch(situation, hardware.count))
    for key, value in situation.model.model_dump(exclude_none=True, exclude={"parameters", *_OWN}).items():
        values[f"model.{key}"] = value
    for key, value in work.dataset.model_dump(exclude_none=True, exclude={"train_examples", *_OWN}).items():
        values[f"dataset.{key}"] = value
    values.update(own_facts_of(situation.experiment.manifest, work, situation.model))
    if (precision := work.phase.precision or situation.knobs.precision) is not None:
        values["precision"] = precision
    if (origin := model_origin(situation)) is not None:
        values["model"] = origin
    if (data := dataset_origin(work.dataset)) is not None:
        values["dataset"] = data
    scale = scale_of(work.phase, examples_in(work.dataset), hardware.count)
    return Facts(values, _steps(work), scale)


_OWN = ("settings", "set")


def own_facts_of(manifest: Manifest, work: Training, model: Model) -> Iterator[tuple[str, Any]]:
    """Facts of the paper's own: those of the experiment, the dataset, the model and the phase, the last the nearest."""
    for prefix, stated in (
        ("settings", manifest.settings),
        ("dataset.settings", work.dataset.settings),
        ("model.settings", model.settings),
        ("optimizer.settings", work.phase.optimizer.settings),
        ("settings", work.phase.settings),
    ):
        for path in leaves_of(stated) if stated else ():
            value = own(value_at(stated, path), ("settings", *path))
            yield ".".join([prefix, *map(str, path)]), value_in(manifest, work.phase, value, model)


def _phase(phase: Phase) -> Iterator[tuple[str, Any]]:
    yield "objective", phase.objective
    for name, value in phase.optimizer.model_dump(exclude_none=True, exclude={"settings"}).items():
        yield f"optimizer.{name}", value
    yield "schedule.name", phase.schedule.name
    yield "schedule.warmup", phase.schedule.warmup
    yield "schedule.min_learning_rate", phase.schedule.min_learning_rate
    yield from _course(phase.schedule)
    named = ("epochs", "max_steps", "sequence_length", "max_grad_norm", "master_weights", "loss_normalization")
    for name in named:
        if (value := getattr(phase, name)) is not None:
            yield name, _whole(value) if name == "epochs" else value
    if phase.early_stopping is not None:
        for name, value in phase.early_stopping.model_dump().items():
            yield f"early_stopping.{name}", value


def _course(schedule: Schedule) -> Iterator[tuple[str, Any]]:
    """What a schedule states beside its shape, its warmup's length and its end."""
    for name, value in schedule.warmup.model_dump(by_alias=True, include={"from_", "factor", "shape"}).items():
        if value is not None:
            yield f"schedule.warmup.{name}", value
    for name in ("power", "gamma", "milestones", "every", "cycles", "decay", "segments"):
        if (value := getattr(schedule, name)) is not None:
            yield f"schedule.{name}", value


def _whole(value: Any) -> Any:
    """A count that the manifest holds as a float, as an integer: parsers of flags take `3.0` for none."""
    return int(value) if isinstance(value, float) and value.is_integer() and value >= 1 else value


def _batch(situation: Situation, processes: int) -> Iterator[tuple[str, int]]:
    """The batch and its factors; without a stated micro-batch the largest divisor of a process's share up to 32."""
    whole = batch_of(situation.work.phase, processes)
    if whole is None:
        return
    share, rest = divmod(whole, processes)
    micro = situation.knobs.micro_batch_size
    if rest == 0 and micro is None:
        micro = next(size for size in range(min(share, MOST_AT_ONCE), 0, -1) if share % size == 0)
    if rest or micro is None or share % micro:
        clause = situation.clause("batch_size")
        message = f"a batch of {whole} is no multiple of {processes} processes x micro-batches of {micro or 1}"
        raise InputError.at(clause.location if clause else None, message)
    yield "batch_size", whole
    yield "batch_size.micro", micro
    yield "batch_size.accumulation", share // micro
    yield "batch_size.processes", processes


def _steps(work: Training) -> int | None:
    """Optimizer steps, where the manifest says how much data there is."""
    return optimizer_steps(work.phase, examples_in(work.dataset))


def model_origin(situation: Situation) -> str | None:
    """What `{model}` is: a folder, which is known when it runs, or a repository; None where there is none."""
    model = situation.model
    if situation.continues or model.path is not None:
        return "{model}"
    return model.hub


def dataset_origin(dataset: Dataset) -> str | None:
    """What `{dataset}` is: a folder, a repository, or None for what only the built-in training reads."""
    return "{dataset}" if dataset.path is not None else dataset.hub

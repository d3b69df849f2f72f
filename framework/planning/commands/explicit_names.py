"""Explicit names for facts: `keys: {training.lr: optimizer.learning_rate}`, in the notation of `configs`."""

from __future__ import annotations

import re
from typing import Any

from framework.dialects.rendering.sheet import Facts
from framework.errors import InputError
from framework.locations import Location
from framework.manifest.sections.base import Section
from framework.manifest.sections.methods import SDM, SGH, LoRA
from framework.manifest.sections.models import Dataset, Model
from framework.manifest.sections.optimizers import Optimizer
from framework.manifest.sections.phases import EarlyStopping, Phase
from framework.manifest.sections.schedules import Schedule
from framework.manifest.sections.values.durations import Duration
from framework.names import did_you_mean
from framework.planning.commands.step_facts import Situation, own_facts_of

_ITEM = re.compile(r"(.+)\[(\d+)\]")
_UNITS = {"schedule.warmup.ratio": "schedule.warmup", "schedule.warmup.steps": "schedule.warmup"}
_SECTIONS: dict[str, type[Section]] = {
    "": Phase, "optimizer.": Optimizer, "schedule.": Schedule, "early_stopping.": EarlyStopping, "model.": Model,
    "dataset.": Dataset, "adapter.lora.": LoRA, "adapter.sgh.": SGH, "mask.sdm.": SDM,
}  # fmt: skip
_NOT_FACTS = {"dataset", "tasks", "metric", "optimizer", "schedule", "early_stopping"}


def known_facts() -> list[str]:
    """Every fact that a step may have, whether this one has it or not."""
    found = [f"{prefix}{name}" for prefix, section in _SECTIONS.items() for name in section.model_fields]
    parts = [f"batch_size.{part}" for part in ("micro", "accumulation", "processes")]
    warmup = [f"schedule.warmup.{name}" for name in ("from", "factor", "shape")]
    return [name for name in found if name not in _NOT_FACTS] + [*parts, *_UNITS, *warmup, "seed", "hardware.count"]


def fact_named(situation: Situation, text: str, where: Location) -> str:
    """The fact that a clause's name means, relative to the phase or whole.

    Raises:
        InputError: it names none.
    """
    name = text
    for prefix, short in (
        (f"phases.{situation.phase}.", ""),
        (f"models.{situation.model_name}.", "model."),
        (f"datasets.{situation.work.dataset_name}.", "dataset."),
        (f"variants.{situation.variant}.steps[{situation.index}].{situation.phase}.", ""),
    ):
        if text.startswith(prefix):
            name = short + text.removeprefix(prefix)
    name = "seed" if name in ("seeds", "seeds[0]") else name
    item = _ITEM.fullmatch(name)
    known = known_facts()
    if (item[1] if item else name) not in known and name not in own_facts(situation):
        raise InputError.at(where, f"no clause {text!r} of a training step", did_you_mean(text, known))
    return name


def own_facts(situation: Situation) -> list[str]:
    """The facts of the paper's own that this step has."""
    found = own_facts_of(situation.experiment.manifest, situation.work, situation.model)
    return [name for name, _ in found]


def value_of(facts: Facts, name: str, where: Location) -> Any:
    """The value of a fact, or of one unit, factor or item of it; None where the manifest does not state it.

    Raises:
        InputError: the warmup is asked for in a unit that cannot be known.
    """
    if name in _UNITS:
        warmup: Duration = facts["schedule.warmup"]
        if name.endswith(".steps"):
            found: Any = facts.warmup_steps
        else:
            known = facts.steps is not None and warmup.steps is not None
            found = warmup.steps / facts.steps if known else warmup.ratio  # type: ignore[operator]
        if found is None:
            raise InputError.at(
                where,
                f"a warmup of {warmup} in {name.rpartition('.')[2]}: the number of optimizer steps is not known",
                "declare the dataset's `train_examples`, or name the other unit",
            )
        return found
    if item := _ITEM.fullmatch(name):
        values = facts.get(item[1])
        return values[int(item[2])] if isinstance(values, list) and int(item[2]) < len(values) else None
    value = facts.get(name)
    if isinstance(value, Duration) and name == "schedule.warmup":
        raise InputError.at(where, f"{name} has two units", f"write `{name}.ratio` or `{name}.steps`")
    if isinstance(value, Section) or (isinstance(value, list) and any(isinstance(each, Section) for each in value)):
        message = f"{name} has parts with units of their own, and no one value"
        raise InputError.at(where, message, "list it under `unpassed`, where the script does so by itself")
    return value


def fact_of(name: str) -> str:
    """The fact that a unit belongs to; a batch's factors and the items of a list stay themselves."""
    return _UNITS.get(name, name)

"""Learning rates as Cerebras' schedulers state them: one after the other, a linear one that rises first is the warmup.
Behind the last a learning rate stays what it is (cerebras_pytorch 2.10.0, `optim/scheduler.py`)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from framework.dialects import values
from framework.dialects.terms import Said, Scope, Statement, Unknown
from framework.names import Path


@dataclass(frozen=True, slots=True)
class Stage:
    """One scheduler: where its name and its arguments stand."""

    named: Path
    place: Path
    word: str
    """Its name as the file has it: `LinearLR`, `Linear`."""
    arguments: Scope

    @property
    def name(self) -> str:
        return self.word[:-2] if self.word.lower().endswith("lr") else self.word


def named_class(value: Any) -> tuple[str, dict[str, Any]] | None:
    """The class and its arguments, of `{AdamW: {...}}`."""
    if isinstance(value, dict) and len(value) == 1:
        name, arguments = next(iter(value.items()))
        return str(name), arguments if isinstance(arguments, dict) else {}
    return None


def by_class(value: Any, place: Path) -> Iterator[Stage]:
    """The learning-rate schedulers of a list of classes, those within a `SequentialLR` in its order."""
    for index, item in enumerate(value if isinstance(value, list) else [value]):
        here: Path = (*place, index) if isinstance(value, list) else place
        chosen = named_class(item)
        if chosen is None or not chosen[0].lower().endswith("lr"):
            continue
        name, arguments = chosen
        if "schedulers" in arguments:
            yield from by_class(arguments["schedulers"], (*here, name, "schedulers"))
        else:
            yield Stage(here, (*here, name), name, arguments)


def by_name(value: Any, place: Path) -> Iterator[Stage]:
    """The schedulers of the params YAML: mappings that name theirs under `scheduler`."""
    for index, item in enumerate(value if isinstance(value, list) else [value]):
        here: Path = (*place, index) if isinstance(value, list) else place
        if isinstance(item, dict) and isinstance(item.get("scheduler"), str):
            yield Stage((*here, "scheduler"), here, item["scheduler"], item)


def state_schedule(said: Said, stages: list[Stage], length: Any) -> None:
    """What schedulers state of the learning rate. The length of a decay says nothing where all lengths together are the
    training's ``length``; where they are not, the decay ends at another step than the training, and that is a length of
    its own. A constant tail after a decay says nothing."""
    totals = [total for stage in stages if isinstance(total := stage.arguments.get("total_iters"), int)]
    for index, stage in enumerate(stages):
        if index == 0 and _ramp(stage):
            alone = len(stages) == 1
            _says(said, stage, "end_learning_rate", "optimizer.learning_rate")
            _says(said, stage, "total_iters", "schedule.warmup.steps")
            if alone:
                said.statements.append(Statement(stage.named, "schedule.name", "constant", stage.word))
            if stage.arguments["initial_learning_rate"] == 0:
                said.silent.add((*stage.place, "initial_learning_rate"))
            if not alone and stage.named != stage.place[:-1]:
                said.silent.add(stage.named)
            continue
        if stage.name.lower() == "constant" and index > 0 and _ends(stages[index - 1]):
            said.silent.add(stage.place)
            continue
        name = values.schedule(stage.name, {})
        said.statements.append(Statement(stage.named, "schedule.name", name, stage.word))
        _says(said, stage, "initial_learning_rate", "optimizer.learning_rate")
        _says(said, stage, "learning_rate", "optimizer.learning_rate")
        _says(said, stage, "end_learning_rate", "schedule.min_learning_rate")
        if sum(totals) == length:
            said.silent.add((*stage.place, "total_iters"))
        elif index == len(stages) - 1 and isinstance(length, int) and "total_iters" in stage.arguments:
            place: Path = (*stage.place, "total_iters")
            said.statements.append(Statement(place, "max_steps", sum(totals), stage.arguments["total_iters"]))


def state_unknown(said: Said, stages: list[Stage], why: str) -> None:
    """Schedulers of which each sets the learning rate of its own part of the weights."""
    facts = {
        "learning_rate": "optimizer.learning_rate",
        "initial_learning_rate": "optimizer.learning_rate",
        "end_learning_rate": "schedule.min_learning_rate",
        "total_iters": "schedule.warmup.steps",
    }
    for stage in stages:
        said.statements.append(Statement(stage.named, "schedule.name", Unknown(why), stage.word))
        said.statements += [
            Statement((*stage.place, key), fact, Unknown(why), stage.arguments[key])
            for key, fact in facts.items()
            if key in stage.arguments
        ]
        said.silent.add((*stage.place, "param_group_tags"))


def _ramp(stage: Stage) -> bool:
    """Whether a scheduler goes up in a straight line."""
    start, end = (stage.arguments.get(f"{which}_learning_rate") for which in ("initial", "end"))
    straight = stage.name.lower() == "linear" and not stage.arguments.get("cycle")
    return straight and _number(start) and _number(end) and start < end  # type: ignore[operator]


def _ends(stage: Stage) -> bool:
    """Whether a scheduler goes down."""
    start, end = (stage.arguments.get(f"{which}_learning_rate") for which in ("initial", "end"))
    return _number(start) and _number(end) and end < start  # type: ignore[operator]


def _says(said: Said, stage: Stage, key: str, fact: str) -> None:
    if key in stage.arguments:
        value = stage.arguments[key]
        said.statements.append(Statement((*stage.place, key), fact, value, value))


def _number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)

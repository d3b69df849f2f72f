"""What makes two steps the same run: everything that decides the result, and nothing else.

All identity logic lives here. The version is part of every key: a change in meaning raises it, so that
records of another meaning are never taken for cached ones.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from framework.manifest.sections.methods import Permute, Prune
from framework.manifest.sections.models import Model
from framework.planning.steps import Knobs, Measure, Step, Training, Work

if TYPE_CHECKING:
    from framework.planning.commands.command import Command

VERSION = 1
CONTENT, _SOURCES = "content", "sources"
MACHINE = "machine"
"""Where the identity of a measurement says what it is a measurement of beside its checkpoint."""


def identity_of(
    name: str,
    work: Work,
    model_name: str,
    model: Model,
    seed: int,
    parent: str | None,
    references: Mapping[str, str],
    knobs: Knobs,
    calibration: Training | None = None,
    masks_keep_all: bool = False,
    command: Command | None = None,
    content: Mapping[str, str | None] | None = None,
) -> dict[str, Any]:
    """The identity of a step, as JSON data. What only describes a result (a declared parameter count, the metric
    that is reported) is left out; so are knobs that change how a result is computed and not what it is, and where the
    masks before the step keep every weight (``masks_keep_all``), how an adapter meets them. Names are left out, but
    those of a model and a dataset whose source is not stated: two such are two, whatever else is said of them.
    ``content`` are the SHA-256 of the local files that it reads; a step that reads none has none."""
    return {
        "version": VERSION,
        "step": name,
        "does": _does(work, knobs, calibration, masks_keep_all),
        "model": _model(model_name, model),
        "seed": seed,
        "parent": parent,
        "references": dict(references),
        **({"command": command.identity()} if command is not None else {}),
        **({CONTENT: dict(content)} if content else {}),
    }


def contents_in(identity: Mapping[str, Any]) -> dict[str, str | None]:
    """The local files that an identity covers, a script's own among them, by name: their SHA-256."""
    command = identity.get("command")
    sources = command.get(_SOURCES) if isinstance(command, Mapping) else None
    content = identity.get(CONTENT)
    found = [each for each in (sources, content) if isinstance(each, Mapping)]
    return {name: digest for each in found for name, digest in each.items()}


def stated_alone(identity: Mapping[str, Any]) -> dict[str, Any]:
    """An identity without the contents of local files: what the manifest states, whatever lies there."""
    found = {name: value for name, value in identity.items() if name != CONTENT}
    if isinstance(command := found.get("command"), Mapping):
        found["command"] = {name: value for name, value in command.items() if name != _SOURCES}
    return found


def _does(work: Work, knobs: Knobs, calibration: Training | None, masks_keep_all: bool) -> dict[str, Any]:
    if isinstance(work, Training):
        return _training(work, knobs, masks_keep_all)
    if isinstance(work, Measure):
        return {**_plain(work.measurement, "variants", "phase"), MACHINE: dict(work.machine)}
    return _transform(work, calibration)


def _model(name: str, model: Model) -> dict[str, Any]:
    stated = model.hub is not None or model.path is not None or model.weights == "random"
    return {**_plain(model, "parameters", "set"), **({} if stated else {"called": name})}


def _dataset(training: Training) -> dict[str, Any]:
    dataset = training.dataset
    stated = dataset.hub is not None or dataset.path is not None or dataset.builtin is not None
    return {**_plain(dataset, "train_examples", "set"), **({} if stated else {"called": training.dataset_name})}


def elsewhere(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Whether two identities are of one measurement, each on a machine of its own or on the same."""
    return _anywhere(one) == _anywhere(other)


def _anywhere(identity: Mapping[str, Any]) -> dict[str, Any]:
    does = {name: value for name, value in identity["does"].items() if name != MACHINE}
    return {**identity, "does": does}


STATED_ALONE = ("master_weights", "loss_normalization")
"""What the built-in training has one way of: to state it makes no other run."""


def _training(work: Training, knobs: Knobs, masks_keep_all: bool) -> dict[str, Any]:
    adapter = _plain(work.adapter) if work.adapter else None
    if adapter and masks_keep_all:
        adapter.get("lora", {}).pop("mode", None)
    phase = _plain(work.phase, "metric", "tasks", "dataset", "precision", *STATED_ALONE)
    return {
        "phase": phase,
        "precision": work.phase.precision or knobs.precision or "fp32",
        "dataset": _dataset(work),
        "mask": _plain(work.mask) if work.mask else None,
        "adapter": adapter,
    }


def masks_keep_all(steps: Mapping[str, Step], last: str | None) -> bool:
    """Whether there are masks after a step, and none of them removes a weight: all were pruned by nothing.

    Args:
        steps: By key, all that the last one builds on.
    """
    pruned = False
    while last is not None:
        step = steps[last]
        if isinstance(step.work, Prune):
            if step.work.sparsity != 0:
                return False
            pruned = True
        elif isinstance(step.work, Training) and step.work.mask is not None:
            return False
        last = step.parent
    return pruned


def _transform(work: Prune | Permute, calibration: Training | None) -> dict[str, Any]:
    if isinstance(work, Prune) and work.sparsity == 0:
        return {"sparsity": 0}  # whatever would have decided, nothing goes
    if calibration is None:
        return _plain(work)
    examples = {
        "dataset": _dataset(calibration),
        "sequence_length": calibration.phase.sequence_length,
    }
    return {**_plain(work, "dataset"), "calibration": examples}


def _plain(section: Any, *without: str) -> dict[str, Any]:
    data: dict[str, Any] = section.model_dump(mode="json", by_alias=True, exclude_none=True, exclude=set(without))
    return data


def key_of(identity: Mapping[str, Any]) -> str:
    """The content key (64 hex digits) of an identity: SHA-256 over its canonical JSON."""
    text = json.dumps(identity, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()

"""A model with what a variant states in its place put in, validated as if the model had stated it so."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import ValidationError

from framework.errors import InputError
from framework.manifest.clauses import Clause
from framework.manifest.experiment import Experiment
from framework.manifest.profiles import overlay
from framework.manifest.sections.models import Model
from framework.manifest.sections.root import Manifest
from framework.manifest.sections.variants import Variant, lineage
from framework.names import Path, format_path, parse_path

PARTS = "architecture"
"""What a model may be without, and a variant still say something of."""


def model_for(experiment: Experiment, variant: str, model: str, manifest: Manifest | None = None) -> Model:
    """A model as a variant has it: with what the variants that it starts from state, and what it states itself.

    Raises:
        InputError: one of them states what a model does not take.
    """
    manifest = manifest or experiment.manifest
    found = manifest.models.get(model) or Model.model_construct()
    for name in reversed(lineage(manifest.variants, variant)):
        if entries := manifest.variants[name].model:
            found = _with(found, entries, experiment, ("variants", name, "model"))
    return found


def _with(model: Model, entries: Mapping[str, Any], experiment: Experiment, place: Path) -> Model:
    data = model.model_dump(by_alias=True, exclude_unset=True)
    for own, value in entries.items():
        try:
            if parse_path(own)[:1] == (PARTS,) and PARTS not in data:
                data[PARTS] = {}
            data = overlay(data, {own: value}).data
        except ValueError as problem:
            raise InputError.at(experiment.location((*place, own)), str(problem)) from None
    try:
        return Model.model_validate(data)
    except ValidationError as failure:
        error = failure.errors(include_url=False)[0]
        path = format_path(error["loc"])
        entry = next((entry for entry in entries if path.startswith(entry) or entry.startswith(path)), None)
        message = str(error["ctx"]["error"]) if error["type"] == "value_error" else error["msg"]
        where = experiment.location((*place, entry) if entry else place)
        raise InputError.at(where, f"{path}: {message}" if path else message) from None


def foreign_parts(name: str, variant: Variant) -> Iterator[tuple[Path, str, str]]:
    """What a variant that starts from another one says of its model, and cannot change: place, message, advice."""
    for entry in variant.model:
        if not entry.startswith(f"{PARTS}.dropout"):
            message = f"it starts from {variant.from_!r}, and has that one's model"
            yield ("variants", name, "model", entry), message, "state it there, or leave `from` out"


def own_parts(experiment: Experiment, variant: str) -> Iterator[Path]:
    """The parts of the model that a variant and those that it starts from state, by their paths within the model."""
    for name in lineage(experiment.manifest.variants, variant):
        for clause in experiment.below(("variants", name, "model")):
            if (part := part_in(clause.path)) is not None:
                yield part


def part_in(path: Path) -> Path | None:
    """The path within the model that a clause of a variant is about; None of any other clause."""
    if path[0] != "variants" or path[2:3] != ("model",) or len(path) < 4:
        return None
    return tuple(part for key in path[3:] for part in (parse_path(key) if isinstance(key, str) else (key,)))


def clause_of_model(experiment: Experiment, variant: str, model: str, part: Path) -> Clause | None:
    """The clause that states a part of a variant's model: the nearest variant's own, else the model's."""
    for name in lineage(experiment.manifest.variants, variant):
        for clause in experiment.below(("variants", name, "model")):
            if part_in(clause.path) == part:
                return clause
    return experiment.by_path.get(("models", model, *part))

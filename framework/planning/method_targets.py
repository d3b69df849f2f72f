"""Where a method works when the manifest names no modules: those of the model's family."""

from __future__ import annotations

from dataclasses import replace
from typing import TypeVar

from framework.manifest.architectures import ARCHITECTURES
from framework.manifest.sections.base import OneOf
from framework.planning.steps import Training

Chosen = TypeVar("Chosen", bound=OneOf)


def with_targets(work: Training, family: str) -> Training:
    """The training with the family's modules where a mask's `tensors` or an adapter's `targets` are not stated.

    A family that is not known here keeps the defaults of the method.
    """
    known = ARCHITECTURES.get(family)
    if known is None:
        return work
    mask = work.mask and _named(work.mask, "tensors", known.masked)
    adapter = work.adapter and _named(work.adapter, "targets", known.adapted)
    return replace(work, mask=mask, adapter=adapter)


def _named(method: Chosen, field: str, names: tuple[str, ...]) -> Chosen:
    name, specification = method.chosen
    if field not in type(specification).model_fields or field in specification.model_fields_set:
        return method
    return method.model_copy(update={name: specification.model_copy(update={field: list(names)})})

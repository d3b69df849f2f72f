"""Implementation knobs, taken from the bound config files where no clause covers them."""

from __future__ import annotations

import os
from typing import Any, get_type_hints

from pydantic import TypeAdapter, ValidationError

from framework.errors import InputError
from framework.locations import Location
from framework.manifest.experiment import Experiment
from framework.names import find_path
from framework.planning.steps import Knobs
from framework.stages.config.captures import concrete
from framework.stages.config.matching import read_bound

_TYPES = get_type_hints(Knobs, include_extras=True)


def knobs_for(experiment: Experiment, variant: str, step: str) -> Knobs:
    """The knobs that the files bound to this variant and phase state; None for what none states.

    Raises:
        InputError: a knob of a wrong type, or stated with two values.
    """
    found: dict[str, tuple[Any, Location]] = {}
    with_knobs = [index for index, binding in enumerate(experiment.stated.configs) if binding.knobs]
    here = os.getcwd()
    for binding, _, names in (each for index in with_knobs for each in concrete(experiment, index, here)):
        if binding.variant not in (None, variant):
            continue
        if binding.describes is not None and binding.describes.split(".")[:2] != ["phases", step]:
            continue
        for document in (read_bound(name, here, binding) for name in names):
            if document.root is None:
                continue
            data = document.value(document.root)
            for key, knob in binding.knobs.items():
                path = find_path(data, key)
                node = document.walk(path) if path else None
                if path is None or node is None:
                    continue
                value, where = document.value(node[1]), document.location(node[1], path)
                if knob in found and found[knob][0] != value:
                    raise InputError.at(where, f"{knob} is {value!r} here and {found[knob][0]!r} at {found[knob][1]}")
                found[knob] = (value, where)
    for name, (value, where) in found.items():
        try:
            TypeAdapter(_TYPES[name]).validate_python(value, strict=True)
        except ValidationError as failure:
            raise InputError.at(where, f"{name}: {failure.errors()[0]['msg']}") from None
    return Knobs(**{name: value for name, (value, _) in found.items()})

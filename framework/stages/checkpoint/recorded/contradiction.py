"""Two facts of one run that cannot both be so."""

from __future__ import annotations

import math
import sys
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from framework.conformance.meaning import said
from framework.evidence.tensors import StoredTensor
from framework.planning.steps import Training
from framework.stages.run.observed import NotRecorded, Observed


class Contradiction(NamedTuple):
    """Where in the record (or in which file) a fact stands, and what it cannot be true beside."""

    place: str
    message: str
    expected: Any = None
    actual: Any = None


class Facts:
    """Facts of a record by their dotted path, None where it has none: records of other versions and of adopted runs
    say less, and what is not said contradicts nothing."""

    def __init__(self, observed: Observed):
        self._observed = observed

    def __call__(self, *path: str) -> Any:
        try:
            return self._observed.recorded(*path)
        except NotRecorded:
            return None

    def alike(self, path: tuple[str, ...], expected: Any, why: str) -> Iterator[Contradiction]:
        """Hold a recorded fact to what another one demands; ``expected`` None demands nothing."""
        found = self(*path)
        if found is not None and expected is not None and not alike(expected, found):
            place = ".".join(path)
            yield Contradiction(place, f"{place} is {said(found)}, and {why} {said(expected)}", expected, found)

    def alike_source(self, work: Training) -> Iterator[Contradiction]:
        """Hold where the data was read from to what the dataset of a step says."""
        source = self("data", "source")
        for name in source if isinstance(source, dict) else ():
            declared = getattr(work.dataset, name, None)
            if declared is not None:
                yield from self.alike(("data", "source", name), _plain(declared), "by its identity it is")


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


def alike(expected: Any, found: Any) -> bool:
    """Whether two values are one: numbers to the last digits, everything else exactly."""
    if isinstance(expected, bool) or isinstance(found, bool):
        return expected is found
    if isinstance(expected, int) and isinstance(found, int):
        return expected == found
    if isinstance(expected, int | float) and isinstance(found, int | float):
        one, other = real(expected), real(found)
        return one is not None and other is not None and math.isclose(one, other, rel_tol=1e-9, abs_tol=1e-12)
    if isinstance(expected, list | tuple) and isinstance(found, list | tuple):
        return len(expected) == len(found) and all(map(alike, expected, found))
    if isinstance(expected, Mapping) and isinstance(found, Mapping):
        return expected.keys() == found.keys() and all(alike(value, found[key]) for key, value in expected.items())
    return type(expected) is type(found) and bool(expected == found)


def whole(value: Any) -> int | None:
    """A count; None for anything else."""
    return value if type(value) is int else None


def real(value: Any) -> float | None:
    """A number; None for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return math.inf if abs(value) > sys.float_info.max else float(value)


def is_weight(tensor: StoredTensor) -> bool:
    """Whether a saved tensor is a parameter: buffers that are saved are of whole numbers."""
    return tensor.dtype in ("F64", "F32", "F16", "BF16")

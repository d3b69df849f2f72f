"""The repair of one finding, as a change of the text that stands in the editor; nothing is written."""

from __future__ import annotations

from typing import NamedTuple

from framework.conformance import Finding
from framework.manifest.experiment import Experiment
from framework.repair.proposal import propose


class Mend(NamedTuple):
    """``text`` in the place of the characters from ``start`` to before ``stop`` of ``before``, the whole file."""

    title: str
    before: str
    start: int
    stop: int
    text: str


def mend(experiment: Experiment, finding: Finding) -> Mend | None:
    """The certain repair of a finding; None where there is none."""
    patches = propose(experiment, [finding]).patches
    if not patches:
        return None
    patch = patches[0]
    before, after = patch.source.text, patch.text
    start = _alike(before, after)
    end = _alike(before[start:][::-1], after[start:][::-1])
    _, _, value = patch.repairs[0]
    title = f"Put what the manifest states: {' '.join(value.split())} [{finding.code}]"
    return Mend(title, before, start, len(before) - end, after[start : len(after) - end])


def _alike(one: str, other: str) -> int:
    """How many characters two texts begin with alike."""
    for number, (letter, its) in enumerate(zip(one, other, strict=False)):
        if letter != its:
            return number
    return min(len(one), len(other))

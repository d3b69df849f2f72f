"""What a value is under the release of a package that a project uses."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import Any

from framework.conformance.meaning import said as spelled
from framework.dialects.terms import ByVersion, Refused, Said, Unknown
from framework.manifest.experiment import Experiment
from framework.stages.config.packages.requirements import Requirement, normal, requirements
from framework.stages.config.packages.versions import Interval, overlaps, release, stated


def settle(experiment: Experiment, found: Said) -> None:
    """Put in the place of each value that depends on a release the one of the release that is used; where nothing
    tells it, :class:`Unknown`, with the values that there are."""
    found.statements = [
        replace(each, value=_settled(experiment, each.value)) if isinstance(each.value, ByVersion) else each
        for each in found.statements
    ]
    found.defaults = [
        replace(default, value=_settled(experiment, default.value)) if isinstance(default.value, ByVersion) else default
        for default in found.defaults
    ]


def depends(found: Said) -> bool:
    """Whether any value depends on a release."""
    values = [*(each.value for each in found.statements), *(default.value for default in found.defaults)]
    return any(isinstance(value, ByVersion) for value in values)


def _settled(experiment: Experiment, value: ByVersion) -> Any:
    possible = [each for each in _segments(value) if _may_be(experiment, value.package, each[0])]
    held = possible or _segments(value)
    held = [each for each in held if not isinstance(each[1], Refused)] or held
    if all(each[1] == held[0][1] for each in held):
        return held[0][1]
    texts: list[str] = []
    for span, meant in held:
        text = meant.reason if isinstance(meant, Unknown) else spelled(meant)
        first, after = (end and ".".join(map(str, end)) for end in (span.low, span.high))
        texts.append(f"{text} before {after}" if after and not texts else f"{text} from {first} on")
    return Unknown(
        f"it depends on the release of {value.package}, which no requirement tells: {', '.join(texts)}",
        tuple(meant for _, meant in held),
    )


def _segments(value: ByVersion) -> list[tuple[Interval, Any]]:
    """The releases that each value holds for."""
    firsts = [release(first) for first, _ in value.values]
    spans = [Interval(low, high) for low, high in pairwise([*firsts, None])]
    return [(span, meant) for span, (_, meant) in zip(spans, value.values, strict=True)]


def _may_be(experiment: Experiment, package: str, span: Interval) -> bool:
    """Whether what the manifest states, and what the project's files ask for, admit one of these releases."""
    declared = next(
        (text for name, text in experiment.stated.hardware.packages.items() if normal(name) == package), None
    )
    if declared is not None:
        own = stated(declared)
        return own is None or not (own & span).empty
    return all(overlaps(each.specifiers, span, each.bare) is not False for each in _required(experiment, package))


def _required(experiment: Experiment, package: str) -> list[Requirement]:
    if package not in experiment.required:
        experiment.required[package] = list(requirements(experiment.root, {package}))
    found: list[Requirement] = experiment.required[package]
    return found

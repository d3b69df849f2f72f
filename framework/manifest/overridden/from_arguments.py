"""`--set path=value`: a deviation that is declared on the command line, and held and recorded like a profile's."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from framework.errors import InputError, UsageError
from framework.locations import Location
from framework.manifest.experiment import Experiment
from framework.manifest.loading import under
from framework.manifest.profiles import place_of
from framework.manifest.sections.statements import Profile
from framework.manifest.settled_phases import as_data
from framework.names import find_path, format_path
from framework.reading.yaml.parsing import parse_yaml

REASON = "set on the command line"
PLACE = "--set"
"""What stands for the file in places of values from the command line."""


def overridden(experiment: Experiment, arguments: Sequence[str], profile: str | None = None) -> Experiment:
    """The experiment, under a profile if one is named, with these values in the place of the stated ones.

    Args:
        arguments: Each `path=value`: the path is one of the manifest, or one within the one phase that has it.

    Raises:
        UsageError: an argument that is none, or whose path the manifest does not have.
        InputError: what they make of the manifest is not valid.
    """
    if not arguments:
        return experiment if profile is None else under(experiment, profile)
    settings: dict[str, Any] = {}
    for argument in arguments:
        path, equals, text = argument.partition("=")
        if not equals or not path:
            raise UsageError(f"--set {argument}: write PATH=VALUE, such as optimizer.learning_rate=1e-4")
        settings[_path(experiment, path)] = _value(argument, text)
    try:
        return with_values(experiment, settings, profile)
    except InputError as failure:
        lines = "; ".join(problem.message for problem in failure.problems)
        raise UsageError(f"--set {' '.join(arguments)}: {lines}") from None


def with_values(experiment: Experiment, settings: dict[str, Any], profile: str | None = None) -> Experiment:
    """The same, of values by their whole paths.

    Raises:
        UsageError: there is no such profile.
        InputError: what they make of the manifest is not valid.
    """
    stated = experiment.stated
    based = None if profile is None else under(experiment, profile).stated.profiles[profile]
    label = name_of(settings, profile)
    # A setting of the command line goes after the profile's own, also where both have one path.
    kept = {key: value for key, value in (based.set if based else {}).items() if key not in settings}
    variants = based.variants if based else []
    merged = Profile.model_construct(reason=REASON, set={**kept, **settings}, variants=variants)
    profiles = {**stated.profiles, label: merged}
    known = stated.model_copy(update={"profiles": profiles})
    found = under(replace(experiment, stated=known, manifest=known), label)
    clauses = tuple(
        clause._replace(deviation=clause.deviation._replace(location=Location(PLACE, 1, 1)))
        if clause.deviation and any(_covers(experiment, path, clause.path) for path in settings)
        else clause
        for clause in found.clauses
    )
    manifest = found.manifest.model_copy(update={"profiles": profiles})
    return replace(found, manifest=manifest, clauses=clauses, named_profile=profile, set_values=settings)


def name_of(settings: dict[str, Any], profile: str | None) -> str:
    """What the deviations are called in records and tables: `smoke with phases.train.epochs=1`."""
    said = ", ".join(f"{path}={value}" for path, value in settings.items())
    return re.sub(r"[/\\\x00-\x1f]", "_", f"{profile} with {said}" if profile else f"with {said}")


def _covers(experiment: Experiment, text: str, path: tuple[Any, ...]) -> bool:
    place = place_of(experiment.raw, text)
    return path[: len(place)] == place


def _path(experiment: Experiment, text: str) -> str:
    """The path in the manifest that is meant, as people would write it there.

    Raises:
        UsageError: there is none, or several phases have it.
    """
    if find_path(experiment.raw, text) is not None:
        return text
    known = [name for name, phase in experiment.stated.phases.items() if _takes(as_data(phase), text)]
    if len(known) == 1:
        return format_path(("phases", known[0])) + f".{text}"
    if known:
        several = ", ".join(f"phases.{name}.{text}" for name in known)
        raise UsageError(f"--set {text}: several phases have it; write one of {several}")
    try:
        place_of(experiment.raw, text)
    except ValueError as problem:
        raise UsageError(f"--set {text}: {problem}") from None
    return text


def _takes(data: Any, text: str) -> bool:
    try:
        return len(place_of(data, text)) > 1 or text in data
    except ValueError:
        return False


def _value(argument: str, text: str) -> Any:
    """A value as the manifest would have it: `1e-4` is a number, `[0.9, 0.98]` a list.

    Raises:
        UsageError: it cannot be read.
    """
    try:
        document = parse_yaml(text, PLACE, "manifest")
    except InputError as failure:
        raise UsageError(f"--set {argument}: {failure.problems[0].message}") from None
    return None if document.root is None else document.value(document.root)

"""Clauses that the manifest declares frozen: no variant, grid, model, dataset or profile states them otherwise."""

from __future__ import annotations

from collections.abc import Iterator

from framework.conformance import Finding, Verdict
from framework.locations import Location
from framework.manifest.experiment import Experiment
from framework.manifest.overrides import about_phase
from framework.manifest.own.own_models import part_in
from framework.manifest.profiles import overlay
from framework.names import Path, find_path, format_path
from framework.stages.manifest.context import ManifestContext
from framework.stages.manifest.rules.controlled import MORE

Change = tuple[Path, str, Location]
"""What is changed, by whom, and where that is stated."""


def check(context: ManifestContext) -> Iterator[Verdict | Finding]:
    experiment = context.experiment
    if not experiment.stated.frozen:
        return
    frozen = {text: find_path(experiment.raw, text) or () for text in experiment.stated.frozen}
    for path, who, where in _changes(experiment):
        for text, fixed in frozen.items():
            length = min(len(path), len(fixed))
            if length and path[:length] == fixed[:length]:
                advice = "take it out, or take the clause out of `frozen`: then it is compared as any other"
                message = f"{who} changes {format_path(path)}, and {text} is frozen for all that is compared"
                clause, stated = experiment.by_path.get(fixed), experiment.location(fixed)
                value = None if clause is None else clause.value
                yield Finding(MORE, message, format_path(fixed), value, None, where, stated, advice)


def _changes(experiment: Experiment) -> Iterator[Change]:
    manifest = experiment.stated
    for path, clause in experiment.settings.items():
        _, variant, _, _, phase, *fact = path
        yield ("phases", phase, *fact), f"the variant {variant}", clause.location
    for clause in experiment.clauses:
        if (part := part_in(clause.path)) is not None:
            for model in manifest.models:
                yield ("models", model, *part), f"the variant {clause.path[1]}", clause.location
    for section, all_of in (("models", manifest.models), ("datasets", manifest.datasets)):
        for name, found in all_of.items():
            for phase in manifest.phases if found.set else ():
                for text, _ in about_phase(phase, found.set or {}):
                    where = experiment.location((section, name, "set", text))
                    yield ("phases", phase, *text.split(".")), f"{section}.{name}", where
    for clause in experiment.clauses:
        if clause.section == "phases" and clause.path[2:3] == ("tasks",):
            yield ("phases", clause.path[1], *clause.path[4:]), f"the task {clause.path[3]}", clause.location
    for name, profile in manifest.profiles.items():
        for path, entry in overlay(experiment.raw, profile.set).origins:
            yield path, f"the profile {name}", experiment.location(("profiles", name, "set", entry))

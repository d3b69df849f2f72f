"""Settings whose name is one slip away from a well-known one: no config's key would be bound to them."""

from __future__ import annotations

from collections.abc import Iterator

from framework.conformance import Finding, Rule, Severity, Stage, Verdict
from framework.manifest.experiment import Experiment
from framework.manifest.hyperparameters import slip_of
from framework.names import format_path, parse_path
from framework.stages.manifest.context import ManifestContext

MISSPELLED = Rule(
    "M182", "misspelled-setting", Severity.WARNING, Stage.MANIFEST, "a setting's name is nearly a well-known one"
)


def _keys(experiment: Experiment) -> set[str | int]:
    """What programs call their settings: the last name of each key that a binding states."""
    return {parse_path(key)[-1] for binding in experiment.stated.configs for key in binding.keys}


def check(context: ManifestContext) -> Iterator[Verdict | Finding]:
    experiment = context.experiment
    if not experiment.own_facts:
        return  # the catalogue is not read for a manifest without settings
    from framework.dialects.well_known.named import PLAIN, spelled

    of_programs: set[str | int] | None = None
    for settings in experiment.own_facts.values():
        for names, clause in settings:
            known = slip_of(names[-1], spelled())
            if known is None:
                continue
            of_programs = _keys(experiment) if of_programs is None else of_programs
            if names[-1] in of_programs:
                continue
            message = f"{format_path(clause.path)}: {names[-1]!r} is nearly {known!r}"
            fact = PLAIN[known.replace("_", "")]
            means = "" if known == fact else f", which is {fact}"
            finding = Finding(
                MISSPELLED,
                message + means,
                clause.id,
                expected=known,
                actual=names[-1],
                location=clause.location,
                advice=f"write {known}, which keys of configs are bound to, or waive it if the name is right",
            )
            yield context.judge.violated(clause, finding)

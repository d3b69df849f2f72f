"""Declared versions against what requirement and lock files ask for."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from framework.conformance import Finding, Rule, Severity, Stage, Verdict
from framework.manifest.clauses import Clause
from framework.stages.config.context import ConfigContext

if TYPE_CHECKING:
    from framework.stages.config.packages.requirements import Requirement

EXCLUDED = Rule(
    "C170",
    "version-excluded",
    Severity.ERROR,
    Stage.CONFIG,
    "a requirement or lock file excludes the version that the manifest states",
)

_BUILD = re.compile(r"cu(\d\d)(\d)")


def check(context: ConfigContext) -> Iterator[Verdict | Finding]:
    hardware = context.experiment.stated.hardware
    if hardware.torch is None and hardware.cuda is None and not hardware.packages:
        return
    from framework.stages.config.packages.requirements import normal, requirements

    clauses = _declared(context)
    for found in requirements(context.experiment.root, set(clauses)):
        clause = clauses[normal(found.name)]
        yield from _held(context, found, clause, found.name, found.specifiers, found.bare)
        if normal(found.name) == "torch" and (build := _BUILD.match(found.local or "")) and "cuda" in clauses:
            yield from _held(context, found, clauses["cuda"], "its CUDA build", f"=={build[1]}.{build[2]}", "=")


def _declared(context: ConfigContext) -> dict[str, Clause]:
    from framework.stages.config.packages.requirements import normal

    hardware, stated = context.experiment.stated.hardware, context.experiment.by_path
    found = {name: stated["hardware", name] for name in ("torch", "cuda") if getattr(hardware, name) is not None}
    return found | {normal(name): stated["hardware", "packages", name] for name in hardware.packages}


def _held(
    context: ConfigContext, found: Requirement, clause: Clause, name: str, specifiers: str, bare: str
) -> Iterator[Verdict]:
    """A verdict where the line decides: an exact version, or a range without the declared one. A range that admits
    it says nothing, since it admits others too."""
    from framework.stages.config.packages.versions import admits

    fits = admits(specifiers, str(clause.value), bare)
    if fits is None:
        return
    where = str(found.location)
    if fits:
        if found.locked or re.match(r"={1,3}\s*[\d.]+", specifiers):
            yield context.judge.conforms(clause, context.stage, f"{name} {specifiers}", where)
        return
    message = f"{name} {specifiers} excludes {clause.value}; the manifest states {clause.id} = {clause.value}"
    advice = (
        f"require {name}=={clause.value}{'.*' if clause.value.count('.') < 2 else ''}, or waive {clause.id} "
        f"at stage config with a reason; lock again if the file is generated"
    )
    finding = Finding(EXCLUDED, message, clause.id, clause.value, specifiers, found.location, clause.location, advice)
    yield context.judge.violated(clause, finding, where)

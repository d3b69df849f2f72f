"""Clauses that a binding says its files state, and that one of them does not state by any key."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from framework.conformance import Finding, Rule, Severity, Stage, Verdict
from framework.conformance.meaning import is_absence, said
from framework.locations import Location
from framework.manifest.clauses import Clause, fact_of
from framework.names import Path
from framework.stages.config.absent_keys import home_of, nearest_section
from framework.stages.config.bound import BoundFile
from framework.stages.config.context import ConfigContext
from framework.stages.config.meaning.clause_targets import Target

UNSTATED = Rule(
    "C123", "unstated-clause", Severity.ERROR, Stage.CONFIG, "a file does not state a clause that its binding demands"
)


def check_file(context: ConfigContext, bounds: Sequence[BoundFile]) -> Iterator[Verdict | Finding]:
    for bound in bounds:
        for targets in bound.pattern.states:
            verdicts = [_verdict(context, bound, bounds, target) for target in targets]
            if verdicts and None not in verdicts:  # of a section any clause is enough
                yield from (verdict for verdict in verdicts[:1] if verdict is not None)


def _verdict(context: ConfigContext, bound: BoundFile, bounds: Sequence[BoundFile], target: Target) -> Verdict | None:
    """What is wrong, or left open; where some key states the clause, its value is held by the rules about values."""
    clause, file = target.clause, bound.file
    if any(
        each.find(key) is not None for each in bounds for key, other in each.targets.items() if _says(other, target)
    ):
        return None
    if is_absence(target.declared):
        return context.judge.conforms(clause, context.stage, f"{file} states no {clause.path[-1]}, as declared", file)
    if reason := bound.document.absent.get(""):
        why = f"{file} does not state {target.key}: {reason}"
        return context.judge.unverified(clause, context.stage, why, file)
    own = next((key for key, other in bound.pattern.targets.items() if _says(other, target)), None)
    if own is not None and bound.binding.required:
        return None  # C102 tells that the key is missing
    key = own or _key_of_dialect(bound, target)
    spelled = f"`{key}: {said(target.declared)}`" if key else f"a key that states {said(target.declared)}"
    bind = "" if own or bound.dialect is not None else ", and bind it under `keys:`"
    finding = Finding(
        UNSTATED,
        f"no key of {file} states {target.name}, which the manifest declares as {said(target.declared)}",
        clause.id,
        expected=target.declared,
        location=_home(context, bound, clause, key),
        declared=clause.location,
        advice=f"write {spelled} there{bind}, or take the clause out of `states`",
    )
    return context.judge.violated(clause, finding, file)


def _says(one: Target, wanted: Target) -> bool:
    """Whether a key is about the clause; of an item of a list, about that item or the whole list."""
    item = wanted.facet is not None and wanted.unit is None
    return one.clause.id == wanted.clause.id and (not item or one.facet in (None, wanted.facet))


def _key_of_dialect(bound: BoundFile, target: Target) -> str | None:
    """The key that the dialect's trainer would read it from, where it is known."""
    assumed = bound.dialect.assumed if bound.dialect is not None else ()
    return next((each.default.key for each in assumed if _says(each.target, target)), None)


def _home(context: ConfigContext, bound: BoundFile, clause: Clause, key: str | None) -> Location:
    """The section of the file whose keys state what stands beside the clause in the manifest, else the nearest."""
    wanted = _above(context, clause)
    for name, target in bound.targets.items():
        if _above(context, target.clause) == wanted and (found := bound.find(name)) is not None:
            return nearest_section(bound, found[0][:-1])
    return home_of(bound, clause.path, key)


def _above(context: ConfigContext, clause: Clause) -> Path:
    fact = fact_of(context.experiment.stated, clause.path)
    return clause.path[:-1] if fact is None else ("phases", str(clause.path[4]), *fact[:-1])

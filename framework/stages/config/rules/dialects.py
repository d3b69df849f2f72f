"""What a file's dialect leaves open, and what its trainer does where a key is absent."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import prod
from typing import TYPE_CHECKING, NamedTuple

from framework.conformance import Finding, Rule, Severity, Stage, Status, Verdict
from framework.conformance.meaning import compare, is_absence, said
from framework.manifest.clauses import Clause
from framework.manifest.lengths import totals_of
from framework.manifest.sections.values.durations import Duration
from framework.names import format_path
from framework.stages.config.absent_keys import home_of
from framework.stages.config.bound import BoundFile
from framework.stages.config.context import ConfigContext
from framework.stages.config.meaning.clause_targets import BATCH_PARTS, Target
from framework.stages.config.rules import drift

if TYPE_CHECKING:
    from framework.dialects.terms import Default
    from framework.reading.nodes import AnyNode
    from framework.stages.config.meaning.dialect_targets import Ambiguous, Assumed

AMBIGUOUS = Rule(
    "C130",
    "ambiguous-key",
    Severity.WARNING,
    Stage.CONFIG,
    "a key that a dialect knows, and that may state several things",
)
FOREIGN = Rule(
    "C132",
    "foreign-repository",
    Severity.ERROR,
    Stage.CONFIG,
    "a file names a model or a dataset of the hub that is none of the manifest's",
)
DEFAULT = Rule(
    "C131",
    "default-differs",
    Severity.ERROR,
    Stage.CONFIG,
    "a key is absent, and what its trainer then does is not what the manifest states",
)


class Unsaid(NamedTuple):
    """What the trainer does where a file says nothing; ``elsewhere`` is why any key may stand in another file."""

    bound: BoundFile
    trainer: str
    assumed: tuple[Assumed, ...]
    elsewhere: str | None


def check_file(context: ConfigContext, bounds: Sequence[BoundFile]) -> Iterator[Verdict | Finding]:
    """What a file leaves open. What its trainer does by itself is noted for :func:`check`: another file may say it."""
    for bound in bounds:
        if bound.dialect is not None:
            yield from _ambiguous(context, bound)
            unsaid: list[Unsaid] = context.cache.setdefault("unsaid", [])
            unsaid.append(Unsaid(bound, bound.dialect.trainer, _assumed(context, bound), bound.document.absent.get("")))


def check(context: ConfigContext) -> Iterator[Verdict]:
    for unsaid in context.cache.get("unsaid", ()):
        yield from _defaults(context, unsaid)


def _assumed(context: ConfigContext, bound: BoundFile) -> tuple[Assumed, ...]:
    """What the trainer does about clauses that no key of the file states; equal ones are kept once for all files."""
    assert bound.dialect is not None
    stated = {target.clause.id for target in bound.targets.values()}
    found = [
        each
        for each in bound.dialect.assumed
        if each.target.facet not in BATCH_PARTS or each.target.clause.id not in stated
    ]
    known: dict[object, tuple[Assumed, ...]] = context.cache.setdefault("assumptions", {})
    same = tuple(
        (each.target.clause.id, each.target.facet, each.default.key, repr(each.default.value)) for each in found
    )
    return known.setdefault((bound.index, same), tuple(found))


def _ambiguous(context: ConfigContext, bound: BoundFile) -> Iterator[Verdict | Finding]:
    assert bound.dialect is not None
    for each in bound.dialect.ambiguous:
        found = bound.document.walk(each.path)
        where = bound.document.location(found[1], each.path) if found else None
        lines = " or ".join(f"`{line}`" for line in each.lines)
        if each.foreign:
            yield Finding(
                FOREIGN,
                f"{format_path(each.path)} is {said(each.word)}: {each.why}",
                actual=each.word,
                location=where,
                advice="name one of them there, or state it in the manifest; if it is about something else, list it "
                "under `ignore:`",
            )
            continue
        if found is not None and each.among and (verdicts := _whichever(context, bound, each, *found)):
            yield from verdicts
            continue
        yield Finding(
            AMBIGUOUS,
            f"{format_path(each.path)} is not bound: {each.why}",
            actual=each.word,
            location=where,
            advice=f"write under `keys:` {lines}" if lines else "list it under `ignore:`, or rename it",
        )


def _whichever(context: ConfigContext, bound: BoundFile, each: Ambiguous, _key: object, node: AnyNode) -> list[Verdict]:
    """The verdicts where it does not matter which clause a key is about: its value fits all of them, or none."""
    from framework.stages.config.meaning.possible_clauses import fits

    stated, targets = bound.document.value(node), each.among
    fitting = fits(context.experiment, bound.binding, targets, stated)
    if fitting is None or bound.document.is_prose:
        return []
    look = bound.look(each.path)
    if fitting:
        return [context.judge.conforms(target.clause, context.stage, evidence=look) for target in targets]
    context.cache.setdefault("fits none", set()).add((bound.file, each.path))
    first, meant, where = targets[0], targets[0].translation, bound.document.location(node, each.path)
    word = said(stated) if meant is None else f"{said(meant.word)}, which means {said(meant.value)}"
    declared = " and ".join(f"{target.name} = {said(target.declared)}" for target in targets[:4])
    more = f" and {len(targets) - 4} more" if len(targets) > 4 else ""
    lines = " or ".join(f"`{line}`" for line in each.lines)
    finding = Finding(
        drift.DRIFT,
        f"{where.key} is {word}, which is none of what it can be about: the manifest states {declared}{more}",
        first.clause.id,
        expected=first.declared,
        actual=stated,
        location=where,
        declared=first.clause.location,
        advice=f"write what the one that it is about declares, and say which one under `keys:`: {lines}",
        repairable=False,
    )
    return [context.judge.violated(first.clause, finding, str(where))]


def _defaults(context: ConfigContext, unsaid: Unsaid) -> Iterator[Verdict]:
    from framework.dialects.terms import Unknown

    batch: dict[str, tuple[Clause, list[Default]]] = {}
    for each in unsaid.assumed:
        clause = each.target.clause
        told = not each.default.firm and _elsewhere(context, unsaid.bound, clause)
        if told or _demanded(unsaid.bound, clause):
            continue
        if each.target.facet in BATCH_PARTS:
            batch.setdefault(clause.id, (clause, []))[1].append(each.default)
        else:
            yield from _told(context, unsaid, _verdict(context, unsaid, each.target, each.default, each.default.value))
    for clause, defaults in batch.values():
        unknown = next((each.value for each in defaults if isinstance(each.value, Unknown)), None)
        known = [each.value for each in defaults if not isinstance(each.value, Unknown)]
        size = unknown or prod(known) * context.experiment.stated.hardware.count
        yield from _told(context, unsaid, _verdict(context, unsaid, Target(clause), defaults[0], size))


def _demanded(bound: BoundFile, clause: Clause) -> bool:
    """Whether C123 tells that the file lacks it: a default does not count as stating. That there is none of something
    is stated by no key, and then the default counts."""
    return any(
        each.clause.id == clause.id and not is_absence(each.declared)
        for group in bound.pattern.states
        for each in group
    )


def _verdict(context: ConfigContext, unsaid: Unsaid, target: Target, default: Default, value: object) -> Verdict:
    bound, elsewhere = unsaid.bound, unsaid.elsewhere
    from framework.dialects.terms import Unknown

    clause, declared, file = target.clause, target.declared, bound.file
    trainer = default.by or unsaid.trainer
    if isinstance(value, Unknown):
        if not value.among or any(
            isinstance(each, Unknown) or compare(clause.path, declared, each, target.unit).same is not False
            for each in value.among
        ):
            reason = f"{file} has no {default.key}: {value.reason}"
            return context.judge.unverified(clause, context.stage, reason, file)
        value = value.among[-1]  # whichever it is, it is another one
    elsewhere = elsewhere or _in_program(context, bound, clause)
    without = f"no {default.key}, and {trainer} takes {said(value)}"
    spelled = f"{file} has {without}"
    if not bound.binding.required or elsewhere:
        why = elsewhere or "unless another file says it"
        return context.judge.unverified(clause, context.stage, f"{spelled}; {why}", file)
    if clause.path == ("seeds",):
        stated = clause.value if isinstance(clause.value, list) else []
        given_elsewhere = bound.document.format != "shell" or "$@" in bound.document.text or "$*" in bound.document.text
        if value in stated or (len(stated) != 1 and given_elsewhere):
            return context.judge.unverified(clause, context.stage, f"{file} has no {default.key}", file)
        value = [value]
    if isinstance(declared, Duration) and value == 0:
        length = declared.steps if declared.steps is not None else declared.ratio
        same: bool | None = length == 0
    else:
        totals = totals_of(context.experiment, bound.binding, clause)
        same = compare(clause.path, declared, value, target.unit, totals).same
    if same is None:
        return context.judge.unverified(clause, context.stage, spelled, file)
    if same:
        return context.judge.conforms(clause, context.stage, without)
    at = bound.document.walk(default.at) if default.at else None
    location = home_of(bound, clause.path, default.key) if at is None else bound.document.location(at[0] or at[1])
    finding = Finding(
        DEFAULT,
        f"{spelled}; the manifest states {target.name} = {said(declared)}",
        clause.id,
        expected=declared,
        actual=value,
        location=location,
        declared=clause.location,
        advice=f"state {default.key} there, or say `required: false` in the binding if the run gets it from elsewhere",
    )
    return context.judge.violated(clause, finding, file)


def _told(context: ConfigContext, unsaid: Unsaid, verdict: Verdict) -> Iterator[Verdict]:
    """The verdict; one that conforms is only noted, together with those of other files."""
    if verdict.status is Status.CONFORMS:
        context.conforms(unsaid.bound, ((verdict.clause, verdict.reason, ()),))
    else:
        yield verdict


def _elsewhere(context: ConfigContext, bound: BoundFile, clause: Clause) -> bool:
    """Whether a file of the same run states the clause: a DeepSpeed JSON beside the trainer's arguments."""
    return context.companions.of(bound.file, lambda other: clause.id in other.stated_by_key)


def _in_program(context: ConfigContext, bound: BoundFile, clause: Clause) -> str | None:
    """Why a script that states the clause may be what passes it, though neither names the other."""
    stating = (other for other in context.companions.programs(bound.file) if clause.id in other.stated_by_key)
    found = next(stating, None)
    return None if found is None else f"unless {found.files[0]}, which states it, passes it"

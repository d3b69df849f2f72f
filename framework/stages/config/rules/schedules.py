"""Lengths that contradict each other within one config file: epochs, steps, warmup, and where the decay ends.

Keys that no clause covers are read by their names here, since a manifest that states `epochs` has no clause that a
`max_steps` could be bound to.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from framework.conformance import Finding, Rule, Severity, Stage, Verdict
from framework.conformance.meaning import said
from framework.manifest.clauses import Clause
from framework.manifest.lengths import batch_of, examples_of, steps_in_epochs, total_steps
from framework.manifest.sections.phases import Phase
from framework.manifest.sections.values.durations import Duration
from framework.stages.config.alike_files import by_precedent
from framework.stages.config.bound import BoundFile
from framework.stages.config.context import ConfigContext
from framework.stages.config.meaning.shares import named_share
from framework.stages.config.training_facts import Fact, fact_leaves, facts_of, phases_in

LENGTHS = Rule(
    "C111", "epochs-against-max-steps", Severity.ERROR, Stage.CONFIG, "epochs and max_steps are two different lengths"
)
TOO_LONG = Rule("C112", "warmup-too-long", Severity.ERROR, Stage.CONFIG, "a warmup that is longer than the training")
ENDS_EARLY = Rule(
    "C113", "ends-in-warmup", Severity.ERROR, Stage.CONFIG, "a max_steps that ends training before the warmup does"
)
NO_PEAK = Rule(
    "C114", "peak-not-reached", Severity.ERROR, Stage.CONFIG, "a schedule that never reaches its peak, or exceeds it"
)
BOTH_WARMUPS = Rule(
    "C115", "two-warmups", Severity.ERROR, Stage.CONFIG, "warmup is stated as a share and as steps that differ"
)

Facts = dict[str, Fact]


def check_file(context: ConfigContext, bounds: Sequence[BoundFile]) -> Iterator[Verdict | Finding]:
    for bound in bounds:
        yield from _looked_up(context, bound)


def _looked_up(context: ConfigContext, bound: BoundFile) -> Iterator[Verdict | Finding]:
    yield from by_precedent(
        context,
        "schedules",
        bound,
        lambda: fact_leaves(context, bound, seeds=False),
        lambda: _contradictions(context, bound),
    )


def _contradictions(context: ConfigContext, bound: BoundFile) -> Iterator[Verdict | Finding]:
    scopes: dict[tuple[str, ...], Facts] = {}
    for fact in facts_of(context, bound):
        if fact.knob != "seed":
            scopes.setdefault(fact.scope, {}).setdefault(fact.knob, fact)
    for scope, facts in scopes.items():
        if len(facts) > 1 or "warmup_ratio" in facts or "warmup_steps" in facts:
            yield from _held(context, bound, scope, facts)


def _held(
    context: ConfigContext, bound: BoundFile, scope: tuple[str, ...], facts: Facts
) -> Iterator[Verdict | Finding]:
    phases = phases_in(context, bound, scope)
    task = next((part for part in scope if part in phases), None)
    phase = phases[task] if task else next(iter(phases.values())) if len(phases) == 1 else None
    limit = facts.get("max_steps")
    limit = limit if limit and limit.value > 0 else None
    steps = _steps_of_epochs(context, facts, phase)
    total = int(limit.value) if limit else steps[1] if steps else _declared(context, facts, phase)
    if limit and steps and not steps[0] <= limit.value <= steps[1]:
        epochs = facts["epochs"]
        message = (
            f"{limit.location.key} is {said(limit.value)}; {epochs.location.key} = {said(epochs.value)} "
            f"at {epochs.location} is {steps[1]} optimizer steps of the declared data"
        )
        advice = f"keep one: remove `{limit.location.key}`, or write {steps[1]} (most trainers let max_steps win)"
        yield _violated(context, LENGTHS, message, limit, epochs, steps[1], advice)
    if limit and not steps and (open_one := _one_declared(facts, limit)) is not None:
        clause, other = open_one
        reason = f"{other.location.key} = {said(other.value)} may end it at another time: the data's size is not known"
        yield context.judge.unverified(clause, context.stage, reason, str(other.location))
    yield from _warmup(context, facts, limit, total)
    peak, least = facts.get("learning_rate"), facts.get("min_learning_rate")
    share = least is not None and least.value <= 1 and named_share(least.path[-1])
    if peak and least and not share and least.value >= peak.value > 0 and not _constant(phase):
        translated = least.target is not None and least.target.translation is not None
        verb, write = ("means", "what means less") if translated else ("is", "less")
        message = f"{least.location.key} {verb} {said(least.value)}: the schedule ends no lower than its peak"
        advice = f"write {write} than {said(peak.value)}, such as {said(0.1 * peak.value)}"
        yield _violated(context, NO_PEAK, message, least, peak, f"less than {peak.value:g}", advice)


def _one_declared(facts: Facts, limit: Fact) -> tuple[Clause, Fact] | None:
    """Of a length in epochs and one in steps, the clause that one is bound to, and the other, which no clause is."""
    epochs = facts.get("epochs")
    if epochs is None or epochs.value <= 0 or (epochs.target is None) is (limit.target is None):
        return None
    bound, other = (epochs, limit) if limit.target is None else (limit, epochs)
    assert bound.target is not None
    return bound.target.clause, other


def _constant(phase: Phase | None) -> bool:
    return phase is not None and phase.schedule.name == "constant"


def _steps_of_epochs(context: ConfigContext, facts: Facts, phase: Phase | None) -> tuple[int, int] | None:
    """The least and the most optimizer steps that the stated epochs can be."""
    epochs = facts.get("epochs")
    examples = examples_of(context.experiment.stated, phase) if phase else None
    batch = _batch(context, facts, phase)
    if epochs is None or epochs.value <= 0 or examples is None or batch is None:
        return None
    return steps_in_epochs(epochs.value, examples, batch)


def _batch(context: ConfigContext, facts: Facts, phase: Phase | None) -> int | None:
    """Sequences per optimizer step: as the file states them, where it does."""
    whole = facts.get("global_batch_size")
    micro, accumulation = facts.get("micro_batch_size"), facts.get("accumulation")
    found: float | None = None
    if whole is not None:
        found = whole.value
    elif micro is not None and accumulation is not None:
        processes = facts["processes"].value if "processes" in facts else context.experiment.stated.hardware.count
        found = micro.value * accumulation.value * processes
    elif phase is not None:
        found = batch_of(phase, context.experiment.stated.hardware.count)
    return int(found) if found is not None and found >= 1 else None


def _declared(context: ConfigContext, facts: Facts, phase: Phase | None) -> int | None:
    """What the manifest says of the length, where the file states none of its own."""
    return total_steps(context.experiment.stated, phase) if phase and "epochs" not in facts else None


def _warmup(context: ConfigContext, facts: Facts, limit: Fact | None, total: int | None) -> Iterator[Verdict | Finding]:
    ratio, steps = facts.get("warmup_ratio"), facts.get("warmup_steps")
    if ratio and ratio.value >= 1:
        message = f"{ratio.location.key} is {said(ratio.value)}: all of the training is warmup"
        advice = f"a share of all steps, such as {said(ratio.value / 100)}" if ratio.value > 1 else "a share below 1"
        yield _violated(context, NO_PEAK, message, ratio, None, "a share below 1", advice)
    if steps is None or total is None or steps.value <= 0:
        return
    if ratio and 0 < ratio.value < 1 and abs(ratio.value * total - steps.value) >= 1:
        expected = Duration(ratio=ratio.value).in_steps(total)
        message = (
            f"{steps.location.key} is {said(steps.value)}; {ratio.location.key} = {said(ratio.value)} "
            f"at {ratio.location} is {expected} of {total} steps"
        )
        yield _violated(context, BOTH_WARMUPS, message, steps, ratio, expected, "keep one of the two keys")
    if steps.value < total:
        return
    stated = f"{steps.location.key} is {said(steps.value)}, and the training has {total} optimizer steps"
    shown = f"a warmup of less than {total} steps"
    if limit is not None:
        message = f"{limit.location.key} = {said(limit.value)} ends training before {stated.partition(',')[0]} does"
        advice = f"{shown}, or more than {said(steps.value)} steps of training"
        yield _violated(context, ENDS_EARLY, message, limit, steps, f"more than {steps.value:g}", advice)
    elif steps.value == total:
        yield _violated(context, NO_PEAK, f"{stated}: the peak is never used", steps, None, f"below {total}", shown)
    else:
        yield _violated(context, TOO_LONG, stated, steps, None, f"below {total}", shown)


def _violated(
    context: ConfigContext,
    rule: Rule,
    message: str,
    fact: Fact,
    other: Fact | None,
    expected: object,
    advice: str,
) -> Verdict | Finding:
    """The clause that one of the keys is bound to is violated; without one the finding stands for itself."""
    target = fact.target or (other.target if other else None)
    clause = target.clause if target else None
    declared = other.location if other else clause.location if clause else None
    finding = Finding(
        rule, message, clause.id if clause else None, expected, fact.value, fact.location, declared, advice
    )
    return context.judge.violated(clause, finding, str(fact.location)) if clause else finding

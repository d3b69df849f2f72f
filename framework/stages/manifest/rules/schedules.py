"""Schedules that cannot be followed: a warmup as long as the training, a decay that ends above its peak."""

from __future__ import annotations

from collections.abc import Iterator

from framework.conformance import Finding, Rule, Severity, Stage, Verdict
from framework.manifest.clauses import Clause
from framework.manifest.lengths import by_task, examples_of, length_of, phase_under, scale_of, total_steps
from framework.manifest.sections.phases import Phase
from framework.manifest.sections.values.quantities import number
from framework.manifest.sections.variants import phase_of
from framework.stages.manifest.context import ManifestContext

TOO_LONG = Rule(
    "M130", "warmup-too-long", Severity.ERROR, Stage.MANIFEST, "a declared warmup is longer than the training"
)
NO_PEAK = Rule("M131", "peak-not-reached", Severity.ERROR, Stage.MANIFEST, "a declared schedule never reaches its peak")


def check(context: ManifestContext) -> Iterator[Verdict | Finding]:
    for name, variant in _uses(context):
        phase = phase_under(context.experiment, name, variant)
        label = name if variant is None else f"{name} of {variant}"
        for task, own in by_task(phase).items():
            yield from _held(context, name, own, label if task is None else f"{label}, {task}")


def _uses(context: ManifestContext) -> list[tuple[str, str | None]]:
    """Each phase by itself, and as the variants run it that change its settings."""
    found: list[tuple[str, str | None]] = [(name, None) for name in context.experiment.stated.phases]
    for name, variant in context.experiment.stated.variants.items():
        uses = [use for step in variant.steps if (use := phase_of(step))]
        found += [(phase, name) for phase, use in uses if use.set]
    return found


def _held(context: ManifestContext, name: str, phase: Phase, label: str) -> Iterator[Verdict]:
    total = total_steps(context.experiment.stated, phase)
    warmup, clause = phase.schedule.warmup, _clause(context, name, "warmup")
    scale = scale_of(phase, examples_of(context.experiment.stated, phase), context.experiment.stated.hardware.count)
    exact = warmup.exact_steps(total, scale) if warmup.known and total is not None else None
    steps = 0 if exact is None or total is None else warmup.in_steps(total, scale)
    if total is not None and clause is not None and 0 < steps >= total:
        message = f"{label}: a warmup of {steps} steps ({warmup}), and {total} optimizer steps of training"
        rule = TOO_LONG if steps > total else NO_PEAK
        declared = _clause(context, name, length_of(phase))
        advice = f"fewer than {total} steps of warmup, or a share such as 10%"
        finding = Finding(
            rule,
            message if steps > total else f"{message}: the peak is never used",
            clause.id,
            f"below {total} steps",
            str(warmup),
            clause.location,
            declared.location if declared else None,
            advice,
        )
        yield context.judge.violated(clause, finding)
    least, peak = number(phase.schedule.min_learning_rate), number(phase.optimizer.learning_rate)
    clause = _clause(context, name, "min_learning_rate")
    if least is None or peak is None or clause is None:
        return
    if phase.schedule.name != "constant" and least >= peak:
        message = f"{label}: the schedule decays from {peak:g} to {least:g}, which is no lower"
        declared = context.experiment.by_path.get(("phases", name, "optimizer", "learning_rate"))
        advice = f"write less than {peak:g}, such as `0.1 * learning_rate`"
        place = declared.location if declared else None
        finding = Finding(NO_PEAK, message, clause.id, f"below {peak:g}", least, clause.location, place, advice)
        yield context.judge.violated(clause, finding)


def _clause(context: ManifestContext, phase: str, key: str) -> Clause | None:
    """The clause of a phase that states a key, in its schedule or at its top."""
    found = context.experiment.by_path
    for path in (("phases", phase, "schedule", key), ("phases", phase, key)):
        if path in found:
            return found[path]
    # A warmup in two units, `{ratio: 0.1}`, is a clause one level further down.
    below = context.experiment.below(("phases", phase, "schedule", key))
    return below[0] if below else None

"""Early stopping that the manifest declares, and that a config leaves out or hangs on another metric."""

from __future__ import annotations

import re
from collections.abc import Iterator

from framework.conformance.check import BoundFile, ConfigContext
from framework.conformance.facts import described_by, facts_of
from framework.conformance.hyperparameters import folded, metric_named
from framework.conformance.meaning import said
from framework.conformance.misspelled import covered, within
from framework.conformance.model import Finding, Rule, Severity, Stage, Verdict
from framework.manifest.clauses import Clause
from framework.names import format_path

ABSENT = Rule(
    "C140",
    "early-stopping-absent",
    Severity.WARNING,
    Stage.CONFIG,
    "a config that trains a phase with declared early stopping says nothing of it",
)
METRIC = Rule(
    "C141", "early-stopping-metric", Severity.ERROR, Stage.CONFIG, "early stopping watches another metric than declared"
)

_EARLY = re.compile(r"early[-_ ]?stop")
_BEST = re.compile(r"metric_?for_?best")
_WATCHING = {"metricforbestmodel", "earlystoppingmetric", "earlystopmetric"}


def check(context: ConfigContext) -> Iterator[Verdict | Finding]:
    for name, phase in context.experiment.stated.phases.items():
        if phase.early_stopping is None:
            continue
        clause = context.experiment.by_path["phases", name, "early_stopping", "metric"]
        files = [b for b in context.files if (described_by(context, b) or ("",))[0] == name]
        stating = [bound for bound in files if _mentioned(bound)]
        for bound in files:
            if not any(_covers(other, bound) for other in stating):
                yield from _absent(context, bound, name)
            yield from _metric(context, bound, clause)


def _mentioned(bound: BoundFile) -> bool:
    """Whether a file says anything of early stopping. A word is looked for before a pattern: most files do not."""
    if any("early_stopping" in target.clause.path for target in bound.targets.values()):
        return True
    text = bound.document.text.lower()
    return "patience" in text or ("early" in text and _EARLY.search(text) is not None)


def _watched(bound: BoundFile) -> bool:
    text = bound.document.text.lower()
    early = "early" in text and _EARLY.search(text) is not None
    return early or ("best" in text and _BEST.search(text) is not None)


def _covers(other: BoundFile, bound: BoundFile) -> bool:
    """Whether what ``other`` states of early stopping also holds where ``bound`` is used."""
    one, two = other.binding, bound.binding
    return one.variant in (None, two.variant) and (two.describes or "").startswith(one.describes or "")


def _absent(context: ConfigContext, bound: BoundFile, phase: str) -> Iterator[Finding]:
    length = next((fact for fact in facts_of(context, bound) if fact.knob in ("epochs", "max_steps")), None)
    if length is None:
        return
    declared = context.experiment.stated.phases[phase].early_stopping
    assert declared is not None
    clause = context.experiment.by_path["phases", phase, "early_stopping", "metric"]
    yield Finding(
        ABSENT,
        f"{bound.document.file} states how long {phase} trains, and no early stopping; "
        f"the manifest states one on {declared.metric}, with patience {declared.patience}",
        clause.id,
        expected=declared.metric,
        location=length.location,
        declared=clause.location,
        advice=f"state it (`early_stopping: {{metric: {declared.metric}, patience: {declared.patience}}}`) and bind "
        f"its keys; without early stopping in the paper, remove it from {phase}",
    )


def _metric(context: ConfigContext, bound: BoundFile, clause: Clause) -> Iterator[Verdict]:
    """An unbound key that names a metric to watch; a bound one is held as its clause."""
    if not _watched(bound):
        return
    shape = bound.document.shape()
    key = ("watching", id(shape))
    if key not in context.cache:
        context.cache[key] = [path for path in shape if path and _watches(tuple(str(part) for part in path))]
    for path in context.cache[key]:
        node = bound.document.node(path)
        if node is None or within(path, covered(context, bound)):
            continue
        stated = bound.document.value(node)
        if not isinstance(stated, str):
            continue
        metric = metric_named(stated)
        where = bound.document.location(node, path)
        if metric is None:
            continue
        if metric == clause.value:
            yield context.judge.conforms(clause, context.stage, f"{format_path(path)}: {stated}", str(where))
            continue
        message = f"{format_path(path)} is {said(stated)}; the manifest states {clause.id} = {said(clause.value)}"
        advice = f"write the trainer's name of {clause.value}, such as {stated.replace(metric, str(clause.value))}"
        finding = Finding(METRIC, message, clause.id, clause.value, stated, where, clause.location, advice)
        yield context.judge.violated(clause, finding, str(where))


def _watches(path: tuple[str, ...]) -> bool:
    last = folded(path[-1])
    within_section = any("earlystop" in folded(part) for part in path[:-1])
    return last in _WATCHING or (within_section and last in ("metric", "monitor", "metricname"))

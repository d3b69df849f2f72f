"""Early stopping that the manifest declares, and that a config leaves out or hangs on another metric."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from framework.conformance import Finding, Rule, Severity, Stage, Verdict
from framework.conformance.meaning import said
from framework.manifest.clauses import Clause
from framework.manifest.hyperparameters import folded, metric_named, same_metric
from framework.manifest.sections.bindings import Binding
from framework.names import Path, format_path
from framework.stages.config.bound import BoundFile
from framework.stages.config.context import ConfigContext
from framework.stages.config.near_keys import covered, within
from framework.stages.config.training_facts import described_by, facts_of

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


def check_file(context: ConfigContext, bounds: Sequence[BoundFile]) -> Iterator[Verdict | Finding]:
    """Which metric is watched. Whether anything is said of early stopping is noted for :func:`check`."""
    for bound in bounds:
        phase = _stopping(context, bound)
        if phase is not None:
            stating: set[int] = context.cache.setdefault("early stopping", set())
            if bound.index not in stating and _mentioned(bound):
                stating.add(bound.index)
            if (clause := _declared(context, phase)) is not None and isinstance(clause.value, str):
                yield from _metric(context, bound, clause)


def check(context: ConfigContext) -> Iterator[Verdict | Finding]:
    configs = context.experiment.stated.configs
    stating = [configs[index] for index in context.cache.get("early stopping", ())]
    for bound in context.files:
        phase = _stopping(context, bound)
        if phase is not None and not any(_covers(other, bound.binding) for other in stating):
            yield from _absent(context, bound, phase)


def _stopping(context: ConfigContext, bound: BoundFile) -> str | None:
    """The phase that a file describes, if the manifest states early stopping for it."""
    phase = (described_by(context, bound) or (None,))[0]
    return None if phase is None or context.experiment.stated.phases[phase].early_stopping is None else phase


def _declared(context: ConfigContext, phase: str) -> Clause | None:
    """The clause of the metric that is watched, whether the manifest states it as a name or with its direction."""
    at, by_path = ("phases", phase, "early_stopping", "metric"), context.experiment.by_path
    return by_path.get(at) or by_path.get((*at, "name"))


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


def _covers(one: Binding, two: Binding) -> bool:
    """Whether what a file of one binding states of early stopping also holds where a file of the other is used."""
    return one.variant in (None, two.variant) and (two.describes or "").startswith(one.describes or "")


def _absent(context: ConfigContext, bound: BoundFile, phase: str) -> Iterator[Finding]:
    length = next((fact for fact in facts_of(context, bound) if fact.knob in ("epochs", "max_steps")), None)
    if length is None:
        return
    declared = context.experiment.stated.phases[phase].early_stopping
    assert declared is not None
    by_path = context.experiment.by_path
    clause = _declared(context, phase) or by_path["phases", phase, "early_stopping", "patience"]
    metric = declared.metric_name
    stated = f"{{metric: {metric}, patience: {declared.patience}}}" if metric else f"{{patience: {declared.patience}}}"
    yield Finding(
        ABSENT,
        f"{bound.file} states how long {phase} trains, and no early stopping; "
        f"the manifest states one{f' on {metric}' if metric else ''}, with patience {declared.patience}",
        clause.id,
        expected=clause.value,
        location=length.location,
        declared=clause.location,
        advice=f"state it (`early_stopping: {stated}`) and bind "
        f"its keys; without early stopping in the paper, remove it from {phase}",
    )


def _metric(context: ConfigContext, bound: BoundFile, clause: Clause) -> Iterator[Verdict]:
    """An unbound key that names a metric to watch; a bound one is held as its clause."""
    paths = bound.by_keys("watching", lambda: _watching(bound))
    for path in paths if paths and _watched(bound) else ():
        node = bound.document.node(path)
        assert node is not None
        stated = bound.document.value(node)
        if not isinstance(stated, str):
            continue
        metric = metric_named(stated)
        where = bound.document.location(node, path)
        if same_metric(stated, clause.value):
            yield context.judge.conforms(clause, context.stage, f"{format_path(path)}: {stated}", str(where))
            continue
        if metric is None or same_metric(metric, clause.value):
            continue  # nothing that is known; or of the test data
        message = f"{format_path(path)} is {said(stated)}; the manifest states {clause.id} = {said(clause.value)}"
        advice = f"write the trainer's name of {clause.value}, such as {stated.replace(metric, str(clause.value))}"
        finding = Finding(METRIC, message, clause.id, clause.value, stated, where, clause.location, advice)
        yield context.judge.violated(clause, finding, str(where))


def _watching(bound: BoundFile) -> list[Path]:
    """The unbound keys that name a metric to watch."""
    paths = [path for path in bound.document.shape() if path and _watches(tuple(map(str, path)))]
    return [path for path in paths if not within(path, covered(bound))]


def _watches(path: tuple[str, ...]) -> bool:
    last = folded(path[-1])
    within_section = any("earlystop" in folded(part) for part in path[:-1])
    return last in _WATCHING or (within_section and last in ("metric", "monitor", "metricname"))

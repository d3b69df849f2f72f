"""Early stopping that the manifest declares, and that a config leaves out or hangs on another metric; and metrics whose
better a config takes for the worse."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

from framework.conformance import Finding, Rule, Severity, Stage, Verdict
from framework.conformance.meaning import direction_of, said
from framework.manifest.clauses import Clause
from framework.manifest.hyperparameters import folded, metric_named, same_metric
from framework.manifest.sections.bindings import Binding
from framework.manifest.sections.values.stated_metrics import Metric, falls, name_of
from framework.names import Path, format_path
from framework.stages.config.bound import BoundFile
from framework.stages.config.context import ConfigContext
from framework.stages.config.near_keys import covered, within
from framework.stages.config.training_facts import described_by, facts_of, is_about, within_phase

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
DIRECTION = Rule(
    "C142",
    "metric-direction",
    Severity.ERROR,
    Stage.CONFIG,
    "a config takes the better values of a metric for the worse",
)

_EARLY = re.compile(r"early[-_ ]?stop")
_STOPS = re.compile(rf"patience|{_EARLY.pattern}")
_OFF = ("false", "none", "off", "no", "null")
_BEST = re.compile(r"metric_?for_?best")
_WATCHING = {"metricforbestmodel", "earlystoppingmetric", "earlystopmetric"}
_CHOOSING = {*_WATCHING, "monitor"}
_BETTER = {"greaterisbetter", "mode"}
"""Keys that say which values of the metric beside them are better."""


Stating = dict[str, dict[str, list[Binding]]]
"""By phase, the files that say something of its early stopping, under which bindings."""


def check_file(context: ConfigContext, bounds: Sequence[BoundFile]) -> Iterator[Verdict | Finding]:
    """Which metric is watched, and which of its values are better. Whether anything is said of early stopping is noted
    for :func:`check`."""
    for bound in bounds:
        for phase in _stopping(context, bound):
            stating: Stating = context.cache.setdefault("early stopping", {})
            if _mentioned(context, bound, phase):
                stating.setdefault(phase, {}).setdefault(bound.file, []).append(bound.binding)
            if (clause := _declared(context, phase)) is not None and isinstance(clause.value, str):
                yield from _metric(context, bound, clause)
        yield from _directions(context, bound)


def check(context: ConfigContext) -> Iterator[Verdict | Finding]:
    stating: Stating = context.cache.get("early stopping", {})
    for bound in context.files:
        for phase in _stopping(context, bound):
            said_of = stating.get(phase, {})
            if bound.file in said_of:
                continue
            covering = [file for file, each in said_of.items() if any(_covers(one, bound.binding) for one in each)]
            programs = {file for other in context.companions.programs(bound.file) for file in other.files}
            if programs.isdisjoint(covering) and not context.companions.settles(bound.file, covering):
                yield from _absent(context, bound, phase)


def _stopping(context: ConfigContext, bound: BoundFile) -> list[str]:
    """The phases with early stopping that a file describes or, describing none, has a section for."""
    phases = context.experiment.stated.phases
    stopping = [name for name, phase in phases.items() if phase.early_stopping is not None]
    if bound.binding.describes is None:
        return [name for name in stopping if is_about(context, bound, name)]
    own = (described_by(context, bound) or (None,))[0]
    return [name for name in stopping if name == own]


def _declared(context: ConfigContext, phase: str) -> Clause | None:
    """The clause of the metric that is watched, whether the manifest states it as a name or with its direction."""
    at, by_path = ("phases", phase, "early_stopping", "metric"), context.experiment.by_path
    return by_path.get(at) or by_path.get((*at, "name"))


def _mentioned(context: ConfigContext, bound: BoundFile, phase: str) -> bool:
    """Whether a file says anything of early stopping but that it is off; of a file that has a section for the phase,
    there or in none of another phase. A word is looked for before a pattern: most files do not."""
    if any("early_stopping" in each.clause.path and phase in each.clause.path for each in bound.targets.values()):
        return True
    text = bound.document.text.lower()
    if "patience" not in text and not ("early" in text and _EARLY.search(text) is not None):
        return False
    spoken = [path for path in bound.document.shape() if any(_STOPS.search(str(part).lower()) for part in path)]
    if spoken and all(_is_off(bound, path) for path in spoken):
        return False
    if bound.binding.describes is not None:
        return True
    others = [name for name in context.experiment.stated.phases if name != phase]
    inside = [path for path in spoken if not any(within_phase(path, name) for name in others)]
    return bool(inside) or not spoken  # in a value, or a comment


def _is_off(bound: BoundFile, path: Path) -> bool:
    """Whether the value of a key, or of a flag, says that there is none of it."""
    node = bound.document.node(path)
    value = None if node is None else bound.document.value(node)
    return not value or (isinstance(value, str) and value.lower() in _OFF)


def _watched(bound: BoundFile) -> bool:
    text = bound.document.text.lower()
    early = "early" in text and _EARLY.search(text) is not None
    return early or ("best" in text and _BEST.search(text) is not None)


def _covers(one: Binding, two: Binding) -> bool:
    """Whether what a file of one binding states of early stopping also holds where a file of the other is used."""
    return one.variant in (None, two.variant) and (two.describes or "").startswith(one.describes or "")


def _absent(context: ConfigContext, bound: BoundFile, phase: str) -> Iterator[Finding]:
    own = bound.binding.describes is not None
    facts = [fact for fact in facts_of(context, bound) if own or within_phase(fact.path, phase)]
    length = next((fact for fact in facts if fact.knob in ("epochs", "max_steps")), None)
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


def _directions(context: ConfigContext, bound: BoundFile) -> Iterator[Verdict]:
    """Whether the best values of a metric are those that the manifest says, where a file chooses by it."""
    phase = (described_by(context, bound) or (None,))[0]
    if phase is None:
        return
    for path, beside in bound.by_keys("choosing", lambda: _choosing(bound)):
        word = _value(bound, path)
        found = _of_phase(context, phase, word) if isinstance(word, str) else None
        if found is None:
            continue
        clause, wanted = found
        direction = None if beside is None else direction_of(_value(bound, beside))
        where, spelled = beside or path, f"{format_path(beside or path)} is {said(_value(bound, beside or path))}"
        if beside is None or _value(bound, beside) is None:
            if folded(str(path[-1])) != "metricforbestmodel":
                continue
            direction = "lower" if word.endswith("loss") else "higher"  # as transformers' TrainingArguments has it
            where, spelled = path, f"{format_path(path)} is {said(word)}, of which transformers takes the {direction}"
        elif direction is None:
            continue
        node = bound.document.node(where)
        assert node is not None
        place = bound.document.location(node, where)
        if direction == wanted:
            yield context.judge.conforms(clause, context.stage, spelled, str(place))
            continue
        finding = Finding(
            DIRECTION,
            f"{spelled}; of {word} the {wanted} values are the better ones ({clause.id})",
            clause.id,
            wanted,
            direction,
            place,
            clause.location,
            "turn it round, with `greater_is_better` or what the trainer has for it; or state the metric's `direction`",
            repairable=False,
        )
        yield context.judge.violated(clause, finding, str(place))


def _value(bound: BoundFile, path: Path) -> Any:
    node = bound.document.node(path)
    return None if node is None else bound.document.value(node)


def _choosing(bound: BoundFile) -> list[tuple[Path, Path | None]]:
    """The keys that name a metric to choose by, each with the key beside it that says which values are better; not
    those that are bound, which are held as their clause."""
    shape = [path for path in bound.document.shape() if path and isinstance(path[-1], str)]
    bound_keys = {place[0] for key in bound.binding.keys if (place := bound.find(key))}
    found: list[tuple[Path, Path | None]] = []
    for path in shape:
        if folded(str(path[-1])) in _CHOOSING:
            sisters = [each for each in shape if each[:-1] == path[:-1] and folded(str(each[-1])) in _BETTER]
            if not set(sisters) & bound_keys:
                found.append((path, sisters[0] if sisters else None))
    return found


def _of_phase(context: ConfigContext, phase: str, name: str) -> tuple[Clause, str] | None:
    """The clause of a phase's metric of that name, and which values are better; None where nobody says."""
    spec, by_path = context.experiment.stated.phases[phase], context.experiment.by_path
    stated: list[tuple[Path, str | Metric | None]] = [(("metric",), spec.metric)]
    if spec.early_stopping is not None:
        stated.insert(0, (("early_stopping", "metric"), spec.early_stopping.metric))
    stated += [(("tasks", task, "metric"), own.metric) for task, own in spec.tasks.items()]
    for inner, metric in stated:
        if metric is None or not same_metric(str(name_of(metric)), name):
            continue
        says = isinstance(metric, Metric) and metric.direction is not None
        if says or falls(metric) or metric_named(str(name_of(metric))) is not None:
            ends: tuple[Path, ...] = (("direction",), ("name",), ())
            clause = next((by_path[at] for end in ends if (at := ("phases", phase, *inner, *end)) in by_path), None)
            return None if clause is None else (clause, "lower" if falls(metric) else "higher")
    return None

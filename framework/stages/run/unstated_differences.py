"""What the runs of two variants differ in though no clause says anything of it: was the baseline trained the same way?

Compared are runs that other code than this project's made, of one phase, model, task and seed: what their programs
wrote of their settings, what a recorder saw of the optimizer, and the versions that trained them. What only one of two
runs says tells of no difference.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import PurePath
from typing import Any, NamedTuple

from framework.conformance import Finding, Rule
from framework.conformance.meaning import said, same
from framework.dialects.synonyms import meaning
from framework.dialects.trainers.general.generic import SILENT
from framework.evidence.logs.logged_names import number
from framework.evidence.record import SETTINGS
from framework.locations import Location
from framework.planning.commands.step_facts import own_facts_of
from framework.planning.steps import Training
from framework.stages.config.verdicts import is_unbound
from framework.stages.run.observed import EvidenceContext, Observed

_FACTS = ("max_grad_norm", "precision", "sequence_length")
"""What a record states at its top, by the clause that would state it."""
_MOST_PACKAGES = 4
_WORD = re.compile(r"[A-Za-z0-9_.+]+")


class Said(NamedTuple):
    """A value that a run says, and where."""

    value: Any
    where: Location


Uncovered = Mapping[str, Mapping[str, Said]]
"""By the name of a run's folder: the keys of its settings file that no clause covers."""


def uncovered_settings(findings: Iterable[Finding]) -> dict[str, dict[str, Said]]:
    """The keys that a check found no clause for, by the run whose settings they stand in."""
    found: dict[str, dict[str, Said]] = {}
    for each in findings:
        where = each.location
        if is_unbound(each.rule) and where is not None and where.key is not None:
            found.setdefault(PurePath(where.file).parent.name, {})[where.key] = Said(each.actual, where)
    return found


def differences(
    context: EvidenceContext, logged: Sequence[Observed], uncovered: Uncovered, rule: Rule
) -> Iterator[Finding]:
    """One finding for each setting that differs between variants, and one for the versions."""
    groups: dict[tuple[str, str, str | None], list[Observed]] = {}
    for observed in logged:
        if observed.counts and observed.step.profile is None:
            groups.setdefault((observed.step.name, observed.step.model_name, observed.step.task), []).append(observed)
    for members in groups.values():
        if len({each.step.variants for each in members}) > 1:
            told = [(each, _told(context, each, uncovered)) for each in members]
            for name in dict.fromkeys(name for _, facts in told for name in facts):
                apart = _apart([(each, facts[name]) for each, facts in told if name in facts])
                if apart is not None:
                    yield _finding(rule, name, *apart)
            yield from _versions(context, members, rule)


Pair = tuple[Observed, Said]


def _apart(told: Sequence[Pair]) -> tuple[Pair, Pair] | None:
    """Two runs of two variants and one seed that say otherwise."""
    for place, (one, first) in enumerate(told):
        for other, second in told[place + 1 :]:
            of_two = set(one.step.variants).isdisjoint(other.step.variants)
            if of_two and one.step.seed == other.step.seed and _differ(one, first.value, other, second.value):
                return (one, first), (other, second)
    return None


def _differ(one: Observed, first: Any, other: Observed, second: Any) -> bool:
    """Whether two values are two, but for what the runs are called: `out/dense` and `out/lora` are one."""
    return not same(_unnamed(one, first), _unnamed(other, second))


def _unnamed(observed: Observed, value: Any) -> Any:
    if not isinstance(value, str):
        return value
    if (written := number(value)) is not None:
        return written  # `1e-06`, as a program's YAML may have it
    step = observed.step
    own = {str(name).casefold() for name in (*step.variants, step.model_name, step.task, step.name, step.seed)}
    joined = value
    for name in step.variants:
        joined = re.sub(rf"(?<![A-Za-z0-9]){re.escape(name)}(?![A-Za-z0-9])", "*", joined, flags=re.IGNORECASE)
    return _WORD.sub(lambda word: "*" if word[0].casefold() in own else word[0], joined)


def _told(context: EvidenceContext, observed: Observed, uncovered: Uncovered) -> Mapping[str, Said]:
    """What a run says that no clause covers."""
    run, work = observed.run, observed.step.work
    assert run is not None
    assert isinstance(work, Training)
    if (run.folder / SETTINGS).is_file():
        return uncovered.get(run.folder.name, {})
    facts, where = observed.facts, observed.place()
    found: dict[str, Said] = {}
    optimizer = facts.get("optimizer")
    stated = {f"optimizer.{name}": value for name, value in optimizer.items()} if isinstance(optimizer, dict) else {}
    stated.pop("optimizer.groups", None)
    for name, value in (stated | {name: facts[name] for name in _FACTS if name in facts}).items():
        if not isinstance(value, dict) and not context.clauses_below(observed.step, name):
            found[name] = Said(value, where)
    settings = facts.get("settings")
    if observed.scripted and isinstance(settings, dict):
        own = own_facts_of(context.experiment.manifest, work, observed.step.model)
        known = SILENT | {fact.rpartition(".")[2] for fact, _ in own}
        for name, value in settings.items():
            last = name.rpartition(".")[2]
            if last not in known and name not in known and meaning(last, None) is None:
                found[name] = Said(value, where)
    return found


def _finding(rule: Rule, name: str, one: Pair, two: Pair) -> Finding:
    (first, said_first), (second, said_second) = one, two
    return Finding(
        rule,
        f"{first.step.label} and {second.step.label} differ in {name}, which no clause covers: "
        f"{said(said_first.value)} ({said_first.where}) and {said(said_second.value)} ({said_second.where})",
        expected=said_first.value,
        actual=said_second.value,
        location=said_second.where,
        advice=f"if it is meant, state {name} for each of the variants; else one of the two is to be repeated",
        repairable=False,
    )


def _versions(context: EvidenceContext, members: Sequence[Observed], rule: Rule) -> Iterator[Finding]:
    """The packages of which two variants' runs had other versions, where the manifest states none."""
    stated = context.experiment.manifest.hardware
    declared = {"torch"} if stated.torch is not None else set()
    told = [(each, _packages(each)) for each in members]
    apart: dict[str, tuple[Pair, Pair]] = {}
    for name in dict.fromkeys(name for _, packages in told for name in packages):
        if name not in declared and name not in stated.packages:
            pairs = [(each, Said(packages[name], each.place())) for each, packages in told if name in packages]
            if (found := _apart(pairs)) is not None:
                apart[name] = found
    if not apart:
        return
    (one, _), (two, second) = next(iter(apart.values()))
    shown = [f"{name} {a.value} and {b.value}" for name, ((_, a), (_, b)) in [*apart.items()][:_MOST_PACKAGES]]
    more = f" and {len(apart) - _MOST_PACKAGES} more" if len(apart) > _MOST_PACKAGES else ""
    yield Finding(
        rule,
        f"{one.step.label} and {two.step.label} were trained with other versions, which no clause covers: "
        f"{', '.join(shown)}{more} ({one.place()} and {second.where})",
        location=second.where,
        advice="state the versions under `hardware.packages`, or repeat one of the two",
        repairable=False,
    )


def _packages(observed: Observed) -> Mapping[str, str]:
    assert observed.run is not None
    packages = observed.run.record.environment.get("packages")
    return packages if isinstance(packages, dict) else {}

"""Runs of other programs: what these wrote of their settings, and whether what was adopted is as it was.

The settings are held as `framework check` holds a config file, by the same readers, dialects and rules. They may settle
what the log of such a run leaves open; see :func:`unsettled`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path, PurePath
from typing import Any

from framework.adoption.adopted_runs import origin_of, sources_of
from framework.adoption.sources.registry import digests_in
from framework.conformance import Finding, Rule, Severity, Stage, Status, Verdict
from framework.conformance.matrix import Matrix, file_of
from framework.conformance.waivers import Judge
from framework.errors import InputError
from framework.evidence.logs.log import Reading
from framework.evidence.record import ADOPTED, RECORD, SETTINGS, STEPS, sha256_of
from framework.evidence.store import Run, shown
from framework.manifest.experiment import Experiment
from framework.manifest.sections.bindings import Binding
from framework.names import format_path
from framework.planning.commands.read_back import clause_named
from framework.planning.steps import Training
from framework.stages.config.verdicts import hold
from framework.stages.run.observed import EvidenceContext, Observed
from framework.stages.run.unstated_differences import Said, differences, uncovered_settings

SETTING = Rule("R125", "written-setting", Severity.ERROR, Stage.RUN, "a program wrote that it ran with another setting")
SOURCE = Rule(
    "R145", "adopted-source", Severity.ERROR, Stage.RUN, "what a run was adopted from has changed since it was"
)
BESIDE = Rule(
    "R146", "several-runs", Severity.WARNING, Stage.RUN, "a variant has several runs of one step, of which one counts"
)
DIFFERS = Rule(
    "R147",
    "unstated-difference",
    Severity.WARNING,
    Stage.RUN,
    "runs of two variants differ in a setting that no clause covers",
)

_Stores = dict[tuple[Path, bool], dict[str, str]]
"""By a file with many runs, and whether its nested ones inherit parameters: the digest of each run in it."""


def check(context: EvidenceContext) -> Iterator[Verdict | Finding]:
    for observed in context.steps:
        if not observed.counts:
            yield from _beside(context, observed)
    logged = [observed for observed, _ in context.trainings() if observed.logged]
    stores: _Stores = {}
    for observed in logged:
        if observed.adopted:
            yield from _sources(context, observed, stores)
    if logged:
        yield from _settings(context, logged)


def unsettled(verdicts: Iterable[Verdict]) -> Iterator[Verdict]:
    """The verdicts, without those that what a run wrote of its settings makes needless: that its log does not
    tell a clause, and the same violation once more, seen in the record that was made of the settings."""
    given = list(verdicts)
    told: dict[tuple[str, str], set[Status]] = {}
    for each in given:
        if file_of(each).endswith(SETTINGS) and PurePath(file_of(each)).name == SETTINGS:
            told.setdefault((each.clause, _run_of(each)), set()).add(each.status)
    if not told:
        yield from given
        return
    for each in given:
        known = told.get((each.clause, _run_of(each)), ())
        again = each.status in known and PurePath(file_of(each)).name == RECORD
        open_still = each.status is Status.UNVERIFIED and PurePath(file_of(each)).name != STEPS
        if not (known and open_still) and not (again and each.status is Status.VIOLATED):
            yield each


def _run_of(verdict: Verdict) -> str:
    """The run folder that a look was into."""
    parts = PurePath(file_of(verdict)).parts
    below = parts[parts.index("runs") + 1 :] if "runs" in parts[:-1] else ()
    return next((part for part in below if "." in part), "")  # what has none is another manifest's folder of runs


def _sources(context: EvidenceContext, observed: Observed, stores: _Stores) -> Iterator[Finding]:
    """The sources that are there, and are not what they were. ``stores`` remembers the files with many runs."""
    assert observed.run is not None
    for source in sources_of(observed.run.record):
        path = context.experiment.root / str(source.get("file"))
        if not path.is_file() or _now(path, source, observed.facts[ADOPTED], stores) == source.get("sha256"):
            continue
        part = f" ({source['part']})" if "part" in source else ""
        yield Finding(
            SOURCE,
            f"{observed.step.label} was adopted from {source['file']}{part}, which has changed since",
            expected=source.get("sha256"),
            location=observed.place(),
            advice="`framework adopt` takes it in as it is now; what was adopted lies in the run's folder",
        )


def _now(path: Path, source: dict[str, Any], facts: dict[str, Any], stores: _Stores) -> str | None:
    """The SHA-256 of a source as it is now; of a run in a file with others, of what the file holds of it."""
    if "part" not in source:
        return sha256_of(path)
    stated = facts.get("reading")
    inherit = isinstance(stated, dict) and stated.get("inherit") is True
    if (path, inherit) not in stores:
        stores[path, inherit] = digests_in(path, str(facts.get("format")), Reading(inherit=inherit))
    return stores[path, inherit].get(str(source["part"]))


def _beside(context: EvidenceContext, observed: Observed) -> Iterator[Finding]:
    """A run that another of the same step and variant goes before."""
    assert observed.run is not None
    own = [context.related.of(observed.step.key, variant) for variant in observed.step.variants]
    first = sorted({each.run.folder.name for each in own if each.run is not None})
    others = f"{', '.join(first)}, whose results count" if first else "a run that cannot be read, and gives no results"
    yield Finding(
        BESIDE,
        f"{observed.step.label}: {_named(observed.run)} lies beside {others}",
        location=observed.place(),
        advice="both are held; remove the run's folder, or let `adopted` leave it out, if it is no evidence",
    )


def _named(run: Run) -> str:
    origin = origin_of(run.record)
    return run.folder.name if origin is None else f"{run.folder.name} (adopted from {origin})"


def _settings(context: EvidenceContext, logged: list[Observed]) -> Iterator[Verdict | Finding]:
    bindings, labels = [], {}
    for observed in logged:
        assert observed.run is not None
        if (observed.run.folder / SETTINGS).is_file() and observed.step.profile is None:
            bindings.append(_binding(observed))
            labels[observed.run.folder.name] = observed.step.label
    uncovered: dict[str, dict[str, Said]] = {}
    if bindings:
        yield from _held(context, bindings, labels, uncovered)
    yield from differences(context, logged, uncovered, DIFFERS)


def _held(
    context: EvidenceContext,
    bindings: list[Binding],
    labels: dict[str, str],
    uncovered: dict[str, dict[str, Said]],
) -> Iterator[Verdict]:
    """What the settings say of clauses; in ``uncovered`` is put what they say of none."""
    stated = context.experiment.as_stated
    experiment = _bound(stated, bindings)
    matrix = Matrix(stated.clauses)
    try:
        held = hold(experiment, Judge(experiment, context.judge.today), matrix)
    except InputError as failure:
        if all("no config file states any clause" in problem.message for problem in failure.problems):
            return
        raise
    uncovered |= uncovered_settings(held.findings)
    for clause in context.experiment.clauses:
        if clause.path[0] == "seeds":
            continue  # a run has one of them: the seed that it recorded is held to the one that it is of
        own_fact = any(str(part).partition(".")[0] == "settings" for part in clause.path)
        for look in matrix.looks(clause, Stage.CONFIG):
            name = PurePath(file_of(look)).parent.name
            if own_fact and not name.startswith(f"{ADOPTED}."):
                continue  # held under the names by which the script is passed them: R124
            if look.status is Status.CONFORMS and name in labels:
                where = None if look.evidence is None else str(look.evidence)
                yield context.judge.conforms(clause, context.stage, "as the run's own settings say", where)
            elif look.finding is not None and look.status in (Status.VIOLATED, Status.WAIVED) and name in labels:
                message = f"{labels[name]}: {look.finding.message}"
                advice = "the run was made so: state it, waive it, or leave the run out of the evidence"
                finding = look.finding._replace(rule=SETTING, message=message, advice=advice, repairable=False)
                yield context.judge.violated(clause, finding, str(look.evidence) if look.evidence else None)


def _binding(observed: Observed) -> Binding:
    """The settings of a run as a config file of its step."""
    assert observed.run is not None
    step, work = observed.step, observed.step.work
    assert isinstance(work, Training)
    place: tuple[str, ...] = ("phases", step.name, *(("tasks", step.task) if step.task is not None else ()))
    return Binding(
        file=f"{shown(observed.run.folder)}/{SETTINGS}",
        describes=format_path(place),
        variant=step.variant,
        model=step.model_name,
        dialect=str(observed.facts.get("settings_dialect", "generic")),
        keys=_keys(observed),
        required=False,
    )


def _keys(observed: Observed) -> dict[str, str]:
    """The clauses of the settings that a script wrote under the names by which it is passed them."""
    command, written = observed.step.command, observed.facts.get("settings")
    if command is None or not isinstance(written, dict):
        return {}
    passed = [each for each in (command.flags, *command.files.values()) if each is not None]
    named = {key.lstrip("-").replace("-", "_"): fact for each in passed for key, fact in each.keys.items()}
    found = {name: fact for name in written if (fact := named.get(name.replace("-", "_")))}
    work = observed.step.work
    assert isinstance(work, Training)
    return {name: clause_named(observed.step, work, fact) for name, fact in found.items()}


def _bound(experiment: Experiment, bindings: list[Binding]) -> Experiment:
    """The experiment, if its config files were these."""
    stated = experiment.stated.model_copy(update={"configs": bindings, "waivers": []})
    return replace(experiment, stated=stated, manifest=stated)

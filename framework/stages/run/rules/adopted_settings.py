"""Runs that were made elsewhere: what their programs wrote of their settings, and whether the sources are as they were.

The settings are held as `framework check` holds a config file, by the same readers, dialects and rules. They may settle
what the log of such a run leaves open; see :func:`unsettled`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import PurePath

from framework.adoption.adopted_runs import sources_of
from framework.adoption.written_run import SETTINGS
from framework.conformance import Finding, Rule, Severity, Stage, Status, Verdict
from framework.conformance.matrix import Matrix, file_of
from framework.conformance.waivers import Judge
from framework.errors import InputError
from framework.evidence.record import ADOPTED, RECORD, sha256_of
from framework.manifest.experiment import Experiment
from framework.manifest.sections.bindings import Binding
from framework.names import format_path
from framework.planning.steps import Training
from framework.stages.config.verdicts import hold
from framework.stages.run.observed import EvidenceContext, Observed

SETTING = Rule(
    "R125", "adopted-setting", Severity.ERROR, Stage.RUN, "a run that was adopted was made with another setting"
)
SOURCE = Rule(
    "R145", "adopted-source", Severity.ERROR, Stage.RUN, "what a run was adopted from has changed since it was"
)


def check(context: EvidenceContext) -> Iterator[Verdict | Finding]:
    adopted = [observed for observed, _ in context.trainings() if observed.adopted]
    if not adopted:
        return
    for observed in adopted:
        yield from _sources(context, observed)
    yield from _settings(context, adopted)


def unsettled(verdicts: Iterable[Verdict]) -> Iterator[Verdict]:
    """The verdicts, without those that what an adopted run wrote of its settings makes needless: that its log does not
    tell a clause, and the same violation once more, seen in the record that was made of the settings."""
    given = list(verdicts)
    told: dict[tuple[str, str], set[Status]] = {}
    for each in given:
        if PurePath(file_of(each)).name == SETTINGS:
            told.setdefault((each.clause, _run_of(each)), set()).add(each.status)
    for each in given:
        known = told.get((each.clause, _run_of(each)), ())
        again = each.status in known and PurePath(file_of(each)).name == RECORD
        if not (known and each.status is Status.UNVERIFIED) and not (again and each.status is Status.VIOLATED):
            yield each


def _run_of(verdict: Verdict) -> str:
    """The run folder that a look was into."""
    return next((part for part in PurePath(file_of(verdict)).parts if part.startswith(f"{ADOPTED}.")), "")


def _sources(context: EvidenceContext, observed: Observed) -> Iterator[Finding]:
    """The sources that are there, and are not what they were."""
    assert observed.run is not None
    for source in sources_of(observed.run.record):
        path = context.experiment.root / str(source.get("file"))
        if not path.is_file() or sha256_of(path) == source.get("sha256"):
            continue
        yield Finding(
            SOURCE,
            f"{observed.step.label} was adopted from {source['file']}, which has changed since",
            expected=source.get("sha256"),
            location=observed.place(),
            advice="`framework adopt` takes it in as it is now; what was adopted lies in the run's folder",
        )


def _settings(context: EvidenceContext, adopted: list[Observed]) -> Iterator[Verdict]:
    bindings, labels = [], {}
    for observed in adopted:
        assert observed.run is not None
        if (observed.run.folder / SETTINGS).is_file() and observed.step.profile is None:
            bindings.append(_binding(observed))
            labels[observed.run.folder.name] = observed.step.label
    if not bindings:
        return
    stated = context.experiment.as_stated
    experiment = _bound(stated, bindings)
    matrix = Matrix(stated.clauses)
    try:
        hold(experiment, Judge(experiment, context.judge.today), matrix)
    except InputError as failure:
        if all("no config file states any clause" in problem.message for problem in failure.problems):
            return
        raise
    for clause in context.experiment.clauses:
        if clause.path[0] == "seeds":
            continue  # a run has one of them: the seed that it recorded is held to the one that it is of
        for look in matrix.looks(clause, Stage.CONFIG):
            name = PurePath(file_of(look)).parent.name
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
        file=f"runs/{observed.run.folder.name}/{SETTINGS}",
        describes=format_path(place),
        variant=observed.run.record.variants[0],
        model=step.model_name,
        dialect=str(observed.facts.get("settings_dialect", "generic")),
        required=False,
    )


def _bound(experiment: Experiment, bindings: list[Binding]) -> Experiment:
    """The experiment, if its config files were these."""
    stated = experiment.stated.model_copy(update={"configs": bindings, "waivers": []})
    return replace(experiment, stated=stated, manifest=stated)

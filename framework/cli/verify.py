"""Hold what really ran, the tensors on disk and the rendered documents to the manifest."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from framework import api
from framework.adoption.adopted_runs import runs_of_variants
from framework.cli.checking.answers import Recorder
from framework.cli.options import add_format, add_profile, add_selection, add_set, loaded, planned
from framework.cli.terminal import console, findings
from framework.cli.terminal.repeating import repeated
from framework.cli.terminal.states import remarks
from framework.conformance import Stage, Status
from framework.errors import UsageError
from framework.evidence.record import RECORD, RunRecord
from framework.evidence.standing.run_state import Word
from framework.evidence.store import RunStore
from framework.manifest.experiment import Experiment
from framework.manifest.loading import load as load_statement
from framework.names import did_you_mean
from framework.planning.machines.machine import machine, said
from framework.planning.tuned.best_of_grids import filled, load
from framework.stages.checkpoint.reading_once import Spared
from framework.stages.run.measured_runs import machine_of
from framework.stages.run.run_states import RunStates, counted
from framework.stages.run.sealed_evidence import Trust
from framework.stages.verify import VerifyResult

HELP = "hold runs, checkpoints and documents to the manifest"

_COLOURS = {Status.CONFORMS: "green", Status.VIOLATED: "red", Status.WAIVED: "yellow", Status.UNVERIFIED: "dim"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "run", nargs="?", metavar="RUN", help="one run folder below runs/ (default: all that the plan holds)"
    )
    add_selection(parser)
    add_profile(parser)
    add_set(parser)
    add_format(parser)
    parser.add_argument(
        "--fix", action="store_true", help="write the right numbers into the documents that the manifest binds"
    )
    parser.add_argument(
        "--quick",
        action="store_true",
        help="do not read large files again that are as an earlier verification read them: size, inode, times",
    )
    parser.add_argument(
        "--bundle", metavar="FILE", help="hold what `framework bundle` packed, from that file alone; it is only read"
    )
    parser.add_argument("--all", action="store_true", help="all variants, also where the profile names some")
    parser.add_argument(
        "--allowed-signers",
        metavar="FILE",
        help="whose SSH keys are known, as ssh-keygen reads it (default: git's gpg.ssh.allowedSignersFile, else "
        "seals/allowed_signers)",
    )
    parser.add_argument("--authorities", metavar="FILE", help="certificates (PEM) of trusted time-stamping authorities")
    parser.add_argument("--sealed", action="store_true", help="fail where a finished run is in no known signer's seal")


def main(options: argparse.Namespace) -> int:
    if options.bundle is not None:
        from framework.cli.bundle import opened

        with opened(options):
            return _verify(options)[0]
    if options.quick and not options.fix:
        return _verify_and_keep(options)
    return _verify(options)[0]


def _verify_and_keep(options: argparse.Namespace) -> int:
    """Verify, and keep the answer for the next time that this is asked of the very same files."""
    recorder = Recorder(states=True)
    for path in options.passed_by:
        recorder.note(path)
    try:
        with repeated() as said:
            code, result = _verify(options)
    finally:
        recorder.stop()
    if all(state.word is not Word.RUNNING for state in (*result.states, *result.stale)):  # which no file tells
        experiment = result.experiment
        recorder.store(options.arguments, str(experiment.root), said.getvalue(), code, str(experiment.runs))
    return code


def _verify(options: argparse.Namespace) -> tuple[int, VerifyResult]:
    experiment = loaded(options)
    only = []
    if options.run is not None:
        runs = {run.folder.name: run for run in RunStore(experiment.runs).readable()}
        name = options.run.rstrip("/").rsplit("/", 1)[-1]
        if (experiment.runs / name / RECORD).is_file():
            RunRecord.read(experiment.runs / name)
        if name not in runs:
            raise UsageError(f"no run {name!r} in {experiment.runs}: {did_you_mean(name, runs)}")
        record = runs[name].record
        if record.profile != experiment.profile:
            experiment = _as_run(options.manifest, record)
        only = [record.key]
    plan = planned(experiment, options, options.all)
    named = runs_of_variants(plan, RunStore(experiment.runs)) if only else {}
    known = {step.key for step in plan.steps} | {run.record.key for runs in named.values() for run in runs}
    if only and only[0] not in known:
        if (measured := machine_of(record.identity)) not in (None, machine()):
            raise UsageError(f"{options.run!r} measured another machine, {said(measured)}: verify all, which finds it")
        state = RunStates(plan, RunStore(experiment.runs)).of_run(runs[name])
        raise UsageError(
            f"the manifest does not demand the run {options.run!r} any more, or the selection leaves it out; "
            f"it is {state}"
        )
    trust = _trust(options, only)
    result = api.verify(experiment, plan, only, options.quick, trust)
    if options.fix:
        result = _fixed(result, only, options.quick, trust)
    if options.format == "json":
        console.as_json(result.as_dict())
        options.format = "text"  # answered: what follows is for people
    else:
        findings.show(result.findings, experiment.root)
        show(result)
    if result.finished == 0:
        raise UsageError(_nothing(result))
    return int(result.failed), result


def _as_run(manifest: str, record: RunRecord) -> Experiment:
    """The experiment as a run was started: under its profile, with the values that the command line set."""
    values = {each["path"]: each["value"] for each in record.deviations if each.get("kind") == "set"}
    if not values:
        return load(manifest, record.profile)
    from framework.manifest.overridden.from_arguments import with_values

    profile = next(each.get("profile") for each in record.deviations if each.get("kind") == "set")
    return filled(with_values(load_statement(manifest), values, profile))


def _nothing(result: VerifyResult) -> str:
    """Why there is nothing to hold."""
    none = f"{result.experiment.runs} holds no finished run of this plan"
    states = [state for _, state in result.planned_states]
    if all(state.word is Word.NOT_RUN for state in states):
        return f"nothing has been run: {none}"
    lines = [f"{none}: {counted(states)}", *remarks(result.planned_states)]
    return "\n    ".join(lines)


def _trust(options: argparse.Namespace, only: list[str]) -> Trust:
    """Whose seals count.

    Raises:
        UsageError: a file is not there, or seals are demanded of one run alone.
    """
    named = {"--allowed-signers": options.allowed_signers, "--authorities": options.authorities}
    for option, name in named.items():
        if name is not None and not Path(name).is_file():
            raise UsageError(f"{option}: there is no file {name}")
    if options.sealed and only:
        raise UsageError("--sealed is about all runs: a seal is of all that were there")
    signers, authorities = (None if name is None else Path(name) for name in named.values())
    return Trust(signers, authorities, options.sealed)


def _fixed(result: VerifyResult, only: list[str], quick: bool, trust: Trust) -> VerifyResult:
    """Put numbers of documents right, say so on the standard error, and look again."""
    from framework.output.ansi import Ink, wants_colour
    from framework.repair.bound_documents import fix_numbers
    from framework.repair.fixing import said

    done = fix_numbers(result.experiment, result.findings)
    for line in said(done.patches, done.refused, Ink(wants_colour(sys.stderr))):
        sys.stderr.write(f"{line}\n")
    return api.verify(result.experiment, result.plan, only, quick, trust) if done.patches else result


def show(result: VerifyResult) -> None:
    """The counts of each stage that was looked at, and how it stands with the runs."""
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("stage")
    for status in Status:
        table.add_column(str(status), justify="right")
    looked = {verdict.stage for verdict in result.matrix.verdicts}
    for stage in (stage for stage in Stage if stage in looked):
        counts = result.matrix.count(stage)
        table.add_row(
            str(stage), *(f"[{_COLOURS[status]}]{counts[status]}[/]" if counts[status] else "0" for status in Status)
        )
    console.out().print(table)
    verdict = "[bold red]violated[/]" if result.failed else "[bold green]nothing violated[/]"
    profile = f" under the profile {result.experiment.profile}" if result.experiment.profile else ""
    kinds = {"adopted": result.adopted, "recorded by scripts": result.recorded}
    made = "".join(f", {count} of them {kind}" for kind, count in kinds.items() if count)
    if (documents := result.documents) is not None:
        unbound = f"; {documents.unbound} beside them in tables are not bound" if documents.unbound else ""
        console.text(f"documents: {documents.held} of {documents.bound} bound numbers hold{unbound}")
    if result.spared is not None:
        console.text(said_of(result.spared))
    for line in (line for seal in result.seals for line in seal.lines()):
        console.literal(line)
    console.text(f"{verdict}: {result.finished} of {result.planned} planned runs are there{made}{profile}")
    states = [state for _, state in result.planned_states]
    if any(state.word is not Word.DONE for state in states):
        console.literal(f"runs: {counted(states)}")
    for line in remarks(result.planned_states):
        console.literal(f"  {line}")
    if result.stale:
        console.literal(f"{len(result.stale)} runs are stale: of values that the manifest no longer states")


def said_of(spared: Spared) -> str:
    """What a quick verification left out."""
    if not spared.files:
        return "quick: all were read: no large file (from 1 MiB on) is known to be as an earlier verification read it"
    size = f"{spared.bytes / 1e6:,.0f} MB"
    if spared.files == 1:
        return f"quick: 1 large file of {size} is as an earlier verification read it: not read again"
    return f"quick: {spared.files:,} large files of {size} are as an earlier verification read them: not read again"

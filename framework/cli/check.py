"""Hold the manifest to itself and the project's config files to it."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from framework.conformance import Finding
    from framework.manifest.experiment import Experiment
    from framework.output.report import Report
    from framework.stages.check import CheckResult

# Nothing of the framework is imported up here: `--help` and a refused option answer at once.

HELP = "hold the config files to the manifest"
_BASELINE = ".framework-baseline.json"
_REPEATED = ("text", "json", "junit")
"""Formats whose text rests on nothing but the project: those are kept for the next check."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.allow_abbrev = False
    add = parser.add_argument
    add("--format", default="text", metavar="FORMAT", help="text (default), json, sarif, junit, github or markdown")
    add("--output", metavar="FILE", type=Path, help="write the report to a file, wholly or not at all")
    add("--select", action="append", default=[], metavar="CODES", help="only these rules: C101,C2 (all of C2..)")
    add("--ignore", action="append", default=[], metavar="CODES", help="all rules but these")
    add("--strict", action="store_true", help="a warning fails, too")
    add("--since", metavar="REV", help="also tell which statements moved towards the configs since a git revision")
    repair = parser.add_argument_group("repair")
    repair.add_argument("--fix", action="store_true", help="put the manifest's value where that is certain to be right")
    repair.add_argument("--diff", action="store_true", help="with --fix: show the changes, and write nothing")
    known = parser.add_argument_group("known findings")
    known.add_argument("--baseline", metavar="FILE", type=Path, help="report only what this file does not list")
    known.add_argument(
        "--write-baseline",
        metavar="FILE",
        type=Path,
        nargs="?",
        const=Path(_BASELINE),
        help=f"list the present findings in a file (default: {_BASELINE}); an existing one may only shrink",
    )
    known.add_argument("--force", action="store_true", help="let an existing baseline grow")
    repeat = parser.add_argument_group("again")
    repeat.add_argument("--watch", action="store_true", help="check again when a file changes, until Ctrl-C")
    repeat.add_argument("--no-cache", action="store_true", help="neither take nor keep the answer of the last check")


def main(options: argparse.Namespace) -> int:
    # The gate needs no plugins of pydantic, and looking for some takes longer than validating a manifest; so does the
    # mere import of what would look for them.
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
    from framework.cli.checking.later import later

    later("importlib.metadata", "entry_points")
    try:
        return _answer(options)
    except Exception as problem:
        if options.output is not None:
            _leave_refusal(problem, options)
        raise


def _leave_refusal(problem: Exception, options: argparse.Namespace) -> None:
    """Where a report was asked for, none of an earlier check may lie there and be taken for this one's."""
    from contextlib import suppress

    from framework.errors import FrameworkError

    if isinstance(problem, FrameworkError):
        from framework.cli.terminal.console import for_programs
        from framework.evidence.atomic import write_text

        if (text := for_programs(problem, options)) is not None:
            with suppress(OSError):  # which may be what is wrong
                write_text(options.output, text)
        options.format = "text"  # said


def _answer(options: argparse.Namespace) -> int:
    _refuse_contradictions(options)
    if options.watch:
        from framework.cli.checking.watching import watch_check

        return watch_check(options, _check)
    if options.fix:
        return _fix(options)
    plain = options.output is None and options.write_baseline is None and options.since is None
    if options.no_cache or not plain or options.format not in _REPEATED:
        return _check(options)
    return _check_and_keep(options)


def show(result: CheckResult) -> None:
    """Print a result for people."""
    from framework.output.formats.text import render
    from framework.output.report import Report

    _print(render(Report(result, result.findings, colour=_colour())))


def _refuse_contradictions(options: argparse.Namespace) -> None:
    from framework.errors import UsageError

    if options.diff and not options.fix:
        raise UsageError("--diff shows what --fix would change: say --fix --diff")
    if options.watch and (options.fix or options.write_baseline or options.output):
        raise UsageError("--watch only looks: leave out --fix, --write-baseline and --output")
    if options.fix and options.write_baseline:
        raise UsageError("first --fix, then --write-baseline: one command does one of the two")


def _check(options: argparse.Namespace) -> int:
    result = _result(options)
    report = _report(result, options)
    if options.write_baseline is not None:
        return _write_baseline(report, options)
    return _say(report, options)


def _check_and_keep(options: argparse.Namespace) -> int:
    from framework.cli.checking.answers import Recorder

    recorder = Recorder()
    for path in options.passed_by:
        recorder.note(path)
    try:
        result = _result(options)
        report = _report(result, options)
        text = _rendered(report, options.format)
    finally:
        recorder.stop()
    _print(text)
    code = int(report.failed)
    recorder.store(options.arguments, str(result.experiment.root), text, code)
    return code


def _experiment(options: argparse.Namespace) -> Experiment:
    from framework.manifest.loading import load

    return load(options.manifest)


def _result(options: argparse.Namespace) -> CheckResult:
    from framework.stages.check import check

    experiment = _experiment(options)
    result = check(experiment)
    if options.since is not None:
        from framework.conformance import Severity
        from framework.stages.since import check_since

        found = [*check_since(experiment, options.since), *result.findings]
        result.findings = sorted(found, key=lambda finding: finding.severity is not Severity.ERROR)
    return result


def _report(result: CheckResult, options: argparse.Namespace) -> Report:
    from framework.output.file_places import Places
    from framework.output.report import Report

    findings, known, gone = list(result.findings), [], []
    if options.baseline is not None:
        from framework.output.baseline import hold, read

        held = hold(findings, read(options.baseline), Places(result.experiment.root))
        findings, known, gone = held.new, held.known, [str(entry) for entry in held.gone]
    chosen = _chosen(findings, options)
    return Report(
        result,
        chosen,
        hidden=len(findings) - len(chosen),
        known=_chosen(known, options),
        gone=gone,
        baseline=str(options.baseline) if options.baseline else None,
        unbound_files=_unbound_files(result),
        strict=options.strict,
        colour=options.format == "text" and options.output is None and _colour(),
    )


def _unbound_files(result: CheckResult) -> list[str]:
    from framework.drafting.finding.unbound import unbound_files

    return unbound_files(Path(result.experiment.root) / Path(result.experiment.document.file).name, result.read)


def _chosen(findings: list[Finding], options: argparse.Namespace) -> list[Finding]:
    if not options.select and not options.ignore:
        return findings
    from framework.output.rule_selection import selected
    from framework.stages.catalogue import catalogue

    return selected(findings, options.select, options.ignore, catalogue())


def _rendered(report: Report, name: str) -> str:
    from framework.output.registry import format_named

    return format_named(name).render(report)


def _say(report: Report, options: argparse.Namespace) -> int:
    text = _rendered(report, options.format)
    if options.output is None:
        _print(text)
    else:
        from framework.evidence.atomic import write_text
        from framework.output.ansi import Ink
        from framework.output.formats.text import summary

        write_text(options.output, text)
        _print("".join(f"{line}\n" for line in [*summary(report, Ink(_colour())), f"wrote {options.output}"]))
    return int(report.failed)


def _write_baseline(report: Report, options: argparse.Namespace) -> int:
    from framework.output.baseline import write

    findings = [*report.findings, *report.known]
    held, dropped = write(options.write_baseline, findings, report.places, options.force)
    _print(f"wrote {options.write_baseline}: {held} known findings, {dropped} dropped\n")
    return 0


def _fix(options: argparse.Namespace) -> int:
    from framework.output.ansi import Ink, wants_colour
    from framework.repair.fixing import diff, fix, said
    from framework.repair.proposal import propose

    report = _report(_result(options), options)
    if options.diff:
        proposal = propose(report.result.experiment, report.findings)
        _print("".join(diff(proposal)))
        _note(said([], proposal.refused, Ink(wants_colour(sys.stderr))))
        return int(bool(proposal.patches) or report.failed)
    fixed = fix(report.result, report.findings, lambda: _result(options))
    if options.format == "text" and options.output is None:
        _print("".join(f"{line}\n" for line in said(fixed.written, fixed.refused, Ink(_colour()))))
    else:
        _note(said(fixed.written, fixed.refused, Ink(wants_colour(sys.stderr))))
    return _say(_report(fixed.result, options), options)


def _colour() -> bool:
    from framework.output.ansi import wants_colour

    return wants_colour(sys.stdout)


def _print(text: str) -> None:
    try:
        sys.stdout.write(text)
    except UnicodeEncodeError:
        encoding = sys.stdout.encoding
        sys.stdout.write(text.encode(encoding, "replace").decode(encoding))


def _note(lines: Iterable[str]) -> None:
    for line in lines:
        sys.stderr.write(f"{line}\n")
    sys.stderr.flush()

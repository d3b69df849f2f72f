"""Show one run: its state, what was asked and what was observed, what it gave and left, and what it started from."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from framework.cli.inspecting.named_runs import plan_under, run_named
from framework.cli.options import add_format
from framework.cli.terminal import console
from framework.cli.terminal.progress import spelled
from framework.cli.terminal.states import STYLES
from framework.evidence.record import RunRecord
from framework.evidence.standing.run_state import State, Word, on_disk
from framework.evidence.store import Run, RunStore
from framework.manifest.clauses import shown
from framework.manifest.experiment import Experiment
from framework.names import format_path
from framework.planning.tuned.best_of_grids import load
from framework.stages.run.run_states import RunStates

HELP = "show one run: state, settings, results, files"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("run", metavar="RUN", help="a run folder below runs/, or the first digits of its key")
    add_format(parser)


def main(options: argparse.Namespace) -> int:
    experiment = load(options.manifest)
    store = RunStore(experiment.runs, listed=True)
    run = run_named(store, options.run)
    state = _state(experiment, store, run)
    if options.format == "json":
        console.as_json({"state": {"word": str(state.word), "why": state.why}, "record": asdict(run.record)})
        return 0
    record = run.record
    console.marked("bold", record.folder, "")
    console.marked(STYLES[state.word], str(state.word), f"({state.why})" if state.why else "")
    for title, lines in _parts(run, {each.record.key: each.folder.name for each in store.readable()}):
        if lines:
            console.text(f"\n[bold]{title}[/]")
            widest = max(len(name) for name, _ in lines)
            for name, text in lines:
                console.literal(f"  {name:{widest}}  {text}")
    return 0


def _state(experiment: Experiment, store: RunStore, run: Run) -> State:
    plan = plan_under(experiment, run.record.profile)
    if plan is None:
        return State(Word.STALE, f"the manifest has no profile {run.record.profile!r}", run, run.folder)
    state = RunStates(plan, store).of_run(run)
    return state if state.word is not Word.STALE else State(state.word, state.why or on_disk(run).why, run, run.folder)


Lines = list[tuple[str, str]]


def _parts(run: Run, folders: dict[str, str]) -> Iterator[tuple[str, Lines]]:
    record = run.record
    names = {"step": record.step, "variants": ", ".join(record.variants), "model": record.model, "task": record.task}
    of = [(name, str(value)) for name, value in names.items() if value]
    yield "what", [*of, ("seed", str(record.seed)), *([("profile", record.profile)] if record.profile else [])]
    asked = {key: value for key, value in record.identity.items() if key not in _ELSEWHERE}
    does = asked.pop("does", {})
    yield "asked", list(_flat({**(does if isinstance(does, dict) else {"does": does}), **asked}))
    yield "observed", list(_flat(record.observed))
    yield "deviations", [(each.get("kind", "-"), _said(each)) for each in record.deviations]
    yield "results", [(name, f"{value:.6g}") for name, value in sorted(record.metrics.items())]
    yield "measured", [(each["quantity"], _measured(each)) for each in record.measurements]
    yield "sparsity", _sparsity(record)
    yield "started from", [(role, folders.get(key, f"{key[:10]}, which is not here")) for role, key in _before(record)]
    yield "when", list(_when(record))
    yield "where", list(_flat(record.environment))
    yield "files", [(name, f"{facts['bytes']:,} bytes") for name, facts in record.artefacts.items()]


_ELSEWHERE = frozenset({"seed", "step", "parent", "references", "version"})
"""What of an identity is shown under another title."""


def _flat(data: dict[str, Any], path: tuple[str, ...] = ()) -> Iterator[tuple[str, str]]:
    """A line for each value of nested data; nulls and what is empty say nothing."""
    for key, value in data.items():
        if isinstance(value, dict):
            yield from _flat(value, (*path, str(key)))
        elif value not in (None, [], ""):
            yield format_path((*path, str(key))), shown(value)


def _said(deviation: dict[str, Any]) -> str:
    rest = {name: value for name, value in deviation.items() if name != "kind" and value is not None}
    return ", ".join(f"{name} {value if isinstance(value, str) else json.dumps(value)}" for name, value in rest.items())


def _measured(each: dict[str, Any]) -> str:
    if each.get("value") is None:
        return f"not measured: {each.get('missing')}"
    at = [f"{name.replace('_', ' ')} {each[name]}" for name in _SIZES if each.get(name) is not None]
    return f"{each['value']:.6g} {each.get('unit') or ''}".rstrip() + (f" ({', '.join(at)})" if at else "")


_SIZES = ("batch_size", "sequence_length", "adapter")


def _sparsity(record: RunRecord) -> Lines:
    facts = record.sparsity
    if not facts.get("elements"):
        return []
    zeros, elements = facts["zeros"], facts["elements"]
    return [("zeros", f"{zeros:,} of {elements:,} ({zeros / elements:.4%})")] + [
        (name, str(facts[name])) for name in ("asked", "score", "structure", "scope") if facts.get(name) is not None
    ]


def _before(record: RunRecord) -> Iterator[tuple[str, str]]:
    if record.parent:
        yield "parent", record.parent
    yield from record.references.items()


def _when(record: RunRecord) -> Iterator[tuple[str, str]]:
    for name, value in (("started", record.started), ("finished", record.finished)):
        if value:
            yield name, value
    if record.seconds is not None:
        yield "took", spelled(record.seconds)
    if len(record.attempts) > 1:
        yield "attempts", str(len(record.attempts))
    if record.error:
        yield "error", record.error.partition("\n")[0]

"""Show the graph of steps that a selection needs, what is done already, and what would run."""

from __future__ import annotations

import argparse

from framework.cli import console
from framework.cli.options import add_format, add_profile, add_selection, selected
from framework.evidence.store import RunStore

HELP = "show what would run, and what is done"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_selection(parser)
    add_profile(parser)
    add_format(parser)
    parser.add_argument("--all", action="store_true", help="all variants, also where the profile names some")


def main(options: argparse.Namespace) -> int:
    experiment, plan = selected(options, options.all)
    store = RunStore(experiment.runs)
    rows = [(step, _status(store, step.key)) for step in plan.steps]
    if options.format == "json":
        data = [
            {
                "key": step.key,
                "folder": step.folder,
                "step": step.name,
                "variants": list(step.variants),
                "model": step.model_name,
                "task": step.task,
                "seed": step.seed,
                "parent": step.parent,
                "references": dict(step.references),
                "status": status,
            }
            for step, status in rows
        ]
        console.as_json({"profile": experiment.profile, "steps": data})
        return 0
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="bold")
    for title in ("step", "variant", "model", "task", "seed", "from", "key", "status"):
        table.add_column(title)
    labels = {step.key: f"{step.variant} {step.name}" for step, _ in rows}
    for step, status in rows:
        sources = [labels[step.parent]] if step.parent else []
        sources += [f"{role}: {labels[key]}" for role, key in step.references.items()]
        variants = ", ".join(step.variants)
        cells = (
            step.name,
            variants,
            step.model_name,
            step.task or "-",
            str(step.seed),
            "; ".join(sources) or "-",
            step.key[:10],
        )
        table.add_row(*cells, f"[green]{status}[/]" if status == "done" else status)
    console.out().print(table)
    done = sum(status == "done" for _, status in rows)
    console.text(f"{len(rows)} steps: {done} done, {len(rows) - done} to run")
    return 0


def _status(store: RunStore, key: str) -> str:
    if store.done(key):
        return "done"
    found = store.find(key)
    if found is None:
        return "to run"
    return "incomplete" if found.record.status == "done" else found.record.status

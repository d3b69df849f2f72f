"""Choosing: the best trial of each study, its values written for production."""

from __future__ import annotations

import argparse
import csv
import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from framework.cli.terminal import console
from framework.errors import FrameworkError
from framework.evidence.atomic import write_text
from framework.isolation import own
from framework.manifest.clauses import shown
from framework.manifest.experiment import Experiment
from framework.searching.choosing import Chosen, chosen_of, write_chosen
from framework.searching.foreign.reading import stored_of
from framework.searching.optimum import exports, path_of, read_optima
from framework.searching.studies import Study

_WORTH_SAYING = 0.01
"""Shares of two keys together that are told; all are in the file."""


def choose(experiment: Experiment, studies: Sequence[Study], options: argparse.Namespace) -> int:
    """Write what is chosen, and show it.

    Raises:
        FrameworkError: a study has no trial that can be taken; the others are written.
        InputError: a journal, or the file that is there, cannot be read.
    """
    found = []
    for study in studies:
        stored = stored_of(study, experiment.root)
        told = own("runners.search.importances")
        shares = told.importances(study, stored) if stored else {}
        pairs = told.joint_importances(study, stored) if stored else None
        found.append(chosen_of(experiment, study, options.unfinished, shares, pairs))
    written = write_chosen(experiment, found) if any(each.entry for each in found) else None
    for each in found:
        if each.stored is not None:
            _write_trials(each, each.study.path(experiment.root).with_suffix(".csv"))
    if options.shell:
        for line in exports(read_optima(path_of(experiment.root, experiment.declared_profile))):
            print(line)
    elif options.format == "json":
        console.as_json({"file": written, "studies": [_as_dict(each) for each in found]})
    else:
        for each in found:
            _show(each)
        if written:
            console.literal(f"wrote {written}")
    if without := [f"{each.study.label}: {each.missing}" for each in found if each.missing]:
        raise FrameworkError("\n".join(without))
    return 0


def _show(each: Chosen) -> None:
    if each.entry is None:
        return
    expected = each.entry["expected"]
    console.literal(f"{each.study.label}: trial {each.entry['chosen']['trial']}, {each.entry['analysed']['spent']}")
    console.literal(f"  {expected['metric']} {expected['value']:.6g} on {expected['split']}")
    for key, value in each.entry["values"].items():
        share = each.entry["importance"].get(key)
        console.literal(f"  {key} = {shown(value)}" + (f"  (importance {share:.2f})" if share is not None else ""))
    together = each.entry["interactions"]
    for pair in [pair for pair in together["pairs"] if pair["share"] >= _WORTH_SAYING]:
        first, second = pair["keys"]
        console.literal(f"  {first} and {second} together: {pair['share']:.2f} of the variance")
    for warning in each.warnings:
        console.marked("yellow", "  warning:", warning)


def _as_dict(each: Chosen) -> dict[str, Any]:
    entry = {key: value for key, value in (each.entry or {}).items() if key not in each.study.place}
    return {**each.study.place, **entry, "missing": each.missing or None, "warnings": each.warnings}


def _write_trials(each: Chosen, path: Path) -> None:
    """The table of all trials, with the best value so far: the curve of the search."""
    stored, search = each.stored, each.study.search
    assert stored is not None
    better = min if search.falls else max
    best: float | None = None
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["trial", "state", search.metric_name, "best_so_far", "optimizer_steps", *search.dimensions])
    for trial in stored.trials:
        if trial.value is not None:
            best = trial.value if best is None else better(best, trial.value)
        values = [repr(trial.point[key]) if key in trial.point else "" for key in search.dimensions]
        steps = trial.facts.get("optimizer_steps")
        row = [trial.number, trial.state, trial.value, best, steps]
        writer.writerow(["" if cell is None else cell for cell in row] + values)
    write_text(path, text.getvalue())

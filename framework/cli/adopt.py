"""Take finished runs of other programs in as evidence, as the manifest's section `adopted` or the arguments say."""

from __future__ import annotations

import argparse
from typing import Any

from framework.cli.options import add_profile
from framework.cli.terminal import console
from framework.errors import InputError, UsageError
from framework.manifest.sections.adopted import PARTS
from framework.planning.tuned.best_of_grids import load

HELP = "take finished runs of other programs in as evidence"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "path",
        nargs="?",
        help="a run's folder, its log, a table of results, or a pattern such as 'results/{variant}/seed{seed}' "
        "(default: all that the manifest states under `adopted`)",
    )
    for part in PARTS:
        parser.add_argument(f"--{part}", help=f"the {part} that it is of, where no name says it")
    parser.add_argument("--from", dest="source", metavar="FORMAT", help="what left it (default: as its content tells)")
    parser.add_argument("--dialect", help="whose words its settings are in")
    parser.add_argument(
        "--column",
        action="append",
        default=[],
        metavar="PART=NAME",
        help="which column, parameter or tag says what a run is",
    )
    parser.add_argument(
        "--steps-from",
        type=int,
        choices=(0, 1),
        help="the number of the first optimizer step in a log (default: as the program that left it counts)",
    )
    parser.add_argument(
        "--learning-rate",
        choices=("used", "next"),
        help="which one a step is logged with: the one that it used, or the one that was then set (default: used)",
    )
    parser.add_argument("--across", choices=PARTS, help="what the titles of a table's other columns say")
    parser.add_argument("--cells", metavar="METRIC", help="what the cells of such columns hold")
    parser.add_argument(
        "--only",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="the rows, or the runs of a database, that are meant (repeatable)",
    )
    parser.add_argument(
        "--inherit",
        action="store_true",
        help="a nested run of MLflow has the parameters of the run that it is nested in, too",
    )
    parser.add_argument(
        "--metric",
        action="append",
        default=[],
        metavar="OURS=THEIRS",
        help="a metric that is taken (default: usual names)",
    )
    add_profile(parser)
    parser.add_argument("--format", choices=("text", "json"), default="text", help="of the answer (default: text)")


def main(options: argparse.Namespace) -> int:
    from framework.adoption.adopting import adopt
    from framework.evidence.run_index import Registry

    experiment = load(options.manifest, options.profile)
    asked = None if options.path is None else _stated(options)
    if asked is None and not experiment.manifest.adopted:
        raise UsageError("nothing to adopt: name a path, or state what there is under `adopted` in the manifest")
    outcomes, problems = adopt(experiment, asked)
    if outcomes:
        registry = Registry(experiment.runs)
        registry.rebuild()
        registry.close()
    if options.format == "json":
        console.as_json(
            {"adopted": [each._asdict() for each in outcomes], "problems": [str(each) for each in problems]}
        )
    else:
        _show(outcomes)
    if problems:
        raise InputError(problems)
    return 0


def _show(outcomes: list[Any]) -> None:
    for each in outcomes:
        why = f": {', '.join(each.changed)} changed" if each.changed else ""
        console.literal(f"{each.status:9} {each.label}  <- {each.source}{why}")
        for note in each.notes:
            console.literal(f"          {note}")
    counts = {status: sum(each.status == status for each in outcomes) for status in ("adopted", "changed", "unchanged")}
    taken = sum(counts.values())
    console.literal(f"{taken} runs" + "".join(f", {count} {name}" for name, count in counts.items() if count))


def _stated(options: argparse.Namespace) -> Any:
    """What the arguments say, as an entry of the section.

    Raises:
        UsageError: they do not make one.
    """
    from pydantic import ValidationError

    from framework.manifest.sections.adopted import Adopted

    data: dict[str, Any] = {"path": options.path, "format": options.source, "dialect": options.dialect}
    data |= {"across": options.across, "cells": options.cells}
    data |= {"inherit": options.inherit or None}
    data |= {"steps_from": options.steps_from, "learning_rate": options.learning_rate}
    data |= {part: getattr(options, part) for part in PARTS}
    for option, name in (("column", "columns"), ("metric", "metrics"), ("only", "only")):
        pairs = [text.partition("=") for text in getattr(options, option)]
        if wrong := next(
            (text for text, pair in zip(getattr(options, option), pairs, strict=True) if not all(pair)), None
        ):
            raise UsageError(f"--{option} {wrong}: write NAME=NAME")
        data[name] = {one: other for one, _, other in pairs}
    stated: dict[str, list[str]] = {}
    for text in options.only:
        name, _, value = text.partition("=")
        stated.setdefault(name, []).append(value)
    data["only"] = stated
    if data["seed"] is not None:
        if not str(data["seed"]).lstrip("-").isdigit():
            raise UsageError(f"--seed {data['seed']}: no whole number")
        data["seed"] = int(data["seed"])
    try:
        return Adopted.model_validate({name: value for name, value in data.items() if value is not None})
    except ValidationError as failure:
        error = failure.errors(include_url=False)[0]
        raise UsageError(f"{'.'.join(map(str, error['loc']))}: {error['msg'].removeprefix('Value error, ')}") from None

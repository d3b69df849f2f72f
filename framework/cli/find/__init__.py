"""Find what is a fact of this machine, by trying it.

`batch-size` is the largest micro-batch of each selected training that fits: two optimizer steps on its longest
examples, each size in a process of its own that may run out of memory. The bound is `hardware.memory_gb`, or what this
machine has. The answer is the knob `micro_batch_size`, written to found_batch_sizes.yaml with all that was tried; the
accumulation follows from it and the declared batch, and no result depends on it.
"""

from __future__ import annotations

import argparse
from datetime import UTC, datetime
from typing import Any

from framework.cli.options import add_format, add_profile, add_selection, add_set, loaded, planned
from framework.cli.run import require_possible
from framework.cli.terminal import console
from framework.errors import UsageError
from framework.evidence.store import RunStore
from framework.isolation import own
from framework.manifest.experiment import Experiment
from framework.planning.build import Plan
from framework.planning.machines.machine import machine
from framework.planning.steps import Step, Training
from framework.planning.tuned.found_batch_sizes import FILE, basis_of, write_found
from framework.version import installed_version

HELP = "find what fits this machine, by trying it"
WHAT = ("batch-size",)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("what", choices=WHAT, help="batch-size: the largest micro-batch that fits")
    add_selection(parser)
    add_profile(parser)
    add_set(parser)
    parser.add_argument(
        "--memory-gb", type=_positive, metavar="GB", help="another bound than hardware.memory_gb (10^9 bytes each)"
    )
    add_format(parser)


def _positive(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = float("nan")
    if not number > 0:
        raise argparse.ArgumentTypeError(f"{text} is no memory")
    return number


def main(options: argparse.Namespace) -> int:
    experiment = loaded(options)
    steps = _trainings(planned(experiment, options, not options.variant))
    if not steps:
        raise UsageError("this selection trains nothing with the built-in training")
    plan = Plan(tuple(steps))
    require_possible(experiment, plan, lambda other: Plan(tuple(_trainings(planned(other, options)))), forked=True)
    finding = own("runners.finding.batch_size")
    bound, whose = _bound(experiment, options.memory_gb, *finding.memory_here())
    processes = experiment.manifest.hardware.count
    store, entries = RunStore(experiment.runs), []
    for step in steps:

        def told(trial: Any, step: Step = step) -> None:
            if options.format == "text":
                console.literal(
                    f"{step.label}: micro-batch {trial.micro_batch_size}: {trial.why}, {trial.seconds:.1f} s"
                )

        trials = finding.find(step, store, experiment.root, processes, bound, told)
        entries.append(_entry(experiment, step, trials, bound, whose, processes))
    write_found(experiment.root, entries)
    if options.format == "json":
        console.as_json({"found": entries})
        return 0
    for entry in entries:
        label = " · ".join(str(entry[name]) for name in ("variant", "step", "task", "model") if entry[name])
        spread = f"accumulation {entry['accumulation']}, " + (f"{processes} processes, " if processes > 1 else "")
        console.literal(f"{label}: micro_batch_size {entry['micro_batch_size']}, {spread}batch {entry['batch_size']}")
    console.literal(f"wrote {FILE}")
    return 0


def _trainings(plan: Plan) -> list[Step]:
    """One step for each training that needs memory of its own: seeds, and variants that do the same, share one.

    Raises:
        InputError: one that cannot be executed.
    """
    found: dict[str, Step] = {}
    for step in plan.steps:
        if isinstance(step.work, Training) and step.command is None:
            found.setdefault(basis_of(step.identity), step)
    return list(found.values())


def _bound(experiment: Experiment, asked: float | None, here: int, what: str) -> tuple[int, str]:
    """Bytes that a trial may take, and who says so: never more than there is."""
    declared = experiment.manifest.hardware.memory_gb
    if asked is None and declared is None:
        return here, what
    gigabytes, whose = (declared, "hardware.memory_gb") if asked is None else (asked, "--memory-gb")
    assert gigabytes is not None
    stated = round(gigabytes * 1e9)
    return (stated, whose) if stated <= here else (here, f"{what}, which is less than {whose}")


def _entry(
    experiment: Experiment, step: Step, trials: list[Any], bound: int, whose: str, processes: int
) -> dict[str, Any]:
    assert isinstance(step.work, Training)
    size = max(each.micro_batch_size for each in trials if each.fits)
    batch = step.work.recipe.batch_size
    return {
        "variant": step.variant,
        "step": step.name,
        "model": step.model_name,
        "task": step.task,
        "profile": experiment.profile,
        "micro_batch_size": size,
        "accumulation": batch // size // processes,
        "processes": processes,
        "batch_size": batch,
        "bound": {"bytes": bound, "from": whose},
        "trials": [each.as_dict() for each in trials],
        "machine": machine(),
        "basis": basis_of(step.identity),
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "framework": installed_version(),
    }

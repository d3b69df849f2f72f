"""The Python interface, for notebooks and tests: the command line is a thin layer over these functions.

import framework

experiment = framework.load("experiment.yaml", profile="smoke")
result = framework.check(experiment)
plan = framework.plan(experiment, variants=["M_challenge"])
for record in framework.run(experiment, plan): ...
verified = framework.verify(experiment, plan)
framework.docs(experiment, plan)
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from framework.errors import FrameworkError
from framework.evidence.record import RunRecord
from framework.evidence.store import RunStore
from framework.isolation import own
from framework.manifest.experiment import Experiment
from framework.planning.build import Plan, build, complete
from framework.planning.outcomes import Outcome, Unheard
from framework.planning.steps import Step
from framework.planning.tuned.best_of_grids import load
from framework.stages.check import CheckResult, check
from framework.stages.run.sealed_evidence import ANYBODY, Trust
from framework.stages.verify import VerifyResult

if TYPE_CHECKING:
    from pathlib import Path

__all__ = [
    "CheckResult",
    "Experiment",
    "Plan",
    "VerifyResult",
    "check",
    "docs",
    "load",
    "obstacles",
    "outcomes",
    "plan",
    "run",
    "verify",
]


def plan(
    experiment: Experiment,
    variants: Sequence[str] = (),
    models: Sequence[str] = (),
    tasks: Sequence[str] = (),
    seeds: Sequence[int] = (),
) -> Plan:
    """The graph of steps for a selection; an empty choice means all that the manifest states. What keeps a step from
    being executed is told in its ``missing``.

    Raises:
        UsageError: the selection names what the manifest does not state.
    """
    return build(experiment, variants, models, tasks, seeds)


def obstacles(experiment: Experiment, plan: Plan, forked: bool = False) -> list[Any]:
    """What keeps the plan from running here: missing hardware, data, models, methods. Empty when nothing does.

    ``forked`` asks in a child process, which leaves this one fit to start a pool.
    """
    complete(plan)
    steps = to_do(experiment, plan)
    if not steps:
        return []
    asked = own("runners.launchers.pool" if forked else "runners.preflight")
    found: list[Any] = asked.obstacles(experiment.manifest.hardware, steps, experiment.root)
    return found


def to_do(experiment: Experiment, plan: Plan) -> list[Step]:
    """The steps without a finished, whole run."""
    store = RunStore(experiment.runs)
    return [step for step in plan.steps if store.done(step.key) is None]


def run(experiment: Experiment, plan: Plan, progress: Any = None, trackers: Sequence[str] = ()) -> Iterator[RunRecord]:
    """Execute the steps of a plan that have no finished run; yield the record of every step that has one then.

    ``trackers`` are told what happens (`tensorboard`, `wandb`, `mlflow`; `none` for none); by default those that a
    bound config names, else TensorBoard where it is installed.

    Raises:
        UsageError: a tracker that is not installed; nothing was started.
        FrameworkError: at the end, if steps failed; those that do not need them were executed nevertheless.
    """
    failed = []
    for outcome in outcomes(experiment, plan, progress, trackers=trackers):
        if outcome.record is not None:
            yield outcome.record
        elif outcome.status == "failed":
            failed.append(f"{outcome.step.label}: {outcome.error}")
    if failed:
        raise FrameworkError("\n".join(failed))


def outcomes(
    experiment: Experiment,
    plan: Plan,
    progress: Any = None,
    jobs: int | None = None,
    trackers: Sequence[str] = (),
) -> Iterator[Outcome]:
    """How each step of a plan ended, when it is known.

    Args:
        progress: A :class:`runners.progress.Progress`; with ``jobs`` a :class:`framework.planning.outcomes.Board`.
        jobs: How many runs at a time, each in a process of its own; None executes one after the other in this process.
        trackers: As for :func:`run`.
    """
    complete(plan)
    store = RunStore(experiment.runs)
    found = {step.key: run for step in plan.steps if (run := store.done(step.key))}
    if len(found) == len(plan.steps):  # nothing that needs a runner, which takes seconds to import
        yield from (Outcome(step, "found", found[step.key].record) for step in plan.steps)
        return
    steps = own("runners.trackers").with_trackers(plan.steps, trackers, list(found))
    if jobs is None:
        progress = progress or own("runners.progress").Silent()
        yield from own("runners.launchers.inline").run_inline(steps, store, experiment.root, progress)
    else:
        board = progress or Unheard()
        yield from own("runners.launchers.pool").run_pool(steps, store, experiment.root, board, jobs)


def verify(
    experiment: Experiment,
    plan: Plan | None = None,
    only: Sequence[str] = (),
    quick: bool = False,
    trust: Trust = ANYBODY,
) -> VerifyResult:
    """Hold the evidence of a plan's steps, and the rendered documents, to the manifest.

    ``only`` restricts the run and checkpoint stages to runs of these keys. ``quick`` reads no large file of a run again
    that is as an earlier verification, which is remembered in the cache folder, found it: ``result.spared`` counts
    these. ``trust`` says whose seals count.
    """
    from framework.stages.verify import verify as hold

    result = hold(experiment, plan or build(experiment), only, quick=quick, trust=trust)
    own("reports.documents").add_document_stage(result)
    return result


def docs(experiment: Experiment, plan: Plan | None = None) -> list[Path]:
    """Render the documents and write them; the paths of what was written."""
    documents = own("reports.documents")
    from framework.stages.verify import verify as hold

    written: list[Path] = documents.write(hold(experiment, plan or build(experiment)))
    return written

"""Throughput over the batch size, where measurements were taken at several: a table and figures."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from framework.evidence.store import RunStore
from framework.manifest.experiment import Experiment
from framework.planning.build import Plan
from framework.planning.machines.machine import said
from framework.stages.run.measured_runs import machine_of, measured_runs
from reports.analysis.run_groups import Summary, summary
from reports.analysis.tables import text


@dataclass(frozen=True, slots=True)
class Curve:
    """One variant of a model at one sequence length: tokens per second at each batch size, of all its checkpoints
    (one for each task and seed). ``adapter`` says whether the update was merged; None without an adapter."""

    model: str
    sequence_length: int
    precision: str
    adapter: str | None
    variant: str
    machine: str
    points: dict[int, Summary]

    @property
    def figure(self) -> tuple[str, ...]:
        """What the curves of one figure have in common."""
        return self.model, f"length-{self.sequence_length}", self.precision, *([self.adapter] if self.adapter else [])


def throughput(experiment: Experiment, plan: Plan, variants: Sequence[str] = ()) -> list[Curve]:
    """The curves of the plan's variants, or of some of them, that have two batch sizes or more; all of one machine
    (:mod:`framework.stages.run.measured_runs`). A checkpoint that several variants share belongs to the first."""
    runs = measured_runs(plan, RunStore(experiment.runs))
    found: dict[tuple[str, int, str, str | None, str, str], dict[int, list[float]]] = {}
    for step in plan.steps:
        chosen = [name for name in step.variants if not variants or name in variants]
        if step.key not in runs or not chosen:
            continue
        record = runs[step.key].record
        machine = said(machine_of(record.identity) or {})
        for facts in record.measurements:
            if facts.get("quantity") == "throughput" and facts.get("value") is not None:
                state = facts.get("adapter")
                place = (step.model_name, facts["sequence_length"], facts["precision"], state, chosen[0], machine)
                found.setdefault(place, {}).setdefault(facts["batch_size"], []).append(facts["value"])
    return [
        Curve(*place, {size: summary(values) for size, values in sorted(sizes.items())})
        for place, sizes in found.items()
        if len(sizes) > 1
    ]


def throughput_csv(curves: Sequence[Curve]) -> str:
    """One line per curve and batch size, in tokens per second."""
    fields = ["variant", "model", "sequence_length", "precision", "adapter", "batch_size"]
    values = ["n", "mean", "std", "low", "high"]
    lines = (
        {name: getattr(curve, name) for name in fields[:-1]}
        | {"batch_size": size, "machine": curve.machine}
        | {name: getattr(found, name) for name in values}
        for curve in curves
        for size, found in curve.points.items()
    )
    return text([*fields, *values, "machine"], lines)


def by_figure(curves: Sequence[Curve]) -> Iterator[tuple[tuple[str, ...], list[Curve]]]:
    """The curves that are drawn into one figure, with what they have in common."""
    for common in dict.fromkeys(curve.figure for curve in curves):
        yield common, [curve for curve in curves if curve.figure == common]

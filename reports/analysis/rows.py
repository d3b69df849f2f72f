"""One row per declared run: where it stands in the study, and what it measured."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from framework.adoption.adopted_runs import origin_of, runs_of_variants, script_of
from framework.evidence.record import RunRecord
from framework.evidence.store import RunStore
from framework.manifest.experiment import Experiment
from framework.manifest.hyperparameters import plain_metric, same_metric
from framework.manifest.metrics import METRICS
from framework.manifest.sections.grids import grid_of
from framework.manifest.sections.methods import SDM, Prune
from framework.manifest.sections.variants import PruneStep, phase_of
from framework.planning.build import Plan


@dataclass(frozen=True, slots=True)
class Row:
    """One declared run; several rows share a ``key`` where the plan found that they coincide.

    ``axes`` are the names of the values that its grid gives it. ``asked`` is the declared share of zeros, ``reached``
    the share that the record counted over the masked tensors; None where nothing is masked or stated.
    """

    variant: str
    axes: dict[str, str]
    model: str
    task: str | None
    seed: int
    profile: str | None
    asked: float | None
    reached: float | None
    metrics: dict[str, float]
    seconds: float | None
    key: str
    folder: str
    line: str = ""
    """What it is compared with others by: the variant's name without its sparsity."""
    adopted: str = ""
    """Where the run was taken from, if another program made it."""
    recorded: str = ""
    """The script that recorded the run, if one did."""

    @property
    def group(self) -> tuple[str, str, str]:
        """What seeds are averaged within."""
        return (self.variant, self.model, self.task or "")


@dataclass(frozen=True, slots=True)
class Study:
    """The rows that there are, and how many declared runs have none yet."""

    rows: tuple[Row, ...]
    missing: int


def study(experiment: Experiment, plan: Plan, variants: Sequence[str] = ()) -> Study:
    """The rows of the plan's variants, or of some of them, in the manifest's order; of finished, whole runs only."""
    store = RunStore(experiment.runs, listed=True)
    named = runs_of_variants(plan, store)
    rows, missing = [], 0
    for variant in variants or experiment.manifest.variants:
        for step in plan.final(variant):
            run = store.done(step.key) or next(iter(named.get((step.key, variant), ())), None)
            if run is None:
                missing += 1
            else:
                rows.append(_row(experiment, variant, run.record, run.folder.name))
    names = _one_name([row.metrics for row in rows])
    rows = [replace(row, metrics={names[name]: value for name, value in row.metrics.items()}) for row in rows]
    return Study(tuple(rows), missing)


def _one_name(recorded: Sequence[dict[str, float]]) -> dict[str, str]:
    """One name for what runs recorded under several of one metric, unless a run tells them apart."""
    names = {name: name for metrics in recorded for name in metrics}
    for name in names:
        alike = [other for other in names if same_metric(name, other)]
        if len(alike) > 1 and not any(sum(each in metrics for each in alike) > 1 for metrics in recorded):
            usual = [other for other in alike if other in METRICS or other == plain_metric(other)]
            names[name] = next((other for other in usual if other in METRICS), (usual or alike)[0])
    return names


def _row(experiment: Experiment, variant: str, record: RunRecord, folder: str) -> Row:
    zeros, elements = record.sparsity.get("zeros"), record.sparsity.get("elements")
    axes = axes_of(experiment, variant)
    asked = asked_sparsity(experiment, variant)
    return Row(
        variant=variant,
        axes=axes,
        model=record.model,
        task=record.task,
        seed=record.seed,
        profile=record.profile,
        asked=asked,
        reached=zeros / elements if zeros is not None and elements else None,
        metrics={name: float(value) for name, value in record.metrics.items()},
        seconds=record.seconds,
        key=record.key,
        folder=folder,
        line=_line(variant, axes, asked),
        adopted=origin_of(record) or "",
        recorded=script_of(record) or "",
    )


def axes_of(experiment: Experiment, variant: str) -> dict[str, str]:
    """By axis of its grid, the name of the value that a variant has; empty for one that is written out."""
    grid = grid_of(variant, experiment.manifest.grids)
    if grid is None:
        return {}
    return dict(zip(experiment.manifest.grids[grid].over, variant.split("/")[1:], strict=True))


def asked_sparsity(experiment: Experiment, variant: str) -> float | None:
    """The share of zeros that a variant's own steps state last; None where they state none as a number."""
    found: float | None = None
    for stated in _stated(experiment, variant):
        if isinstance(stated, Prune):
            found = stated.sparsity if isinstance(stated.sparsity, float | int) else None
        else:
            found = stated.target_sparsity
    return found


def _stated(experiment: Experiment, variant: str) -> Iterator[Prune | SDM]:
    for step in experiment.manifest.variants[variant].steps:
        phase = phase_of(step)
        if isinstance(step, PruneStep):
            yield step.prune
        elif phase is not None and phase[1].mask is not None and phase[1].mask.sdm is not None:
            yield phase[1].mask.sdm


def _line(variant: str, axes: dict[str, str], asked: float | None) -> str:
    kept = [label for label in axes.values() if not _is(label, asked)]
    return "/".join([variant.partition("/")[0], *kept]) if axes else variant


def _is(label: str, value: float | None) -> bool:
    try:
        return value is not None and float(label) == value
    except ValueError:
        return False

"""Which runs are the evidence of each planned step.

A step that several variants share is run once here, and its run is evidence for all of them. A run that was made
elsewhere names its variant: whether it was trained as the others were is the question. So it is evidence of that
variant alone, and each variant is seen with its own.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from framework.adoption.adopted_runs import RunsOfVariants, runs_of_variants
from framework.evidence.store import Run, RunStore
from framework.manifest.experiment import Experiment
from framework.manifest.sections.methods import Prune, SameAs
from framework.planning.build import Plan
from framework.planning.steps import Step
from framework.stages.run.measured_runs import measured_runs
from framework.stages.run.observed import Observed, Related


def observed_steps(experiment: Experiment, plan: Plan, store: RunStore) -> list[Observed]:
    """The steps of a plan in its order, each with the run that counts: one that was made here, else the one that names
    the variant. A step is there once for each group of variants with evidence of their own, its own or that of a step
    it builds on; further runs of it follow, which do not count."""
    measured, named = measured_runs(plan, store), runs_of_variants(plan, store)
    related, found = Related(experiment.manifest), list[Observed]()
    for step in plan.steps:
        made_here = measured.get(step.key) or store.finished(step.key)
        for observed in _split(step, made_here, named, related):
            related.add(observed)
            found.append(observed)
        found += _beside(step, made_here, named)
    return found


def _split(step: Step, made_here: Run | None, named: RunsOfVariants, related: Related) -> Iterator[Observed]:
    groups: dict[Any, tuple[Run | None, list[str]]] = {}
    for variant in step.variants:
        run = made_here or next(iter(named.get((step.key, variant), ())), None)
        reads = [id(each) for each in _reads(step, variant, related)]
        groups.setdefault((None if run is None else run.folder, *reads), (run, []))[1].append(variant)
    have = [variant for run, names in groups.values() if run is not None for variant in names]
    for run, names in groups.values():
        yield Observed(step.of(names), run, elsewhere=() if run is not None else tuple(have))


def _reads(step: Step, variant: str, related: Related) -> Iterator[Observed]:
    """The evidence of the steps that a step reads, as one of its variants has it."""
    if step.parent is not None:
        yield related.of(step.parent, variant)
    if isinstance(step.work, Prune) and isinstance(step.work.sparsity, SameAs):
        variant = step.work.sparsity.same_as
    for key in step.references.values():
        yield related.of(key, variant)


def _beside(step: Step, made_here: Run | None, named: RunsOfVariants) -> Iterator[Observed]:
    """The runs of a step that another one goes before."""
    of: Mapping[str, Sequence[Run]] = {variant: named.get((step.key, variant), ()) for variant in step.variants}
    others: dict[Any, tuple[Run, list[str]]] = {}
    for variant, runs in of.items():
        for run in runs if made_here is not None else runs[1:]:
            others.setdefault(run.folder, (run, []))[1].append(variant)
    counting = set() if made_here is not None else {runs[0].folder for runs in of.values() if runs}
    for folder, (run, names) in others.items():
        if folder not in counting:
            yield Observed(step.of(names), run, counts=False)

"""The metrics that runs record, by what a variant does: the names that a claim may use."""

from __future__ import annotations

from collections.abc import Iterator

from framework.manifest.hyperparameters import same_metric
from framework.manifest.own_scripts import runner_of
from framework.manifest.sections.root import Manifest
from framework.manifest.sections.values.stated_metrics import Metric, falls
from framework.manifest.sections.variants import PermuteStep, PruneStep, lineage, phase_of

TRAINED = ("initial_validation_loss", "validation_loss")
"""Of every phase."""
BY_OBJECTIVE = {
    "causal_lm": ("perplexity",),
    "classification": ("accuracy", "f1", "majority_share"),
    "completion": ("accuracy", "accuracy_normalized", "majority_share", "exact_match"),
}
COUNTED = {"per character": "characters", "per byte": "bytes"}
"""The units that a loss is told in beside its own, and what of the text they count."""
LOSS_BY_UNIT = {unit: f"validation_loss_{unit.replace(' ', '_')}" for unit in COUNTED}
"""Of language modelling: summed cross-entropy over the characters, or the UTF-8 bytes, of what was predicted."""
MERGED = ("loss_before_merge", "loss_after_merge")
"""Of a phase with an adapter."""
PERMUTED = ("max_logit_difference",)

METRICS_OF_A_PERMUTATION = (*TRAINED, *(name for names in BY_OBJECTIVE.values() for name in names), *PERMUTED)
METRICS = (*METRICS_OF_A_PERMUTATION, *LOSS_BY_UNIT.values(), *MERGED)


def has_own_script(manifest: Manifest, variant: str) -> bool:
    """Whether a program of the user's own may have trained a phase of the variant: it may record any metric."""
    if any(adopted.variant in (None, variant) for adopted in manifest.adopted):
        return True
    phases = {use[0] for step in manifest.variants[variant].steps if (use := phase_of(step))}
    return any(runner_of(manifest, phase, variant) is not None for phase in phases)


def has_own_objective(manifest: Manifest, variant: str) -> bool:
    """Whether a phase of the variant has an objective of the paper's own: its runs may record any metric."""
    phases = [use[0] for step in manifest.variants[variant].steps if (use := phase_of(step))]
    return any(manifest.phases[name].objective not in BY_OBJECTIVE for name in phases)


def metrics_of(manifest: Manifest, variant: str) -> Iterator[str]:
    """What the runs of a variant's own steps record; those that it starts from are other variants' results."""
    for index, step in enumerate(manifest.variants[variant].steps):
        if isinstance(step, PermuteStep):
            yield from METRICS_OF_A_PERMUTATION
        if isinstance(step, PruneStep) and (before := _phase_before(manifest, variant, index)) is not None:
            yield from (*TRAINED, *BY_OBJECTIVE.get(manifest.phases[before].objective or "", ()))
        if (use := phase_of(step)) is not None:
            objective = manifest.phases[use[0]].objective
            yield from (*TRAINED, *BY_OBJECTIVE.get(objective or "", ()), *(MERGED if use[1].adapter else ()))
            yield from LOSS_BY_UNIT.values() if objective == "causal_lm" else ()


def _phase_before(manifest: Manifest, variant: str, index: int) -> str | None:
    """The last phase before a variant's step, which a pruning is measured as."""
    own, *others = lineage(manifest.variants, variant)
    steps = [*manifest.variants[own].steps[:index][::-1]]
    for other in others:
        steps += manifest.variants[other].steps[::-1]
    return next((use[0] for step in steps if (use := phase_of(step)) is not None), None)


def falls_in(manifest: Manifest, metric: str) -> bool:
    """Whether a metric improves by falling: as a phase of the manifest states its direction, else as usual."""
    for values in (each for phase in manifest.phases.values() for each in (phase, *phase.tasks.values())):
        for stated in (values.metric, values.early_stopping.metric if values.early_stopping else None):
            if isinstance(stated, Metric) and stated.direction is not None and same_metric(stated.name, metric):
                return falls(stated)
    return falls(metric)

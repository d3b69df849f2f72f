"""The examples that a permutation or a score is measured on."""

from __future__ import annotations

from collections.abc import Mapping

from framework.manifest.sections.methods import Permute, Prune
from framework.manifest.sections.root import Manifest
from framework.planning.recipes import Recipe, recipe_of
from framework.planning.refusing.missing import UNSTATED_DATA
from framework.planning.steps import Step, Training


def calibration_of(
    manifest: Manifest, nodes: Mapping[str, Step], measured: Permute | Prune, parent: str | None
) -> Training:
    """The training whose examples are read: the last one before the step, on the dataset that the step names itself;
    without one before it, as the first phase reads that dataset.

    Args:
        nodes: By key, all steps before it.
    """
    before = parent
    while before is not None:
        step = nodes[before]
        if isinstance(step.work, Training):
            name = measured.dataset or step.work.dataset_name
            return Training(step.work.phase, name, manifest.datasets.get(name, UNSTATED_DATA))
        before = step.parent
    assert measured.dataset is not None  # the manifest was held to it when it was loaded
    first = next(iter(manifest.phases.values()))
    closed = recipe_of(manifest, first.for_task(next(iter(first.tasks))) if first.tasks else first)
    data = manifest.datasets.get(measured.dataset, UNSTATED_DATA)
    return Training(closed if isinstance(closed, Recipe) else first, measured.dataset, data)

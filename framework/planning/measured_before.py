"""On which data a step that does not train is measured: that of the training before it, so that both compare."""

from __future__ import annotations

from collections.abc import Mapping

from framework.manifest.sections.methods import Prune
from framework.planning.steps import Step, Training, Work


def training_before(nodes: Mapping[str, Step], work: Work, parent: str | None) -> Training | None:
    """The last training that a pruning builds on, without its method; None where there is none, where a command
    trained, which measures in a way of its own, and for other steps."""
    while isinstance(work, Prune) and parent is not None:
        step = nodes[parent]
        if isinstance(step.work, Training):
            return None if step.command else Training(step.work.phase, step.work.dataset_name, step.work.dataset)
        parent = step.parent
    return None

"""The masks that a training starts with: which step made them, and what of them is on disk."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from framework.evidence.record import MODEL
from framework.evidence.store import Run, RunStore
from framework.manifest.sections.methods import Prune, SameAs
from framework.planning.build import Plan
from framework.planning.steps import Step, Training
from framework.stages.checkpoint.zeros import MASKS


@dataclass(frozen=True, slots=True)
class Inherited:
    """Masks of a step before. ``run`` is that step's finished run, None where there is none yet."""

    maker: Step
    run: Run | None

    @property
    def file(self) -> Path | None:
        """The file with the masks."""
        path = self.run.folder / MASKS if self.run else None
        return path if path is not None and path.is_file() else None

    @property
    def zeros(self) -> tuple[int, int] | None:
        """The weights that are zero, of those that the masks are about, as the run counted them."""
        tensors = self.run.record.sparsity.get("tensors", {}) if self.run else {}
        return (
            (sum(each[0] for each in tensors.values()), sum(each[1] for each in tensors.values())) if tensors else None
        )

    @property
    def sparsity(self) -> float | None:
        """The declared share, where the manifest states a number for single weights; else the one that was reached."""
        work = self.maker.work
        if isinstance(work, Prune) and not isinstance(work.sparsity, SameAs):
            return float(work.sparsity)
        return None if self.zeros is None else self.zeros[0] / self.zeros[1]

    @property
    def modules(self) -> list[str] | None:
        """The modules that are masked: declared, else those that the run has masks for."""
        work = self.maker.work
        if isinstance(work, Prune) and work.tensors is not None:
            return list(work.tensors)
        tensors = self.run.record.sparsity.get("tensors", {}) if self.run else {}
        names = (name.removesuffix(".weight").rpartition(".")[2] for name in tensors)
        return list(dict.fromkeys(names)) or None


def inherited(plan: Plan, step: Step, store: RunStore) -> Inherited | None:
    """The masks that the checkpoint of the steps before holds; None where none does, or they keep everything."""
    for before in ancestors(plan, step):
        work = before.work
        if isinstance(work, Prune) and work.sparsity != 0:
            return Inherited(before, store.done(before.key))
        if isinstance(work, Training) and work.mask is not None:
            return Inherited(before, store.done(before.key))
    return None


def ancestors(plan: Plan, step: Step) -> Iterator[Step]:
    """The steps whose checkpoints a step goes back to, the nearest first."""
    by_key = {each.key: each for each in plan.steps}
    while step.parent is not None:
        step = by_key[step.parent]
        yield step


def heads_of(step: Step, before: Inherited) -> tuple[int, int] | None:
    """The heads of queries, and of keys and values: stated, else by the config.json of the run before."""
    model = step.model
    if model.heads is not None:
        return model.heads, model.key_value_heads or model.heads
    path = before.run.folder / MODEL / "config.json" if before.run else None
    if path is None or not path.is_file():
        return None
    config = json.loads(path.read_text("utf-8"))
    heads = config.get("num_attention_heads")
    return (heads, config.get("num_key_value_heads") or heads) if isinstance(heads, int) else None

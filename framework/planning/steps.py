"""The nodes of a plan: one executed step for one model, task and seed."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from framework.manifest.methods import Adapter, Mask, Permute, Prune
from framework.manifest.models import Dataset, Model
from framework.manifest.phases import Phase


@dataclass(frozen=True, slots=True)
class Training:
    """What a phase step does: the phase with the task's and the variant's own values put in."""

    phase: Phase
    dataset_name: str
    dataset: Dataset
    mask: Mask | None = None
    adapter: Adapter | None = None


@dataclass(frozen=True, slots=True)
class Knobs:
    """Implementation knobs, from the bound config files: facts of the machine, not of the paper.

    ``micro_batch_size`` is per process; the accumulation follows from it and the declared batch size.
    ``log_every`` counts optimizer steps between progress lines.
    """

    micro_batch_size: int | None = None
    evaluation_batch_size: int | None = None
    precision: Literal["fp32", "bf16", "fp16"] | None = None
    log_every: int | None = None


@dataclass(frozen=True, slots=True)
class Step:
    """One node of the plan.

    ``key`` identifies the result by content (see :mod:`framework.planning.identity`); ``variants`` are all
    variants that use it, the first gives the run its name. ``parent`` is the key of the step whose checkpoint
    this one starts from (``depth`` counts the steps before it); ``references`` name further steps it reads, by
    role (`same_as`). ``calibration`` is the training whose examples a permutation or a score is measured on.
    """

    key: str
    name: str
    index: int
    variants: tuple[str, ...]
    model_name: str
    model: Model
    task: str | None
    seed: int
    work: Training | Prune | Permute
    identity: Mapping[str, Any]
    parent: str | None = None
    references: Mapping[str, str] = field(default_factory=dict)
    calibration: Training | None = None
    knobs: Knobs = Knobs()
    profile: str | None = None
    depth: int = 0

    @property
    def variant(self) -> str:
        return self.variants[0]

    @property
    def folder(self) -> str:
        """The name of its run folder: readable, and unique by the key's first digits."""
        parts = [self.variant, f"{self.index}-{self.name}", self.task, self.model_name, f"seed{self.seed}"]
        return re.sub(r"[/\\\x00-\x1f]", "_", ".".join(part for part in parts if part)) + "." + self.key[:10]

    @property
    def label(self) -> str:
        task = f"[{self.task}]" if self.task else ""
        return f"{self.variant} · {self.name}{task} · {self.model_name} · seed {self.seed}"

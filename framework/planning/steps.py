"""The nodes of a plan: one executed step for one model, task and seed."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal

from framework.errors import Problem
from framework.manifest.sections.base import Count, Positive
from framework.manifest.sections.measurements import Measurement
from framework.manifest.sections.methods import Adapter, Mask, Permute, Prune
from framework.manifest.sections.models import Dataset, Model
from framework.manifest.sections.phases import Phase
from framework.names import Path
from framework.planning.contents.local_places import Local
from framework.planning.recipes import Recipe, recipe_of

if TYPE_CHECKING:
    from framework.planning.commands.command import Command


@dataclass(frozen=True, slots=True)
class Training:
    """What a phase step does: the phase with the task's, the model's and the variant's own values put in; a
    :class:`Recipe` where the built-in training can execute it."""

    phase: Phase
    dataset_name: str
    dataset: Dataset
    mask: Mask | None = None
    adapter: Adapter | None = None

    @property
    def recipe(self) -> Recipe:
        """The phase as the built-in training executes it: whoever executes has seen that it can."""
        found = self.phase if isinstance(self.phase, Recipe) else recipe_of(None, self.phase)
        assert isinstance(found, Recipe), f"a phase that the built-in training refuses is not executed by it: {found}"
        return found


@dataclass(frozen=True, slots=True)
class Measure:
    """What a measuring step does. ``name`` is the measurement's in the manifest; ``training`` is what made the
    checkpoint that is measured, None where a transform did; ``machine`` is the one that is measured on."""

    name: str
    measurement: Measurement
    machine: Mapping[str, Any]
    training: Training | None = None


Work = Training | Prune | Permute | Measure
"""What a step may do."""


@dataclass(frozen=True, slots=True)
class Knobs:
    """Implementation knobs, from the bound config files: facts of the machine, not of the paper.

    ``micro_batch_size`` is per process; the accumulation follows from it and the declared batch size.
    ``log_every`` counts optimizer steps between progress lines; ``trackers`` are told what happens, and decide nothing.
    ``validate_every`` counts those between two looks at the validation split, which decide nothing either.

    ``checkpoint_every`` (optimizer steps) and ``checkpoint_minutes`` say how often a training that may be killed is
    saved, whichever comes first; with neither it is saved as often as costs at most a hundredth of the time.
    ``divergence`` fails a training whose loss stays above so many times the first step's.
    ``gradient_checkpointing`` computes the activations of each layer twice instead of keeping them, ``compile`` is
    torch.compile, and ``deterministic: false`` allows operations whose result differs from time to time.
    """

    micro_batch_size: Count | None = None
    evaluation_batch_size: Count | None = None
    precision: Literal["fp32", "bf16", "fp16"] | None = None
    trackers: list[Literal["tensorboard", "wandb", "mlflow"]] | None = None
    log_every: Count | None = None
    validate_every: Count | None = None
    checkpoint_every: Count | None = None
    checkpoint_minutes: Positive | None = None
    divergence: Positive | None = None
    gradient_checkpointing: bool | None = None
    compile: bool | None = None
    deterministic: bool | None = None


LONGEST_NAME = 200
"""Bytes of a run folder's name before its key: file systems take 255, with what is put before and behind it."""


@dataclass(frozen=True, slots=True)
class Step:
    """One node of the plan.

    ``key`` identifies the result by content (see :mod:`framework.planning.identity`); ``variants`` are all
    variants that use it, the first gives the run its name; ``indices`` are its positions in their lists of steps (the
    first's, ``index``, in all of them where none are given). ``parent`` is the key of the step whose checkpoint
    this one starts from (``depth`` counts the steps before it); ``references`` name further steps it reads, by
    role (`same_as`). ``calibration`` is the training whose examples a permutation or a score is measured on,
    and ``measured_as`` the one whose validation data tells what a pruning did to the loss.
    ``command`` is what trains in the place of the built-in training, where a runner says so. ``missing`` is what keeps
    it from being executed: clauses that are not stated, or that no runner here has. ``reads`` are the local files whose
    contents are in the identity, beside a command's own; ``absent`` the names of those that are not here now.
    ``unswept`` is what keeps it from being production: values that a search has to choose first, or that are others
    than it chose; ``deviations`` is what was allowed all the same, for the record. ``awaits`` are values that are the
    best of a grid whose runs are not all there; ``chosen`` those that were chosen, and among which runs.
    """

    key: str
    name: str
    index: int
    variants: tuple[str, ...]
    model_name: str
    model: Model
    task: str | None
    seed: int
    work: Work
    identity: Mapping[str, Any]
    parent: str | None = None
    references: Mapping[str, str] = field(default_factory=dict)
    calibration: Training | None = None
    measured_as: Training | None = None
    knobs: Knobs = Knobs()
    profile: str | None = None
    depth: int = 0
    indices: tuple[int, ...] = ()
    command: Command | None = None
    missing: tuple[Problem, ...] = ()
    unswept: tuple[Problem, ...] = ()
    awaits: tuple[Problem, ...] = ()
    chosen: tuple[Mapping[str, Any], ...] = ()
    deviations: tuple[Mapping[str, Any], ...] = ()
    reads: tuple[Local, ...] = ()
    absent: tuple[str, ...] = ()

    @property
    def variant(self) -> str:
        return self.variants[0]

    def of(self, variants: Sequence[str]) -> Step:
        """The step as some of its variants have it."""
        if len(variants) == len(self.variants):
            return self
        own = [(str(place[1]), int(place[-1])) for place in self.places if place[1] in variants]
        names, indices = zip(*own, strict=True)
        return replace(self, variants=names, indices=indices, index=indices[0])

    @property
    def places(self) -> list[Path]:
        """Where the manifest states it: `variants.NAME.steps[i]` of each variant that uses it."""
        indices = self.indices or (self.index,) * len(self.variants)
        return [("variants", name, "steps", index) for name, index in zip(self.variants, indices, strict=True)]

    @property
    def folder(self) -> str:
        """The name of its run folder: readable, unique by the key's first digits, and no longer than file systems
        take."""
        parts = [self.variant, f"{self.index}-{self.name}", self.task, self.model_name, f"seed{self.seed}"]
        name = re.sub(r"[/\\\x00-\x1f]", "_", ".".join(part for part in parts if part))
        return name.encode()[:LONGEST_NAME].decode(errors="ignore") + "." + self.key[:10]

    @property
    def label(self) -> str:
        task = f"[{self.task}]" if self.task else ""
        parts = [self.variant, f"{self.name}{task}", self.model_name, f"seed {self.seed}"]
        return " · ".join(part for part in parts if part)

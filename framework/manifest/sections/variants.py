"""What is compared: the section `variants`, each an ordered list of steps."""

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, Tag

from framework.manifest.sections.base import Section
from framework.manifest.sections.methods import Adapter, Mask, Permute, Prune
from framework.manifest.sections.models import Setting
from framework.manifest.sections.values.free_settings import Settings
from framework.names import Path


class PhaseUse(Section):
    """A phase as one variant runs it."""

    mask: Mask | None = None
    """A mask learned while training."""
    adapter: Adapter | None = None
    """Adapters trained in the place of the full weights, and merged at the end."""
    set: dict[str, Setting] = {}
    """What this variant does otherwise than the phase says, by path: `{optimizer.learning_rate: 1e-4}`."""


class PermuteStep(Section):
    """A function-preserving reordering."""

    permute: Permute
    """How."""


class PruneStep(Section):
    """Weights set to zero."""

    prune: Prune
    """Which and how many."""


TRANSFORMS = ("permute", "prune")
"""The step names that are transforms; any other name is a phase."""

StepKind = Literal["name", "permute", "prune", "phase"]


def _kind(value: Any) -> StepKind:
    if isinstance(value, str):
        return "name"
    if isinstance(value, PermuteStep) or (isinstance(value, dict) and "permute" in value):
        return "permute"
    if isinstance(value, PruneStep) or (isinstance(value, dict) and "prune" in value):
        return "prune"
    return "phase"


Step = Annotated[
    Annotated[str, Tag("name")]
    | Annotated[PermuteStep, Tag("permute")]
    | Annotated[PruneStep, Tag("prune")]
    | Annotated[dict[str, PhaseUse], Field(min_length=1, max_length=1), Tag("phase")],
    Discriminator(_kind),
]
"""A phase's name, `{PHASE: {mask, adapter, set}}`, `{permute: ...}` or `{prune: ...}`."""


class Variant(Section):
    """One model of the comparison."""

    from_: Annotated[str | None, Field(alias="from")] = None
    """The variant whose last checkpoint this one starts from; by default the model's own initial weights."""
    steps: Annotated[list[Step], Field(min_length=1)]
    """What is done, in order."""
    model: dict[str, Setting] = {}
    """What this variant's model is otherwise than `models` says, by path: `{architecture.norm: rmsnorm}`. A variant
    that starts from another one has that one's model, and may change its dropout alone."""
    description: str | None = None
    """One sentence for tables and documents."""
    settings: Settings = None
    """Facts of the variant under any names."""


def phase_of(step: Any) -> tuple[str, PhaseUse] | None:
    """The phase's name and its use, for a step that is a phase; None for a transform."""
    if isinstance(step, str):
        return step, PhaseUse.model_construct()
    if isinstance(step, dict):
        name, use = next(iter(step.items()))
        return name, use
    return None


def lineage(variants: Mapping[str, Variant], name: str) -> list[str]:
    """A variant, and those that it starts from, the nearest first."""
    found = [name]
    while (before := variants[found[-1]].from_) is not None:
        found.append(before)
    return found


def uses_of(variants: Mapping[str, Variant], name: str) -> Iterator[tuple[str, PhaseUse, Path]]:
    """Each phase that a variant runs: its name, its use, and the place of the use in the manifest. First those of its
    own steps, then of the variants that it starts from, without the phases that a nearer one runs."""
    nearer: set[str] = set()
    for each in lineage(variants, name):
        own = [(index, used) for index, step in enumerate(variants[each].steps) if (used := phase_of(step))]
        for index, (phase, use) in own:
            if phase not in nearer:
                yield phase, use, ("variants", each, "steps", index, phase)
        nearer |= {phase for _, (phase, _) in own}

"""What is measured of finished checkpoints, and how: the section `measurements`."""

from fnmatch import fnmatchcase
from typing import Annotated, Literal, Self, get_args

from pydantic import Field, model_validator

from framework.manifest.sections.base import Count, Section

Quantity = Literal[
    "parameters",
    "trainable_parameters",
    "nonzero_parameters",
    "flops",
    "latency",
    "throughput",
    "peak_memory",
    "energy",
]
QUANTITIES: tuple[str, ...] = get_args(Quantity)
TIMED = ("latency", "throughput", "energy")
"""What is taken over repeated passes."""
UNMEASURED = ("nonzero_parameters", "unmerged")
"""The one quantity that is not measured in one state of the adapters: what an update removes shows in the sum alone."""
_WITH_PASSES = ("flops", "peak_memory", *TIMED)


class Measurement(Section):
    """Measurements of checkpoints, each a step of the plan of its own. A pass is one forward pass over random tokens,
    without gradients, on the accelerator where there is one."""

    measure: Annotated[list[Quantity], Field(min_length=1)]
    """`parameters`; `trainable_parameters` of the step that left the checkpoint, 0 for a transform;
    `nonzero_parameters` (with adapters only once they are merged); `flops` per token (matrix products and
    convolutions, 2 for each multiply-add; zeros count as work); `latency` of a token in ms (a pass divided by the
    sequence length); `throughput` in tokens/s; `peak_memory` of a pass in bytes; `energy` in J per token."""
    variants: list[str] = []
    """The variants whose checkpoints are measured, or patterns such as `grid/*`; by default all."""
    phase: str | None = None
    """Measure what this phase leaves; by default the last checkpoint of each variant."""
    batch_sizes: Annotated[list[Count], Field(min_length=1)] = [1]
    """Sequences per pass; each is measured by itself."""
    sequence_lengths: list[Count] = []
    """Tokens per sequence; each is measured by itself."""
    warmup: Annotated[int, Field(ge=0)] = 3
    """Passes before the first one that is timed, for each batch size and sequence length."""
    repeats: Count = 10
    """Passes that are timed; their median is the result, their quartiles the spread."""
    precision: Literal["fp32", "bf16", "fp16"] = "fp32"
    """The number format of weights and activations."""
    adapters: Annotated[list[Literal["merged", "unmerged"]], Field(min_length=1)] = ["merged"]
    """Of a phase with adapters: the model with the update added to its weights, and the one with adapters beside them,
    as it was trained."""

    def covers(self, variant: str) -> bool:
        """Whether a variant is named, by itself or by a pattern."""
        return not self.variants or any(name == variant or fnmatchcase(variant, name) for name in self.variants)

    @model_validator(mode="after")
    def _whole(self) -> Self:
        passes = [name for name in self.measure if name in _WITH_PASSES]
        if passes and not self.sequence_lengths:
            raise ValueError(f"`sequence_lengths` is missing: {passes[0]} depends on it")
        if not passes and self.sequence_lengths:
            raise ValueError("`sequence_lengths` is stated, and nothing that is measured depends on it")
        if UNMEASURED[0] in self.measure and self.adapters == [UNMEASURED[1]]:
            raise ValueError("`nonzero_parameters` are counted of `merged` weights")
        for field in ("measure", "variants", "batch_sizes", "sequence_lengths", "adapters"):
            values = getattr(self, field)
            if len(set(values)) < len(values):
                raise ValueError(f"`{field}` names one thing twice: {values}")
        return self

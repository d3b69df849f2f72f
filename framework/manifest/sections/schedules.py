"""How a quantity goes over the optimizer steps: a warmup, a shape, and where neither says it, segments."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from framework.manifest.sections.base import Section
from framework.manifest.sections.values.durations import Duration, Scale
from framework.manifest.sections.values.quantities import StatedCount, StatedNonNegative, StatedNumber, StatedPositive

SHAPES = (
    "constant",
    "linear",
    "cosine",
    "polynomial",
    "exponential",
    "step",
    "milestones",
    "inverse_sqrt",
    "1-sqrt",
    "one_cycle",
    "warmup_stable_decay",
    "cosine_restarts",
)
"""The shapes that have a formula (:mod:`framework.stages.run.recomputed.learning_rate`); any other text is stated, and
held against files, but against no trace."""
_SHAPE = Annotated[str, Field(json_schema_extra={"examples": list(SHAPES)})]


class Warmup(Duration):
    """The increase to the peak: its length, and where the paper says so, where it starts and how it rises."""

    from_: Annotated[StatedNumber | None, Field(alias="from")] = None
    """The value that it starts from; by default 0."""
    factor: StatedNumber | None = None
    """The share of the peak that it starts from, in the place of `from`."""
    shape: _SHAPE | None = None
    """How it rises; by default `linear`."""
    rounded: Literal["up", "down"] | None = None
    """Whether a part of a step counts: 17% of 20 steps are 4, or 3. By default they are 4, and a script may take 3."""

    def in_steps(self, total_steps: int, scale: Scale | None = None) -> int:
        """As :meth:`Duration.in_steps`, rounded as the manifest says where it does."""
        if self.rounded is not None:
            scale = (scale or Scale())._replace(down=self.rounded == "down")
        return super().in_steps(total_steps, scale)

    @model_validator(mode="after")
    def _one_unit(self) -> Self:
        if len(self._given()) > 1:
            raise ValueError("give one unit of the warmup's length")
        if not self._given() and self.from_ is None and self.factor is None and self.shape is None:
            raise ValueError("an empty warmup: give its length, or `none`")
        if self.from_ is not None and self.factor is not None:
            raise ValueError("give one of `from` and `factor`: they state the same thing twice")
        return self

    @property
    def known(self) -> bool:
        """Whether its length is stated."""
        return bool(self._given())

    def __str__(self) -> str:
        parts = [super().__str__()] if self.known else []
        parts += [f"from {self.from_}"] if self.from_ is not None else []
        parts += [f"from {self.factor} of the peak"] if self.factor is not None else []
        parts += [f"rounded {self.rounded}"] if self.rounded is not None else []
        return " ".join([*parts, *([str(self.shape)] if self.shape else [])])


class Segment(Section):
    """A piece of a schedule."""

    shape: _SHAPE | None = None
    """How it goes from its first value to its last: `constant`, `linear`, `cosine`, `polynomial`, `exponential`,
    `1-sqrt`, or whatever the paper says; by default a segment is constant, and a decay linear."""
    begin: Duration | None = None
    """Where it begins, counted from the start of the training; by default where the one before it ends."""
    length: Duration | None = None
    """How long it takes; by default until the next one begins, or the training ends."""
    from_: Annotated[StatedNumber | None, Field(alias="from")] = None
    """Its first value; by default the last one of the segment before, and of the first segment the peak."""
    to: StatedNumber | None = None
    """Its last value: a number, or arithmetic such as `0.1 * learning_rate`."""
    power: StatedPositive | None = None
    """The exponent, for `polynomial`."""


class Schedule(Section):
    """How the learning rate, or another quantity, goes over the optimizer steps."""

    name: _SHAPE = "constant"
    """The shape after the warmup: `constant`, `linear`, `cosine`, `polynomial`, `exponential`, `step`, `milestones`,
    `inverse_sqrt`, `1-sqrt`, `one_cycle`, `warmup_stable_decay`, `cosine_restarts`, or whatever the paper says."""
    warmup: Warmup = Warmup.model_construct(steps=0)
    """Increase to the peak: a share of all steps (`10%`), `500 steps`, `5 epochs`, `300M tokens`, or `none`; linear
    from 0 unless it says `{steps: 500, from: 1e-6, shape: ...}`."""
    min_learning_rate: StatedNonNegative = 0.0
    """Where the decay ends: a number, or `0.1 * learning_rate`."""
    power: StatedPositive | None = None
    """The exponent, for `polynomial`."""
    gamma: StatedPositive | None = None
    """The factor of each decay, for `step`, `milestones` and `exponential`."""
    milestones: list[Duration] | None = None
    """Where the value is multiplied by `gamma`."""
    every: Duration | None = None
    """How often, for `step` and `exponential`; for `exponential` by default each epoch."""
    cycles: StatedCount | None = None
    """How often it restarts, for `cosine_restarts`."""
    decay: Segment | None = None
    """The decay, where it does not take all of the training after the warmup: `{shape: 1-sqrt, begin: 500_000 steps,
    length: 100_000 steps}`; until then the value stays as it is."""
    segments: Annotated[list[Segment], Field(min_length=1)] | None = None
    """All pieces after the warmup, in order, in the place of a name."""

    @model_validator(mode="after")
    def _once(self) -> Self:
        if self.segments is not None:
            given = {"name": self.name != "constant", "decay": self.decay, "milestones": self.milestones}
            twice = [name for name, value in {**given, "every": self.every}.items() if value]
            if twice:
                raise ValueError(f"`segments` say all of it: leave out {', '.join(twice)}")
        if self.milestones is not None and self.every is not None:
            raise ValueError("give one of `milestones` and `every`")
        return self

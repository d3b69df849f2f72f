"""The values that a searched key can take."""

import math
from typing import Annotated, Any, Literal, Self

from pydantic import Discriminator, Field, Tag, model_validator

from framework.manifest.sections.base import Section
from framework.manifest.sections.models import Setting

Number = Annotated[int | float, Field(allow_inf_nan=False)]


class Dimension(Section):
    """The values that one searched key can take: a range, or choices, with a condition."""

    low: Number | None = None
    """The least value; it can come."""
    high: Number | None = None
    """The largest value; it can come, unless `step` does not reach it."""
    step: Annotated[Number, Field(gt=0)] | None = None
    """The distance between values, counted from `low`."""
    scale: Literal["linear", "log"] = "linear"
    """Whether values are drawn evenly, or evenly in the logarithm."""
    type: Literal["int", "float"] | None = None
    """Whole numbers or all; by default whole numbers where all bounds are written as such (`1`, not `1.0`)."""
    choices: Annotated[list[Setting], Field(min_length=1)] | None = None
    """The values, in the place of a range."""
    when: dict[str, list[Setting]] = {}
    """Under which values of choices before it the key is searched at all: `{optimizer.name: [sgd]}`."""

    @model_validator(mode="after")
    def _is_a_set(self) -> Self:
        if self.choices is not None:
            if stray := sorted(self.model_fields_set - {"choices", "when"}):
                raise ValueError(f"choices have no {', '.join(stray)}")
            if any(one == other for place, one in enumerate(self.choices) for other in self.choices[:place]):
                raise ValueError("one choice stands twice")
            return self
        if self.low is None or self.high is None:
            raise ValueError("give low and high, or choices")
        if self.low >= self.high:
            raise ValueError(f"an empty range: low {self.low} is not below high {self.high}")
        if self.scale == "log" and self.low <= 0:
            raise ValueError(f"a log scale has no logarithm of {self.low}; low must be above 0")
        self._stepped()
        return self

    def _stepped(self) -> None:
        bounds = [each for each in (self.low, self.high, self.step) if each is not None]
        if self.type == "int" and any(each != int(each) for each in bounds):
            raise ValueError("whole numbers have whole bounds and a whole step")
        if self.step is None:
            return
        if self.scale == "log":
            raise ValueError("steps are counted on a linear scale; give scale linear, or choices")
        low, high = self.bounds
        count = (high - low) / self.step
        if abs(count - round(count)) > 1e-9 * max(1.0, count):
            last = low + math.floor(count) * self.step
            raise ValueError(f"{high} cannot come: steps of {self.step} from {low} end at {last:.12g}")

    @property
    def bounds(self) -> tuple[int | float, int | float]:
        """The least and the largest value of a range."""
        assert self.low is not None
        assert self.high is not None
        return self.low, self.high

    @property
    def whole(self) -> bool:
        """Whether the range holds whole numbers alone."""
        if self.type is not None:
            return self.type == "int"
        return all(isinstance(each, int) for each in (self.low, self.high, self.step) if each is not None)


def _kind_of_dimension(value: Any) -> str:
    return "list" if isinstance(value, list) else "mapping"


Values = Annotated[
    Annotated[list[Setting], Field(min_length=1), Tag("list")] | Annotated[Dimension, Tag("mapping")],
    Discriminator(_kind_of_dimension),
]
"""A list of choices, or a range."""

"""Lengths of training with their unit: a share of it, optimizer steps, epochs, samples, tokens, environment steps."""

import math
import re
from typing import Annotated, Any, NamedTuple, Self

from pydantic import Field, model_validator

from framework.manifest.sections.base import NonNegative, Section, Share
from framework.manifest.sections.values.patterns import Pattern
from framework.manifest.sections.values.quantities import NONE, NUMBER, ROUNDED, number_of

UNITS = {
    "steps": r"(?:optimi[sz]er |gradient |training )?(?:steps?|updates?|iterations?|iters?)",
    "epochs": r"epochs?|passes|pass",
    "samples": r"samples?|examples?|images?|sequences?",
    "tokens": r"tokens?",
    "environment_steps": r"(?:environment|env\.?) (?:steps?|frames?)|frames?|timesteps?",
}
"""The units of a length, each with the words that papers have for it."""
PERCENT = Pattern(r"(\d+(?:\.\d+)?)\s*%")
_LENGTH = Pattern(
    rf"(about\s+|~\s*)?({NUMBER})\s*(?:{'|'.join(f'(?P<{u}>{w})' for u, w in UNITS.items())})", re.IGNORECASE
)
_Amount = NonNegative | None


class Scale(NamedTuple):
    """What one optimizer step and one epoch are, as far as that is known: to turn one unit into another."""

    steps_per_epoch: float | None = None
    samples_per_step: float | None = None
    tokens_per_step: float | None = None
    down: bool = False
    """Whether a part of a step is left out of a length, as axolotl and verl do (transformers' Trainer does not)."""

    def steps_in(self, unit: str, amount: float) -> float | None:
        """The optimizer steps, not rounded, that an amount of a unit takes; None where that is not known."""
        if unit == "steps":
            return amount
        if unit == "epochs":
            return None if self.steps_per_epoch is None else amount * self.steps_per_epoch
        each = {"samples": self.samples_per_step, "tokens": self.tokens_per_step}.get(unit)
        return None if not each else amount / each

    def lacks(self, unit: str) -> str:
        """What would have to be known to turn a unit into optimizer steps."""
        return {
            "epochs": "the number of training examples and the batch size",
            "samples": "the batch size",
            "tokens": "the batch size and the sequence length",
        }.get(unit, "how many of them an optimizer step takes")


class Duration(Section):
    """A length of training with its unit: a share of all optimizer steps (`10%`), `500 steps`, `5 epochs`,
    `1.28M samples`, `300M tokens`, `50M environment steps`, or `none`."""

    ratio: Share | None = None
    """The share of all optimizer steps, from 0 to below 1."""
    steps: Annotated[int, Field(ge=0)] | None = None
    """The number of optimizer steps."""
    epochs: _Amount = None
    """Passes over the training data."""
    samples: _Amount = None
    """Training examples, sequences or images seen."""
    tokens: _Amount = None
    """Tokens seen."""
    environment_steps: _Amount = None
    """Steps of the environment, for reinforcement learning."""
    none: bool | None = None
    """Whether the paper says that there is none, so that a file may leave it out."""
    within: Share | None = None
    """How far, as a share, another length may lie from it and still be what the paper says."""

    @model_validator(mode="before")
    @classmethod
    def _from_text(cls, value: Any) -> Any:
        if isinstance(value, str):
            text = value.strip()
            if text == NONE:
                return {"steps": 0, "none": True}
            if text.endswith("%") and (match := PERCENT.fullmatch(text)):
                return {"ratio": float(match[1]) / 100}
            if match := _LENGTH.fullmatch(text):
                unit = str(match.lastgroup)
                amount = number_of(match[2])
                rounded = {"within": ROUNDED} if match[1] else {}
                return {unit: amount if unit == "steps" or amount is None else float(amount), **rounded}
        if isinstance(value, (str, int, float)):
            raise ValueError(
                f"{value!r} has no unit: write a share such as '10%', or a count such as '500 steps', '5 epochs' or "
                "'300M tokens'"
            )
        return value

    @model_validator(mode="after")
    def _one_unit(self) -> Self:
        if len(self._given()) != 1:
            raise ValueError(f"give one of ratio, {', '.join(UNITS)}")
        return self

    def _given(self) -> list[str]:
        return [name for name in ("ratio", *UNITS) if getattr(self, name) is not None]

    @property
    def unit(self) -> str:
        """`ratio`, or one of :data:`UNITS`."""
        return self._given()[0]

    @property
    def amount(self) -> float:
        """How many of its unit."""
        return float(getattr(self, self.unit))

    def in_steps(self, total_steps: int, scale: Scale | None = None) -> int:
        """The length in optimizer steps of a training of ``total_steps``; a part of a step rounds up, as most trainers
        do, unless the scale says otherwise.

        Raises:
            ValueError: its unit cannot be turned into steps by this scale.
        """
        exact = self.exact_steps(total_steps, scale)
        if exact is None:
            raise ValueError(f"{self} in optimizer steps needs {(scale or Scale()).lacks(self.unit)}")
        if abs(exact - round(exact)) <= 1e-9:
            return round(exact)
        return math.floor(exact) if scale is not None and scale.down else math.ceil(exact)

    def exact_steps(self, total_steps: float | None, scale: Scale | None = None) -> float | None:
        """As :meth:`in_steps`, not rounded; None where it is not known."""
        if self.unit == "ratio":
            return None if total_steps is None else self.amount * total_steps
        return (scale or Scale()).steps_in(self.unit, self.amount)

    def __str__(self) -> str:
        if self.none:
            return NONE
        about = "about " if self.within is not None else ""
        if self.unit == "ratio":
            return f"{100 * self.amount:g}%"
        amount = str(self.steps) if self.unit == "steps" else f"{self.amount:.12g}"
        return f"{about}{amount} {self.unit.replace('_', ' ')}"

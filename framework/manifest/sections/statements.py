"""What must hold: the sections `rules`, `claims`, `waivers` and `profiles`."""

from datetime import date
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from framework.manifest.sections.base import OneOf, Section
from framework.manifest.sections.models import Setting


class IsoSparsity(Section):
    """Equal numbers of zeroed weights over the same tensors."""

    variants: Annotated[list[str], Field(min_length=2)]
    """The variants that must be equally sparse. `grid/$axis` is a rule for each value of a grid's axis."""
    scope: Literal["model", "layer"] = "model"
    """Equal in total, or in each tensor."""


class DifferOnlyIn(Section):
    """A controlled comparison: nothing else differs between the variants."""

    variants: Annotated[list[str], Field(min_length=2)]
    """The variants that are compared. `grid/$axis` is a rule for each value of a grid's axis."""
    clauses: Annotated[list[str], Field(min_length=1)]
    """The paths, within a step, that may differ, such as `mask` or `optimizer.learning_rate`."""


class Rule(OneOf):
    """One rule over several variants."""

    iso_sparsity: IsoSparsity | None = None
    """Equal numbers of zeroed weights."""
    differ_only_in: DifferOnlyIn | None = None
    """A controlled comparison."""


class Claim(Section):
    """An assertion about results."""

    id: str
    """A short name."""
    assert_: Annotated[str, Field(alias="assert")]
    """A comparison such as `perplexity(M_sdm) <= 1.05 * perplexity(M_base)`."""
    over: Literal["seeds"] = "seeds"
    """What the results vary over."""
    confidence: Annotated[float, Field(gt=0.5, lt=1)] = 0.95
    """The one-sided confidence at which it must hold."""


def _as_date(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    try:
        return date.fromisoformat(value)
    except ValueError:
        raise ValueError(f"not a date: {value!r}; write YYYY-MM-DD") from None


Stage = Literal["manifest", "config", "plan", "run", "checkpoint", "document", "claim"]


class Waiver(Section):
    """A declared deviation: the clause is not held at that stage, with a reason, an owner and an end."""

    clause: str
    """The clause, or a path above several."""
    stage: Stage | None = None
    """The stage at which it is waived; by default all."""
    reason: Annotated[str, Field(min_length=1)]
    """Why."""
    owner: Annotated[str, Field(min_length=1)]
    """Who answers for it."""
    until: Annotated[date, BeforeValidator(_as_date)]
    """The last day on which it holds, YYYY-MM-DD."""


class Profile(Section):
    """A named, declared set of deviations, such as a small size for a laptop."""

    reason: Annotated[str, Field(min_length=1)]
    """Why it deviates."""
    set: dict[str, Setting] = {}
    """What it changes, by path: a value, a mapping to merge, or null to remove."""
    variants: list[str] = []
    """The variants that `reproduce` runs under this profile; by default all."""

"""What must hold: the sections `rules`, `claims`, `waivers` and `profiles`."""

from datetime import date
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, WithJsonSchema, model_validator

from framework.manifest.sections.base import OneOf, Section, Share
from framework.manifest.sections.models import Setting
from framework.manifest.sections.values.durations import PERCENT


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


COUNTED = ("optimizer_steps", "samples", "tokens", "flops", "parameters", "trainable_parameters")
"""The budgets that are counted, so that a tolerance has a meaning."""
BUDGETS = (*COUNTED, "data")
"""What variants may be equal in beside their clauses."""
_OF: Any = {"examples": [["optimizer_steps", "tokens"], ["data"], ["optimizer.learning_rate"]]}
_SHARE = WithJsonSchema(
    {
        "anyOf": [
            {"type": "number", "minimum": 0, "exclusiveMaximum": 1},
            {"type": "string", "pattern": r"^\s*[0-9]+(\.[0-9]+)?\s*%\s*$"},
        ]
    }
)


def _as_share(value: Any) -> Any:
    match = PERCENT.fullmatch(value.strip()) if isinstance(value, str) else None
    if match is not None:
        return float(match[1]) / 100
    if isinstance(value, str):
        raise ValueError(f"not a share: {value!r}; write one such as 1%")
    return value


class Equal(Section):
    """Variants that are alike in what they spend, or in what they state."""

    variants: Annotated[list[str], Field(min_length=2)]
    """The variants that must be alike. `grid/$axis` is a rule for each value of a grid's axis."""
    of: Annotated[list[Annotated[str, Field(min_length=1)]], Field(min_length=1, json_schema_extra=_OF)]
    """In what: budgets of a variant and all that it starts from (`optimizer_steps`, `samples`, `tokens`, `flops`,
    `parameters`, `trainable_parameters`, and `data`: the same examples in the same order), and clauses, by their path
    within a step or a variant (`optimizer.learning_rate`, `settings.tuning_trials`)."""
    within: Annotated[Share, BeforeValidator(_as_share), _SHARE] | None = None
    """How far, as a share of the first variant's (`1%`), what is counted may lie apart; by default it must be exactly
    equal."""

    @model_validator(mode="after")
    def _counts(self) -> Self:
        if self.within is not None and not set(self.of) & set(COUNTED):
            raise ValueError(f"`within` is about what is counted, and `of` names none of {', '.join(COUNTED)}")
        return self


class Rule(OneOf):
    """One rule over several variants."""

    iso_sparsity: IsoSparsity | None = None
    """Equal numbers of zeroed weights."""
    differ_only_in: DifferOnlyIn | None = None
    """A controlled comparison."""
    equal: Equal | None = None
    """Equal budgets, or equal clauses."""


class Claim(Section):
    """An assertion about results."""

    id: str
    """A short name."""
    assert_: Annotated[str, Field(alias="assert")]
    """Comparisons such as `perplexity(M_sdm) <= 1.05 * perplexity(M_base)`, joined by `and`, or in a chain:
    `accuracy(A) > accuracy(B) > accuracy(C)`. Within a margin both ways is `abs(accuracy(A) - accuracy(B)) <= 0.5`."""
    over: Literal["seeds", "tasks", "both"] = "seeds"
    """What the results vary over: the seeds; the tasks, each with the mean of its seeds; or both, where the assertion
    must hold over the seeds, with the mean of the tasks, and over the tasks."""
    seeds: Annotated[list[int], Field(min_length=1)] | None = None
    """Of which of the declared seeds; by default of all."""
    tasks: Annotated[list[str], Field(min_length=1)] | None = None
    """Over which tasks; by default over all that its variants have in common."""
    confidence: Annotated[float, Field(gt=0.5, lt=1)] = 0.95
    """The one-sided confidence at which it must hold."""
    test: Literal["t", "sign_flip", "bootstrap", "welch", "mann_whitney", "comparison"] | None = None
    """How it is decided: by Student's t over paired differences, which is the default; by the exact permutation test
    of these, or their bootstrap; unpaired by Welch's t or by ranks; or by comparison of the means alone, without
    confidence, which is the default for a target of one run."""
    family: str | None = None
    """The claims that are tested together; their p values are corrected for how many they are."""
    correction: Literal["none", "holm", "benjamini_hochberg"] = "none"
    """How those of its family are corrected."""
    level: Literal["required", "stretch"] = "required"
    """Whether the paper depends on it, or it is a goal beyond: one that is missed is a warning."""


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

"""The base of every section of the manifest, and the scalar types that carry a unit or a derivation."""

import math
from typing import Annotated, Any, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from framework.manifest.formulas.derived import is_expression


class Section(BaseModel):
    """Strict and frozen: an unknown key or a value of another type is an error at any depth.

    A field's meaning is the text below it; :mod:`framework.manifest.sections.described.documented` collects these.
    Modules of sections do not postpone their annotations, which pydantic would then evaluate text by text.
    """

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        strict=True,
        populate_by_name=True,
        # Only the root's validator is ever needed, which saves a third of the time of a small check. So defaults are
        # made with `model_construct`: a call would build the validator of their own class.
        defer_build=True,
    )


def dumped(value: Any) -> Any:
    """A section, or what is in one, as mappings, lists and scalars: what `model_dump` gives, without the serializer
    that pydantic would build for each class."""
    if isinstance(value, Section):
        return {name: dumped(part) for name, part in value.__dict__.items()}
    if isinstance(value, dict):
        return {key: dumped(part) for key, part in value.items()}
    return [dumped(part) for part in value] if isinstance(value, list | tuple) else value


class OneOf(Section):
    """A mapping that names exactly one of its alternatives, such as `{lora: {...}}`."""

    @model_validator(mode="after")
    def _exactly_one(self) -> Self:
        alternatives = list(type(self).model_fields)
        if len(self.model_fields_set) != 1 or self.chosen[1] is None:
            raise ValueError(f"exactly one of {', '.join(alternatives)} must be given")
        return self

    @property
    def chosen(self) -> tuple[str, Any]:
        """The alternative's name and its specification."""
        name = next(iter(self.model_fields_set))
        return name, getattr(self, name)


def _derived(value: Any) -> Any:
    if isinstance(value, str) and not is_expression(value):
        raise ValueError(f"neither a number nor a derivation such as '0.1 * learning_rate': {value!r}")
    if isinstance(value, (int, float)) and not 0 <= value < math.inf:
        raise ValueError(f"not a number of at least 0: {value!r}")
    return value


Derived = Annotated[float | str, BeforeValidator(_derived)]
"""A number of at least 0, or an arithmetic expression over other values of the same phase."""

Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
NonNegative = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Share = Annotated[float, Field(ge=0, lt=1)]
Count = Annotated[int, Field(ge=1)]

"""How many examples an optimizer step takes, in the unit in which the paper says it."""

import re
from typing import Annotated, Any, Literal, Self

from pydantic import PlainValidator, WithJsonSchema

from framework.manifest.sections.patterns import Pattern
from framework.manifest.sections.quantities import NUMBER, About, Formula, number_of, stated

_TEXT = Pattern(
    rf"({NUMBER})\s*(?:(?P<tokens>tokens?)|(?P<samples>samples?|examples?|sequences?|images?|trajector(?:y|ies)|graphs?)"
    r"|(?:samples? |examples? |sequences? |images? )?(?P<per_device>per (?:device|gpu|accelerator|process)))",
    re.IGNORECASE,
)
_number = stated(whole=True, least=1)


class Batch(str):
    """A batch with a unit: `1M tokens`, `32 per device`."""

    __slots__ = ("amount", "unit")
    amount: int
    unit: Literal["tokens", "per_device"]

    @classmethod
    def of(cls, text: str) -> Self | int | None:
        """What a text says: a number of examples, a batch in another unit, or None."""
        match = _TEXT.fullmatch(text.strip())
        amount = number_of(match[1]) if match else None
        if match is None or not isinstance(amount, int) or amount < 1:
            return None
        if match.lastgroup == "samples":
            return amount
        made = cls(text)
        made.amount = amount
        made.unit = "tokens" if match.lastgroup == "tokens" else "per_device"
        return made

    @property
    def amounts(self) -> tuple[int, int]:
        """What it may count: `1M` is written for 1,000,000 and for 1,048,576."""
        binary = re.sub(r"\s", "", str(self))
        suffix = next((letter for letter in "kKMGBT" if re.match(rf"[\d._,]+{letter}", binary)), None)
        if suffix is None:
            return self.amount, self.amount
        power = {"k": 1, "K": 1, "M": 2, "G": 3, "B": 3, "T": 4}[suffix]
        return self.amount, round(self.amount * (1024 / 1000) ** power)

    def examples(self, sequence_length: int | None, devices: int | None) -> float | None:
        """How many examples that is, where it is known; a batch in tokens need not be a whole number of them."""
        if self.unit == "per_device":
            return self.amount * devices if devices else None
        return self.amount / sequence_length if sequence_length else None


def _batch(value: Any) -> Any:
    written = isinstance(value, str) and not isinstance(value, (About, Formula))
    found = Batch.of(value) if written else None
    return _number(value) if found is None else found


StatedBatch = Annotated[
    int | Batch | About | Formula | Literal["none"],
    PlainValidator(_batch),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "integer", "minimum": 1},
                {
                    "type": "string",
                    "description": "`1M tokens`, `32 per device`, a rounded number, or arithmetic over other clauses.",
                },
            ]
        }
    ),
]
"""A number of examples, a batch in tokens or per device, rounded, derived or none."""

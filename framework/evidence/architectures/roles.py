"""What a saved tensor is: a weight that a pruning means, or something else that has as many dimensions."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from framework.evidence.architectures import known_names
from framework.evidence.architectures.known_types import MODEL_TYPES

_FLOATS = ("F64", "F32", "F16", "BF16")
_NUMBERED = re.compile(r"_?\d+(_reverse)?$")


class Role(StrEnum):
    """The kinds; the text is how reports call several of them."""

    WEIGHT = "weights"
    EMBEDDING = "embeddings"
    HEAD = "heads"
    PACKED = "packed weights"
    NORMED = "weights under a weight norm"
    BUFFER = "buffers"
    OTHER = "parameters that are no weights of a known kind"
    VECTOR = "vectors and scalars"


@dataclass(frozen=True, slots=True)
class Architecture:
    """What a `config.json` says of the tensors beside it; ``hidden`` is the width that most layers read."""

    model_type: str | None = None
    hidden: int | None = None

    @classmethod
    def of(cls, config: Mapping[str, Any]) -> Architecture:
        text = config.get("text_config")
        parts = [config, *([text] if isinstance(text, dict) else [])]
        widths = [part.get(name) for part in parts for name in ("hidden_size", "n_embd", "d_model")]
        hidden = next((width for width in widths if type(width) is int), None)
        own = config.get("model_type")
        return cls(own if isinstance(own, str) else None, hidden)

    @property
    def unfamiliar(self) -> str | None:
        """Why names are all that tells the kinds of tensors, in words; None of an architecture that the tables know."""
        if self.model_type is None:
            return "no config.json tells the model type"
        if self.model_type not in MODEL_TYPES:
            return f"the model type {self.model_type!r} is none that is known here"
        return None

    def role(self, name: str, shape: Sequence[int], dtype: str = "F32") -> Role:
        """The kind of one tensor, by its canonical name (:func:`framework.evidence.architectures.renamed.canonical`).

        A module's `.weight` of two dimensions or more is a weight unless a table says otherwise; a parameter of its own
        is one only where a table says so.
        """
        *path, last = name.split(".")
        if dtype not in _FLOATS:
            return self._stored_otherwise(last, shape, dtype)
        if len(shape) < 2:
            return Role.VECTOR
        if last.endswith(("bias", "_scale", "_scale_inv")) and last not in known_names.EMBEDDING_PARAMETERS:
            return Role.BUFFER if len(shape) == 4 and tuple(shape[:2]) == (1, 1) else Role.VECTOR
        if len(shape) > 2 and math.prod(shape) == max(shape):
            return Role.EMBEDDING if last in known_names.EMBEDDING_PARAMETERS else Role.VECTOR
        if last in ("weight_g", "weight_v", "original0", "original1"):
            return Role.NORMED
        if self._is_head(path):
            return Role.HEAD
        if last != "weight":
            return self._of_its_own(path, last, shape)
        module = _module(path)
        return Role.EMBEDDING if module in known_names.EMBEDDINGS or module in self._embeddings else Role.WEIGHT

    @property
    def _embeddings(self) -> frozenset[str]:
        return known_names.EMBEDDINGS_OF.get(self.model_type or "", frozenset())

    def _stored_otherwise(self, last: str, shape: Sequence[int], dtype: str) -> Role:
        """Of no float type of 16 bits or more: quantised weights, or masks and indices."""
        if last in known_names.PACKED or dtype.startswith("F8") or dtype in ("F4", "F6_E2M3", "F6_E3M2"):
            return Role.PACKED if len(shape) > 1 or last in known_names.PACKED else Role.VECTOR
        return Role.PACKED if last == "weight" and dtype != "BOOL" else Role.BUFFER

    def _is_head(self, path: list[str]) -> bool:
        top = path[0] if path else ""
        if top in known_names.TOP_HEADS or self.model_type in known_names.TOP_HEADS_OF.get(top, ()):
            return True
        return not known_names.HEADS.isdisjoint(path)

    def _of_its_own(self, path: list[str], last: str, shape: Sequence[int]) -> Role:
        plain = _NUMBERED.sub("", last)
        if last in known_names.EMBEDDING_PARAMETERS or (last.isdigit() and path and path[-1] == "weights"):
            return Role.EMBEDDING
        stacked = len(shape) == 3 and last in known_names.INTO_EXPERTS | known_names.OUT_OF_EXPERTS
        own = known_names.OTHER_WEIGHTS_OF.get(self.model_type or "", ())
        if stacked or plain in known_names.OTHER_WEIGHTS or last in known_names.OTHER_WEIGHTS or last in own:
            return Role.WEIGHT
        return Role.OTHER


UNKNOWN = Architecture()
"""Nothing is known but the tensors' own names."""


def _module(path: list[str]) -> str:
    """The module's own name, or that of the list that it is a member of, without a number."""
    named = next((part for part in reversed(path) if not part.isdigit()), "")
    plain = _NUMBERED.sub("", named)
    return plain if plain in known_names.EMBEDDINGS else named

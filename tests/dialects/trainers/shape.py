"""The shape of an example: a config that says what one manifest says, and what is wrong when it is changed."""

from __future__ import annotations

from dataclasses import dataclass, field

from tests.support.manifests import STATED
from tests.support.texts import replaced

MANIFEST = replaced(STATED, ("min_learning_rate: 0.1 * learning_rate", "min_learning_rate: 0"))
PHASE = "phases.train"
LORA = "variants.lora.steps[0].train.adapter.lora"


@dataclass(frozen=True)
class Change:
    """A piece of the text replaced: the clause that is then violated, and the words that the message must hold."""

    old: str
    new: str
    clause: str
    words: tuple[str, ...]
    code: str = "C101"


@dataclass(frozen=True)
class Example:
    """A file of one dialect. ``binds`` are clauses that must be bound, without a line of `keys:`."""

    dialect: str
    file: str
    text: str
    binds: tuple[str, ...]
    changes: tuple[Change, ...]
    describes: str | None = PHASE
    variant: str | None = None
    manifest: tuple[tuple[str, str], ...] = ()
    """Replacements in the manifest, where the dialect cannot say what it says."""
    unbound: tuple[str, ...] = ()
    """Keys that must be left unbound."""
    doubts: tuple[tuple[str, str, str], ...] = field(default=())
    """A piece of the text, what to put there, and the key that is then ambiguous."""


TRAINING = (
    f"{PHASE}.optimizer.learning_rate",
    f"{PHASE}.optimizer.name",
    f"{PHASE}.schedule.name",
    f"{PHASE}.schedule.warmup",
    f"{PHASE}.batch_size",
    f"{PHASE}.epochs",
)

"""Data of one fingerprint is one and the same, whatever run says how much of it there is."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from framework.stages.checkpoint.recorded.contradiction import Contradiction, alike
from framework.stages.run.observed import EvidenceContext, Observed

_OF_THE_DATA = ("classes", "train_examples", "train_tokens", "vocabulary", "train", "revision")
_OF_BOTH = ("validation_examples", "validation_tokens", "validation_fingerprint", "validation")


def contradictions(context: EvidenceContext, observed: Observed) -> Iterator[Contradiction]:
    """Held to the first run of the plan whose training data has the same fingerprint."""
    own = _facts(observed)
    if own is None:
        return
    for other in context.related.each():
        facts = _facts(other)
        if other is observed or facts is None or facts["fingerprint"] != own["fingerprint"]:
            continue
        names = _OF_THE_DATA if facts.get("source") != own.get("source") else (*_OF_THE_DATA, *_OF_BOTH)
        for name in names:
            if name in own and name in facts and not alike(facts[name], own[name]):
                assert other.run is not None
                message = f"data.{name} is {own[name]}, and {facts[name]} of the same data in {other.run.folder.name}"
                yield Contradiction(f"data.{name}", message, facts[name], own[name])
        return


def _facts(observed: Observed) -> dict[str, Any] | None:
    if observed.run is None or observed.logged:
        return None
    found = observed.run.record.data
    return found if isinstance(found.get("fingerprint"), str) else None

"""Terms that are stated in the paper's own words, and are nearly those that the runners and trainers have."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from framework.conformance import Finding, Rule, Severity, Stage, Verdict
from framework.manifest.hyperparameters import edits, folded
from framework.manifest.sections.methods import SCORES
from framework.manifest.sections.optimizers import OPTIMIZERS
from framework.manifest.sections.phases import OBJECTIVES
from framework.manifest.sections.schedules import SHAPES
from framework.stages.manifest.context import ManifestContext

NEAR = Rule(
    "M181", "near-term", Severity.WARNING, Stage.MANIFEST, "a term is one slip of the keyboard away from a known one"
)
_TERMS = {
    ("objective",): OBJECTIVES,
    ("optimizer", "name"): (*OPTIMIZERS, "lion", "lamb", "lars", "lbfgs"),
    ("schedule", "name"): SHAPES,
    ("precision",): ("fp32", "bf16", "fp16", "fp8", "tf32"),
    ("prune", "score"): SCORES,
}
"""The ends of the clauses that are such terms, and the terms that are known."""
_SHORTEST = 4


def check(context: ManifestContext) -> Iterator[Verdict | Finding]:
    for clause in context.experiment.clauses:
        known = next((terms for end, terms in _TERMS.items() if clause.path[-len(end) :] == end), None)
        if clause.added or known is None or clause.section not in ("phases", "variants"):
            continue
        if (meant := _meant(clause.value, known)) is not None:
            message = f"{clause.id} is {clause.value!r}, which nothing here knows; did you mean {meant!r}?"
            advice = f"write {meant}, or waive this if it is the paper's own term"
            yield context.judge.violated(
                clause, Finding(NEAR, message, clause.id, meant, clause.value, clause.location, advice=advice)
            )


def _meant(value: Any, known: tuple[str, ...]) -> str | None:
    """The known term that a text is one slip away from; None for a known, a short or another one."""
    own = folded(value) if isinstance(value, str) else ""
    if len(own) < _SHORTEST or own in {folded(term) for term in known}:
        return None
    return next((term for term in known if edits(own, folded(term)) == 1), None)

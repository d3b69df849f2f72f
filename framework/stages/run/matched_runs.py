"""Runs of compared variants that belong together: of one model, one seed, and one task where both have one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from framework.stages.run.observed import EvidenceContext, Observed


def finals_of(context: EvidenceContext, variants: Sequence[str]) -> list[list[Observed]]:
    """The last runs of each variant that are planned and held."""
    held = {(observed.step.key, variant) for observed in context.steps for variant in observed.step.variants}
    return [
        [context.related.of(step.key, name) for step in context.plan.final(name) if (step.key, name) in held]
        for name in variants
    ]


def paired(finals: Sequence[Sequence[Observed]]) -> Iterator[tuple[Observed, Observed]]:
    """The runs of the first variant, each with those of the others that it belongs to."""
    for others in finals[1:]:
        for one in finals[0]:
            yield from ((one, other) for other in others if _belong(one, other))


def _belong(one: Observed, other: Observed) -> bool:
    same = (one.step.model_name, one.step.seed) == (other.step.model_name, other.step.seed)
    return same and (one.step.task is None or other.step.task is None or one.step.task == other.step.task)


def course_of(context: EvidenceContext, observed: Observed) -> list[Observed]:
    """A run and all that it started from, the first of them first."""
    found = [observed]
    while (parent := context.related.parent(found[-1])) is not None:
        found.append(parent)
    return found[::-1]

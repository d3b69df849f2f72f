"""Which declared runs are one and the same."""

from __future__ import annotations

from framework.planning.build import Plan
from framework.planning.steps import Measure


def declared_runs(plan: Plan) -> int:
    """How many runs the manifest declares: each variant's last step for each model, task and seed."""
    return sum(len(keys) for keys in _finals(plan).values())


def coinciding(plan: Plan) -> list[tuple[str, ...]]:
    """The groups of variants whose last steps are one run for at least one model, task and seed; no group twice."""
    users: dict[str, list[str]] = {}
    for variant, keys in _finals(plan).items():
        for key in keys:
            users.setdefault(key, []).append(variant)
    return list(dict.fromkeys(tuple(names) for names in users.values() if len(names) > 1))


def distinct_runs(plan: Plan) -> int:
    """How many different runs the declared ones are."""
    return len({key for keys in _finals(plan).values() for key in keys})


def _finals(plan: Plan) -> dict[str, list[str]]:
    """By variant, the keys of its last steps: one for each model, task and seed."""
    own: dict[str, dict[tuple[str, int], list[tuple[int, str]]]] = {}
    for step in plan.steps:
        if isinstance(step.work, Measure):  # leaves no model
            continue
        for variant in step.variants:
            own.setdefault(variant, {}).setdefault((step.model_name, step.seed), []).append((step.depth, step.key))
    return {
        variant: [key for steps in places.values() for depth, key in steps if depth == max(steps)[0]]
        for variant, places in own.items()
    }

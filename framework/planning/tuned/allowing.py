"""Production without a search before it: allowed, and said so."""

from __future__ import annotations

from dataclasses import replace

from framework.planning.build import Plan


def unswept_allowed(plan: Plan, reason: str) -> Plan:
    """The plan with steps that no search stands in the way of; those that one did say so in their records."""
    steps = [
        replace(
            step,
            unswept=(),
            deviations=(
                *step.deviations,
                {"kind": "unswept", "reason": reason, "problems": [each.message for each in step.unswept]},
            ),
        )
        if step.unswept
        else step
        for step in plan.steps
    ]
    return Plan(tuple(steps))

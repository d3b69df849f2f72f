"""What a claim says: a comparison of arithmetic over results, each of them named as `metric(variant)`,
`metric(variant, task)`, and of what was measured at several batch sizes or lengths also which:
`latency(M_sdm, batch_size=8, sequence_length=128)`.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping
from typing import NamedTuple

from framework.errors import InputError
from framework.manifest.experiment import Experiment
from framework.manifest.formulas.derived import NotArithmetic, computed
from framework.manifest.sections.measurements import QUANTITIES
from framework.manifest.sections.statements import Claim
from framework.names import did_you_mean

CALL = re.compile(r"\b(\w+)\(\s*([^()\s,]+)\s*((?:,\s*[^()\s,]+\s*)*)\)")
SETTINGS = ("measurement", "adapter", "batch_size", "sequence_length")
"""By what the figures of one measurement are told apart."""
_COMPARISON = re.compile(r"<=|>=|<|>")


class Unsupported(Exception):
    """The claim cannot be decided yet; the message says why."""


class Undefined(Unsupported):
    """A side has no value for these results: it divides by zero, or is beyond all numbers."""


class Call(NamedTuple):
    """One result that a claim names; ``settings`` as they are written."""

    metric: str
    variant: str
    task: str | None
    settings: dict[str, str]

    @classmethod
    def of(cls, match: re.Match[str]) -> Call:
        """The call that :data:`CALL` found.

        Raises:
            ValueError: an argument that no result has; why, and what would be right.
        """
        metric, variant, rest = match.groups()
        task, settings = None, {}
        for argument in filter(None, (part.strip() for part in rest.split(","))):
            name, stated, value = argument.partition("=")
            if not stated:
                if task is not None:
                    raise ValueError(f"{match[0]!r} names two tasks, {task!r} and {argument!r}")
                task = argument
            elif metric not in QUANTITIES:
                raise ValueError(f"{metric!r} is not measured, and has no {name!r}: {', '.join(QUANTITIES)} are")
            elif name not in SETTINGS:
                raise ValueError(f"{match[0]!r}: no measurement has {name!r}; {did_you_mean(name, SETTINGS)}")
            else:
                settings[name] = value
        return cls(metric, variant, task, settings)


def sides_of(experiment: Experiment, claim: Claim, index: int) -> tuple[str, str, str]:
    """Left side, comparison and right side.

    Raises:
        InputError: the claim is not a comparison of arithmetic over results, or names an unknown variant or task.
    """
    where = experiment.location(("claims", index, "assert"))
    parts = _COMPARISON.split(claim.assert_)
    if len(parts) != 2:
        raise InputError.at(where, f"not one comparison (<=, >=, <, >): {claim.assert_!r}")
    tasks = {task for phase in experiment.stated.phases.values() for task in phase.tasks}
    results: dict[str, float] = {}
    for match in CALL.finditer(claim.assert_):
        results[match[0]] = 1.0
        try:
            call = Call.of(match)
        except ValueError as problem:
            raise InputError.at(where, str(problem)) from None
        for kind, name, known in (("variant", call.variant, experiment.stated.variants), ("task", call.task, tasks)):
            if name is not None and name not in known:
                raise InputError.at(where, f"unknown {kind} {name!r}", did_you_mean(name, known))
    if not results:
        raise InputError.at(where, f"{claim.assert_!r} names no result", "write `metric(variant)`")
    for side in parts:
        try:
            value_of(side, results)
        except Undefined:
            continue
        except (SyntaxError, Unsupported, ValueError, RecursionError, MemoryError):
            raise InputError.at(where, f"not arithmetic over measured results: {side.strip()!r}") from None
    comparison = _COMPARISON.search(claim.assert_)
    assert comparison is not None
    return parts[0], comparison[0], parts[1]


def value_of(side: str, results: Mapping[str, float]) -> float:
    """The value of one side, with each of its calls replaced by the result of that text.

    Raises:
        Undefined: it divides by zero, or is beyond all numbers.
        Unsupported: it is not arithmetic over results.
    """
    names: dict[str, float] = {}

    def named(match: re.Match[str]) -> str:
        names[f"_{len(names)}"] = results[match[0]]
        return f"_{len(names) - 1}"

    try:
        tree = ast.parse(CALL.sub(named, side).strip(), mode="eval").body
        return computed(tree, names.__getitem__)
    except (NotArithmetic, KeyError):
        raise Unsupported(f"not arithmetic over measured results: {side.strip()!r}") from None
    except ArithmeticError as problem:
        raise Undefined(f"{side.strip()!r} has no value: {problem}") from None

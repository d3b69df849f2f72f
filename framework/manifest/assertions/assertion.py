"""A claim's assertion, parsed once: comparisons that must all hold."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping, Sequence
from copy import deepcopy

from framework.errors import InputError
from framework.locations import Location
from framework.manifest.assertions.calls import CALL, Call
from framework.manifest.assertions.sides import AGGREGATES, Part, Side
from framework.manifest.experiment import Experiment
from framework.manifest.formulas.derived import FUNCTIONS, NotArithmetic, names_of, parsed
from framework.manifest.metrics import falls_in
from framework.manifest.sections.statements import Claim
from framework.names import did_you_mean

SYMBOLS: dict[type[ast.cmpop], str] = {ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">="}
_MIRRORED = {"<": ">", "<=": ">=", ">": "<", ">=": "<="}
_LONGEST = 2_000


def assertion_of(experiment: Experiment, claim: Claim, index: int) -> list[Part]:
    """The comparisons of a claim.

    Raises:
        InputError: it is no comparison of arithmetic over results, or names an unknown variant, task or seed.
    """
    where = experiment.location(("claims", index, "assert"))
    tree, names, calls = _named(experiment, claim.assert_, where)
    rising = _rising(experiment, names, calls)
    try:
        parts = [
            part for left, symbol, right in _comparisons(tree) for part in _parts(left, symbol, right, names, rising)
        ]
    except NotArithmetic as problem:
        raise InputError.at(where, f"{problem}: {claim.assert_!r}") from None
    for text, call in zip(names.values(), calls, strict=True):
        if call.task is not None and claim.over != "seeds":
            raise InputError.at(where, f"{text!r} names a task, and the claim is over tasks", "leave the task out")
    _known_places(experiment, claim, index)
    return parts


def side_of(experiment: Experiment, text: str, where: Location | None) -> Side:
    """One side of a comparison by itself: arithmetic over results.

    Raises:
        InputError: it is none, or names an unknown variant or task; at ``where``.
    """
    tree, names, calls = _named(experiment, text, where)
    try:
        return _side(tree, names, _rising(experiment, names, calls))
    except NotArithmetic as problem:
        raise InputError.at(where, f"{problem}: {text!r}") from None


def _rising(experiment: Experiment, names: Mapping[str, str], calls: Sequence[Call]) -> dict[str, bool]:
    return {name: not falls_in(experiment.stated, call.metric) for name, call in zip(names, calls, strict=True)}


def _named(experiment: Experiment, written: str, where: Location | None) -> tuple[ast.expr, dict[str, str], list[Call]]:
    """A text with a placeholder for each result, the texts of these, and what they name.

    Raises:
        InputError: it is no arithmetic over known results.
    """
    names: dict[str, str] = {}

    def named(match: re.Match[str]) -> str:
        if match[1] in FUNCTIONS or match[1] in AGGREGATES:
            return match[0]
        known = next((name for name, text in names.items() if text == match[0]), f"_{len(names)}")
        names[known] = match[0]
        return known

    try:
        if len(written) > _LONGEST:
            raise ValueError(f"more than {_LONGEST} characters")
        tree = parsed(CALL.sub(named, written))
    except ValueError:
        raise InputError.at(where, f"not arithmetic over measured results: {written!r}") from None
    calls = [_call(experiment, text, where) for text in names.values()]
    if not calls:
        raise InputError.at(where, f"{written!r} names no result", "write `metric(variant)`")
    return tree, names, calls


def _call(experiment: Experiment, text: str, where: Location | None) -> Call:
    match = CALL.fullmatch(text)
    assert match is not None
    try:
        call = Call.of(match)
    except ValueError as problem:
        raise InputError.at(where, str(problem)) from None
    for kind, name, known in (
        ("variant", call.variant, experiment.stated.variants),
        ("task", call.task, _tasks(experiment)),
    ):
        if name is not None and name not in known:
            raise InputError.at(where, f"unknown {kind} {name!r}", did_you_mean(name, known))
    return call


def _known_places(experiment: Experiment, claim: Claim, index: int) -> None:
    _one_correction(experiment, claim, index)
    if claim.tasks is not None and claim.over == "seeds":
        place = experiment.location(("claims", index, "tasks"))
        raise InputError.at(place, "tasks of a claim over seeds", "say `over: tasks` or `over: both`")
    declared: dict[str, tuple[Sequence[object] | None, Sequence[object]]] = {
        "seeds": (claim.seeds, experiment.stated.seeds),
        "tasks": (claim.tasks, sorted(_tasks(experiment))),
    }
    for name, (stated, known) in declared.items():
        for each in stated or ():
            if each not in known:
                place = experiment.location(("claims", index, name))
                raise InputError.at(
                    place, f"{each!r} is none of the declared {name}", f"these are {', '.join(map(str, known))}"
                )


def _one_correction(experiment: Experiment, claim: Claim, index: int) -> None:
    """Raises InputError for a correction of no family, or another one than the family's."""
    if claim.family is None:
        if claim.correction != "none":
            place = experiment.location(("claims", index, "correction"))
            raise InputError.at(place, "a correction of a claim without a family", "name its `family`")
        return
    first = next(each for each in experiment.stated.claims if each.family == claim.family)
    if first.correction != claim.correction:
        place = experiment.location(("claims", index, "family"))
        known = f"{first.id} says {first.correction}, {claim.id} says {claim.correction}"
        raise InputError.at(place, f"two corrections of one family {claim.family!r}: {known}")


def _tasks(experiment: Experiment) -> set[str]:
    return {task for phase in experiment.stated.phases.values() for task in phase.tasks}


def _comparisons(node: ast.expr) -> Iterator[tuple[ast.expr, str, ast.expr]]:
    if isinstance(node, ast.BoolOp) and isinstance(node.op, ast.And):
        for value in node.values:
            yield from _comparisons(value)
    elif isinstance(node, ast.Compare) and all(type(operator) in SYMBOLS for operator in node.ops):
        sides = [node.left, *node.comparators]
        for left, operator, right in zip(sides, node.ops, sides[1:], strict=False):
            yield left, SYMBOLS[type(operator)], right
    else:
        raise NotArithmetic("not one comparison (<=, >=, <, >), or several joined by `and`")


def _parts(
    left: ast.expr, symbol: str, right: ast.expr, names: dict[str, str], rising: dict[str, bool]
) -> Iterator[Part]:
    if _distance(right) is not None and _distance(left) is None:
        left, symbol, right = right, _MIRRORED[symbol], left
    inner = _distance(left)
    if inner is not None and symbol in ("<", "<=") and not _names_in(right, names):
        # Within a margin: two one-sided tests, since a mean of distances is no distance of means (Schuirmann 1987).
        below = ast.UnaryOp(ast.USub(), right)
        yield Part(_side(inner, names, rising), symbol, _side(right, names, rising))
        yield Part(_side(inner, names, rising), _MIRRORED[symbol], _side(below, names, rising))
        return
    part = Part(_side(left, names, rising), symbol, _side(right, names, rising))
    if not part.calls:
        raise NotArithmetic("a comparison that names no result")
    if part.aggregates and (part.left.varies or part.right.varies):
        listed = ", ".join(f"`{name}`" for name in sorted(part.aggregates))
        raise NotArithmetic(f"{listed} beside results that vary: write `mean(...)` of these, too")
    yield part


def _distance(node: ast.expr) -> ast.expr | None:
    """What an absolute value is of."""
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "abs" and len(node.args) == 1:
        return node.args[0]
    return None


def _names_in(node: ast.expr, names: dict[str, str]) -> list[str]:
    return [each.id for each in ast.walk(node) if isinstance(each, ast.Name) and each.id in names]


def _side(node: ast.expr, names: dict[str, str], rising: dict[str, bool]) -> Side:
    """A side with each aggregate replaced by a name.

    Raises:
        NotArithmetic: it is no arithmetic over results.
    """
    aggregates: dict[str, tuple[str, ast.expr, bool]] = {}
    text = _spelled(node, names)

    class Replaced(ast.NodeTransformer):
        def visit_Call(self, call: ast.Call) -> ast.expr:
            if not isinstance(call.func, ast.Name) or call.func.id not in AGGREGATES:
                self.generic_visit(call)
                return call
            if len(call.args) != 1 or call.keywords:
                raise NotArithmetic(f"`{call.func.id}` is of one value")
            inside = _names_in(call.args[0], names)
            ways = {rising[name] for name in inside}
            if not inside or any(
                isinstance(each, ast.Call) and getattr(each.func, "id", "") in AGGREGATES
                for each in ast.walk(call.args[0])
            ):
                raise NotArithmetic(f"`{call.func.id}` is of results")
            if call.func.id in ("best", "worst") and len(ways) > 1:
                raise NotArithmetic(f"`{call.func.id}` of metrics that rise and fall")
            name = f"_of{len(aggregates)}"
            aggregates[name] = (call.func.id, call.args[0], ways.pop())
            _checked(call.args[0], names)
            return ast.Name(name)

    tree = Replaced().visit(deepcopy(node))
    _checked(tree, {**names, **dict.fromkeys(aggregates, "")})
    return Side(text, tree, names, aggregates)


def _checked(tree: ast.expr, names: Mapping[str, str]) -> None:
    """Raises NotArithmetic for a tree that is none."""

    try:
        strange = next((name for name in names_of(tree) if name not in names), None)
    except NotArithmetic as problem:
        raise NotArithmetic(str(problem).replace("over names", "over measured results")) from None
    if strange is not None:
        raise NotArithmetic(f"not arithmetic over measured results: {strange!r}")


def _spelled(node: ast.expr, names: Mapping[str, str]) -> str:
    text = ast.unparse(ast.fix_missing_locations(deepcopy(node)))
    return re.sub(r"\b_\d+\b", lambda match: names.get(match[0], match[0]), text)

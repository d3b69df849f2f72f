"""Keys that are nearly the ones that are looked for."""

from __future__ import annotations

from collections.abc import Set

from framework.conformance.check import BoundFile, ConfigContext
from framework.conformance.hyperparameters import BY_NAME, edits, folded
from framework.conformance.meaning import said
from framework.conformance.model import Finding, Rule, Severity, Stage, Verdict
from framework.conformance.targets import Target
from framework.names import Path, find_path, format_path
from framework.reading.nodes import AnyNode

MISSPELLED = Rule(
    "C104", "misspelled-key", Severity.ERROR, Stage.CONFIG, "a bound key is absent, and the file has a nearly equal one"
)

Near = tuple[Path, AnyNode]


def nearest(context: ConfigContext, bound: BoundFile, key: str) -> Near | None:
    """The unbound key of the file that ``key``, which it lacks, is nearly equal to."""
    wanted = key.replace("[", ".").replace("]", "").split(".")
    best: tuple[int, Near] | None = None
    taken = covered(context, bound)
    for path, node in bound.document.leaves():
        if not path or not isinstance(path[-1], str) or within(path, taken):
            continue
        distance = _distance(wanted, [str(part) for part in path])
        if distance is not None and (best is None or distance < best[0]):
            best = (distance, (path, node))
    return best[1] if best else None


def within(path: Path, prefixes: Set[Path]) -> bool:
    """Whether a path is one of the prefixes, or lies below one."""
    return any(path[:length] in prefixes for length in range(1, len(path) + 1))


def covered(context: ConfigContext, bound: BoundFile) -> frozenset[Path]:
    """The keys of a file that some binding covers by name."""
    key = ("covered", bound.document.file)
    if key not in context.cache:
        files = _together(context)[bound.document.file]
        named = [_named(context, other) for other in files]
        context.cache[key] = named[0] if len(named) == 1 else frozenset().union(*named)
    known: frozenset[Path] = context.cache[key]
    return known


def _named(context: ConfigContext, bound: BoundFile) -> frozenset[Path]:
    """The keys of a file that its binding covers by name. Without a dialect, these follow from the keys that there
    are: one set serves all files of one shape."""
    key = ("named", bound.index, id(bound.document.shape()))
    if bound.dialect is None and key in context.cache:
        found: frozenset[Path] = context.cache[key]
        return found
    names = (*bound.binding.keys, *bound.targets, *bound.binding.knobs, *bound.binding.ignore)
    found = frozenset(path for name in names if (path := find_path(bound.data, name)))
    if bound.dialect is not None:
        return found | bound.dialect.covered(bound.data)
    context.cache[key] = found
    return found


def _together(context: ConfigContext) -> dict[str, list[BoundFile]]:
    """The files of the project by name: one may stand under several bindings."""
    found: dict[str, list[BoundFile]] = context.cache.get("together", {})
    if not found:
        for bound in context.files:
            found.setdefault(bound.document.file, []).append(bound)
        context.cache["together"] = found
    return found


def uncovered(context: ConfigContext, bound: BoundFile) -> list[int]:
    """Which leaves of the file no binding covers by name, by their place among all leaves."""
    shape, known = bound.document.shape(), covered(context, bound)
    key = ("uncovered", id(shape), id(known))
    if key not in context.cache:
        context.cache[key] = [place for place, path in enumerate(shape) if path and not within(path, known)]
    found: list[int] = context.cache[key]
    return found


def _distance(first: list[str], second: list[str]) -> int | None:
    """How far apart two keys are that differ in one of their parts; None where they are simply two keys."""
    apart = [(a, b) for a, b in zip(first, second, strict=False) if a != b]
    if len(first) != len(second) or len(apart) != 1:
        return None
    one, other = folded(apart[0][0]), folded(apart[0][1])
    if one == other:
        return 0
    knob = BY_NAME.get(other)
    if knob is not None:
        return 1 if BY_NAME.get(one) == knob else None
    if min(len(one), len(other)) < 5 or _letters(one) == _letters(other):
        return None
    found = edits(one, other)
    return found if found <= max(1, len(one) // 6) else None


def _letters(name: str) -> str:
    """The name without its digits: `layer_1` and `layer_2` are two keys."""
    return "".join(character for character in name if not character.isdigit())


def near_verdict(context: ConfigContext, bound: BoundFile, key: str, target: Target, near: Near) -> Verdict:
    """The clause that ``key`` should state is violated by a key that nobody reads."""
    path, node = near
    where = bound.document.location(node, path)
    context.cache["misspelled", where] = True
    stated, clause = bound.document.value(node), target.clause
    name = format_path(path)
    message = (
        f"{name!r} is no key that is read: {key!r}, which states {clause.id}, is absent, "
        f"so its reader's default stands in the place of {said(clause.value)}"
    )
    finding = Finding(
        MISSPELLED,
        message,
        clause.id,
        expected=key,
        actual=name,
        location=where,
        declared=clause.location,
        advice=f"rename `{name}` to `{key}` (its value is {said(stated)}); "
        f"or, if `{name}` is right, bind that key under `keys:`",
    )
    return context.judge.violated(clause, finding, str(where))

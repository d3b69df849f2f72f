"""Keys that are nearly the ones that are looked for."""

from __future__ import annotations

from collections.abc import Iterator, Set

from framework.conformance import Finding, Rule, Severity, Stage, Verdict
from framework.conformance.meaning import said
from framework.manifest.hyperparameters import BY_NAME, edits, folded
from framework.names import Path, format_path
from framework.reading.nodes import AnyNode
from framework.stages.config.bound import BoundFile
from framework.stages.config.context import ConfigContext
from framework.stages.config.key_products import factors, keys_in
from framework.stages.config.meaning.clause_targets import Target

MISSPELLED = Rule(
    "C104", "misspelled-key", Severity.ERROR, Stage.CONFIG, "a bound key is absent, and the file has a nearly equal one"
)

Near = tuple[Path, AnyNode]


def nearest(bound: BoundFile, key: str) -> Near | None:
    """The unbound key of the file that ``key``, which it lacks, is nearly equal to."""
    if factors(key):
        return None
    wanted = key.replace("[", ".").replace("]", "").split(".")
    best: tuple[int, Near] | None = None
    taken = covered(bound)
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


def covered(bound: BoundFile) -> frozenset[Path]:
    """The keys of a file that some binding covers by name."""
    every = (bound, *bound.others)
    return bound.by_keys("covered", lambda: frozenset(path for each in every for path in _named(each)))


def _named(bound: BoundFile) -> Iterator[Path]:
    """The keys of a file that its binding covers by name."""
    stated = (part for key in (*bound.binding.keys, *bound.targets) for part in keys_in(key))
    names = (*stated, *bound.binding.knobs, *bound.binding.ignore)
    yield from (path for name in names if (path := bound.document.called(name, bound.data)))
    if bound.dialect is not None:
        yield from bound.dialect.covered(bound.data)


def uncovered(bound: BoundFile) -> list[int]:
    """Which leaves of the file no binding covers by name, by their place among all leaves."""

    def found() -> list[int]:
        known = covered(bound)
        return [place for place, path in enumerate(bound.document.shape()) if path and not within(path, known)]

    return bound.by_keys("uncovered", found)


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

"""W&B sweeps: `parameters.<name>` with `value`, `values`, or `min` and `max`.

A searched parameter states a set, not a value (:mod:`framework.dialects.families.wandb_distributions`). Where the
manifest's value is not in the set, no run of the sweep does what the paper says, and that is drift; where it is,
which of the values a run took is not known here: `unverified`, unless the set has no other. A bound that PyYAML takes
for a string (`1e-5`) is refused by W&B; a value reaches the program as the same text.

A mapping among the values states each of its keys (wandb 0.31.0). Seeds that a whole grid tries are the seeds;
`random` and `bayes` draw them with replacement, and a `run_cap` below the grid leaves some out. `early_terminate` may
end a run before its epochs (sweeps 0.3.0, `grid_search.py`, `random_search.py`, `hyperband_stopping.py`).
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from framework.dialects import synonyms, values
from framework.dialects.families.wandb_distributions import range_of, tried
from framework.dialects.key_tables import state
from framework.dialects.terms import DEVICES, Dialect, Key, Recognition, Said, Searched, Statement, Unknown, words
from framework.dialects.trainers.general.generic import batches
from framework.dialects.well_known import named
from framework.dialects.well_known.keys import meaning
from framework.names import Path

SILENT = words("program method metric name project entity description command early_terminate run_cap controller")
_SHAPE = ("distribution", "probabilities", "q", "mu", "sigma", "a", "b")
"""Keys of a parameter that say how its values are drawn."""
_CONSTRAINTS = frozenset({"value", "values", "min", "max", *_SHAPE})
_LENGTHS = frozenset({"epochs", "max_steps"})
_MANY = 1_000_000
Stated = tuple[Statement, *tuple[Path, ...]]


def _recognise(data: Any) -> Recognition | None:
    if not isinstance(data, dict) or not isinstance(data.get("parameters"), dict) or "method" not in data:
        return None
    if not any(True for _ in _parameters(data["parameters"], ("parameters",))):
        return None
    return Recognition(0.97, f"parameters with values to try, method: {data['method']}")


def _parameters(parameters: dict[str, Any], base: Path) -> Iterator[tuple[Path, str, str | None, dict[str, Any]]]:
    """Every parameter: its place, its name, the section it stands in, and its constraint."""
    for name, spec in parameters.items():
        if not isinstance(spec, dict):
            continue
        if isinstance(spec.get("parameters"), dict):
            yield from _parameters(spec["parameters"], (*base, name, "parameters"))
        elif _CONSTRAINTS & spec.keys():
            above = next((part for part in reversed(base) if part != "parameters" and isinstance(part, str)), None)
            yield (*base, name), name, above, spec


def _read(data: Any) -> Said:
    said = Said()
    if not isinstance(data, dict) or not isinstance(data.get("parameters"), dict):
        return said
    said.silent |= {(name,) for name in SILENT if name in data}
    parameters = list(_parameters(data["parameters"], ("parameters",)))
    bare = named.beside({part for _, name, _, _ in parameters for part in name.split(".")})
    method = str(data.get("method"))
    for place, name, above, spec in parameters:
        said.silent |= {(*place, key) for key in _SHAPE if key in spec}
        for found, *others in _stated(place, name, above, spec, bare, method):
            said.statements.append(found)
            said.silent.update(others)
            said.silent |= {(*place, "max")} if found.path[-1] == "min" else set()
    lasting = _lasting(_seeds(said.statements, data, parameters), data)
    said.statements = batches([_whole(each) for each in lasting])
    return said


def _stated(
    place: Path, name: str, above: str | None, spec: dict[str, Any], bare: dict[str, str], method: str
) -> Iterator[Stated]:
    """What one parameter states, by its values or by those of the mappings among them; and its further places."""
    *sections, name = name.split(".")
    above = sections[-1] if sections else above
    if "value" in spec:
        given = [((*place, "value"), spec["value"])]
    elif isinstance(spec.get("values"), list):
        given = [((*place, "values", index), spec["values"][index]) for index in tried(spec)]
    else:
        found = _range(place, name, above, spec, bare, method)
        yield from [(found,)] if found else ()
        return
    if any(isinstance(word, dict) for _, word in given):
        yield from _mapped(given, name, bare)
        return
    key = _key(name, above, bare)
    if key is None:
        return
    if "value" in spec:
        found = state(given[0][0], key, spec["value"], {})
        yield from [(found,)] if found else ()
    elif given:
        yield (_tried((*place, "values"), key, [word for _, word in given], spec["values"]),)


def _key(name: str, above: str | None, bare: dict[str, str]) -> Key | None:
    return Key("batch_size") if synonyms.normal(name) in synonyms.DOUBTFUL else meaning(name, above, bare)


def _mapped(given: list[tuple[Path, Any]], name: str, bare: dict[str, str]) -> Iterator[Stated]:
    """What mappings state key by key: one of them, or what is tried over all of them."""
    found: dict[Path, list[tuple[Path, Any]]] = {}
    for place, mapping in given:
        for inner, word in _entries(mapping):
            found.setdefault(inner, []).append((place, word))
    for inner, stated in found.items():
        above = next((part for part in reversed(inner[:-1]) if isinstance(part, str)), name)
        key = _key(str(inner[-1]), above, bare)
        if key is None:
            continue
        path, word = (*stated[0][0], *inner), stated[0][1]
        if len(given) == 1:
            one = state(path, key, word, {})
            yield from [(one,)] if one else ()
            continue
        lacking: list[Any] = [Unknown(f"not all values of {name} state it")] if len(stated) < len(given) else []
        several = _tried(path, key, [each for _, each in stated], word)
        if isinstance(several.value, Searched):
            several = replace(several, value=Searched((*several.value.values, *lacking)))
        yield (several, *((*place, *inner) for place, _ in stated[1:]))


def _entries(mapping: Any, base: Path = ()) -> Iterator[tuple[Path, Any]]:
    for key, word in mapping.items() if isinstance(mapping, dict) else ():
        if isinstance(word, dict):
            yield from _entries(word, (*base, key))
        else:
            yield (*base, key), word


def _tried(path: Path, key: Key, tried: list[Any], word: Any) -> Statement:
    """What a key states that is tried with several values."""
    stated = [state(path, key, each, {}) for each in tried]
    facts = {each.fact for each in stated if each is not None}
    if len(facts) > 1:
        return Statement(path, key.fact, Unknown(f"its values are {' or '.join(sorted(facts))}"), word)
    left = Unknown("one of its values leaves it to the program")
    meant = [left if each is None else values.number(each.value, {}) for each in stated]
    return Statement(path, facts.pop() if facts else key.fact, Searched(tuple(meant)), word)


def _range(
    place: Path, name: str, above: str | None, spec: dict[str, Any], bare: dict[str, str], method: str
) -> Statement | None:
    key = _key(name, above, bare)
    if key is None:
        return None
    for bound in ("min", "max"):
        word = spec.get(bound)
        if isinstance(word, str) and isinstance(values.number(word, {}), (int, float)):
            return Statement((*place, bound), key.fact, word, word)
    space = range_of(spec, method)
    where = next((name for name in ("min", *_SHAPE) if name in spec), None)
    return None if space is None or where is None else Statement((*place, where), key.fact, space, spec[where])


def _seeds(
    statements: list[Statement], data: dict[str, Any], parameters: list[tuple[Path, str, str | None, dict[str, Any]]]
) -> Iterator[Statement]:
    """Seeds that are tried, as the seeds: all of them where the search is a grid that nothing cuts short."""
    cap = data.get("run_cap")
    points = math.prod(_points(spec) for _, _, _, spec in parameters)
    whole = data.get("method") == "grid" and not (isinstance(cap, int) and cap < points)
    for each in statements:
        if each.fact == "seed" and isinstance(each.value, Searched):
            tried = list(each.value.values)
            every = whole and tried and not any(isinstance(value, Unknown) for value in tried)
            each = replace(each, fact="seeds", value=tried if every else each.value)
        yield each


def _points(spec: dict[str, Any]) -> int:
    """How many values a grid has of one parameter."""
    if "value" in spec:
        return 1
    if isinstance(spec.get("values"), list):
        return len({repr(value) for value in spec["values"]})
    space = range_of(spec, "grid")
    return len(space.values) if space is not None and space.values else _MANY


def _lasting(statements: Iterator[Statement], data: dict[str, Any]) -> Iterator[Statement]:
    """Lengths, which a run may not reach where the search ends runs early."""
    early = data.get("early_terminate")
    for each in statements:
        if early and each.fact in _LENGTHS and not isinstance(each.value, Unknown):
            space = each.value if isinstance(each.value, Searched) else Searched((each.value,))
            each = replace(each, value=replace(space, but="`early_terminate` may end a run before that"))
        yield each


def _whole(statement: Statement) -> Statement:
    """Of a bare batch, that it may be one device's or the whole."""
    name = statement.path[-2 if statement.path[-1] in _CONSTRAINTS else -1]
    bare = synonyms.normal(str(name).rpartition(".")[2]) in synonyms.DOUBTFUL
    doubt = ("batch_size", "batch_size.micro")
    return replace(statement, doubt=doubt, why=DEVICES) if bare and statement.fact == "batch_size" else statement


DIALECT = Dialect("wandb-sweep", "W&B", _recognise, _read, "pyyaml", beside=True)

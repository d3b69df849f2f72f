"""W&B sweeps: `parameters.<name>` with `value`, `values`, or `min` and `max`.

A searched parameter states a set, not a value. Where the manifest's value is not in the set, no run of the sweep does
what the paper says, and that is drift; where it is, which of the values a run took is not known here: `unverified`.
The bounds of `log_uniform` are exponents of e, those of `log_uniform_values` the values themselves. A bound that PyYAML
takes for a string (`1e-5`) is refused by W&B; among `values` it reaches the program as the same text. Seeds that are
tried are the seeds.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

from framework.dialects import synonyms, values
from framework.dialects.key_tables import state
from framework.dialects.terms import Dialect, Recognition, Said, Searched, Statement, words
from framework.dialects.well_known import named
from framework.dialects.well_known.keys import meaning
from framework.names import Path

SILENT = words("program method metric name project entity description command early_terminate run_cap controller")
_EXPONENTS = frozenset({"log_uniform", "q_log_uniform"})
_STEEPEST = 700
"""The exponent of e above which no float is left."""
_CONSTRAINTS = frozenset({"value", "values", "min", "max", "distribution", "probabilities", "mu", "sigma", "q"})


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
    for place, name, above, spec in parameters:
        said.silent |= {(*place, key) for key in ("distribution", "probabilities", "q") if key in spec}
        found = _statement(place, name, above, spec, bare)
        if found is not None:
            said.statements.append(found)
            said.silent |= {(*place, "max")} if found.path[-1] == "min" else set()
    return said


def _statement(
    place: Path, name: str, above: str | None, spec: dict[str, Any], bare: dict[str, str]
) -> Statement | None:
    *sections, name = name.split(".")
    above = sections[-1] if sections else above
    key = meaning(name, above, bare)
    fact, doubt, why = (key.fact if key else ""), (), ""
    if synonyms.normal(name) in synonyms.DOUBTFUL:
        fact, doubt, why = "batch_size", ("batch_size", "batch_size.micro"), "it is one device's or the whole"  # type: ignore[assignment]
    if not fact:
        return None
    translate = key.translate if key else None

    def meant(word: Any) -> Any:
        return translate(word, {}) if translate else word

    if "value" in spec:
        if key is not None:
            return state((*place, "value"), key, spec["value"], {})
        return Statement((*place, "value"), fact, spec["value"], spec["value"], doubt, why)
    if isinstance(spec.get("values"), list):
        if fact == "seed":
            return Statement((*place, "values"), "seeds", spec["values"], spec["values"])
        tried = Searched(tuple(values.number(meant(word), {}) for word in spec["values"]))
        return Statement((*place, "values"), fact, tried, spec["values"], doubt, why)
    low, high = spec.get("min"), spec.get("max")
    for bound, word in (("min", low), ("max", high)):
        if isinstance(word, str) and isinstance(values.number(word, {}), (int, float)):
            return Statement((*place, bound), fact, word, word, doubt, why)
    if isinstance(low, (int, float)) and isinstance(high, (int, float)):
        if str(spec.get("distribution", "")) in _EXPONENTS:
            if max(low, high) > _STEEPEST:
                return None
            tried = Searched(low=math.exp(low), high=math.exp(high))
        else:
            tried = Searched(low=low, high=high)
        return Statement((*place, "min"), fact, tried, low, doubt, why)
    return None


DIALECT = Dialect("wandb-sweep", "W&B", _recognise, _read, "pyyaml", beside=True)

"""The manifest's leaves: each clause has a stable id, a value, and the place where it is stated."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any, NamedTuple

from pydantic import BaseModel

from framework.locations import Location
from framework.manifest.formulas.language import value_in
from framework.manifest.profiles import place_of
from framework.manifest.sections.models import Model
from framework.manifest.sections.phases import Phase
from framework.manifest.sections.root import CLAUSE_SECTIONS, Manifest
from framework.manifest.sections.values.durations import Duration
from framework.manifest.sections.values.quantities import NONE, About
from framework.manifest.settled_phases import as_data, settled
from framework.names import Path, format_path, parse_path
from framework.reading.nodes import Document


class Deviation(NamedTuple):
    """What a profile makes of a clause. ``value`` is None where the profile removes it."""

    profile: str
    reason: str
    value: Any
    location: Location


class Clause(NamedTuple):
    """One leaf of the manifest.

    ``value`` is what the paper states; ``added`` tells a leaf that only a profile states.
    """

    id: str
    path: Path
    value: Any
    location: Location
    deviation: Deviation | None = None
    added: bool = False

    @property
    def effective(self) -> Any:
        """What the runs under the chosen profile are held to."""
        return self.deviation.value if self.deviation else self.value

    @property
    def section(self) -> str:
        return str(self.path[0])


def value_at(value: Any, path: Path) -> Any:
    """What a validated section holds at a path of the raw manifest.

    Raises:
        LookupError: it holds nothing there.
    """
    for part in path:
        if isinstance(value, BaseModel):
            value = _below(value, str(part))
        else:
            try:
                value = value[part]
            except TypeError:
                raise LookupError(f"nothing stands below {value!r}") from None
    return value


def _below(section: BaseModel, key: str) -> Any:
    """What stands under a key, also under one that is a path (`settings.penalty` of a task)."""
    try:
        return getattr(section, field_of(type(section), key))
    except KeyError:
        if "." not in key:
            raise
    return value_at(section, parse_path(key))


def field_of(model: type[BaseModel], key: str) -> str:
    """The field that a key of the manifest fills.

    Raises:
        KeyError: the section has no such field.
    """
    for name, field in model.model_fields.items():
        if key in (field.alias, name):
            return name
    raise KeyError(key)


def meaning_at(manifest: Manifest, path: Path) -> Any:
    """As :func:`value_at`, with a derived value (`0.1 * learning_rate`) evaluated, a variant's own setting as the phase
    takes it, and a rounded number of the paper's own kind (`settings: {width: about 1000}`) as one."""
    value = value_at(manifest, path)
    if (fact := fact_of(manifest, path)) is not None:
        try:
            phase = settled(manifest.phases[str(path[4])], value_at(manifest, path[:6]))
            return value_in(manifest, phase, own(value_at(phase, fact), fact))
        except (LookupError, ValueError):
            return own(value, path)
    if not isinstance(value, str):
        return value  # most are: nothing that could follow from others, or mean more than it says
    return value_in(manifest, phase_at(manifest, path), own(value, path), model_at(manifest, path))


def own(value: Any, path: Path) -> Any:
    """A fact of the paper's own kind: texts for rounded numbers and for what is absent mean just that."""
    if "settings" in path and isinstance(value, str):
        return About.of(value) or (None if value == NONE else value)
    return value


def phase_at(manifest: Manifest, path: Path) -> Phase | None:
    """The phase, as one of its tasks runs it where the path is below that, from which a path's value is seen."""
    if path[0] != "phases" or len(path) < 2:
        return None
    phase = manifest.phases[str(path[1])]
    return phase.for_task(str(path[3])) if path[2:3] == ("tasks",) and len(path) > 3 else phase


def model_at(manifest: Manifest, path: Path) -> Model | None:
    """The model from which a path's value is seen."""
    return manifest.models.get(str(path[1])) if path[0] == "models" and len(path) > 1 else None


def fact_of(manifest: Manifest, path: Path) -> Path | None:
    """The path within the phase that a variant's own setting is about; None for any other path, and for a setting of
    what the phase does not have."""
    if path[0] != "variants" or path[5:6] != ("set",) or len(path) < 7:
        return None
    phase = manifest.phases[str(path[4])]
    try:
        return (*place_of(as_data(phase), str(path[6])), *path[7:])
    except ValueError:
        return None


def setting_in(path: Path) -> tuple[Path, tuple[str, ...]] | None:
    """The section whose `settings` hold a clause, and the names below them, however the path is written: a task,
    and a `set`, may have the key `settings.penalty`. None for any other clause."""
    for place, part in enumerate(path):
        if isinstance(part, str) and (part == SETTINGS or part.startswith(f"{SETTINGS}.")):
            names = (*parse_path(part)[1:], *path[place + 1 :])
            return (path[:place], tuple(map(str, names))) if names else None
    return None


SETTINGS = "settings"


def leaves_of(data: Any, path: Path = ()) -> Iterator[Path]:
    """The paths of a raw manifest's leaves. A list of plain values (`betas: [0.9, 0.98]`) is one leaf; a list of
    steps is not, since each step is a statement of its own."""
    if isinstance(data, dict) and data:
        for key, value in data.items():
            yield from leaves_of(value, (*path, key))
    elif isinstance(data, list) and (path[-1:] == ("steps",) or _states(data)):
        for index, item in enumerate(data):
            yield from leaves_of(item, (*path, index))
    else:
        yield path


def _states(data: list[Any]) -> bool:
    """Whether the items of a list are statements of their own: mappings are, `[[1, 3], [1, 5]]` is one value."""
    return any(isinstance(item, dict) or (isinstance(item, list) and _states(item)) for item in data)


def clauses_of(document: Document, data: dict[str, Any], manifest: Manifest) -> Iterator[Clause]:
    """Every clause that the manifest states, in file order."""
    for section in data:
        if section not in CLAUSE_SECTIONS:
            continue
        for path in leaves_of(data[section], (section,)):
            found = document.walk(path)
            assert found is not None
            yield Clause(format_path(path), path, meaning_at(manifest, path), document.location(found[1], path))


def written(value: Any) -> str:
    """A clause's value as every reader takes it for what it is: YAML 1.1 wants a point in `2.0e-05`."""
    text = shown(value)
    return text.replace("e", ".0e", 1) if isinstance(value, float) and "e" in text and "." not in text else text


def shown(value: Any) -> str:
    """A clause's value as people write it in tables."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if isinstance(value, float):
        return next(
            text
            for text in (f"{value:g}", f"{value:.12g}", repr(value))
            if math.isclose(float(text), value, rel_tol=1e-12)
        )
    if value is None:
        return "none"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(shown(item) for item in value) + "]"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {shown(item)}" for key, item in value.items()) + "}"
    if isinstance(value, Duration):
        return str(value)
    if isinstance(value, BaseModel):
        return shown(value.model_dump(exclude_unset=True, by_alias=True))
    return str(value)

"""Which section class stands where: found from the models' own annotations, never listed a second time."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, get_args, get_origin

from pydantic import BaseModel

from framework.manifest.clauses import field_of
from framework.names import Path


def section_at(model: type[BaseModel], path: Path) -> type[BaseModel] | None:
    """The section class at a path below ``model``, the first of several; None where no section stands."""
    return next(iter(sections_at(model, path)), None)


def sections_at(model: type[BaseModel], path: Path) -> list[type[BaseModel]]:
    """The section classes that may stand at a path below ``model``: a variant's step is one of several."""
    candidates: list[Any] = [model]
    for part in path:
        following: list[Any] = []
        for candidate in candidates:
            if isinstance(candidate, type) and issubclass(candidate, BaseModel):
                try:
                    name = field_of(candidate, str(part))
                except KeyError:
                    continue
                following += _alternatives(candidate.model_fields[name].annotation)
            elif (get_origin(candidate) is dict and isinstance(part, str)) or (
                get_origin(candidate) is list and isinstance(part, int)
            ):
                following += _alternatives(get_args(candidate)[-1])
        candidates = following
    return [candidate for candidate in candidates if isinstance(candidate, type) and issubclass(candidate, BaseModel)]


def sections_of(model: type[BaseModel]) -> Iterator[type[BaseModel]]:
    """``model`` and every section class that it reaches, each once."""
    seen: list[type[BaseModel]] = []
    todo: list[Any] = [model]
    while todo:
        candidate = todo.pop(0)
        if isinstance(candidate, type) and issubclass(candidate, BaseModel):
            if candidate in seen:
                continue
            seen.append(candidate)
            yield candidate
            for field in candidate.model_fields.values():
                todo += _alternatives(field.annotation)
        else:
            for argument in get_args(candidate):
                todo += _alternatives(argument)


def _alternatives(annotation: Any) -> list[Any]:
    """The members of a union, annotations taken off; anything else as itself."""
    if get_origin(annotation) is Annotated:
        return _alternatives(get_args(annotation)[0])
    arguments = get_args(annotation)
    if arguments and get_origin(annotation) not in (dict, list, tuple):
        return [member for argument in arguments for member in _alternatives(argument)]
    return [annotation]

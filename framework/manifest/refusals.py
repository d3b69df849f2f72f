"""What no manifest may hold, and what its sections refuse: each with its place and what would be right."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from pydantic import BaseModel

from framework.errors import InputError, Problem
from framework.locations import Location
from framework.manifest.profiles import Overlay
from framework.manifest.sections.root import Manifest
from framework.manifest.stated_places import origin_of
from framework.names import Path, did_you_mean, format_path
from framework.reading.nodes import AnyNode, Document, MappingNode, Opaque, ScalarNode, SequenceNode


def refused_content(document: Document) -> list[Problem]:
    """What no manifest may hold.

    Raises:
        InputError: there is nothing that could be looked at further.
    """
    where = Location(document.file, 1, 1)
    root = document.root
    if root is None or (isinstance(root, ScalarNode) and not root.text):
        raise InputError.at(where, "the manifest is empty", "start with `version: 1`")
    if not isinstance(root, MappingNode):
        raise InputError.at(document.location(root), "a manifest is a mapping of sections", "start with `version: 1`")
    problems = [
        Problem(
            f"the key {duplicate.second.text!r} stands twice in one mapping",
            document.location(duplicate.second),
            f"it is first stated at {document.location(duplicate.first)}; keep one",
        )
        for duplicate in document.duplicates
    ]
    problems += [
        Problem(f"a tag that a manifest cannot hold: {opaque.tag}", document.location(node), "write plain data")
        for node, opaque in _tags(document, root)
    ]
    return problems


def _tags(document: Document, node: AnyNode) -> Iterator[tuple[AnyNode, Opaque]]:
    if node.tag is not None and isinstance(opaque := document.value(node), Opaque):
        yield node, opaque
    elif isinstance(node, MappingNode):
        for key, value in node.items:
            yield from _tags(document, key)
            yield from _tags(document, value)
    elif isinstance(node, SequenceNode):
        for item in node.items:
            yield from _tags(document, item)


def in_order(problems: Iterable[Problem]) -> list[Problem]:
    return list(dict.fromkeys(sorted(problems, key=lambda problem: problem.location or Location("", 0, 0))))


def problem_of(error: Any, data: Any, document: Document, changed: Overlay | None, profile: str | None) -> Problem:
    """A pydantic error in the words of the manifest, at its place in the file."""
    path = raw_path(error["loc"], data)
    kind, named = error["type"], format_path(path) or "the manifest"
    advice = None
    if kind == "extra_forbidden":
        fields = [item for model in _models_at(path[:-1]) for item in model.model_fields.items()]
        known = [field.alias or name for name, field in fields]
        message = f"unknown key {str(path[-1])!r} in {format_path(path[:-1]) or 'the manifest'}"
        advice = did_you_mean(str(path[-1]), known) if known else None
        if "settings" in known:
            advice = (
                f"{advice} Or state it under `settings`"
                if str(advice).endswith("?")
                else f"{advice}; or state it under `settings`"
            )
        return Problem(message, origin_of(path, document, changed, profile, key=True), advice)
    if kind == "missing":
        missing = error["loc"][-1]
        message = f"{format_path(path) or 'the manifest'} lacks {missing!r}"
    elif kind == "value_error":
        message = f"{named}: {error['ctx']['error']!s}"
    elif kind in ("tuple_type", "list_type", "dict_type", "model_type") and error["input"] is None:
        message = f"{named} is empty"
    elif kind in ("model_type", "model_attributes_type", "dict_type"):
        message = f"{named} should be a mapping, not {_said(error['input'])}"
        advice = _mapping_at(path)
    else:
        message = f"{named}: {error['msg'][0].lower() + error['msg'][1:]}"
        if not kind.startswith("too_"):
            message += f", not {_said(error['input'])}"
    return Problem(message, origin_of(path, document, changed, profile), advice)


def _mapping_at(path: Path) -> str | None:
    """How the mapping begins that a place holds: what it needs, else what it may have."""
    fields = {field.alias or name: field for model in _models_at(path) for name, field in model.model_fields.items()}
    needed = [name for name, field in fields.items() if field.is_required()]
    if needed:
        return f"write {{{', '.join(f'{name}: ...' for name in needed)}}}"
    return f"known: {', '.join(sorted(fields))}" if fields else None


def _said(value: Any) -> str:
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, list):
        return "a list"
    return "empty" if value is None else repr(value)


def raw_path(loc: tuple[str | int, ...], data: Any) -> Path:
    """The part of pydantic's location that is a path of the raw manifest: union tags and unset keys are left out."""
    path: list[str | int] = []
    for position, part in enumerate(loc):
        if position == 4 and loc[0] == "variants" and loc[2] == "steps":
            continue  # which kind of step it is: a tag, also where a key of the step is called the same
        within: Any = data
        held = part in within if isinstance(within, dict) else isinstance(within, list) and isinstance(part, int)
        if held and (isinstance(within, dict) or part < len(within)):  # type: ignore[operator]
            path.append(part)
            data = within[part]
    return tuple(path)


def _models_at(path: Path) -> list[type[BaseModel]]:
    """The section classes that may stand at a path of the manifest, found by its annotations."""
    from framework.manifest.sections.described.annotations import sections_at

    return sections_at(Manifest, path)

"""The reference of the manifest, rendered from its models: a field is documented once, where it is declared."""

from __future__ import annotations

import inspect
import re
from typing import Annotated, Any, Literal, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from framework.manifest.sections.described.annotations import sections_of
from framework.manifest.sections.described.documented import meanings
from framework.manifest.sections.root import Manifest
from reports.template_environment import cell

_INTRODUCTION = """<!-- Rendered by `python -m reports.reference`; edit the models in framework/manifest instead. -->
# The manifest, field by field

`experiment.yaml` is read strictly: an unknown key, or a value of another type, is an error with its place and the
near name. Numbers are read as YAML 1.2 reads them (`2e-4` is a number), and `129_135_360` is one too.
"""


def reference() -> str:
    """The whole reference as Markdown: one section for each class of the manifest, the root first."""
    return "\n".join([_INTRODUCTION, *(_section(model) for model in sections_of(Manifest))])


def _section(model: type[BaseModel]) -> str:
    lines = [f"## {model.__name__}", "", " ".join(inspect.cleandoc(model.__doc__ or "").split()), ""]
    lines += ["| key | value | default | meaning |", "| --- | --- | --- | --- |"]
    for name, field in model.model_fields.items():
        meaning = cell(meanings(model).get(name, field.description or ""))
        lines.append(f"| `{field.alias or name}` | {_type(field.annotation)} | {_default(field)} | {meaning} |")
    return "\n".join(lines) + "\n"


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "required"
    value = field.get_default(call_default_factory=True)
    if value is None or value in ([], {}):
        return "-"
    return f"`{cell(str(value) if isinstance(value, BaseModel) and hasattr(value, 'in_steps') else _plain(value))}`"


def _plain(value: Any) -> Any:
    return value.model_dump(exclude_defaults=True) if isinstance(value, BaseModel) else value


def _type(annotation: Any) -> str:
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return _type(arguments[0])
    if origin is Literal:
        return " \\| ".join(f"`{value}`" for value in arguments)
    if origin is list:
        return f"list of {_type(arguments[0])}"
    if origin is dict:
        return f"mapping to {_type(arguments[1])}"
    if arguments:
        return " \\| ".join(dict.fromkeys(_type(argument) for argument in arguments if argument is not type(None)))
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return f"[{annotation.__name__}](#{re.sub(r'[^a-z0-9]+', '-', annotation.__name__.lower())})"
    names = {str: "text", int: "whole number", float: "number", bool: "true or false"}
    return names.get(annotation, getattr(annotation, "__name__", "any value").lower())


if __name__ == "__main__":
    print(reference(), end="")

"""The JSON schema of the manifest, draft-07, from its models: what an editor needs to complete and to explain.

What the loader accepts beyond what the models' fields say is added here: the short forms (`10%`, `permute: csp`), and
whole numbers with separators (`129_135_360`), which an editor's YAML takes for text.
"""

from __future__ import annotations

import inspect
import json
from typing import Any

from pydantic import BaseModel

from framework.dialects.well_known.facts import FACTS, KINDS
from framework.manifest.sections.annotations import sections_of
from framework.manifest.sections.base import OneOf
from framework.manifest.sections.documented import meanings
from framework.manifest.sections.durations import Duration
from framework.manifest.sections.methods import Permute
from framework.manifest.sections.models import Dataset, Model
from framework.manifest.sections.phases import Phase, Task
from framework.manifest.sections.root import Manifest
from framework.manifest.sections.schedules import Warmup
from framework.manifest.sections.variants import TRANSFORMS, Variant

DRAFT = "http://json-schema.org/draft-07/schema#"
MODELINE = "# yaml-language-server: $schema=./experiment.schema.json"
_SETTINGS = "settings"
_STATING = (Manifest, Model, Dataset, Phase, Task, Variant)
"""The sections whose `settings` are facts of the paper; an optimizer's are arguments of its class."""
_GROUPED = r"^[-+]?[0-9]{1,3}(_[0-9]{3})+$"
_LENGTH: dict[str, Any] = {
    "type": "string",
    "pattern": r"^\s*(none|[0-9]+(\.[0-9]+)?\s*%|(about\s+|~\s*)?[0-9][0-9_,.eE+-]*\s*[kKMBGT]?\s*[A-Za-z. ]+)\s*$",
    "description": "A share of all optimizer steps such as `10%`, a count such as `500 steps`, `5 epochs` or"
    " `300M tokens`, or `none`.",
}
_SHORT: dict[str, dict[str, Any]] = {
    Duration.__name__: _LENGTH,
    Warmup.__name__: _LENGTH,
    Permute.__name__: {
        "enum": ["csp"],
        "description": "The method's name alone: everything else as it is by default.",
    },
}


def schema_text() -> str:
    """The schema as it is committed."""
    return json.dumps(schema(), indent=2, ensure_ascii=False) + "\n"


def schema() -> dict[str, Any]:
    """The schema of `experiment.yaml`."""
    made = Manifest.model_json_schema(by_alias=True)
    definitions = made.pop("$defs")
    models = {model.__name__: model for model in sections_of(Manifest)}
    unknown = set(definitions) - set(models)
    assert not unknown, f"definitions without a section class: {unknown}"
    root = _section(Manifest, made)
    named = {name: _section(models[name], definition) for name, definition in sorted(definitions.items())}
    named[_SETTINGS] = _settings()
    return {"$schema": DRAFT, "title": "experiment.yaml", **root, "definitions": named}


def _settings() -> dict[str, Any]:
    """Settings have any names; those of the catalogue are offered with what they mean."""
    known = {fact.name: {"description": f"{fact.meaning} ({KINDS[fact.kind]})."} for fact in FACTS}
    return {
        "type": "object",
        "description": "Facts of the paper's own, by any names, nested as it likes.",
        "properties": known,
        "additionalProperties": True,
    }


def _section(model: type[BaseModel], made: dict[str, Any]) -> dict[str, Any]:
    """One section class: an object whose fields say what they mean."""
    made = _draft7(made)
    made.pop("title", None)
    made["description"] = " ".join(inspect.cleandoc(model.__doc__ or "").split())
    texts = meanings(model)
    for name, field in model.model_fields.items():
        key = field.alias or name
        if key == "settings" and model in _STATING:
            made["properties"][key] = {"$ref": f"#/definitions/{_SETTINGS}"}
        stated = _without_null(made["properties"][key]) if issubclass(model, OneOf) else made["properties"][key]
        made["properties"][key] = _explained(stated, texts.get(name, ""))
    if issubclass(model, OneOf):
        made |= {"minProperties": 1, "maxProperties": 1}
    if model.__name__ == "Variant":
        _tell_steps_apart(made["properties"]["steps"]["items"])
    short = _SHORT.get(model.__name__)
    return {"description": made["description"], "anyOf": [short, made]} if short else made


def _explained(stated: dict[str, Any], text: str) -> dict[str, Any]:
    if "$ref" in stated:  # draft-07 ignores what stands beside a reference
        stated = {"allOf": [{"$ref": stated.pop("$ref")}], **stated}
    return {"description": " ".join(text.split()), **stated} if text else stated


def _draft7(value: Any) -> Any:
    """A schema in the words of draft-07, without what only tires the reader: titles of fields, empty defaults."""
    if isinstance(value, list):
        return [_draft7(item) for item in value]
    if not isinstance(value, dict):
        return value
    found = {}
    for key, item in value.items():
        if key == "title" or (key == "default" and (item is None or isinstance(item, (dict, list)))):
            continue
        if key in ("properties", "definitions"):
            found[key] = {name: _draft7(inner) for name, inner in item.items()}
        elif key == "$ref":
            found[key] = item.replace("#/$defs/", "#/definitions/")
        else:
            found["anyOf" if key == "oneOf" else key] = _draft7(item)
    return _whole_number(found)


def _whole_number(stated: dict[str, Any]) -> dict[str, Any]:
    if stated.get("type") == "integer":
        return {**stated, "type": ["integer", "string"], "pattern": _GROUPED}
    return stated


def _without_null(stated: dict[str, Any]) -> dict[str, Any]:
    """An alternative that is written is given: `{lora: null}` chooses nothing."""
    kept = [option for option in stated.get("anyOf", []) if option != {"type": "null"}]
    return dict(kept[0]) if len(kept) == 1 else stated


def _tell_steps_apart(items: dict[str, Any]) -> None:
    """A mapping with a transform's name is no phase."""
    for option in items["anyOf"]:
        if "additionalProperties" in option:
            option["propertyNames"] = {"not": {"enum": list(TRANSFORMS)}}
            option["description"] = "A phase, with what this variant does otherwise."

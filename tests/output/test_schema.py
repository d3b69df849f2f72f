"""The JSON schema is made from the models, kept fresh, and takes what the loader takes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from framework.dialects.well_known.facts import FACTS
from framework.manifest.sections.annotations import sections_of
from framework.manifest.sections.documented import meanings
from framework.manifest.sections.root import Manifest
from framework.output.schema import DRAFT, MODELINE, schema, schema_text
from framework.reading.yaml.parsing import parse_yaml
from tests.support.project import MANIFEST, Project


@pytest.fixture(scope="module")
def validator() -> jsonschema.Draft7Validator:
    made = schema()
    jsonschema.Draft7Validator.check_schema(made)
    return jsonschema.Draft7Validator(made)


def data(text: str, reader: Any = "manifest") -> Any:
    document = parse_yaml(text, "experiment.yaml", reader)
    assert document.root is not None
    return document.value(document.root)


def test_the_committed_schema_is_fresh(repository: Path) -> None:
    committed = (repository / "experiment.schema.json").read_text()
    assert committed == schema_text(), "run: framework schema --output experiment.schema.json"


def test_the_repositorys_manifest_names_its_schema_and_is_valid(
    repository: Path, validator: jsonschema.Draft7Validator
) -> None:
    text = (repository / "experiment.yaml").read_text()
    assert text.splitlines()[0] == MODELINE
    for reader in ("manifest", "yaml-1.2"):  # an editor takes 129_135_360 for text
        assert [error.message for error in validator.iter_errors(data(text, reader))] == []


def test_it_is_draft_7_and_closed() -> None:
    made = schema()
    assert made["$schema"] == DRAFT
    text = json.dumps(made)
    assert "$defs" not in text
    sections = [made, *(section for name, section in made["definitions"].items() if name != "settings")]
    objects = [section["anyOf"][-1] if "anyOf" in section else section for section in sections]
    assert len(objects) == len(list(sections_of(Manifest)))
    assert all(each["additionalProperties"] is False for each in objects)


def test_settings_offer_the_well_known_names_and_take_any(validator: jsonschema.Draft7Validator) -> None:
    made = schema()
    offered = made["definitions"]["settings"]["properties"]
    assert offered["dropout"]["description"].startswith("Share of the activations")
    assert list(offered) == [fact.name for fact in FACTS]
    for section in ("Model", "Dataset", "Phase", "Task", "Variant"):
        assert {"$ref": "#/definitions/settings"} in made["definitions"][section]["properties"]["settings"]["allOf"]
    stated = data('version: 1\npaper: {title: A}\nsettings: {dropout: 0.1, lambda_tr: {deep: [1, "a"]}}\n')
    assert [error.message for error in validator.iter_errors(stated)] == []
    assert list(validator.iter_errors({**stated, "settings": 3})) != []


def test_every_field_says_what_it_means() -> None:
    made = schema()
    for section in [made, *made["definitions"].values()]:
        for name, field in section.get("properties", {}).items():
            assert field.get("description"), name


def test_the_meanings_are_those_that_pydantic_finds() -> None:
    for model in sections_of(Manifest):
        again = type(model.__name__, (model,), {"__doc__": model.__doc__, "__module__": model.__module__})
        assert meanings(model), model
        assert set(meanings(model)) == set(model.model_fields), model
        assert again is not model


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("warmup: 20%", "warmup: 500 steps"),
        ("warmup: 20%", "warmup: {ratio: 0.1}"),
        ("steps: [{permute: csp}]", "steps: [{permute: {method: csp}}]"),
        ("parameters: 2608", "parameters: 2_608"),
        ("min_learning_rate: 0.1 * learning_rate", "min_learning_rate: 1e-5"),
    ],
)
def test_short_forms_are_valid(validator: jsonschema.Draft7Validator, old: str, new: str) -> None:
    assert old in MANIFEST
    assert list(validator.iter_errors(data(MANIFEST.replace(old, new), "yaml-1.2"))) == []


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("warmup: 20%", "warmup: 20"),
        ("steps: [{permute: csp}]", "steps: [{permute: other}]"),
        ("  seeds", "  seed"),
        ("max_grad_norm: 1.0", "max_gradnorm: 1.0"),
        ("weights: random", "weights: randm"),
        ("epochs: 4", "epochs: four"),
        ("adapter: {lora: {rank: 2,", "adapter: {lora: {rank: 0,"),
        ("mask: {sdm: {target_sparsity: 0.5, tensors: [in_proj]}}", "mask: {}"),
        ("version: 1", "version: 2"),
        ("version: 1\n", ""),
    ],
)
def test_what_the_loader_refuses_is_invalid(
    validator: jsonschema.Draft7Validator, tmp_path: Path, old: str, new: str
) -> None:
    text = MANIFEST.replace(old, new) if old in MANIFEST else MANIFEST.replace(old.strip(), new.strip())
    assert text != MANIFEST
    assert list(validator.iter_errors(data(text))) != []
    assert Project(tmp_path, text).problems() != []


def test_the_command_prints_and_writes_it(tmp_path: Path) -> None:
    project = Project(tmp_path)
    assert project.cli("schema").out == schema_text()
    assert project.cli("schema", "--output", "s.json").code == 0
    assert project.read("s.json") == schema_text()

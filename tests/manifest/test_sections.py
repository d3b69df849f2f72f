"""What holds for every section of the manifest, found by introspection: none is left out."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import BaseModel

from framework.manifest.loading import load
from framework.manifest.sections.base import OneOf, Section
from framework.manifest.sections.described.annotations import sections_at, sections_of
from framework.manifest.sections.root import Manifest
from framework.names import format_path
from tests.support.project import MANIFEST, Project

EVERYTHING = (
    MANIFEST.replace("warmup: 20%", "warmup: {ratio: 0.2}")
    .replace(
        "models:\n",
        "models:\n  built: {family: gpt, architecture: {initialisation: {name: he}, dropout: {attention: 0.1}}}\n",
    )
    .replace("{permute: csp}", "{permute: {method: csp, calibration_examples: 8}}")
    .replace("metric: perplexity", "length: {epochs: 4.0}\n    metric: {name: perplexity, direction: lower}")
    .replace("    epochs: 4\n", "")
    .replace(
        "    eps: 1e-6",
        "    eps: 1e-6\n      groups: [{parameters: [norms], weight_decay: 0}]".replace("    eps", "    eps", 1),
    )
    .replace("{name: linear, warmup: 1 steps}", "{segments: [{shape: linear}]}")
    .replace("      epochs: epochs\n", "")
    .replace(
        "rules:\n",
        "  hybrid:\n    from: dense\n    steps: [{finetune: {adapter: {sgh: {importance: magnitude}}}}]\nrules:\n"
        "  - equal: {variants: [dense, masked], of: [optimizer_steps]}\n",
    )
    + """\
frozen: [seeds]
waivers:
  - {clause: hardware.torch, stage: run, reason: gone, owner: lab, until: 2030-01-01}
profiles:
  small: {reason: quick, set: {seeds: [1]}}
documents: {directory: documents, bound: [{file: README.md, keys: {Epochs: phases.pretrain.epochs}}]}
grids:
  tuned: {over: {rank: [1, 2]}, from: dense, steps: [{finetune: {adapter: {lora: {rank: $rank, alpha: 4}}}}]}
runners:
  script:
    phase: pretrain
    variants: [masked]
    command: [python, train.py, "{c.yaml}"]
    flags: {keys: {lr: optimizer.learning_rate}}
    configs: {c.yaml: {dialect: generic}}
    resume: {arguments: [--again]}
    timeout_hours: 12
    outputs: {log: log.jsonl, tolerance: 0.1}
adopted:
  - {path: "theirs/seed{seed}", variant: dense, steps_from: 0}
measurements:
  speed: {measure: [latency], sequence_lengths: [8]}
searches:
  lr:
    phase: finetune
    space: {optimizer.learning_rate: {low: 0.1, high: 0.3}}
    sampler: {name: random, seed: 3}
    budget: {completed_trials: 6}
    objective: accuracy
    selection: {split: validation}
    pruning: {name: median}
    failures: {retries: 1}
    trials: {path: runs.csv}
    optima: [{file: chosen.yaml, keys: {lr: optimizer.learning_rate}}]
    seeds: [100]
"""
)
DATA: dict[str, Any] = yaml.safe_load(
    EVERYTHING.replace("2e-4", "2.0e-4")
    .replace("e-6", ".0e-6")
    .replace("1e-4", "1.0e-4")
    .replace("1e-5", "1.0e-5")
    .replace("1e-3", "1.0e-3")
)
DATA["waivers"][0]["until"] = "2030-01-01"
SECTIONS = list(sections_of(Manifest))


def walk(value: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[tuple[str | int, ...], Any]]:
    yield path, value
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        yield from walk(item, (*path, key))


PLACES: dict[type[BaseModel], tuple[str | int, ...]] = {}
for _path, _value in walk(DATA):
    for _section in sections_at(Manifest, _path) if isinstance(_value, dict) else ():
        names = {field.alias or name for name, field in _section.model_fields.items()}
        if set(_value) <= names:
            PLACES.setdefault(_section, _path)


def at(data: Any, path: tuple[str | int, ...]) -> Any:
    for part in path:
        data = data[part]
    return data


def place_of(text: str, words: str) -> str:
    """The one place of some words in a manifest, as messages write it."""
    assert text.count(words) == 1
    before = text[: text.index(words)]
    return f"experiment.yaml:{before.count(chr(10)) + 1}:{len(before) - before.rfind(chr(10))}"


def test_the_example_states_every_section_and_is_valid(tmp_path: Path) -> None:
    (tmp_path / "experiment.yaml").write_text(yaml.safe_dump(DATA, sort_keys=False))
    assert load(tmp_path / "experiment.yaml").stated.version == 1
    assert set(PLACES) == set(SECTIONS)


@pytest.mark.parametrize("section", SECTIONS, ids=lambda section: section.__name__)
def test_an_unknown_key_is_an_error_at_any_depth_with_the_near_name(tmp_path: Path, section: type[BaseModel]) -> None:
    data = deepcopy(DATA)
    known = next(field.alias or name for name, field in section.model_fields.items())
    unknown = f"{known}_q"
    at(data, PLACES[section])[unknown] = 1
    text = yaml.safe_dump(data, sort_keys=False)
    outcome = Project(tmp_path, text).cli("check")
    named = format_path(PLACES[section]) or "the manifest"
    assert outcome.code == 2
    assert f"{place_of(text, unknown)}: error: unknown key {unknown!r} in {named}" in outcome.err
    assert "did you mean" in outcome.err
    assert repr(known) in outcome.err
    assert "Traceback" not in outcome.err


@pytest.mark.parametrize("section", [each for each in SECTIONS if each is not Manifest], ids=lambda each: each.__name__)
def test_a_section_that_is_no_mapping_is_an_error(tmp_path: Path, section: type[BaseModel]) -> None:
    data = deepcopy(DATA)
    path = PLACES[section]
    at(data, path[:-1])[path[-1]] = 987654
    outcome = Project(tmp_path, yaml.safe_dump(data, sort_keys=False)).cli("check")
    assert outcome.code == 2
    assert "experiment.yaml:" in outcome.err
    assert "Traceback" not in outcome.err


NUMBERS = [
    path
    for path, value in walk(DATA)
    if isinstance(value, (int, float)) and not isinstance(value, bool) and path[0] != "profiles"
]


@pytest.mark.parametrize("path", NUMBERS, ids=lambda path: format_path(path))
@pytest.mark.parametrize("number", [float("nan"), float("inf"), float("-inf")])
def test_no_number_of_the_manifest_may_be_infinite_or_none(
    tmp_path: Path, path: tuple[str | int, ...], number: float
) -> None:
    data = deepcopy(DATA)
    at(data, path[:-1])[path[-1]] = number
    outcome = Project(tmp_path, yaml.safe_dump(data, sort_keys=False)).cli("check")
    assert outcome.code == 2, outcome
    assert "Traceback" not in outcome.err


@pytest.mark.parametrize("section", SECTIONS, ids=lambda section: section.__name__)
def test_every_section_is_strict_and_frozen(section: type[BaseModel]) -> None:
    assert issubclass(section, Section)
    config = section.model_config
    assert (config.get("extra"), config.get("strict"), config.get("frozen")) == ("forbid", True, True)


@pytest.mark.parametrize("section", SECTIONS, ids=lambda section: section.__name__)
def test_every_section_says_what_it_is(section: type[BaseModel]) -> None:
    assert inspect.getdoc(section)


@pytest.mark.parametrize(
    "section", [each for each in SECTIONS if issubclass(each, OneOf)], ids=lambda section: section.__name__
)
def test_a_choice_takes_exactly_one_alternative(tmp_path: Path, section: type[BaseModel]) -> None:
    data = deepcopy(DATA)
    chosen = at(data, PLACES[section])
    chosen.clear()
    outcome = Project(tmp_path, yaml.safe_dump(data, sort_keys=False)).cli("check")
    assert outcome.code == 2
    assert f"exactly one of {', '.join(section.model_fields)} must be given" in outcome.err

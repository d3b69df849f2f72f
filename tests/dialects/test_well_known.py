"""The catalogue of facts: every spelling, section and trainer's word binds, and what means something else does not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from framework.dialects.flags import said
from framework.dialects.registry import dialect
from framework.dialects.well_known.facts import FACTS, KINDS
from framework.dialects.well_known.named import PLAIN, beside, sections_for
from framework.dialects.well_known.trainer_words import TRAINERS
from framework.manifest.hyperparameters import BY_NAME, folded
from tests.support.project import Project

SPELLINGS = [(fact.name, name) for fact in FACTS for name in (fact.name, *fact.spellings)]
IN_SECTIONS = [(fact.name, place) for fact in FACTS for place in sections_for(fact.name)]
WORDS = [
    (trainer.name, fact, place)
    for trainer in TRAINERS
    for fact, places in trainer.words.items()
    for place in places.split()
]
VALUES = {"share": 0.25, "weight": 0.5, "number": 1.5, "count": 4, "pixels": 224, "tokens": 512, "steps": 100}
VALUES |= {"term": "linear", "switch": True}


def nested(place: str, value: Any) -> dict[str, Any]:
    for part in reversed(place.split(".")):
        value = {part: value}
    assert isinstance(value, dict)
    return value


def facts_in(data: dict[str, Any], name: str = "generic") -> set[str]:
    return {each for statement in said(dialect(name), data).statements for each in statement.fact.split("|")}


@pytest.mark.parametrize(("fact", "name"), SPELLINGS)
def test_a_spelling_means_its_fact_wherever_it_stands(fact: str, name: str) -> None:
    assert facts_in({name: 1}) == {f"settings.{fact}"}
    assert f"settings.{fact}" in facts_in({"somewhere": {"else": {name.upper(): 1}}})


@pytest.mark.parametrize(("fact", "place"), IN_SECTIONS)
def test_a_section_makes_a_name_a_fact(fact: str, place: str) -> None:
    assert f"settings.{fact}" in facts_in(nested(place, 1))
    assert f"settings.{fact}" not in facts_in(nested("other." + place.rpartition(".")[2], 1))


@pytest.mark.parametrize(("trainer", "fact", "place"), WORDS)
def test_a_trainer_s_word_means_its_fact_in_its_files(trainer: str, fact: str, place: str) -> None:
    known = next(each for each in TRAINERS if each.name == trainer)
    if known.dialect:
        keys = dialect(known.dialect).keys
        found = {name for pattern, key in keys.items() if pattern == place for name in key.fact.split("|")}
        assert found == {f"settings.{fact}"}
        return
    marked = nested(place, 1) | ({} if place in known.marks else {known.marks[0]: 1})
    assert f"settings.{fact}" in facts_in(marked)


def test_a_bare_name_means_nothing_without_what_tells_the_trainer() -> None:
    assert facts_in({"gamma": 0.99}) == set()
    assert facts_in({"gamma": 0.99, "gae_lambda": 0.95}) == {"settings.discount", "settings.gae_lambda"}
    assert folded("gamma") not in beside(["gae_lambda", "discount"]), "the whole name is the fact, and `gamma` another"


def test_no_name_is_of_two_facts_or_of_a_field() -> None:
    pairs = {(folded(name), fact) for fact, name in SPELLINGS}
    names = {name for name, _ in pairs}
    assert len(names) == len(pairs)
    assert not names & BY_NAME.keys()
    assert {fact.name for fact in FACTS} == set(PLAIN.values())


def test_every_fact_says_what_it_is() -> None:
    for fact in FACTS:
        assert fact.kind in KINDS
        assert fact.meaning[0].isupper()
        assert not fact.meaning.endswith(".")


@pytest.mark.parametrize("fact", FACTS, ids=lambda fact: fact.name)
def test_a_drifted_fact_is_found_under_another_spelling(tmp_path: Path, fact: Any) -> None:
    """From the manifest to the finding: stated in its usual section, read out of a config of no trainer."""
    value, other = VALUES[fact.kind], {True: False, "linear": "cosine"}.get(VALUES[fact.kind], 7)
    manifest: dict[str, Any] = {"version": 1, "paper": {"title": "A paper"}, "phases": {"train": {"objective": "own"}}}
    manifest["phases"]["train"]["settings"] = {fact.name: value}
    name = fact.spellings[0] if fact.spellings else fact.name
    manifest["configs"] = [{"file": "configs/pretrain.yaml", "dialect": "generic", "describes": "phases.train"}]
    project = Project(
        tmp_path, yaml.safe_dump(manifest, sort_keys=False), f"{name}: {yaml.safe_dump(other).split()[0]}\n"
    )
    (finding,) = project.check().findings
    assert (finding.code, finding.clause) == ("C101", f"phases.train.settings.{fact.name}")
    project.write("configs/pretrain.yaml", f"{name}: {yaml.safe_dump(value).split()[0]}\n")
    assert project.check().findings == []

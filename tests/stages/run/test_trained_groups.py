"""Groups of parameters, layer-wise rates and further settings of an optimizer, held to what it really had."""

from __future__ import annotations

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from framework.conformance import Stage, Status
from framework.manifest.sections.optimizers import Optimizer
from framework.stages.run.recomputed.trained_groups import demanded
from tests.support.evidence import Evidence
from tests.support.project import MANIFEST, Project
from tests.support.run_folders import change_lines, change_record
from tests.support.statuses import codes, status_of

STATED = """\
    optimizer:
      name: sgd
      learning_rate: 2e-4
      momentum: 0.9
      nesterov: true
      weight_decay: 0.1
      layer_decay: 0.5
      settings: {dampening: 0.0}
      groups:
        - {parameters: [wte], frozen: true}
        - {parameters: [norms, biases], weight_decay: 0.0}
        - {parameters: [c_fc], learning_rate: 1e-3}
"""
BEFORE = """\
    optimizer:
      name: adamw
      learning_rate: 2e-4
      weight_decay: 0.1
      betas: [0.9, 0.98]
      eps: 1e-6
"""


def group(index: int | None, *names: str, rate: float = 2e-4, decay: float = 0.1, **more: Any) -> dict[str, Any]:
    values = {} if "frozen" in more else {"learning_rate": rate, "weight_decay": decay}
    return {"group": index, **values, **more, "tensors": len(names), "parameters": 10, "names": list(names)}


RECORDED: dict[str, Any] = {
    "class": "SGD",
    "learning_rate": 2e-4,
    "weight_decay": 0.1,
    "momentum": 0.9,
    "nesterov": True,
    "settings": {"dampening": 0},
    "groups": [
        group(None, distance=0),
        group(0, "transformer.wte.weight = lm_head.weight", frozen=True),
        group(None, "transformer.wpe.weight", rate=2e-4 / 8, distance=3),
        group(None, "transformer.h.0.attn.c_attn.weight", rate=2e-4 / 4, distance=2),
        group(1, "transformer.h.0.ln_1.weight", "transformer.h.0.mlp.c_fc.bias", rate=5e-5, decay=0.0, distance=2),
        group(2, "transformer.h.0.mlp.c_fc.weight", rate=1e-3),
        group(None, "transformer.h.1.attn.c_attn.weight", rate=2e-4 / 2, distance=1),
        group(1, "transformer.ln_f.weight", decay=0.0, distance=0),
    ],
}


BOUND = "configs: [{file: configs/pretrain.yaml, describes: phases.pretrain, keys: {lr: optimizer.learning_rate}}]\n"


def study(folder: Path, old: str, new: str) -> Project:
    """The small study with something else stated, and a config file of the learning rate alone."""
    manifest = MANIFEST.partition("configs:\n")[0] + BOUND
    return Project(folder, manifest, "lr: 2e-4\n").replace(old, new)


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return study(tmp_path, BEFORE, STATED)


def recorded(project: Project, change: Callable[[dict[str, Any]], object] = lambda facts: None) -> None:
    """Runs of the study whose optimizer is recorded as it should be, and then otherwise."""
    evidence = Evidence(project, variants=["dense"])
    facts = copy.deepcopy(RECORDED)
    change(facts)
    for folder in evidence.folders():
        change_record(folder, lambda record: record.observed.update(optimizer=facts))


def held(project: Project) -> Any:
    return project.verify(plan=project.plan(variants=["dense"]))


CLAUSES = [
    "nesterov",
    "momentum",
    "layer_decay",
    "settings.dampening",
    "groups[0].parameters",
    "groups[0].frozen",
    "groups[1].parameters",
    "groups[1].weight_decay",
    "groups[2].parameters",
    "groups[2].learning_rate",
]


def test_what_the_optimizer_had_conforms_clause_by_clause(project: Project) -> None:
    recorded(project)
    result = held(project)
    assert result.findings == []
    for clause in CLAUSES:
        assert status_of(result, f"phases.pretrain.optimizer.{clause}", Stage.RUN) is Status.CONFORMS, clause


def moved(facts: dict[str, Any], source: int, target: int, name: str) -> None:
    facts["groups"][source]["names"].remove(name)
    facts["groups"][target]["names"].append(name)


BROKEN: dict[str, tuple[Callable[[dict[str, Any]], object], str, str]] = {
    "plain momentum": (lambda facts: facts.update(nesterov=False), "nesterov", "nesterov was false, not true"),
    "dampened": (
        lambda facts: facts["settings"].update(dampening=0.1),
        "settings.dampening",
        "dampening was 0.1, not 0",
    ),
    "trained after all": (
        lambda facts: facts["groups"][1].update(frozen=False, learning_rate=2e-4 / 8, weight_decay=0.1),
        "groups[0].frozen",
        "frozen of groups[0] was false, not true",
    ),
    "decayed norms": (
        lambda facts: facts["groups"][7].update(weight_decay=0.1),
        "groups[1].weight_decay",
        "weight_decay of groups[1] was [0, 0.1]",
    ),
    "the common rate": (
        lambda facts: facts["groups"][5].update(learning_rate=2e-4),
        "groups[2].learning_rate",
        "learning_rate of groups[2] was 0.0002, not 0.001",
    ),
    "a bias too few": (
        lambda facts: moved(facts, 4, 3, "transformer.h.0.mlp.c_fc.bias"),
        "groups[1].parameters",
        "transformer.h.0.mlp.c_fc.bias was not in groups[1]",
    ),
    "a weight too many": (
        lambda facts: moved(facts, 3, 4, "transformer.h.0.attn.c_attn.weight"),
        "groups[1].parameters",
        "transformer.h.0.attn.c_attn.weight was in groups[1]",
    ),
    "one rate for all layers": (
        lambda facts: facts["groups"][6].update(learning_rate=2e-4),
        "layer_decay",
        "transformer.h.1.attn.c_attn.weight",
    ),
}


@pytest.mark.parametrize("case", BROKEN)
def test_what_it_did_not_have_is_found_at_its_clause_and_nothing_else_is(project: Project, case: str) -> None:
    change, clause, words = BROKEN[case]
    recorded(project, change)
    findings = held(project).findings
    assert {(finding.code, finding.clause) for finding in findings} == {("R120", f"phases.pretrain.optimizer.{clause}")}
    assert words in findings[0].message


@pytest.mark.parametrize("clause", CLAUSES)
def test_what_is_not_recorded_is_unverified(project: Project, clause: str) -> None:
    recorded(project, lambda facts: [facts.pop(name) for name in ("groups", "settings", "nesterov", "momentum")])
    result = held(project)
    assert result.findings == []
    assert status_of(result, f"phases.pretrain.optimizer.{clause}", Stage.RUN) is Status.UNVERIFIED


def test_a_group_in_which_nothing_is_is_unverified(project: Project) -> None:
    recorded(project, lambda facts: facts["groups"].pop(5))
    result = held(project)
    assert result.findings == []
    for name in ("parameters", "learning_rate"):
        clause = f"phases.pretrain.optimizer.groups[2].{name}"
        assert status_of(result, clause, Stage.RUN) is Status.UNVERIFIED


def test_every_clause_of_a_schedule_is_held_to_the_trace(tmp_path: Path) -> None:
    schedule = "schedule: {name: cosine, warmup: 20%, min_learning_rate: 0.1 * learning_rate}"
    stated = "schedule: {name: milestones, milestones: [5 steps, 8 steps], gamma: 0.2, warmup: {steps: 3, from: 1e-6}}"
    project = study(tmp_path, schedule, stated)
    evidence = Evidence(project, variants=["dense"])
    clauses = ("name", "milestones", "gamma", "warmup.steps", "warmup.from")
    statuses = {name: status_of(held(project), f"phases.pretrain.schedule.{name}", Stage.RUN) for name in clauses}
    assert set(statuses.values()) == {Status.CONFORMS}, statuses
    change_lines(
        evidence.folder("dense", "pretrain") / "steps.jsonl", lambda lines: lines[8].update(learning_rate=4e-5)
    )
    result = held(project)
    assert codes(result) == ["R110"]
    (finding,) = {each for each in result.findings if each.location and "seed1" in each.location.file}
    assert finding.clause == "phases.pretrain.schedule.name"
    assert "step 9 of " in finding.message
    assert "1 of 12 recorded steps differ" in finding.message
    statuses = {name: status_of(result, f"phases.pretrain.schedule.{name}", Stage.RUN) for name in clauses}
    assert statuses == {**dict.fromkeys(clauses, Status.UNVERIFIED), "name": Status.VIOLATED}


# By name


NAMES = [
    "bert.embeddings.word_embeddings.weight",
    "bert.embeddings.LayerNorm.weight",
    "bert.encoder.layer.0.output.LayerNorm.bias",
    "bert.encoder.layer.1.attention.self.query.weight",
    "bert.pooler.dense.weight",
    "classifier.bias",
]


def test_rates_by_layer_from_names_alone() -> None:
    stated = Optimizer.model_validate({"learning_rate": 1.0, "layer_decay": 0.5})
    assert [each.learning_rate for each in demanded(stated, NAMES).values()] == [0.125, 0.125, 0.25, 0.5, 1.0, 1.0]


@pytest.mark.parametrize(
    ("word", "members"),
    [
        ("norms", [1, 2]),
        ("biases", [2, 5]),
        ("embeddings", [0]),
        ("head", [5]),
        ("query", [3]),
        ("layer.0", [2]),
        ("uery", []),
        ("encoder", [2, 3]),
    ],
)
def test_the_members_of_a_group_from_names_alone(word: str, members: list[int]) -> None:
    stated = Optimizer.model_validate({"groups": [{"parameters": [word]}]})
    found = demanded(stated, NAMES)
    assert [NAMES.index(name) for name, each in found.items() if each.group == 0] == members

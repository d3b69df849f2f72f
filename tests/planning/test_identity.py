"""What makes two steps the same run: everything that decides the result, and nothing else."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from framework.planning.build import Plan
from framework.planning.identity import key_of
from tests.support.project import CONFIG, MANIFEST, Project

Change = Callable[[Project], object]


def keys(plan: Plan) -> dict[str, str]:
    """The key of each step, by what it is called."""
    return {step.label: step.key for step in plan.steps}


def put(old: str, new: str) -> Change:
    return lambda project: project.replace(old, new)


def in_config(old: str, new: str) -> Change:
    return lambda project: project.config(old, new)


def reordered(project: Project) -> None:
    """All sections, and the keys of most of them, the other way round."""
    sections = MANIFEST.split("\n")
    blocks: list[list[str]] = []
    for line in sections:
        if line and not line.startswith(" "):
            blocks.append([])
        if line:
            blocks[-1].append(line)
    project.write("experiment.yaml", "\n".join("\n".join(block) for block in reversed(blocks)) + "\n")


NEUTRAL: dict[str, Change] = {
    "the title": put("A small study", "A great study"),
    "a description": put("dense pre-training", "another sentence"),
    "a declared parameter count": put("parameters: 2608", "parameters: 3000"),
    "a declared number of examples": put("train_examples: 6}", "train_examples: 7}"),
    "what the built-in training has one way of": put(
        "max_grad_norm: 1.0\n", "max_grad_norm: 1.0\n    master_weights: fp32\n    loss_normalization: batch\n"
    ),
    "the metric that is reported": put("    metric: perplexity\n", ""),
    "a task's metric": put(", metric: f1", ", metric: accuracy"),
    "claims": put("confidence: 0.85", "confidence: 0.75"),
    "rules": put("scope: layer", "scope: model"),
    "the hardware": put("memory_gb: 80", "memory_gb: 40"),
    "the micro batch": in_config("{micro: 1, accumulation: 2}", "{micro: 2, accumulation: 1}"),
    "a config's own knobs": in_config("every: 20", "every: 5"),
    "another spelling of a number": put("learning_rate: 2e-4", "learning_rate: 0.0002"),
    "a number in the place of its derivation": put("0.1 * learning_rate", "2e-5"),
    "another spelling of a warmup": put("warmup: 20%", "warmup: {ratio: 0.2}"),
    "a default that is stated": put("objective: classification", "objective: classification\n    sequence_length: 512"),
    "comments": put("phases:\n", "# the phases\nphases: # here\n"),
    "the order of sections": reordered,
    "another seed beside": put("seeds: [1, 2, 3]", "seeds: [4, 3, 2, 1]"),
    "another model beside": put("models:\n", "models:\n  big: {family: gpt2, hub: gpt2}\n"),
    "another dataset beside": put("datasets:\n", "datasets:\n  more: {builtin: language-reference}\n"),
}


@pytest.mark.parametrize("case", NEUTRAL)
def test_what_only_describes_a_result_changes_no_key(tmp_path: Path, case: str) -> None:
    before = keys(Project(tmp_path / "before").plan())
    changed = Project(tmp_path / "after")
    NEUTRAL[case](changed)
    assert changed.files() != Project(tmp_path / "before").files()
    assert keys(changed.plan()).items() >= before.items()


PRETRAINED, MASKED, FINETUNED = {"dense", "reordered", "pruned"}, {"masked"}, {"pruned · finetune"}

DECISIVE: dict[str, tuple[Change, set[str]]] = {
    # what changes, and the beginnings of the labels of the steps that are then other runs
    "the learning rate of the first phase": (
        put("learning_rate: 2e-4", "learning_rate: 3e-4"),
        {"dense", "masked", "reordered", "pruned"},
    ),
    "the learning rate of the last phase": (put("learning_rate: 1e-4", "learning_rate: 3e-4"), FINETUNED),
    "a task's length": (put("{epochs: 2,", "{epochs: 3,"), FINETUNED),
    "the mask": (put("target_sparsity: 0.5", "target_sparsity: 0.6"), {"masked", "pruned"}),
    "the adapter": (put("rank: 2", "rank: 3"), FINETUNED),
    "the pruning": (put("score: magnitude", "score: random"), {"pruned"}),
    "the permutation": (put("{permute: csp}", "{permute: {method: csp, dimension: channel}}"), {"reordered"}),
    "the data": (put("manual: {builtin: language-reference", "manual: {limit: 5, builtin: language-reference"), {""}),
    "the data of a task": (put("labels: 2", "labels: 3"), FINETUNED),
    "the model": (put("hidden: 4", "hidden: 8"), {""}),
    "the batch": (put("batch_size: 2", "batch_size: 3"), FINETUNED),
    "the warmup": (put("warmup: 1 steps", "warmup: 2 steps"), FINETUNED),
    "early stopping": (put("patience: 3", "patience: 2"), FINETUNED),
    "a variant's own setting": (
        put("steps: [pretrain]", "steps: [{pretrain: {set: {epochs: 5}}}]"),
        {"dense", "reordered", "pruned"},
    ),
    "the precision that a config chooses": (
        lambda project: (
            project.replace("      batch.micro: micro", "      amp: precision\n      batch.micro: micro")
            and project.write("configs/pretrain.yaml", CONFIG + "amp: bf16\n")
        ),
        {""},
    ),
}


@pytest.mark.parametrize("case", DECISIVE)
def test_what_decides_a_result_changes_that_step_and_what_follows_it_and_nothing_else(
    tmp_path: Path, case: str
) -> None:
    change, expected = DECISIVE[case]
    before = keys(Project(tmp_path / "before").plan())
    changed = Project(tmp_path / "after")
    change(changed)
    after = keys(changed.plan())
    assert set(after) == set(before)
    other = {label for label in before if before[label] != after[label]}
    assert other == {label for label in before if any(label.startswith(name) for name in expected)}
    assert other


def test_keys_are_stable_across_processes_and_hash_seeds(tmp_path: Path) -> None:
    project = Project(tmp_path)
    here = sorted(step.key for step in project.plan().steps)
    code = (
        "import json, framework; plan = framework.plan(framework.load('experiment.yaml')); "
        "print(json.dumps(sorted(step.key for step in plan.steps)))"
    )
    for seed in ("1", "2"):
        run = subprocess.run(
            [sys.executable, "-c", code], cwd=tmp_path, env={"PYTHONHASHSEED": seed}, capture_output=True, check=True
        )
        assert json.loads(run.stdout) == here


def test_keys_do_not_depend_on_where_the_project_lies(tmp_path: Path) -> None:
    assert keys(Project(tmp_path / "a").plan()) == keys(Project(tmp_path / "b" / "c").plan())


def test_a_key_is_of_what_is_said_and_not_of_its_order() -> None:
    assert key_of({"a": 1, "b": [1, 2]}) == key_of({"b": [1, 2], "a": 1})
    assert key_of({"a": [1, 2]}) != key_of({"a": [2, 1]})
    assert len(key_of({})) == 64


def test_a_renamed_variant_is_the_same_run(tmp_path: Path) -> None:
    before = Project(tmp_path / "before").plan()
    after = Project(tmp_path / "after", MANIFEST.replace("dense", "thick")).plan()
    assert [step.key for step in before.steps] == [step.key for step in after.steps]
    assert before.steps[0].folder != after.steps[0].folder


def test_the_identity_of_a_step_is_json(tmp_path: Path) -> None:
    for step in Project(tmp_path).plan().steps:
        assert json.loads(json.dumps(step.identity, allow_nan=False)) == step.identity
        assert key_of(step.identity) == step.key

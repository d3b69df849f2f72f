"""A config file that belongs to a variant is held to what the manifest states once the variant's settings are in."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.commands import process
from tests.support.study import Study
from tests.support.texts import replaced

MANIFEST = """\
version: 1
paper: {title: T}
models:
  small: {family: gpt2, weights: random, layers: 2, hidden: 64, heads: 4, vocabulary: 512, tokenizer: train}
datasets:
  text: {path: data/text}
  topics: {path: data/topics}
phases:
  pretrain:
    objective: causal_lm
    dataset: text
    optimizer: {name: adamw, learning_rate: 2e-4, weight_decay: 0.1}
    schedule: {name: cosine, warmup: 10%, min_learning_rate: 0.1 * learning_rate}
    batch_size: 16
    epochs: 2
  finetune:
    objective: classification
    metric: accuracy
    optimizer: {name: adamw, learning_rate: 1e-4, weight_decay: 0.1}
    schedule: {name: cosine, warmup: 10%, min_learning_rate: 0.1 * learning_rate}
    batch_size: 16
    tasks:
      topics: {epochs: 2}
      hard: {epochs: 3, dataset: topics, learning_rate: 5e-5}
variants:
  dense: {steps: [pretrain, finetune]}
  fast: {steps: [{pretrain: {set: {optimizer.learning_rate: 1e-3}}}]}
  tuned: {from: fast, steps: [{finetune: {set: {optimizer.learning_rate: 3e-4}}}]}
seeds: [1]
configs:
  - {file: run.yaml, BINDING}
"""
WHOLE = (
    "keys: {lr: phases.pretrain.optimizer.learning_rate, min_lr: phases.pretrain.schedule.min_learning_rate,"
    " decay: phases.pretrain.optimizer.weight_decay}"
)
RELATIVE = (
    "describes: phases.pretrain, keys: {lr: optimizer.learning_rate, min_lr: schedule.min_learning_rate,"
    " decay: optimizer.weight_decay}"
)
RECOGNISED = "dialect: generic, describes: phases.pretrain, keys: {decay: optimizer.weight_decay}"
TASK = (
    "describes: phases.finetune.tasks.hard,"
    " keys: {lr: learning_rate, min_lr: phases.finetune.schedule.min_learning_rate}"
)
TASK_RECOGNISED = "dialect: generic, describes: phases.finetune.tasks.hard"


def drifts(folder: Path, binding: str, text: str) -> list[tuple[str | None, object, object]]:
    """Clause, expected and found value of each finding."""
    (folder / "run.yaml").write_text(text)
    findings = Study(folder, MANIFEST, ("BINDING", binding)).check().findings
    assert {finding.code for finding in findings} <= {"C101"}, findings
    return [(finding.clause, finding.expected, finding.actual) for finding in findings]


@pytest.mark.parametrize("variant", ["fast", "tuned"])
@pytest.mark.parametrize("binding", [WHOLE, RELATIVE, RECOGNISED])
def test_a_variants_own_value_and_what_follows_from_it_conform(tmp_path: Path, binding: str, variant: str) -> None:
    """The variant's own, or that of the one which it starts from."""
    assert drifts(tmp_path, f"variant: {variant}, {binding}", "lr: 1.0e-3\nmin_lr: 1.0e-4\ndecay: 0.1\n") == []


@pytest.mark.parametrize("binding", [WHOLE, RELATIVE, RECOGNISED])
def test_the_phases_value_is_a_drift_in_a_variant_that_sets_another(tmp_path: Path, binding: str) -> None:
    found = drifts(tmp_path, f"variant: fast, {binding}", "lr: 2.0e-4\nmin_lr: 2.0e-5\ndecay: 0.1\n")
    assert found == [
        ('variants.fast.steps[0].pretrain.set."optimizer.learning_rate"', 1e-3, 2e-4),
        ("phases.pretrain.schedule.min_learning_rate", pytest.approx(1e-4), 2e-5),
    ]


@pytest.mark.parametrize(
    "binding", [WHOLE, RELATIVE, *(f"variant: dense, {binding}" for binding in (WHOLE, RELATIVE, RECOGNISED))]
)
def test_without_settings_the_phase_holds(tmp_path: Path, binding: str) -> None:
    assert drifts(tmp_path, binding, "lr: 2.0e-4\nmin_lr: 2.0e-5\ndecay: 0.1\n") == []


@pytest.mark.parametrize("binding", [TASK, TASK_RECOGNISED])
def test_what_follows_from_a_tasks_own_value_follows_it(tmp_path: Path, binding: str) -> None:
    assert drifts(tmp_path, binding, "lr: 5.0e-5\nmin_lr: 5.0e-6\n") == []
    assert drifts(tmp_path, f"variant: tuned, {binding}", "lr: 5.0e-5\nmin_lr: 5.0e-6\n") == []
    assert drifts(tmp_path, binding, "lr: 5.0e-5\nmin_lr: 1.0e-5\n") == [
        ("phases.finetune.schedule.min_learning_rate", pytest.approx(5e-6), 1e-5)
    ]


def test_a_task_without_a_value_of_its_own_has_the_variants(tmp_path: Path) -> None:
    binding = "variant: tuned, dialect: generic, describes: phases.finetune.tasks.topics"
    assert drifts(tmp_path, binding, "lr: 3.0e-4\nmin_lr: 3.0e-5\n") == []


@pytest.mark.parametrize("binding", [WHOLE, RELATIVE, RECOGNISED])
def test_a_file_of_no_variant_that_says_what_one_sets_is_not_repaired(tmp_path: Path, binding: str) -> None:
    text = "lr: 1.0e-3\nmin_lr: 1.0e-4\ndecay: 0.1\n"
    assert [clause for clause, _, _ in drifts(tmp_path, binding, text)] == [
        "phases.pretrain.optimizer.learning_rate",
        "phases.pretrain.schedule.min_learning_rate",
    ]
    done = process(tmp_path, "check", "--fix")
    assert done.returncode == 1
    assert (
        done.stdout.count("bind it with `variant: fast` if it is that variant's, which sets this, as does tuned") == 2
    )
    assert (tmp_path / "run.yaml").read_text() == text


def test_a_value_that_no_variant_sets_is_repaired(tmp_path: Path) -> None:
    assert len(drifts(tmp_path, WHOLE, "lr: 1.1e-3\nmin_lr: 2.0e-5\ndecay: 0.1\n")) == 1
    assert process(tmp_path, "check", "--fix").returncode == 0
    assert (tmp_path / "run.yaml").read_text() == "lr: 2.0e-4\nmin_lr: 2.0e-5\ndecay: 0.1\n"


def test_the_variant_that_a_file_is_called_by_is_named_first(tmp_path: Path) -> None:
    drifts(tmp_path, "dialect: generic, describes: phases.pretrain", "lr: 2.0e-4\n")
    (tmp_path / "run.yaml").rename(tmp_path / "tuned.yaml")
    manifest = (tmp_path / "experiment.yaml").read_text().replace("file: run.yaml", "file: tuned.yaml")
    (tmp_path / "experiment.yaml").write_text(manifest)
    (tmp_path / "tuned.yaml").write_text("lr: 1.0e-3\n")
    assert "bind it with `variant: tuned`" in process(tmp_path, "check").stdout


def test_units_and_items_of_what_a_variant_sets_are_its_own(tmp_path: Path) -> None:
    """Also the number of steps that a share of a training's length is, which the variant's epochs decide."""
    setting = "epochs: 20, schedule.warmup: 5%, optimizer.betas: [0.9, 0.99]"
    manifest = replaced(
        MANIFEST,
        ("{optimizer.learning_rate: 1e-3}", f"{{{setting}}}"),
        ("{path: data/text}", "{path: data/text, train_examples: 1600}"),
    ).replace("weight_decay: 0.1}", "weight_decay: 0.1, betas: [0.9, 0.95]}")
    stated = "{ratio: schedule.warmup.ratio, steps: schedule.warmup.steps, b2: 'optimizer.betas[1]'}"
    text = "ratio: 0.05\nsteps: 100\nb2: 0.99\n"
    (tmp_path / "run.yaml").write_text(text)
    for variant, seen in (("variant: tuned", []), ("required: true", ["ratio", "steps", "b2"])):
        binding = f"{variant}, describes: phases.pretrain, keys: {stated}"
        result = Study(tmp_path, manifest, ("BINDING", binding)).check()
        findings = [finding for finding in result.findings if finding.code == "C101"]
        assert [finding.location.key for finding in findings if finding.location] == seen
        assert not any(finding.repairable for finding in findings)

"""What only a run needs: named by the plan, all of it at once and in its place, and never by the check."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.project import Project

MANIFEST = """\
version: 1
paper: {title: A study}
models:
  tiny: {family: gpt2, weights: random, layers: 2, hidden: 8, heads: 2, vocabulary: 256, tokenizer: bytes}
datasets:
  text: {builtin: language-reference}
  topics: {builtin: reference-topics, labels: 2}
phases:
  train:
    objective: causal_lm
    dataset: text
    optimizer: {name: adamw, learning_rate: 1e-3}
    schedule: {name: cosine, warmup: 10%}
    batch_size: 8
    epochs: 1
configs:
  - {file: a.yaml, describes: phases.train, keys: {wd: optimizer.weight_decay}}
""".replace("learning_rate: 1e-3", "weight_decay: 0.1, learning_rate: 1e-3")


ADAPTED = """\
version: 1
paper: {title: A study}
models:
  tiny: {family: FAMILY, weights: random, layers: 2, hidden: 8, vocabulary: 256, tokenizer: bytes}
datasets: {text: {builtin: language-reference}}
phases:
  train:
    objective: causal_lm
    dataset: text
    optimizer: {learning_rate: 1e-3}
    batch_size: 8
    epochs: 1
variants:
  V: {steps: [{train: {adapter: {lora: {rank: 2, alpha: 4, targets: [TARGETS]}}}}]}
"""
TARGETS = {
    "a Mamba's output": ("mamba", "in_proj, out_proj", "peft refuses an adapter on out_proj of a mamba"),
    "a Mamba's convolution": ("mamba2", "mixer.conv1d", "peft refuses an adapter on mixer.conv1d of a mamba2"),
    "a Mamba's inputs": ("mamba", "in_proj, x_proj", ""),
    "a mixture's experts": ("mixtral", "q_proj, w1", "w1 of a mixtral are experts or their router"),
    "a mixture's attention": ("mixtral", "q_proj, v_proj", ""),
    "a dense model's layers": ("llama", "gate_proj, up_proj", ""),
}


@pytest.mark.parametrize("what", TARGETS)
def test_a_target_that_has_no_adapter_is_named_in_its_place(tmp_path: Path, what: str) -> None:
    family, targets, reason = TARGETS[what]
    project = Project(tmp_path, ADAPTED.replace("FAMILY", family).replace("TARGETS", targets))
    printed = project.cli("plan").err
    assert reason in printed
    assert ("experiment.yaml:14:" in printed) is bool(reason)


@pytest.fixture
def project(tmp_path: Path) -> Project:
    found = Project(tmp_path, MANIFEST)
    found.write("a.yaml", "wd: 0.1\n")
    return found


def test_a_whole_statement_misses_nothing(project: Project) -> None:
    assert project.cli("plan").code == 0


MISSING = {
    "no length": ("    epochs: 1\n", "", "epochs is not stated"),
    "no batch": ("    batch_size: 8\n", "", "batch_size is not stated"),
    "no rate": (", learning_rate: 1e-3", "", "optimizer.learning_rate is not stated"),
    "no objective": ("    objective: causal_lm\n", "", "objective is not stated"),
    "another objective": ("objective: causal_lm", "objective: «PPO", "does not know the objective 'PPO'"),
    "another optimizer": ("name: adamw", "name: «lion", "does not know the optimizer.name 'lion'"),
    "another schedule": ("name: cosine", "name: «rex", "does not know the schedule.name 'rex'"),
    "no data": ("    dataset: text\n", "", "dataset is not stated"),
    "a mere name": ("text: {builtin: language-reference}", "«text: {}", "needs one of `hub`, `path` and `builtin`"),
    "no place of a model": ("weights: random", "weights: pretrained", "pretrained weights need `hub` or `path`"),
    "no sizes": ("layers: 2, ", "", "random weights need `layers` and `hidden`"),
    "no family": ("family: gpt2, ", "", "its family is not stated"),
    "a direction that is not the metric's": (
        "    batch_size: 8",
        "    metric: {name: perplexity, direction: «higher}\n    batch_size: 8",
        "does not take perplexity to be better by rising",
    ),
    "an own setting": (
        "    batch_size: 8",
        "    settings: {penalty: «0.1}\n    batch_size: 8",
        "settings.penalty is stated",
    ),
    "a range": ("learning_rate: 1e-3", "learning_rate: «1e-3 to 2e-3", "is a range"),
    "several optimizers": (
        "    optimizer: {name: adamw, weight_decay: 0.1, learning_rate: 1e-3}",
        "    optimizers: {«actor: {}, critic: {weight_decay: 0.1}}",
        "has one optimizer",
    ),
    "environment steps": ("    epochs: 1", "    length: «1M environment steps", "does not count environment steps"),
    "part of a sequence": ("batch_size: 8", "batch_size: «1000 tokens", "no whole number of sequences of 512"),
}


@pytest.mark.parametrize(("old", "new", "words"), MISSING.values(), ids=MISSING)
def test_the_plan_says_what_a_run_lacks_and_the_check_does_not(
    project: Project, old: str, new: str, words: str
) -> None:
    project.replace(old, new)
    if "optimizers" in new:
        project.replace("keys: {wd: optimizer.weight_decay}", "keys: {wd: optimizers.critic.weight_decay}")
    assert project.cli("check", "--ignore", "M180").code == 0, project.cli("check").out + project.cli("check").err
    outcome = project.cli("plan")
    assert outcome.code == 2
    line = next(each for each in outcome.err.splitlines() if words in each)
    assert line.startswith(f"{project.place}: error: " if "«" in new else "experiment.yaml:")
    assert project.cli("run", "--all").code == 2
    assert not project.path("runs").exists()


def test_all_of_it_is_told_at_once(project: Project) -> None:
    for old, new, _ in (MISSING["no length"], MISSING["no batch"], MISSING["another schedule"]):
        project.replace(old, new.replace("«", ""))
    told = project.cli("plan").err
    assert told.count(": error: ") == 3


def test_a_manifest_without_models_is_a_statement(project: Project) -> None:
    text = project.read()
    project.write("experiment.yaml", text[: text.index("models:")] + text[text.index("phases:") :])
    assert project.cli("check").code == 0
    outcome = project.cli("plan")
    assert "states no model" in outcome.err
    assert "of the dataset 'text' only the name is known" in outcome.err
    assert "states no variants: one, `default`, runs its phases in their order" in outcome.out


CONVERTED = {
    "per device": ("batch_size: 8", "batch_size: 8 per device", "batch_size", 8),
    "tokens": ("batch_size: 8", "batch_size: 4096 tokens", "batch_size", 8),
    "epochs": ("epochs: 1", "length: 3 epochs", "epochs", 3.0),
    "steps": ("epochs: 1", "length: 2k steps", "max_steps", 2000),
    "samples": ("epochs: 1", "length: 100 samples", "max_steps", 13),
    "a length in tokens": ("epochs: 1", "length: 1M tokens", "max_steps", 245),
    "rounded": ("epochs: 1", "max_steps: about 100", "max_steps", 100),
    "derived": ("batch_size: 8", "batch_size: 2 * epochs + 6", "batch_size", 8),
}


@pytest.mark.parametrize(("old", "new", "field", "value"), CONVERTED.values(), ids=CONVERTED)
def test_units_come_to_what_the_built_in_training_counts(
    project: Project, old: str, new: str, field: str, value: float
) -> None:
    (step,) = project.replace(old, new).plan().steps
    assert step.missing == ()
    assert getattr(step.work.recipe, field) == value  # type: ignore[union-attr]

"""A plan is what is stated, however a paper states it: no way of writing a value makes the plan differ from itself."""

from __future__ import annotations

from pathlib import Path

import pytest

from framework.conformance import Stage, Status
from tests.support.project import Project
from tests.support.statuses import codes, status_of

MANIFEST = """\
version: 1
paper: {title: A study}
models:
  tiny: {family: gpt2, weights: random, layers: 2, hidden: 8, heads: 2, vocabulary: 256, tokenizer: bytes,
         positions: 64}
datasets:
  text: {builtin: language-reference, train_examples: 640}
  topics: {builtin: reference-topics, labels: 2}
phases:
  train:
    objective: causal_lm
    dataset: text
    optimizer: {name: adamw, learning_rate: 1e-3}
    schedule: {name: cosine}
    batch_size: 8
    epochs: 2
    sequence_length: 32
variants:
  base: {steps: [train]}
seeds: [1]
configs:
  - {file: configs/pretrain.yaml, describes: phases.train, keys: {lr: optimizer.learning_rate}}
"""
SCHEDULE, OPTIMIZER = "schedule: {name: cosine}", "optimizer: {name: adamw, learning_rate: 1e-3}"
BASE = "phases.train"
STATED: dict[str, tuple[str, str, str]] = {
    # how it is stated: (what is replaced, by what, the clause)
    **{
        f"a warmup of {length}": (SCHEDULE, f"schedule: {{name: cosine, warmup: {length}}}", f"{BASE}.schedule.warmup")
        for length in ("10%", "16 steps", "1 epochs", "128 samples", "4096 tokens", "none", "about 16 steps")
    },
    **{
        f"the shape {shape}": (SCHEDULE, f"schedule: {{name: {shape}{more}}}", f"{BASE}.schedule.name")
        for shape, more in {
            "constant": "",
            "linear": "",
            "polynomial": ", power: 2",
            "exponential": ", min_learning_rate: 1e-5",
            "inverse_sqrt": ", warmup: 10 steps",
            "1-sqrt": "",
        }.items()
    },
    "a floor by a formula": (
        SCHEDULE,
        "schedule: {name: cosine, min_learning_rate: 0.1 * learning_rate}",
        f"{BASE}.schedule.min_learning_rate",
    ),
    "a decay at the end": (
        SCHEDULE,
        "schedule: {name: warmup_stable_decay, warmup: 5 steps, decay: {shape: 1-sqrt, length: 20 steps}}",
        f"{BASE}.schedule.decay.length",
    ),
    "a decay that begins somewhere": (
        SCHEDULE,
        "schedule: {name: constant, decay: {shape: linear, begin: 1 epochs, to: 0}}",
        f"{BASE}.schedule.decay.begin",
    ),
    "pieces": (
        SCHEDULE,
        "schedule: {segments: [{shape: linear, length: 20 steps, from: 0, to: 1}, {shape: cosine, to: 0}]}",
        f"{BASE}.schedule.segments[0].length",
    ),
    "a rate by a formula": (
        OPTIMIZER,
        "optimizer: {name: adamw, learning_rate: 1e-3 * batch_size / 8}",
        f"{BASE}.optimizer.learning_rate",
    ),
    "no weight decay": (
        OPTIMIZER,
        "optimizer: {name: adamw, learning_rate: 1e-3, weight_decay: none}",
        f"{BASE}.optimizer.weight_decay",
    ),
    "groups": (
        OPTIMIZER,
        "optimizer: {learning_rate: 1e-3, groups: [{parameters: [norms], learning_rate: 2 * learning_rate}]}",
        f"{BASE}.optimizer.groups[0].learning_rate",
    ),
    "a setting of the optimizer": (
        OPTIMIZER,
        "optimizer: {name: adamw, learning_rate: 1e-3, settings: {amsgrad: true}}",
        f"{BASE}.optimizer.settings.amsgrad",
    ),
    **{
        f"a batch of {batch}": ("batch_size: 8", f"batch_size: {batch}", f"{BASE}.batch_size")
        for batch in ("256 tokens", "8 samples", "8 per device", "sequence_length / 4")
    },
    **{
        f"a length of {length}": ("epochs: 2", f"length: {length}", f"{BASE}.length")
        for length in ("2 epochs", "160 steps", "1280 samples", "40_960 tokens", "about 160 steps")
    },
    "steps": ("epochs: 2", "max_steps: 160", f"{BASE}.max_steps"),
    "epochs by a formula": ("epochs: 2", "epochs: 16 / batch_size", f"{BASE}.epochs"),
    "a metric with its direction": (
        "epochs: 2",
        "epochs: 2\n    metric: {name: eval/perplexity, direction: lower}",
        f"{BASE}.metric.name",
    ),
    "a model's own value": (
        "positions: 64}",
        "positions: 64, set: {optimizer.learning_rate: 5e-4}}",
        'models.tiny.set."optimizer.learning_rate"',
    ),
    "what a model states for one phase": (
        "positions: 64}",
        "positions: 64, set: {phases.train.optimizer.learning_rate: 5e-4}}",
        'models.tiny.set."phases.train.optimizer.learning_rate"',
    ),
    "a dataset's own value": (
        "train_examples: 640}",
        "train_examples: 640, set: {batch_size: 16}}",
        "datasets.text.set.batch_size",
    ),
    "a model's own value for a variant's mask": (
        "{steps: [train]}",
        "{steps: [{train: {mask: {sdm: {target_sparsity: 0.5}}}}]}\n  more: {steps: [train]}",
        "variants.base.steps[0].train.mask.sdm.target_sparsity",
    ),
    "a task's own value": (
        "epochs: 2",
        "epochs: 2\n    tasks: {one: {dataset: text, optimizer.learning_rate: 5e-4, schedule.name: linear}}",
        f'{BASE}.tasks.one."optimizer.learning_rate"',
    ),
    "a variant's own value": (
        "{steps: [train]}",
        "{steps: [{train: {set: {optimizer.weight_decay: 100 * learning_rate}}}]}",
        'variants.base.steps[0].train.set."optimizer.weight_decay"',
    ),
    "a variant's own length": (
        "{steps: [train]}",
        "{steps: [{train: {set: {epochs: null, length: 5120 tokens}}}]}",
        "variants.base.steps[0].train.set.length",
    ),
}


@pytest.mark.parametrize("case", STATED)
def test_a_plan_does_not_differ_from_its_own_statement(tmp_path: Path, case: str) -> None:
    old, new, clause = STATED[case]
    project = Project(tmp_path, MANIFEST, "lr: 1e-3\n").replace(old, new)
    result = project.verify()
    assert "P101" not in codes(result), [finding.message for finding in result.findings]
    assert status_of(result, clause, Stage.PLAN) is Status.CONFORMS


def test_a_model_s_own_mask_goes_before_the_variant_s(tmp_path: Path) -> None:
    masked = "{steps: [{train: {mask: {sdm: {target_sparsity: 0.5}}}}]}"
    project = Project(tmp_path, MANIFEST, "lr: 1e-3\n").replace("{steps: [train]}", masked)
    project.replace("positions: 64}", "positions: 64, set: {mask.sdm.target_sparsity: 0.35}}")
    (step,) = project.plan().steps
    assert step.work.mask.sdm.target_sparsity == 0.35  # type: ignore[union-attr]
    assert "P101" not in codes(project.verify())


def test_a_task_s_own_value_beside_a_model_s(tmp_path: Path) -> None:
    project = Project(tmp_path, MANIFEST, "lr: 1e-3\n")
    project.replace("epochs: 2", "epochs: 2\n    tasks: {one: {dataset: text, optimizer.learning_rate: 5e-4}}")
    project.replace("positions: 64}", "positions: 64, set: {optimizer.learning_rate: 1e-4}}")
    assert "P101" not in codes(project.verify())

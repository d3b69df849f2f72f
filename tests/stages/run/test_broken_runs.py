"""Runs other than the manifest demands, by one table: each is found at its place, and nothing else is."""

from __future__ import annotations

import pytest

from tests.stages.breaking import (
    Break,
    assert_only_finding_of_runs,
    evaluated,
    in_manifest,
    line,
    observed,
    recorded,
    traced,
)
from tests.support.evidence import Evidence
from tests.support.project import Project
from tests.support.run_folders import change_lines


def also_stated(clause: str, change: Break = lambda evidence: None) -> Break:
    """State a further clause of the pre-training, after the runs, and change them."""

    def both(evidence: Evidence) -> None:
        in_manifest("    max_grad_norm: 1.0\n", f"    max_grad_norm: 1.0\n    {clause}\n")(evidence)
        change(evidence)

    return both


BROKEN: dict[str, tuple[str, Break, str]] = {
    # what is wrong: (code, how, where the finding points below the runs)
    "a step too few": ("R101", traced("dense", "pretrain", 11), "dense.0-pretrain.tiny.seed1/steps.jsonl:11"),
    "an end within an epoch": (
        "R101",
        lambda evidence: (
            traced("pruned", "finetune", 4)(evidence),
            evaluated(0.5, 0.4, 0.4, 0.4, stopped=True)(evidence),
        ),
        "pruned.1-finetune.topics.tiny.seed1/steps.jsonl:4",
    ),
    "another batch": ("R102", line("dense", "pretrain", 2, samples=3), "dense.0-pretrain.tiny.seed1/steps.jsonl:2"),
    "a last batch that is filled up": (
        "R102",
        line("dense", "pretrain", 3, samples=4),
        "dense.0-pretrain.tiny.seed1/steps.jsonl:3",
    ),
    "other examples": (
        "R103",
        in_manifest("language-reference, train_examples: 10", "language-reference, train_examples: 11"),
        "dense.0-pretrain.tiny.seed1/record.json:1",
    ),
    "another learning rate": (
        "R110",
        line("dense", "pretrain", 5, learning_rate=1.9e-4),
        "dense.0-pretrain.tiny.seed1/steps.jsonl:5",
    ),
    "another optimizer": (
        "R120",
        observed("dense", "pretrain", "observed", "optimizer", "class", to="SGD"),
        "dense.0-pretrain.tiny.seed1/record.json:1",
    ),
    "another weight decay": (
        "R120",
        observed("dense", "pretrain", "observed", "optimizer", "weight_decay", to=0.01),
        "dense.0-pretrain.tiny.seed1/record.json:1",
    ),
    "other betas": (
        "R120",
        observed("dense", "pretrain", "observed", "optimizer", "betas", to=[0.9, 0.999]),
        "dense.0-pretrain.tiny.seed1/record.json:1",
    ),
    "another sequence length": (
        "R121",
        observed("dense", "pretrain", "observed", "sequence_length", to=16),
        "dense.0-pretrain.tiny.seed1/record.json:1",
    ),
    "no clipping": (
        "R121",
        observed("dense", "pretrain", "observed", "max_grad_norm", to=None),
        "dense.0-pretrain.tiny.seed1/record.json:1",
    ),
    "master weights of 16 bits": (
        "R121",
        also_stated("master_weights: fp32", observed("dense", "pretrain", "observed", "master_weights", to="bf16")),
        "dense.0-pretrain.tiny.seed1/record.json:1",
    ),
    "means of micro-batches": (
        "R121",
        also_stated("loss_normalization: micro_batch"),
        "dense.0-pretrain.tiny.seed1/record.json:1",
    ),
    "more patience than declared": (
        "R122",
        evaluated(0.5, 0.4, 0.4, 0.4, 0.4, stopped=False),
        "pruned.1-finetune.topics.tiny.seed1/events.jsonl:1",
    ),
    "less patience than declared": (
        "R122",
        lambda evidence: (
            traced("pruned", "finetune", 3)(evidence),
            evaluated(0.5, 0.4, 0.4, stopped=True)(evidence),
        ),
        "pruned.1-finetune.topics.tiny.seed1/events.jsonl:1",
    ),
    "a metric that was not measured": (
        "R123",
        recorded("pruned", "finetune", lambda record: record.metrics.pop("f1")),  # type: ignore[attr-defined]
        "pruned.1-finetune.topics.tiny.seed1/record.json:1",
    ),
    "another seed": (
        "R130",
        observed("dense", "pretrain", "observed", "seed", to=7),
        "dense.0-pretrain.tiny.seed1/record.json:1",
    ),
    "another accelerator": (
        "R131",
        observed("dense", "pretrain", "environment", "hardware", "accelerator", to="NVIDIA A10"),
        "dense.0-pretrain.tiny.seed1/record.json:1",
    ),
    "less memory": (
        "R131",
        observed("dense", "pretrain", "environment", "hardware", "memory_gb", to=40.0),
        "dense.0-pretrain.tiny.seed1/record.json:1",
    ),
    "twice the memory": (
        "R131",
        observed("dense", "pretrain", "environment", "hardware", "memory_gb", to=170.0),
        "dense.0-pretrain.tiny.seed1/record.json:1",
    ),
    "fewer processes": (
        "R131",
        observed("dense", "pretrain", "observed", "processes", to=1),
        "dense.0-pretrain.tiny.seed1/record.json:1",
    ),
    "another CUDA": (
        "R131",
        observed("dense", "pretrain", "environment", "hardware", "cuda", to="12.10"),
        "dense.0-pretrain.tiny.seed1/record.json:1",
    ),
    "another version": (
        "R132",
        observed("dense", "pretrain", "environment", "packages", "torch", to="2.10.0"),
        "dense.0-pretrain.tiny.seed1/record.json:1",
    ),
    "another version of a package": (
        "R132",
        observed("dense", "pretrain", "environment", "packages", "transformers", to="4.9"),
        "dense.0-pretrain.tiny.seed1/record.json:1",
    ),
    "other data under one name": (
        "R133",
        observed("masked", "pretrain", "data", "fingerprint", to="another"),
        "masked.0-pretrain.tiny.seed1/record.json:1",
    ),
    "data from elsewhere": (
        "R134",
        observed("dense", "pretrain", "data", "source", "builtin", to="reference-topics"),
        "dense.0-pretrain.tiny.seed1/record.json:1",
    ),
    "another model": (
        "R135",
        observed("dense", "pretrain", "observed", "source", "weights", to="pretrained"),
        "dense.0-pretrain.tiny.seed1/record.json:1",
    ),
    "another parent": (
        "R136",
        observed("reordered", "permute", "parent", to="f" * 64),
        "reordered.0-permute.tiny.seed1/record.json:1",
    ),
    "another rank than declared": (
        "R140",
        observed("pruned", "finetune", "adapter", "rank", to=8),
        "pruned.1-finetune.topics.tiny.seed1/record.json:1",
    ),
    "another target": (
        "R140",
        observed("masked", "pretrain", "sparsity", "asked", to=0.4),
        "masked.0-pretrain.tiny.seed1/record.json:1",
    ),
    "another score recorded": (
        "R140",
        observed("pruned", "prune", "sparsity", "score", to="random"),
        "pruned.0-prune.tiny.seed1/record.json:1",
    ),
    "a mask far from its target": (
        "R141",
        observed("masked", "pretrain", "sparsity", "channels", "reached", to=0.44),
        "masked.0-pretrain.tiny.seed1/record.json:1",
    ),
    "a mask that removes nothing": (
        "R142",
        observed("masked", "pretrain", "sparsity", "channels", "reached", to=0.0),
        "masked.0-pretrain.tiny.seed1/record.json:1",
    ),
}


@pytest.mark.parametrize("case", BROKEN)
def test_a_broken_run_is_found_at_its_place_and_nothing_else_is(
    project: Project, evidence: Evidence, case: str
) -> None:
    assert_only_finding_of_runs(project, evidence, BROKEN[case])


QUIET: dict[str, Break] = {
    "an end that early stopping demands": lambda evidence: (
        traced("pruned", "finetune", 3)(evidence),
        evaluated(0.5, 0.4, 0.4, 0.4, stopped=True)(evidence),
    ),
    "patience that runs out at the very end": evaluated(0.5, 0.4, 0.4, 0.4, stopped=False),
    "the last digits of a learning rate": lambda evidence: change_lines(
        evidence.folder("dense", "pretrain") / "steps.jsonl",
        lambda lines: lines[5].update(learning_rate=lines[5]["learning_rate"] * (1 + 1e-8)),
    ),
    "the optimizer's own spelling": observed("dense", "pretrain", "observed", "optimizer", "class", to="adam_w"),
    "a fuller name of the accelerator": observed(
        "dense", "pretrain", "environment", "hardware", "accelerator", to="nvidia a100 80gb pcie"
    ),
    "a patch of the declared version": observed(
        "dense", "pretrain", "environment", "packages", "torch", to="2.1.9+cpu"
    ),
    "a mask near its target": observed("masked", "pretrain", "sparsity", "channels", "reached", to=0.54),
    "more of what nobody declares": observed("dense", "pretrain", "observed", "tokens_per_second", to=1.0),
}


@pytest.mark.parametrize("case", QUIET)
def test_what_the_manifest_admits_is_no_finding(project: Project, evidence: Evidence, case: str) -> None:
    QUIET[case](evidence)
    result = project.verify()
    assert result.findings == []

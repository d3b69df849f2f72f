"""One file, held to one manifest, for tables of what a file of a trainer means."""

from __future__ import annotations

from pathlib import Path

from framework.conformance import Stage, Status
from framework.manifest.clauses import Clause
from framework.stages.check import CheckResult
from tests.support.project import Project

CONFORMS, VIOLATED, UNVERIFIED = Status.CONFORMS, Status.VIOLATED, Status.UNVERIFIED
MANIFEST = """\
version: 1
paper: {title: A study}
models: {m: {family: llama, hub: org/model, vocabulary: 50280}}
datasets: {d: {hub: org/data, train_examples: 1000}}
phases:
  p:
    objective: causal_lm
    dataset: d
    optimizer: {name: adamw, learning_rate: 2e-5, weight_decay: 0.1, betas: [0.9, 0.95]}
    schedule: {name: cosine, warmup: 10%, min_learning_rate: 0}
    batch_size: 16
    epochs: 3
    sequence_length: 1024
    max_grad_norm: 0.3
    precision: bf16
    early_stopping: {metric: loss, patience: 2, min_delta: 0.1}
variants:
  V: {steps: [{p: {adapter: {lora: {rank: 16, alpha: 32, dropout: 0.05, targets: [q_proj, v_proj]}}}}]}
seeds: [1, 2, 3]
configs:
"""
SFT = "dataset_text_field: text\nper_device_train_batch_size: 16\n"
ARGS = "output_dir: x\nper_device_train_batch_size: 16\nnum_train_epochs: 3\n"
LORA = "variants.V.steps[0].p.adapter.lora."
DS = """{"train_micro_batch_size_per_gpu": 16, "zero_optimization": {"stage": 1}, "optimizer": {"type": "AdamW",\
 "params": {"lr": 2e-5, "betas": [0.9, 0.95], "weight_decay": 0.1}}, "scheduler": {"type": "KIND", "params": {\
"warmup_num_steps": 19, "total_num_steps": 189REST}}}"""


ADAPTER = """{"peft_type": "LORA", "r": 16, "lora_alpha": 32, "target_modules": ["q_proj", "v_proj"], REST}"""
ANNEALING = "torch.optim.lr_scheduler.CosineAnnealingLR"


def ds(kind: str, rest: str = "") -> str:
    return DS.replace("KIND", kind).replace("REST", rest)


Row = tuple[str, str, str, str, dict[str, Status]]
"""Dialect, text, requirements, changes of the manifest (`old|new&&old|new`), and clause -> status."""


def checked(folder: Path, row: Row) -> CheckResult:
    dialect, text, requirements, change, _ = row
    manifest = MANIFEST
    for each in change.split("&&") if change else []:
        old, new = each.split("|")
        assert old in manifest
        manifest = manifest.replace(old, new)
    about = "model: m" if dialect == "hf-model-config" else "describes: phases.p, variant: V"
    project = Project(folder, f"{manifest}  - {{file: a.yaml, dialect: {dialect}, {about}}}\n")
    project.path("configs/pretrain.yaml").unlink()
    project.write("a.yaml", text)
    if requirements:
        project.write("requirements.txt", f"{requirements}\n")
    return project.check()


def clause_of(result: CheckResult, name: str) -> Clause:
    return next(clause for clause in result.experiment.clauses if clause.id == name)


def assert_held(folder: Path, row: Row) -> None:
    """Each clause of a row has its status."""
    result = checked(folder, row)
    ids = {
        clause: clause if clause.startswith(("variants", "models", "seeds")) else f"phases.p.{clause}"
        for clause in row[-1]
    }
    found = {clause: result.matrix.seen(clause_of(result, ids[clause]), Stage.CONFIG) for clause in ids}
    assert found == row[-1]

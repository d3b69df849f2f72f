"""Shapes of the trainers' own public examples, each held to a manifest that says the same, and to one that does not."""

from __future__ import annotations

from pathlib import Path

import pytest

from framework.conformance import Stage, Status
from tests.dialects.held_rows import CONFORMS, MANIFEST, UNVERIFIED, VIOLATED, assert_held, clause_of
from tests.support.project import Project

TIMM = "opt: adamw\nsched: cosine\nreprob: 0.0\nepochs: 30\nbatch_size: 16\n"
NEOX = '"optimizer": {"type": "Adam"}, "pos_emb": "rotary", "no_weight_tying": true, "train_iters": 9, '
SPLIT = '"pipe-parallel-size": 2, "model_parallel_size": 2, "train_micro_batch_size_per_gpu": 2'
MM = """\
optim_wrapper: {type: OptimWrapper, optimizer: {type: AdamW, lr: 0.00002, weight_decay: 0.1}}
train_cfg: {by_epoch: true, max_epochs: 30}
train_dataloader: {batch_size: 16}
param_scheduler:
  - {type: LinearLR, start_factor: 0.001, by_epoch: true, end: 5, convert_to_iter_based: true}
  - {type: CosineAnnealingLR, eta_min: 0, by_epoch: true, begin: BEGIN}
"""
MEGATRON = "micro_batch_size: 4\ntrain_iters: 9\nlr_decay_style: cosine\nclip_grad: 0.3\nlr: 0.00002\n"
THIRTY = "epochs: 3|epochs: 30"
WARMUP = "warmup: 10%|warmup: {}"
DEVICES = "models: {{m:|hardware: {{count: {}}}\nmodels: {{m:"
YOLO = "imgsz: 640\nlr0: 0.00002\noptimizer: AdamW\nepochs: 30\nbatch: 16\nnbs: 16\n"

ROWS: dict[str, tuple[str, str, list[str], dict[str, Status]]] = {
    # what: dialect, text, changes of the manifest, clause -> status
    "timm's warmup in epochs": (
        "timm",
        f"{TIMM}warmup_epochs: 5\n",
        [THIRTY, WARMUP.format("5 epochs")],
        {"schedule.warmup": CONFORMS, "epochs": CONFORMS},
    ),
    "and another number of them": (
        "timm",
        f"{TIMM}warmup_epochs: 4\n",
        [THIRTY, WARMUP.format("5 epochs")],
        {"schedule.warmup": VIOLATED},
    ),
    "of another length of the training, the warmup is the same": (
        "timm",
        f"{TIMM}warmup_epochs: 5\n",
        [WARMUP.format("5 epochs"), "epochs: 3|epochs: 20"],
        {"schedule.warmup": CONFORMS, "epochs": VIOLATED},
    ),
    "as a share": (
        "timm",
        f"{TIMM}warmup_epochs: 3\n",
        [THIRTY],
        {"schedule.warmup": CONFORMS},
    ),
    "timm's own warmup": (
        "timm",
        TIMM,
        [THIRTY, WARMUP.format("5 epochs"), "models: {m:|hardware: {packages: {timm: 1.0.9}}\nmodels: {m:"],
        {"schedule.warmup": CONFORMS},
    ),
    "Ultralytics'": (
        "ultralytics",
        f"{YOLO}warmup_epochs: 3.0\n",
        [THIRTY, WARMUP.format("3 epochs")],
        {"schedule.warmup": CONFORMS},
    ),
    "mmengine's schedulers end with the training": (
        "mmengine",
        MM.replace("BEGIN", "5"),
        [THIRTY, WARMUP.format("5 epochs")],
        {"schedule.warmup": CONFORMS, "schedule.name": CONFORMS, "schedule.min_learning_rate": CONFORMS},
    ),
    "but one that begins later is another shape": (
        "mmengine",
        MM.replace("BEGIN", "15"),
        [THIRTY, WARMUP.format("5 epochs")],
        {"schedule.name": UNVERIFIED},
    ),
    "a model that is split over four devices": (
        "gpt-neox",
        f"{{{NEOX}{SPLIT}}}",
        [DEVICES.format(32)],
        {"batch_size": CONFORMS},
    ),
    "on too few of them": ("gpt-neox", f"{{{NEOX}{SPLIT}}}", [DEVICES.format(16)], {"batch_size": VIOLATED}),
    "on devices of which nothing is stated": ("gpt-neox", f"{{{NEOX}{SPLIT}}}", [], {"batch_size": UNVERIFIED}),
    "which do not part into whole models": (
        "gpt-neox",
        f"{{{NEOX}{SPLIT}}}",
        [DEVICES.format(6)],
        {"batch_size": UNVERIFIED},
    ),
    "with the whole batch": (
        "gpt-neox",
        f'{{{NEOX}{SPLIT}, "train_batch_size": 16}}',
        [],
        {"batch_size": CONFORMS},
    ),
    "Megatron's whole batch": (
        "megatron",
        f"{MEGATRON}global_batch_size: 16\ntensor_model_parallel_size: 8\npipeline_model_parallel_size: 16\n",
        [DEVICES.format(8)],
        {"batch_size": CONFORMS},
    ),
    "Megatron's micro batch": (
        "megatron",
        f"{MEGATRON}tensor_model_parallel_size: 2\n",
        [DEVICES.format(8)],
        {"batch_size": CONFORMS},
    ),
}


@pytest.mark.parametrize("name", ROWS)
def test_an_example_says_what_its_manifest_says(tmp_path: Path, name: str) -> None:
    dialect, text, changes, expected = ROWS[name]
    assert_held(tmp_path, (dialect, text, "", "&&".join(changes), expected))


@pytest.mark.parametrize(("nodes", "status"), [(2, CONFORMS), (1, VIOLATED)])
def test_processes_of_all_nodes_count_where_the_manifest_states_no_devices(
    tmp_path: Path, nodes: int, status: Status
) -> None:
    binding = "{file: run.sh, dialect: hf-training-arguments, describes: phases.p}"
    project = Project(tmp_path, f"{MANIFEST}  - {binding}\n")
    project.path("configs/pretrain.yaml").unlink()
    flags = "--per_device_train_batch_size 2 --gradient_accumulation_steps 1 --learning_rate 2e-5"
    project.write("run.sh", f"torchrun --nnodes {nodes} --nproc_per_node 4 train.py {flags}\n")
    result = project.check()
    assert result.matrix.seen(clause_of(result, "phases.p.batch_size"), Stage.CONFIG) is status

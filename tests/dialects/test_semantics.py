"""What each trainer makes of its keys, as its own sources do: one case per sentence of the dialects' docstrings."""

from __future__ import annotations

from typing import Any

import pytest

from framework.dialects.flags import said
from framework.dialects.registry import dialect, recognise
from framework.dialects.terms import Searched
from framework.reading.python.reader import parse_python
from framework.reading.shell.reader import parse_shell
from tests.dialects.trainers.semantics import NOTHING, UNKNOWN, assert_states

AXOLOTL = {"base_model": "a/b", "sequence_len": 64, "datasets": [{"path": "a/c"}], "micro_batch_size": 2}
TUNE = {"optimizer": {"_component_": "torch.optim.AdamW", "lr": 1e-4}, "epochs": 3}
FACTORY = {"stage": "sft", "do_train": True, "finetuning_type": "lora", "template": "x", "model_name_or_path": "a/b"}
SECOND = {"model": "a/b", "dist_config": {"name": "fsdp2"}, "train_dataset": "d.yaml", "micro_batch_size": 1}
HF = {"output_dir": "out", "learning_rate": 1e-4, "num_train_epochs": 3}
PARAMS = {"train_input": {"batch_size": 8}, "runconfig": {"max_steps": 100}, "optimizer": {"optimizer_type": "AdamW"}}
WARM = {"scheduler": "Linear", "initial_learning_rate": 0.0, "end_learning_rate": 1e-3, "total_iters": 10}
COSINE = {"scheduler": "CosineDecay", "initial_learning_rate": 1e-3, "end_learning_rate": 1e-4, "total_iters": 90}
NANO = {"block_size": 8, "batch_size": 12, "max_iters": 100, "gradient_accumulation_steps": 40}

CASES: list[tuple[str, dict[str, Any], str, Any]] = [
    # axolotl
    ("axolotl", {**AXOLOTL, "learning_rate": "2e-4"}, "optimizer.learning_rate", 2e-4),
    ("axolotl", {**AXOLOTL, "lora_r": 16}, "adapter.lora.rank", None),
    ("axolotl", {**AXOLOTL, "lora_r": 16, "adapter": "qlora"}, "adapter.lora.rank", 16),
    ("axolotl", {**AXOLOTL, "lora_r": 16, "adapter": "llama-adapter"}, "adapter.lora.rank", UNKNOWN),
    ("axolotl", {**AXOLOTL, "warmup_steps": 0, "warmup_ratio": 0.1}, "schedule.warmup.ratio", NOTHING),
    ("axolotl", {**AXOLOTL, "warmup_ratio": 0.1, "lr_scheduler": "constant"}, "schedule.warmup.steps", 0),
    ("axolotl", {**AXOLOTL, "bf16": "auto", "fp16": True}, "precision", "fp16"),
    ("axolotl", {**AXOLOTL, "bf16": "auto"}, "precision", UNKNOWN),
    ("axolotl", {**AXOLOTL, "context_parallel_size": 2}, "batch_size.processes", UNKNOWN),
    ("axolotl", {**AXOLOTL, "context_parallel_size": 1}, "batch_size.processes", NOTHING),
    ("axolotl", {**AXOLOTL, "batch_size": 64}, "batch_size", NOTHING),
    ("axolotl", {**AXOLOTL, "datasets": [{"path": "d.jsonl"}]}, "dataset.hub", UNKNOWN),
    ("axolotl", {**AXOLOTL, "datasets": [{"path": "a/b"}, {"path": "c/d"}]}, "dataset.hub", UNKNOWN),
    ("axolotl", {**AXOLOTL, "base_model": "./model"}, "model.hub", UNKNOWN),
    ("axolotl", {**AXOLOTL, "optimizer": "ao_adamw_fp8"}, "optimizer.name", UNKNOWN),
    ("axolotl", {**AXOLOTL, "learning_rate": "1e-3", "cosine_min_lr_ratio": 0.1}, "schedule.min_learning_rate", 1e-4),
    # torchtune
    ("torchtune", {**TUNE, "max_steps_per_epoch": 50}, "max_steps", UNKNOWN),
    ("torchtune", {**TUNE, "max_steps_per_epoch": None}, "max_steps", NOTHING),
    ("torchtune", {**TUNE, "tensor_parallel_dim": 2}, "batch_size.processes", UNKNOWN),
    (
        "torchtune",
        {**TUNE, "model": {"lora_attn_modules": ["q_proj", "output_proj"], "apply_lora_to_output": True}},
        "adapter.lora.targets",
        ["q_proj", "o_proj", "lm_head"],
    ),
    # LLaMA-Factory
    ("llama-factory", {**FACTORY, "lora_rank": 16}, "adapter.lora.rank", 16),
    ("llama-factory", {**FACTORY, "lora_rank": 16, "finetuning_type": "full"}, "adapter.lora.rank", None),
    ("llama-factory", {**FACTORY, "lora_alpha": 16, "use_rslora": True}, "adapter.lora.alpha", UNKNOWN),
    ("llama-factory", {**SECOND, "global_batch_size": 8}, "batch_size", 8),
    ("llama-factory", {**SECOND, "peft_config": {"name": "lora", "r": 4}}, "adapter.lora.rank", 4),
    # transformers
    ("hf-training-arguments", {**HF, "lr_scheduler_type": "constant", "warmup_ratio": 0.1}, "schedule.warmup.steps", 0),
    ("hf-training-arguments", {**HF, "lr_scheduler_type": "constant", "warmup_steps": 9}, "schedule.warmup.steps", 0),
    (
        "hf-training-arguments",
        {**HF, "lr_scheduler_type": "constant_with_warmup", "warmup_steps": 9},
        "schedule.warmup.steps",
        9,
    ),
    ("hf-training-arguments", {**HF, "lr_scheduler_type": "cosine_with_restarts"}, "schedule.name", "cosine"),
    (
        "hf-training-arguments",
        {**HF, "lr_scheduler_type": "cosine_with_restarts", "lr_scheduler_kwargs": {"num_cycles": 3}},
        "schedule.name",
        "cosine_with_restarts",
    ),
    ("hf-training-arguments", {**HF, "learning_rate": "1e-5"}, "optimizer.learning_rate", "1e-5"),
    ("hf-training-arguments", {**HF, "learning_rate": "1e-5", "use_peft": True}, "optimizer.learning_rate", 1e-5),
    ("hf-training-arguments", {**HF, "model_name_or_path": "~/models/x"}, "model.hub", UNKNOWN),
    ("hf-training-arguments", {**HF, "model_name_or_path": "gpt2"}, "model.hub", "gpt2"),
    ("hf-training-arguments", {**HF, "nproc_per_node": 8, "nnodes": 2}, "hardware.count|batch_size.processes", 16),
    # accelerate, DeepSpeed, peft
    ("accelerate", {"num_machines": 1, "machine_rank": 0, "mixed_precision": "no"}, "precision", NOTHING),
    ("deepspeed", {"zero_optimization": {}, "optimizer": {"type": "ADAM"}}, "optimizer.name", "adamw"),
    (
        "deepspeed",
        {"zero_optimization": {}, "optimizer": {"type": "Adam", "params": {"adam_w_mode": False}}},
        "optimizer.name",
        "adam",
    ),
    ("deepspeed", {"zero_optimization": {}, "tensor_parallel": {"autotp_size": 2}}, "batch_size.processes", UNKNOWN),
    ("peft-adapter", {"peft_type": "IA3", "target_modules": ["k_proj"]}, "adapter.lora.rank", None),
    # Cerebras, before the trainer's YAML
    ("cerebras", PARAMS, "batch_size", 8),
    (
        "cerebras",
        {**PARAMS, "optimizer": {"learning_rate": [WARM, COSINE]}},
        "schedule.warmup.steps",
        10,
    ),
    ("cerebras", {**PARAMS, "optimizer": {"learning_rate": [WARM, COSINE]}}, "schedule.min_learning_rate", 1e-4),
    (
        "cerebras",
        {**PARAMS, "optimizer": {"learning_rate": [WARM, COSINE, {"scheduler": "Constant", "learning_rate": 1e-4}]}},
        "schedule.name",
        "cosine",
    ),
    ("cerebras", {**PARAMS, "optimizer": {"learning_rate": 0.01}}, "optimizer.learning_rate", 0.01),
    ("cerebras", {**PARAMS, "model": {"fp16_type": "cbfloat16", "mixed_precision": False}}, "precision", "fp32"),
    # sweeps
    (
        "wandb-sweep",
        {"method": "bayes", "parameters": {"optim.lr": {"min": 0.001, "max": 0.1}}},
        "optimizer.learning_rate",
        Searched(low=0.001, high=0.1),
    ),
    ("wandb-sweep", {"method": "grid", "parameters": {"seed": {"values": [1, 2]}}}, "seeds", [1, 2]),
    (
        "wandb-sweep",
        {"method": "bayes", "parameters": {"lr": {"min": "1e-5", "max": 1}}},
        "optimizer.learning_rate",
        "1e-5",
    ),
    (
        "wandb-sweep",
        {"method": "bayes", "parameters": {"lr": {"distribution": "log_uniform", "min": 0, "max": 0}}},
        "optimizer.learning_rate",
        Searched(low=1.0, high=1.0),
    ),
    (
        "wandb-sweep",
        {"method": "grid", "parameters": {"lr": {"values": ["1e-4", 0.1]}}},
        "optimizer.learning_rate",
        Searched((1e-4, 0.1)),
    ),
    # home-grown
    ("generic", NANO, "batch_size", 480),
    ("generic", NANO, "batch_size.accumulation", NOTHING),
    ("generic", {"lr": 1e-4, "epochs": 3, "world_size": 1}, "hardware.count|batch_size.processes", NOTHING),
    ("generic", {"lr": 1e-4, "n_gpus_per_node": 8, "nnodes": 2}, "hardware.count|batch_size.processes", 16),
    ("generic", {"lr": 1e-4, "epochs": 3, "lr_warmup_steps": -1}, "schedule.warmup.steps", NOTHING),
    ("generic", {"lr": 1e-4, "epochs": "???"}, "epochs", NOTHING),
    ("generic", {"lr": 1e-4, "early_stopping": {"monitor": "val/acc"}}, "early_stopping.metric", "accuracy"),
    ("generic", {"lr": 1e-4, "epochs": 3, "profiler": {"schedule": {"type": "x"}}}, "schedule.name", NOTHING),
    (
        "hydra",
        {"trainer": {"_target_": "lightning.Trainer", "devices": 4, "num_nodes": 2}},
        "hardware.count|batch_size.processes",
        8,
    ),
]  # fmt: skip


@pytest.mark.parametrize(("name", "data", "fact", "expected"), CASES, ids=[f"{c[0]}: {c[2]}" for c in CASES])
def test_a_key_states_what_its_trainer_makes_of_it(name: str, data: dict[str, Any], fact: str, expected: Any) -> None:
    assert_states(name, data, fact, expected)


@pytest.mark.parametrize("section", ["TRACK", "tracker", "tracking"])
def test_a_trackers_rate_is_not_the_trainings(section: str) -> None:
    """In pysot and what is built on it, `TRACK.LR` is how fast the running tracker takes on a template."""
    data = {section: {"LR": 0.33}, "TRAIN": {"LR": 0.005, "BATCH_SIZE": 80}}
    stated = [each for each in said(dialect("generic"), data).statements if "learning_rate" in each.fact]
    assert [each.value for each in stated if not each.named] == [0.005]


DEFAULTS = [
    ("axolotl", AXOLOTL, "schedule.min_learning_rate", 0.0),
    ("axolotl", {**AXOLOTL, "adapter": "lora"}, "adapter.lora.dropout", 0.0),
    ("torchtune", {**TUNE, "model": {"_component_": "x.lora_llama"}}, "adapter.lora.alpha", 16),
    ("llama-factory", FACTORY, "adapter.lora.alpha", 16),
    ("llama-factory", SECOND, "schedule.name", "constant"),
    ("llama-factory", SECOND, "optimizer.weight_decay", 0.01),
    ("llama-factory", SECOND, "precision", "bf16"),
    ("deepspeed", {"zero_optimization": {}, "train_micro_batch_size_per_gpu": 8}, "batch_size.accumulation", 1),
    ("deepspeed", {"zero_optimization": {}, "scheduler": {"type": "WarmupLR"}}, "schedule.warmup.steps", 1000),
    ("accelerate", {"num_machines": 1, "mixed_precision": "no"}, "precision", "fp32"),
    ("cerebras", PARAMS, "max_grad_norm", None),
    ("hf-training-arguments", HF, "optimizer.weight_decay", 0.0),
]


@pytest.mark.parametrize(("name", "data", "fact", "expected"), DEFAULTS, ids=[f"{c[0]}: {c[2]}" for c in DEFAULTS])
def test_what_a_trainer_does_where_nothing_is_stated(name: str, data: dict[str, Any], fact: str, expected: Any) -> None:
    assert [each.value for each in said(dialect(name), data).defaults if each.fact == fact] == [expected]


@pytest.mark.parametrize(
    ("data", "name"),
    [(SECOND, "llama-factory"), (PARAMS, "cerebras"), (NANO, "generic"), ({"peft_type": "IA3"}, "peft-adapter")],
)
def test_each_shape_is_recognised(data: dict[str, Any], name: str) -> None:
    found = recognise(data)
    assert found is not None
    assert found[0].name == name


def test_flags_count_where_variables_have_their_names() -> None:
    text = "lr=1e-4\nlora_rank=8\npython t.py --learning_rate ${lr} --num_train_epochs 1 --lora_rank $lora_rank\n"
    document = parse_shell(text, "run.sh")
    assert document.root is not None
    found = said(dialect("hf-training-arguments"), document.value(document.root)).statements
    assert {each.fact: each.path for each in found} == {
        "optimizer.learning_rate": ("--learning_rate",),
        "epochs": ("--num_train_epochs",),
        "adapter.lora.rank": ("--lora_rank",),
    }


def test_flags_of_two_commands_are_read_below_their_names() -> None:
    shared = "--learning_rate 1e-4 --num_train_epochs 1"
    document = parse_shell(f"python a.py {shared}\npython b.py {shared}\n", "run.sh")
    assert document.root is not None
    found = said(dialect("hf-training-arguments"), document.value(document.root)).statements
    assert {each.path for each in found if each.fact == "epochs"} == {
        ("a.py", "--num_train_epochs"),
        ("b.py", "--num_train_epochs"),
    }


def test_a_value_that_a_program_works_out_gives_way_to_a_literal_beside_it() -> None:
    document = parse_python("learning_rate = 6e-4\nlr = schedule(0)\nepochs = 3\n", "train.py")
    assert document.root is not None
    found = said(dialect("generic"), document.value(document.root))
    assert [each.value for each in found.statements if each.fact == "optimizer.learning_rate"] == [6e-4]
    assert ("lr",) in found.silent

"""What a key means depends on switches and options beside it, and on what the trainer does with them.

Measured with, or read in, the releases that the dialects' docstrings name.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.dialects.held_rows import (
    ADAPTER,
    ANNEALING,
    ARGS,
    CONFORMS,
    LORA,
    UNVERIFIED,
    VIOLATED,
    Row,
    assert_held,
    checked,
    ds,
)

ROWS: dict[str, Row] = {
    "GaLore": (
        "hf-training-arguments",
        f"{ARGS}optim: galore_adamw\nweight_decay: 0.1\nadam_beta2: 0.95\n",
        "",
        "",
        {"optimizer.weight_decay": VIOLATED, "optimizer.betas": UNVERIFIED, "optimizer.name": UNVERIFIED},
    ),
    "APOLLO": (
        "hf-training-arguments",
        f"{ARGS}optim: apollo_adamw\nweight_decay: 0.1\nadam_beta1: 0.9\nadam_beta2: 0.95\n",
        "",
        "",
        {"optimizer.weight_decay": VIOLATED, "optimizer.betas": CONFORMS},
    ),
    "a cosine of whole cycles": (
        "hf-training-arguments",
        f"{ARGS}lr_scheduler_type: cosine\nlr_scheduler_kwargs: {{num_cycles: 1}}\n",
        "",
        "",
        {"schedule.name": UNVERIFIED},
    ),
    "a cosine of the half wave that it is": (
        "hf-training-arguments",
        f"{ARGS}lr_scheduler_type: cosine\nlr_scheduler_kwargs: {{num_cycles: 0.5}}\n",
        "",
        "",
        {"schedule.name": CONFORMS},
    ),
    "a threshold is no min_delta": (
        "hf-training-arguments",
        f"{ARGS}metric_for_best_model: loss\nearly_stopping_patience: 2\nearly_stopping_threshold: 0.1\n",
        "",
        "",
        {"early_stopping.min_delta": UNVERIFIED, "early_stopping.patience": CONFORMS},
    ),
    "a threshold of 0 is": (
        "hf-training-arguments",
        f"{ARGS}metric_for_best_model: loss\nearly_stopping_patience: 2\nearly_stopping_threshold: 0.0\n",
        "",
        "min_delta: 0.1|min_delta: 0",
        {"early_stopping.min_delta": CONFORMS},
    ),
    "an order that no seed changes": (
        "hf-training-arguments",
        f"{ARGS}train_sampling_strategy: batch_rebalance\nseed: 1\n",
        "",
        "",
        {"seeds": UNVERIFIED},
    ),
    "gradients that are added up": (
        "hf-training-arguments",
        "output_dir: x\nper_device_train_batch_size: 4\ngradient_accumulation_steps: 4\nmax_grad_norm: 0.3\n",
        "",
        "objective: causal_lm|objective: classification",
        {"max_grad_norm": UNVERIFIED},
    ),
    "gradients of one micro batch": (
        "hf-training-arguments",
        f"{ARGS}max_grad_norm: 0.3\n",
        "",
        "objective: causal_lm|objective: classification",
        {"max_grad_norm": CONFORMS},
    ),
    "gradients that are averaged": (
        "hf-training-arguments",
        "output_dir: x\nper_device_train_batch_size: 4\ngradient_accumulation_steps: 4\nmax_grad_norm: 0.3\n",
        "",
        "",
        {"max_grad_norm": CONFORMS},
    ),
    "weights that are loaded in 16 bits": (
        "hf-training-arguments",
        f"{ARGS}model_name_or_path: org/model\ndtype: bfloat16\n",
        "",
        "precision: bf16|precision: fp32",
        {"precision": VIOLATED},
    ),
    "weights of a checkpoint's own type": (
        "hf-training-arguments",
        f"{ARGS}model_name_or_path: org/model\n",
        "transformers>=5",
        "precision: bf16|precision: fp32",
        {"precision": UNVERIFIED},
    ),
    "SGD has no momentum": (
        "hf-training-arguments",
        f"{ARGS}optim: sgd\n",
        "",
        "{name: adamw, learning_rate: 2e-5, weight_decay: 0.1, betas: [0.9, 0.95]}|{name: sgd, momentum: 0.9}",
        {"optimizer.momentum": VIOLATED},
    ),
    "DeepSpeed's decay has a peak of its own": (
        "deepspeed",
        ds("WarmupDecayLR", ', "warmup_type": "linear"'),
        "",
        "",
        {"optimizer.learning_rate": VIOLATED, "schedule.warmup": CONFORMS},
    ),
    "unless it is given": (
        "deepspeed",
        ds("WarmupDecayLR", ', "warmup_type": "linear", "warmup_max_lr": 2e-5'),
        "",
        "",
        {"optimizer.learning_rate": CONFORMS},
    ),
    "DeepSpeed's warmup before 0.17.2": (
        "deepspeed",
        ds("WarmupLR").replace(', "total_num_steps": 189', ""),
        "deepspeed==0.17.1",
        "",
        {"optimizer.learning_rate": VIOLATED, "schedule.warmup": UNVERIFIED},
    ),
    "DeepSpeed's warmup from it on": (
        "deepspeed",
        ds("WarmupLR").replace(', "total_num_steps": 189', ""),
        "deepspeed==0.17.2",
        "",
        {"optimizer.learning_rate": CONFORMS},
    ),
    "DeepSpeed's warmup of an unknown release": (
        "deepspeed",
        ds("WarmupLR").replace(', "total_num_steps": 189', ""),
        "",
        "",
        {"optimizer.learning_rate": UNVERIFIED},
    ),
    "DeepSpeed clips by itself from 0.19.3 on": (
        "deepspeed",
        ds("WarmupCosineLR"),
        "deepspeed==0.19.8",
        "max_grad_norm: 0.3|max_grad_norm: 1.0",
        {"max_grad_norm": CONFORMS},
    ),
    "and not before": (
        "deepspeed",
        ds("WarmupCosineLR"),
        "deepspeed==0.19.2",
        "max_grad_norm: 0.3|max_grad_norm: 1.0",
        {"max_grad_norm": VIOLATED},
    ),
    "never at 0.3": ("deepspeed", ds("WarmupCosineLR"), "", "", {"max_grad_norm": VIOLATED}),
    "an optimizer without its arguments": (
        "deepspeed",
        '{"train_micro_batch_size_per_gpu": 16, "zero_optimization": {"stage": 2}, "optimizer": {"type": "AdamW"}}',
        "",
        "",
        {"optimizer.learning_rate": VIOLATED, "optimizer.weight_decay": VIOLATED, "optimizer.betas": VIOLATED},
    ),
    "LLaMA-Factory's length before 0.9.1": (
        "llama-factory",
        "stage: sft\ndo_train: true\ntemplate: llama2\nper_device_train_batch_size: 16\n",
        "llamafactory==0.9.0",
        "",
        {"sequence_length": CONFORMS},
    ),
    "LLaMA-Factory's length from it on": (
        "llama-factory",
        "stage: sft\ndo_train: true\ntemplate: llama2\nper_device_train_batch_size: 16\n",
        "llamafactory==0.9.1",
        "",
        {"sequence_length": VIOLATED},
    ),
    "a switch that replaces the optimizer": (
        "llama-factory",
        "stage: sft\ndo_train: true\ntemplate: llama2\nuse_muon: true\nweight_decay: 0.1\nlearning_rate: 2e-5\n",
        "",
        "",
        {"optimizer.name": UNVERIFIED, "optimizer.weight_decay": UNVERIFIED, "optimizer.learning_rate": CONFORMS},
    ),
    "another, by default": (
        "llama-factory",
        "stage: sft\ndo_train: true\ntemplate: llama2\nuse_adam_mini: true\nlearning_rate: 2e-5\n",
        "",
        "",
        {"optimizer.name": UNVERIFIED},
    ),
    "pure bf16": (
        "llama-factory",
        "stage: sft\ndo_train: true\ntemplate: llama2\npure_bf16: true\nlearning_rate: 2e-5\n",
        "",
        "",
        {"precision": CONFORMS},
    ),
    "LLaMA-Factory's alpha under rank-stabilised scaling": (
        "llama-factory",
        "stage: sft\ndo_train: true\ntemplate: llama2\nlora_rank: 16\nuse_rslora: true\n",
        "",
        "",
        {f"{LORA}alpha": UNVERIFIED},
    ),
    "axolotl's alpha under rank-stabilised scaling": (
        "axolotl",
        "base_model: org/model\nadapter: lora\nlora_r: 16\nlora_alpha: 32\npeft_use_rslora: true\nsequence_len: 1024\n",
        "",
        "",
        {f"{LORA}alpha": UNVERIFIED, f"{LORA}rank": CONFORMS},
    ),
    "axolotl's minimum outside a cosine": (
        "axolotl",
        "base_model: org/model\nlearning_rate: 2e-5\nlr_scheduler: linear\ncosine_min_lr_ratio: 0.1\n",
        "",
        "name: cosine, warmup: 10%, min_learning_rate: 0|name: linear, min_learning_rate: 0.1 * learning_rate",
        {"schedule.min_learning_rate": VIOLATED},
    ),
    "axolotl's minimum of a cosine": (
        "axolotl",
        "base_model: org/model\nlearning_rate: 2e-5\nlr_scheduler: cosine\ncosine_min_lr_ratio: 0.1\n",
        "",
        "min_learning_rate: 0|min_learning_rate: 0.1 * learning_rate",
        {"schedule.min_learning_rate": CONFORMS},
    ),
    "a fused Adam": (
        "hydra",
        "optimizer: {_target_: deepspeed.ops.adam.FusedAdam, lr: 2.0e-5}\n",
        "",
        "",
        {"optimizer.name": CONFORMS},
    ),
    "a fused Adam whose decay is not decoupled": (
        "hydra",
        "optimizer: {_target_: apex.optimizers.FusedAdam, lr: 2.0e-5, adam_w_mode: false}\n",
        "",
        "",
        {"optimizer.name": VIOLATED},
    ),
    "a decay that is not multiplied by the rate": (
        "generic",
        "optimizer: {name: decoupled_adamw, lr: 2.0e-5}\n",
        "",
        "",
        {"optimizer.name": VIOLATED},
    ),
    "PyTorch's decay beside a scheduler of PyTorch's": (
        "hydra",
        f"optimizer: {{_target_: torch.optim.AdamW, lr: 2.0e-5}}\nscheduler: {{_target_: {ANNEALING}, T_max: 3}}\n",
        "",
        "",
        {"optimizer.weight_decay": VIOLATED},
    ),
    "modules that are trained whole": (
        "peft-adapter",
        ADAPTER.replace("REST", '"modules_to_save": ["lm_head"]'),
        "",
        "",
        {f"{LORA}targets": UNVERIFIED, f"{LORA}rank": CONFORMS},
    ),
    "some layers only": (
        "peft-adapter",
        ADAPTER.replace("REST", '"layers_to_transform": [0, 1]'),
        "",
        "",
        {f"{LORA}targets": UNVERIFIED},
    ),
    "DoRA": (
        "peft-adapter",
        ADAPTER.replace("REST", '"use_dora": true'),
        "",
        "",
        {f"{LORA}alpha": UNVERIFIED},
    ),
    "a vocabulary that is rounded up": (
        "hf-model-config",
        '{"d_model": 768, "n_layer": 24, "vocab_size": 50277, "pad_vocab_size_multiple": 8}',
        "",
        "",
        {"models.m.vocabulary": CONFORMS},
    ),
}


@pytest.mark.parametrize("name", ROWS)
def test_the_meaning_is_what_the_options_beside_it_make_of_it(tmp_path: Path, name: str) -> None:
    assert_held(tmp_path, ROWS[name])


def test_a_doubt_names_the_values_and_the_releases(tmp_path: Path) -> None:
    result = checked(tmp_path, ROWS["DeepSpeed's warmup of an unknown release"])
    (finding,) = [each for each in result.findings if "optimizer.params.lr" in each.message]
    assert "0.001 before 0.17.2, 0.00002 from 0.17.2 on" in finding.message.replace("2e-05", "0.00002")

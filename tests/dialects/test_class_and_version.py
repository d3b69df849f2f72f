"""What a file means depends on the class that runs, on its release, and on switches beside the key.

Measured with, or read in, the releases that the dialects' docstrings name.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from framework.conformance import Stage, Status
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
ROWS: dict[str, Row] = {
    # what: dialect, file, text, requirements, clause -> status
    "TRL's supervised fine-tuning since 0.12": (
        "hf-training-arguments",
        SFT,
        "trl==1.16.0",
        "",
        {"optimizer.learning_rate": CONFORMS, "precision": CONFORMS, "sequence_length": CONFORMS},
    ),
    "the same before": (
        "trl",
        SFT,
        "trl==0.11.4\ntransformers==4.57.1",
        "",
        {"optimizer.learning_rate": VIOLATED, "precision": VIOLATED, "sequence_length": UNVERIFIED},
    ),
    "the same where nothing tells the release": (
        "trl",
        SFT,
        "",
        "",
        {"optimizer.learning_rate": UNVERIFIED, "precision": UNVERIFIED, "optimizer.weight_decay": VIOLATED},
    ),
    "a range of releases that agree": ("trl", SFT, "trl>=0.20,<2", "", {"optimizer.learning_rate": CONFORMS}),
    "a range of releases that do not": ("trl", SFT, "trl>=0.9", "", {"optimizer.learning_rate": UNVERIFIED}),
    "every release has another value": (
        "trl",
        SFT,
        "",
        "learning_rate: 2e-5|learning_rate: 3e-4",
        {"optimizer.learning_rate": VIOLATED},
    ),
    "GRPO": (
        "trl",
        "num_generations: 8\nper_device_train_batch_size: 16\n",
        "",
        "learning_rate: 2e-5|learning_rate: 1e-6",
        {"optimizer.learning_rate": CONFORMS},
    ),
    "a reward model before 0.24": (
        "trl",
        "center_rewards_coefficient: 0.01\nper_device_train_batch_size: 16\n",
        "trl==0.23.1",
        "learning_rate: 2e-5|learning_rate: 1e-4",
        {"optimizer.learning_rate": VIOLATED},
    ),
    "and from it on": (
        "trl",
        "center_rewards_coefficient: 0.01\nper_device_train_batch_size: 16\n",
        "trl==0.24.0",
        "learning_rate: 2e-5|learning_rate: 1e-4",
        {"optimizer.learning_rate": CONFORMS},
    ),
    "one of TRL's trainers": (
        "trl",
        "use_peft: true\nlora_task_type: CAUSAL_LM\nper_device_train_batch_size: 16\n",
        "trl==1.16.0",
        "",
        {"optimizer.learning_rate": UNVERIFIED},
    ),
    "LoRA without its switch": (
        "trl",
        f"{SFT}lora_r: 16\nlora_alpha: 32\nlora_target_modules: [q_proj, v_proj]\n",
        "",
        "",
        {f"{LORA}rank": VIOLATED, f"{LORA}alpha": VIOLATED, f"{LORA}targets": VIOLATED},
    ),
    "LoRA with its switch alone": (
        "trl",
        f"{SFT}use_peft: true\n",
        "",
        "",
        {f"{LORA}rank": CONFORMS, f"{LORA}alpha": CONFORMS, f"{LORA}dropout": CONFORMS},
    ),
    "rank-stabilised scaling": (
        "trl",
        f"{SFT}use_peft: true\nlora_alpha: 32\nuse_rslora: true\n",
        "",
        "",
        {f"{LORA}alpha": UNVERIFIED, f"{LORA}rank": CONFORMS},
    ),
    "a key that TRL dropped": (
        "trl",
        f"{SFT}max_seq_length: 1024\n",
        "trl==0.20.0",
        "",
        {"sequence_length": UNVERIFIED},
    ),
    "a key that TRL still read": (
        "trl",
        f"{SFT}max_seq_length: 1024\n",
        "trl==0.19.1",
        "",
        {"sequence_length": CONFORMS},
    ),
    "a ratio that transformers no longer has": (
        "trl",
        f"{SFT}warmup_ratio: 0.1\n",
        "transformers==5.16.0",
        "",
        {"schedule.warmup": UNVERIFIED},
    ),
    "a ratio that transformers 4 has": (
        "trl",
        f"{SFT}warmup_ratio: 0.1\n",
        "transformers==4.57.1",
        "",
        {"schedule.warmup": CONFORMS},
    ),
    "packed examples": ("trl", f"{SFT}packing: true\nnum_train_epochs: 3\n", "", "", {"epochs": UNVERIFIED}),
    "ms-swift": (
        "hf-training-arguments",
        "tuner_type: full\nmodel: org/model\nper_device_train_batch_size: 4\nlearning_rate: 0.00002\n",
        "ms-swift==4.6.0",
        "",
        {
            "optimizer.weight_decay": CONFORMS,
            "optimizer.betas": CONFORMS,
            "schedule.name": CONFORMS,
            "batch_size": CONFORMS,
            "epochs": CONFORMS,
        },
    ),
    "ms-swift of 2.x": (
        "ms-swift",
        "sft_type: lora\nper_device_train_batch_size: 4\n",
        "ms-swift==2.6.1",
        "",
        {"epochs": VIOLATED, "schedule.warmup": UNVERIFIED, f"{LORA}alpha": CONFORMS, f"{LORA}rank": VIOLATED},
    ),
    "a length of no steps": (
        "hf-training-arguments",
        f"{ARGS}max_steps: 0\n",
        "",
        "",
        {"epochs": VIOLATED},
    ),
    "a length that is not set": ("hf-training-arguments", f"{ARGS}max_steps: -1\n", "", "", {"epochs": CONFORMS}),
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


def checked(folder: Path, row: Row) -> CheckResult:
    dialect, text, requirements, change, _ = row
    manifest = MANIFEST
    if change:
        old, new = change.split("|")
        assert old in manifest
        manifest = manifest.replace(old, new)
    about = "model: m" if dialect == "hf-model-config" else "describes: phases.p, variant: V"
    project = Project(folder, f"{manifest}  - {{file: a.yaml, dialect: {dialect}, {about}}}\n")
    project.path("configs/pretrain.yaml").unlink()
    project.write("a.yaml", text)
    if requirements:
        project.write("requirements.txt", f"{requirements}\n")
    return project.check()


@pytest.mark.parametrize("name", ROWS)
def test_the_meaning_is_that_of_the_class_that_runs(tmp_path: Path, name: str) -> None:
    result = checked(tmp_path, ROWS[name])
    ids = {
        clause: clause if clause.startswith(("variants", "models", "seeds")) else f"phases.p.{clause}"
        for clause in ROWS[name][-1]
    }
    found = {clause: result.matrix.seen(clause_of(result, ids[clause]), Stage.CONFIG) for clause in ids}
    assert found == ROWS[name][-1]


def clause_of(result: CheckResult, name: str):
    return next(clause for clause in result.experiment.clauses if clause.id == name)


def test_the_manifest_may_state_the_release(tmp_path: Path) -> None:
    dialect, text, _, _, _ = ROWS["TRL's supervised fine-tuning since 0.12"]
    hardware = "models: {m:|hardware: {packages: {trl: 1.16.0}}\nmodels: {m:"
    result = checked(tmp_path, (dialect, text, "", hardware, {}))
    rate = clause_of(result, "phases.p.optimizer.learning_rate")
    assert result.matrix.seen(rate, Stage.CONFIG) is CONFORMS


def test_a_doubt_names_the_values_and_the_releases(tmp_path: Path) -> None:
    result = checked(tmp_path, ROWS["DeepSpeed's warmup of an unknown release"])
    (finding,) = [each for each in result.findings if "optimizer.params.lr" in each.message]
    assert "0.001 before 0.17.2, 0.00002 from 0.17.2 on" in finding.message.replace("2e-05", "0.00002")


def test_the_program_of_a_command_tells_the_trainer(tmp_path: Path) -> None:
    """`trl sft` without `--use_peft`: no adapter, whatever the other flags say."""
    flags = "--learning_rate 2e-5 --lora_r 16 --per_device_train_batch_size 16"
    for command, status in ((f"trl sft {flags}", VIOLATED), (f"trl sft {flags} --use_peft", CONFORMS)):
        result = checked(tmp_path, ("hf-training-arguments", ARGS, "", "", {}))
        project = Project(tmp_path, (tmp_path / "experiment.yaml").read_text().replace("a.yaml", "run.sh"))
        project.write("run.sh", f"{command}\n")
        result = project.check()
        assert result.matrix.seen(clause_of(result, f"{LORA}rank"), Stage.CONFIG) is status

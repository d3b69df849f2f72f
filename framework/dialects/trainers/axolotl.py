"""axolotl's YAML: its names for what it hands to transformers' Trainer and peft.

Its schema converts numbers that are written as text, so `2e-4` is a number to it. Its own defaults: micro batch 1,
accumulation 1, 1 epoch, cosine schedule; the rest as in transformers. `batch_size` is the whole batch. What warmup it
takes without `warmup_steps` and `warmup_ratio` differs between versions and is not assumed.
"""

from __future__ import annotations

from typing import Any

from framework.dialects import values
from framework.dialects.model import UNSET, Default, Dialect, Key, Said, Scope, Unknown, words
from framework.dialects.tables import assume, by_marks, read_table


def _ratio(word: Any, scope: Scope) -> Any:
    peak = values.number(scope.get("learning_rate"), scope)
    if word is None or not isinstance(peak, (int, float)) or not isinstance(word, (int, float)):
        return UNSET
    return word * peak


def _all(word: Any, scope: Scope) -> Any:
    if not word:
        return UNSET
    return Unknown("all linear modules: which those are, only the model can tell")


def _datasets(word: Any, scope: Scope) -> Any:
    return word if len(scope.get("datasets") or ()) == 1 else Unknown("several datasets are mixed")


KEYS: dict[str, Key] = {
    "base_model": Key("model.hub", values.given),
    "learning_rate": Key("optimizer.learning_rate", values.number),
    "optimizer": Key("optimizer.name", values.optimizer),
    "weight_decay": Key("optimizer.weight_decay", values.number),
    "adam_beta1": Key("optimizer.betas[0]", values.number),
    "adam_beta2": Key("optimizer.betas[1]", values.number),
    "adam_epsilon": Key("optimizer.eps", values.number),
    "lr_scheduler": Key("schedule.name", values.schedule),
    "cosine_min_lr_ratio": Key("schedule.min_learning_rate", _ratio),
    "warmup_steps": Key("schedule.warmup.steps", values.warmup_steps),
    "warmup_ratio": Key("schedule.warmup.ratio", values.warmup_ratio),
    "num_epochs": Key("epochs", lambda word, scope: UNSET if scope.get("max_steps") else values.given(word, scope)),
    "max_steps": Key("max_steps", values.positive),
    "batch_size": Key("batch_size", values.given),
    "micro_batch_size": Key("batch_size.micro", values.given),
    "gradient_accumulation_steps": Key("batch_size.accumulation", values.given),
    "max_grad_norm": Key("max_grad_norm", values.number),
    "sequence_len": Key("sequence_length", values.given),
    "seed": Key("seed", values.given),
    "bf16": Key("precision", values.half("bf16", "fp16")),
    "fp16": Key("precision", values.half("fp16", "bf16")),
    "early_stopping_patience": Key("early_stopping.patience", values.given),
    "lora_r": Key("adapter.lora.rank", values.given),
    "lora_alpha": Key("adapter.lora.alpha", values.given),
    "lora_dropout": Key("adapter.lora.dropout", values.given),
    "lora_target_modules": Key("adapter.lora.targets", values.modules),
    "lora_target_linear": Key("adapter.lora.targets", _all),
    "datasets.*.path": Key("dataset.hub", _datasets),
    "datasets.*.name": Key("dataset.name", _datasets),
}
SILENT = words(
    "output_dir wandb_project wandb_entity wandb_watch wandb_name wandb_run_id wandb_log_model logging_steps"
    " saves_per_epoch save_steps save_strategy save_total_limit evals_per_epoch eval_steps eval_table_size"
    " eval_max_new_tokens eval_batch_size val_set_size dataset_prepared_path dataset_processes flash_attention"
    " xformers_attention sdp_attention gradient_checkpointing gradient_checkpointing_kwargs resume_from_checkpoint"
    " auto_resume_from_checkpoints local_rank debug tf32 strict hub_model_id hub_strategy trust_remote_code model_type"
    " tokenizer_type special_tokens deepspeed fsdp fsdp_config sample_packing eval_sample_packing pad_to_sequence_len"
    " plugins adapter lora_model_dir datasets.*.type datasets.*.field use_tensorboard save_safetensors"
    " mlflow_tracking_uri dataloader_num_workers dataloader_pin_memory loss_watchdog_threshold loss_watchdog_patience"
)
DEFAULTS = (
    Default("optimizer.name", "adamw", "optimizer"),
    Default("optimizer.weight_decay", 0.0, "weight_decay"),
    Default("optimizer.betas[0]", 0.9, "adam_beta1"),
    Default("optimizer.betas[1]", 0.999, "adam_beta2"),
    Default("optimizer.eps", 1e-8, "adam_epsilon"),
    Default("schedule.name", "cosine", "lr_scheduler"),
    Default("batch_size.micro", 1, "micro_batch_size"),
    Default("batch_size.accumulation", 1, "gradient_accumulation_steps"),
    Default("epochs", 1.0, "num_epochs"),
    Default("max_grad_norm", 1.0, "max_grad_norm"),
    Default("seed", 42, "seed"),
)
MARKS = frozenset(
    words(
        "base_model sequence_len micro_batch_size num_epochs datasets val_set_size dataset_prepared_path sample_packing"
        " lora_target_linear saves_per_epoch evals_per_epoch wandb_project adapter pad_to_sequence_len"
    )
)
_marked = by_marks(MARKS, 3, "keys of axolotl")


def _recognise(data: Any) -> Any:
    return _marked(data) if isinstance(data, dict) and "base_model" in data else None


def _read(data: Any) -> Said:
    if not isinstance(data, dict):
        return Said()
    off = tuple(key for key in ("load_in_8bit", "load_in_4bit") if data.get(key) in (None, False))
    said = read_table(data, KEYS, (*SILENT, *off))
    facts = {statement.fact for statement in said.statements}
    skipped = {"epochs"} if "max_steps" in facts else set()
    if "batch_size" in facts:
        skipped.add("batch_size.accumulation")
    return assume(said, [default for default in DEFAULTS if default.fact not in skipped])


DIALECT = Dialect("axolotl", "axolotl", _recognise, _read, "yaml-1.2", KEYS)

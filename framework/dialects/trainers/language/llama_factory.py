"""LLaMA-Factory's training YAML: transformers' arguments with those of its own for the model, the data and LoRA.

Read in its sources (0.9). It reads YAML with OmegaConf, for which `1e-4` is a number. `lora_rank` is 8 by default,
`lora_alpha` twice the rank, `lora_dropout` 0, `cutoff_len` 2048 (1024 before 0.9.1); the rest are transformers'
defaults. `dataset` names entries of its own `dataset_info.json`, not datasets of the hub.

Its second generation (`USE_V1=1`, told by its sections such as `dist_config` and by `model` instead of
`model_name_or_path`) has a trainer of its own: learning rate 1e-4, 3 epochs, bf16, PyTorch's AdamW, and a constant
learning rate where no `lr_scheduler_config` says otherwise.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from framework.dialects import values
from framework.dialects.components import optimizer_defaults
from framework.dialects.families import trainer_arguments as hf
from framework.dialects.families.trainer_surroundings import judge_adapter
from framework.dialects.key_tables import assume, at, by_marks, read_table
from framework.dialects.terms import (
    UNSET,
    ByVersion,
    Default,
    Dialect,
    Key,
    Recognition,
    Said,
    Scope,
    Translate,
    Unknown,
    words,
)
from framework.dialects.well_known.keys import keys_of


def _lora(inner: Translate) -> Translate:
    """What a key of LoRA states: with another `finetuning_type` nobody reads it."""

    def translate(word: Any, scope: Scope) -> Any:
        return inner(word, scope) if scope.get("finetuning_type", "lora") == "lora" else None

    return translate


def _alpha(word: Any, scope: Scope) -> Any:
    if scope.get("use_rslora") is True:
        return Unknown("with `use_rslora` the update is scaled by alpha / sqrt(rank)")
    return values.given(word, scope)


def _targets(word: Any, scope: Scope) -> Any:
    if scope.get("additional_target"):
        return Unknown("`additional_target` trains further modules whole")
    return values.modules(word, scope)


_INSTEAD = words("use_galore use_apollo use_badam use_adam_mini use_muon")
"""Switches that put another optimizer in the place of `optim` (`train/trainer_utils.py`, 0.9.5)."""


def _replaced(data: Any) -> str | None:
    return next((name for name in _INSTEAD if data.get(name) is True), None)


KEYS: dict[str, Key] = {
    **hf.TRAINING,
    "pure_bf16": Key("precision", lambda word, scope: "bf16" if word is True else UNSET),
    "model_name_or_path": Key("model.hub", values.repository),
    "cutoff_len": Key("sequence_length", values.given),
    "lora_rank": Key("adapter.lora.rank", _lora(values.given)),
    "lora_alpha": Key("adapter.lora.alpha", _lora(_alpha)),
    "lora_dropout": Key("adapter.lora.dropout", _lora(values.given)),
    "lora_target": Key("adapter.lora.targets", _lora(_targets)),
    "early_stopping_steps": Key("early_stopping.patience", values.given),
    **keys_of("llama-factory"),
}
SILENT = (
    *hf.SILENT,
    *words(
        "stage finetuning_type template dataset_dir dataset eval_dataset preprocessing_batch_size flash_attn"
        " enable_thinking tokenized_path swanlab_project use_swanlab ray_run_name ray_storage_path ray_num_workers"
        " placement_strategy resources_per_worker export_dir upcast_layernorm enable_liger_kernel use_unsloth"
        " image_max_pixels video_max_pixels disable_gradient_checkpointing deepspeed use_kt use_ray infer_backend"
    ),
)
_SECOND: dict[str, Key] = {
    "model": Key("model.hub", values.repository),
    "micro_batch_size": Key("batch_size.micro", values.given),
    "global_batch_size": Key("batch_size", values.given),
    "cutoff_len": Key("sequence_length", values.given),
    "learning_rate": Key("optimizer.learning_rate", values.number),
    "num_train_epochs": Key(
        "epochs", lambda word, scope: UNSET if scope.get("max_steps") else values.given(word, scope)
    ),
    "max_steps": Key("max_steps", values.positive),
    "max_grad_norm": Key("max_grad_norm", values.given),
    "bf16": Key("precision", lambda word, scope: "bf16" if word is True else "fp32"),
    "seed": Key("seed", values.given),
    "optim_config.name": Key("optimizer.name", values.optimizer),
    "peft_config.r": Key("adapter.lora.rank", values.given),
    "peft_config.lora_alpha": Key("adapter.lora.alpha", values.given),
    "peft_config.lora_dropout": Key("adapter.lora.dropout", values.given),
    "peft_config.target_modules": Key("adapter.lora.targets", values.modules),
}
_SECOND_SILENT = words(
    "output_dir model_class template kernel_config dist_config train_dataset eval_dataset sample_backend max_new_tokens"
    " batching_workers enable_activation_checkpointing full_determinism resume_from_checkpoint save_steps save_epochs"
    " save_ckpt_as_hf save_total_limit logging_steps init_config peft_config.name"
)
_SECOND_MARKS = frozenset(words("model_class dist_config kernel_config peft_config sample_backend train_dataset"))
_SECOND_DEFAULTS = (
    Default("batch_size.micro", 1, "micro_batch_size"),
    Default("batch_size.accumulation", 1, "global_batch_size"),
    Default("sequence_length", 2048, "cutoff_len"),
    Default("optimizer.learning_rate", 1e-4, "learning_rate"),
    Default("epochs", 3, "num_train_epochs"),
    Default("max_grad_norm", 1.0, "max_grad_norm"),
    Default("precision", "bf16", "bf16"),
    Default("seed", 42, "seed"),
    Default("optimizer.name", "adamw", "optim_config"),
)
_SECOND_CONSTANT = (
    Default("schedule.name", "constant", "lr_scheduler_config"),
    Default("schedule.warmup.steps", 0, "lr_scheduler_config"),
)
_SECOND_LORA = (
    Default("adapter.lora.rank", 8, "peft_config.r"),
    Default("adapter.lora.alpha", 16, "peft_config.lora_alpha"),
    Default("adapter.lora.dropout", 0.05, "peft_config.lora_dropout"),
)
_LENGTH = ByVersion("llamafactory", (("0", 1024), ("0.9.1", 2048)))
DEFAULTS = (*hf.DEFAULTS, Default("sequence_length", _LENGTH, "cutoff_len"))
LORA = (Default("adapter.lora.rank", 8, "lora_rank"), Default("adapter.lora.dropout", 0.0, "lora_dropout"))
MARKS = frozenset(
    words("stage finetuning_type template cutoff_len dataset_dir lora_target lora_rank flash_attn plot_loss")
)


_TRAINS = frozenset(
    words("do_train learning_rate num_train_epochs max_steps per_device_train_batch_size gradient_accumulation_steps")
)
"""Arguments without one of which a file chats, merges or exports."""


def _second(data: Any) -> bool:
    return isinstance(data, dict) and "model" in data and len(_SECOND_MARKS & data.keys()) >= 2


def _read_second(data: dict[str, Any]) -> Said:
    said = read_table(data, _SECOND, _SECOND_SILENT)
    defaults = list(_SECOND_DEFAULTS)
    if not data.get("lr_scheduler_config"):
        defaults += _SECOND_CONSTANT
    if at(data, "peft_config", "name") == "lora":
        defaults += _SECOND_LORA
    if not data.get("optim_config"):
        torch = optimizer_defaults("torch.optim.AdamW")
        defaults += [Default(fact, value, "optim_config") for fact, value in torch.items()]
    facts = {statement.fact for statement in said.statements}
    skipped = {"epochs"} if "max_steps" in facts else set()
    if "batch_size" in facts:
        skipped.add("batch_size.accumulation")
    return assume(said, [default for default in defaults if default.fact not in skipped])


def _read(data: Any) -> Said:
    if _second(data):
        return _read_second(data)
    if not isinstance(data, dict) or not _TRAINS & data.keys():
        return hf.read(data, KEYS, SILENT, lambda _: ())
    lora = data.get("finetuning_type", "lora") == "lora"
    said = hf.read(data, KEYS, SILENT, lambda _: (*DEFAULTS, *LORA) if lora else DEFAULTS)
    ranks = [each.value for each in said.statements if each.fact == "adapter.lora.rank"]
    if lora and not any(each.fact == "adapter.lora.alpha" for each in said.statements):
        rank = ranks[0] if ranks else 8
        if data.get("use_rslora") is True:
            said.defaults.append(Default("adapter.lora.alpha", _alpha(rank, data), "lora_alpha"))
        elif isinstance(rank, int):
            said.defaults.append(Default("adapter.lora.alpha", 2 * rank, "lora_alpha"))
    if (name := _replaced(data)) is not None:
        why = Unknown(f"`{name}` puts another optimizer in its place")
        said.statements = [replace(each, value=why) if _of_optimizer(each.fact) else each for each in said.statements]
        said.defaults = [replace(each, value=why) if _of_optimizer(each.fact) else each for each in said.defaults]
        said.silent |= {(name,)}
    return said


def _of_optimizer(fact: str) -> bool:
    return fact.startswith("optimizer.") and fact != "optimizer.learning_rate"


_marked = by_marks(MARKS, 2, "arguments of LLaMA-Factory", frozenset({"base_model", "peft_type", "architectures"}))


def _recognise(data: Any) -> Recognition | None:
    if _second(data):
        return Recognition(0.9, f"LLaMA-Factory's second generation: {', '.join(sorted(_SECOND_MARKS & data.keys()))}")
    return _marked(data)


DIALECT = Dialect(
    "llama-factory",
    "LLaMA-Factory",
    _recognise,
    _read,
    "omegaconf",
    KEYS,
    judge=judge_adapter,
)

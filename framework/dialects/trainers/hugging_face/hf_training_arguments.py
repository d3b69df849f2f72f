"""`transformers.TrainingArguments` in YAML, JSON or as flags, with the usual arguments of the example scripts.

Defaults are those of transformers 4 and 5, which agree on all that is listed. `warmup_steps` below 1 is a share of all
steps (transformers 5; before, `warmup_ratio`); `max_steps` above 0 goes before epochs. The schedule `constant` reads no
warmup (`constant_with_warmup` does), and `cosine_with_restarts` is a cosine while it restarts nowhere.
`HfArgumentParser` reads YAML with PyYAML's `safe_load`, so `2e-4` is a string to it; TRL's parser hands the file's
values to argparse, which makes numbers of them.
"""

from __future__ import annotations

from typing import Any

from framework.dialects import values
from framework.dialects.key_tables import assume, by_marks, read_table, scopes, usual
from framework.dialects.terms import UNSET, Default, Dialect, Instead, Key, Said, Scope, Unknown, words
from framework.dialects.well_known.keys import SETTINGS, keys_of

LEARNING_RATE = 5e-5


def _epochs(word: Any, scope: Scope) -> Any:
    steps = scope.get("max_steps")
    if isinstance(steps, int) and not isinstance(steps, bool) and steps > 0:
        return UNSET
    return values.given(word, scope)


def _micro(word: Any, scope: Scope) -> Any:
    if scope.get("auto_find_batch_size") is True:
        return Unknown("`auto_find_batch_size` lowers it until it fits the device")
    return values.given(word, scope)


def _share(word: Any, scope: Scope) -> Any:
    peak = values.number(scope.get("learning_rate", LEARNING_RATE), scope)
    if not isinstance(word, (int, float)) or not isinstance(peak, (int, float)):
        return word
    return Instead("schedule.min_learning_rate", word * peak)


def _rate(word: Any, scope: Scope) -> Any:
    """TRL's arguments beside it say that TRL's parser reads the file."""
    return values.number(word, scope) if TRL & scope.keys() else word


def _schedule(word: Any, scope: Scope) -> Any:
    kwargs = scope.get("lr_scheduler_kwargs")
    cycles = kwargs.get("num_cycles", 1) if isinstance(kwargs, dict) else 1
    return "cosine" if word == "cosine_with_restarts" and cycles == 1 else values.schedule(word, scope)


def warmup_steps(word: Any, scope: Scope) -> Any:
    """Steps of warmup: none of them under the schedule `constant`."""
    found = values.warmup_steps(word, scope)
    return 0 if found is not UNSET and scope.get("lr_scheduler_type") == "constant" else found


def warmup_ratio(word: Any, scope: Scope) -> Any:
    """The share of the warmup: none under the schedule `constant`."""
    found = values.warmup_ratio(word, scope)
    constant = found is not UNSET and scope.get("lr_scheduler_type") == "constant"
    return Instead("schedule.warmup.steps", 0) if constant else found


TRAINING: dict[str, Key] = {
    "learning_rate": Key("optimizer.learning_rate", _rate),
    "weight_decay": Key("optimizer.weight_decay", _rate),
    "adam_beta1": Key("optimizer.betas[0]", _rate),
    "adam_beta2": Key("optimizer.betas[1]", _rate),
    "adam_epsilon": Key("optimizer.eps", _rate),
    "optim": Key("optimizer.name", values.optimizer),
    "lr_scheduler_type": Key("schedule.name", _schedule),
    "lr_scheduler_kwargs.min_lr": Key("schedule.min_learning_rate", values.given),
    "lr_scheduler_kwargs.min_lr_rate": Key("schedule.min_learning_rate", _share),
    "warmup_steps": Key("schedule.warmup.steps", warmup_steps),
    "warmup_ratio": Key("schedule.warmup.ratio", warmup_ratio),
    "num_train_epochs": Key("epochs", _epochs),
    "max_steps": Key("max_steps", values.positive),
    "per_device_train_batch_size": Key("batch_size.micro", _micro),
    "per_gpu_train_batch_size": Key("batch_size.micro", values.given),
    "gradient_accumulation_steps": Key("batch_size.accumulation"),
    "max_grad_norm": Key("max_grad_norm", _rate),
    "bf16": Key("precision", values.half("bf16", "fp16")),
    "fp16": Key("precision", values.half("fp16", "bf16")),
    "seed": Key("seed"),
}
SCRIPTS: dict[str, Key] = {
    "model_name_or_path": Key("model.hub", values.repository),
    "model_revision": Key("model.revision", values.given),
    "dataset_name": Key("dataset.hub", values.repository),
    "dataset_config_name": Key("dataset.name", values.given),
    "dataset_config": Key("dataset.name", values.given),
    "max_seq_length": Key("sequence_length", values.given),
    "model_max_length": Key("sequence_length", values.given),
    "block_size": Key("sequence_length", values.given),
    "max_length": Key("sequence_length", values.given),
    "lora_r": Key("adapter.lora.rank", values.given),
    "lora_rank": Key("adapter.lora.rank", values.given),
    "lora_alpha": Key("adapter.lora.alpha", values.given),
    "lora_dropout": Key("adapter.lora.dropout", values.given),
    "lora_target_modules": Key("adapter.lora.targets", values.modules),
    "early_stopping_patience": Key("early_stopping.patience", values.given),
    "early_stopping_threshold": Key("early_stopping.min_delta", values.given),
}
LAUNCH: dict[str, Key] = {
    "num_processes": Key("hardware.count|batch_size.processes"),
    "nproc_per_node": Key("hardware.count|batch_size.processes", values.per_node),
    "num_gpus": Key("hardware.count|batch_size.processes", values.per_node),
    "mixed_precision": Key("precision", values.precision),
}
"""Flags of `accelerate launch`, `torchrun` and `deepspeed` in the same command."""
KEYS = {**TRAINING, **SCRIPTS, **LAUNCH, **keys_of("hf-training-arguments", _rate)}
"""What the trainer's and its example scripts' arguments state."""
STOPPING = {"metric_for_best_model": Key("early_stopping.metric", values.metric)}
"""Only where training ends early does the metric of the best model decide when."""
SILENT = words(
    "nnodes num_nodes include exclude fsdp_transformer_layer_cls_to_wrap evaluate_during_training"
    " node_rank master_addr master_port rdzv_backend rdzv_endpoint standalone config_file num_machines"
    " machine_rank main_process_ip main_process_port multi_gpu "
    "output_dir overwrite_output_dir run_name report_to logging_dir logging_steps logging_strategy logging_first_step"
    " log_level log_level_replica disable_tqdm save_steps save_strategy save_total_limit save_only_model"
    " save_safetensors eval_steps eval_strategy evaluation_strategy eval_delay eval_on_start eval_accumulation_steps"
    " per_device_eval_batch_size do_train do_eval do_predict push_to_hub hub_model_id hub_strategy hub_token"
    " hub_private_repo hub_revision dataloader_num_workers dataloader_pin_memory dataloader_persistent_workers"
    " dataloader_prefetch_factor preprocessing_num_workers dataset_num_proc remove_unused_columns"
    " resume_from_checkpoint ddp_timeout ddp_backend ddp_find_unused_parameters ddp_bucket_cap_mb"
    " gradient_checkpointing gradient_checkpointing_kwargs torch_compile torch_compile_backend torch_compile_mode tf32"
    " use_cpu local_rank cache_dir overwrite_cache trust_remote_code load_best_model_at_end greater_is_better"
    " attn_implementation use_fast_tokenizer token skip_memory_metrics include_tokens_per_second project"
    " trackio_space_id debug no_cuda average_tokens_across_devices use_liger_kernel plot_loss dataloader_drop_last"
    " group_by_length train_sampling_strategy length_column_name prediction_loss_only batch_eval_metrics"
    " activation_checkpointing activation_checkpointing_kwargs torch_empty_cache_steps logging_nan_inf_filter"
    " log_on_each_node save_on_each_node include_num_input_tokens_seen include_for_metrics hub_always_push"
    " full_determinism dataloader_multiprocessing_context dataloader_in_order ddp_broadcast_buffers ddp_static_graph"
    " ignore_data_skip restore_callback_states_from_checkpoint enable_jit_checkpoint eval_do_concat_batches"
    " eval_use_gather_object trackio_bucket_id trackio_static_space_id use_cache fsdp fsdp_config deepspeed"
    " bf16_full_eval fp16_full_eval jit_mode_eval use_ipex torch_dtype dtype low_cpu_mem_usage"
)
"""Arguments that certainly state nothing about a paper; what may (`label_smoothing_factor`) is not here."""
USUAL: dict[str, tuple[Any, ...]] = {
    "label_smoothing_factor": (0, 0.0),
    "neftune_noise_alpha": (None,),
    "optim_args": (None,),
    "auto_find_batch_size": (False,),
    "lr_scheduler_kwargs": (None, {}),
    "data_seed": (None,),
    "load_in_4bit": (False, None),
    "load_in_8bit": (False, None),
    "use_peft": (False,),
    "packing": (False,),
    "max_train_samples": (None,),
}
TRL = frozenset(
    words(
        "use_peft dataset_mixer dataset_mixture lora_task_type packing completion_only_loss assistant_only_loss"
        " max_prompt_length max_completion_length num_generations dataset_text_field"
    )
)
"""Arguments that only TRL has."""
DEFAULTS = (
    Default("optimizer.learning_rate", LEARNING_RATE, "learning_rate"),
    Default("optimizer.name", "adamw", "optim"),
    Default("optimizer.weight_decay", 0.0, "weight_decay"),
    Default("optimizer.betas[0]", 0.9, "adam_beta1"),
    Default("optimizer.betas[1]", 0.999, "adam_beta2"),
    Default("optimizer.eps", 1e-8, "adam_epsilon"),
    Default("schedule.name", "linear", "lr_scheduler_type"),
    Default("schedule.warmup.steps", 0, "warmup_steps"),
    Default("schedule.min_learning_rate", 0.0, "lr_scheduler_kwargs.min_lr"),
    Default("batch_size.micro", 8, "per_device_train_batch_size"),
    Default("batch_size.accumulation", 1, "gradient_accumulation_steps"),
    Default("epochs", 3.0, "num_train_epochs"),
    Default("max_grad_norm", 1.0, "max_grad_norm"),
    Default("precision", "fp32", "bf16"),
    Default("seed", 42, "seed"),
    Default("settings.label_smoothing", 0.0, "label_smoothing_factor"),
)
FOREIGN = frozenset(
    words(
        "base_model micro_batch_size finetuning_type cutoff_len train_micro_batch_size_per_gpu peft_type"
        " distributed_type _component_ _target_ architectures"
    )
)
"""Keys by which a file that also holds some of these is another trainer's."""
MARKS = frozenset(TRAINING) | {
    "output_dir", "report_to", "logging_steps", "save_strategy", "eval_strategy", "evaluation_strategy",
    "per_device_eval_batch_size", "save_total_limit", "dataloader_num_workers", "gradient_checkpointing",
    "load_best_model_at_end", "metric_for_best_model",
}  # fmt: skip
PROOF = frozenset(words("per_device_train_batch_size num_train_epochs lr_scheduler_type adam_beta1 adam_beta2"))
_marked = by_marks(MARKS, 3, "arguments of transformers' Trainer", FOREIGN)


def _recognise(data: Any) -> Any:
    return _marked(data) if scopes(data, PROOF, 1) else None


def read(data: Any, keys: dict[str, Key], silent: tuple[str, ...], defaults: tuple[Default, ...]) -> Said:
    """What arguments of this shape state, wherever in the file they stand together.

    A command line with `--config` takes from that file what it does not state: then nothing is a default.
    """
    said = Said()
    telling = frozenset(name for name, key in keys.items() if not key.fact.startswith(SETTINGS))
    found = scopes(data, telling, 2) or scopes(data, telling, 1)
    for base, scope in found:
        stops = any(name in scope for name in ("early_stopping_patience", "early_stopping_steps"))
        read_table(scope, {**keys, **STOPPING} if stops else keys, (*silent, *usual(scope, USUAL)), base, said)
        if not stops and "metric_for_best_model" in scope:
            said.silent.add((*base, "metric_for_best_model"))
    if len(found) == 1 and not found[0][1].get("config"):
        assume(said, _applying(defaults, found[0][1], said))
    return said


def _applying(defaults: tuple[Default, ...], scope: Scope, said: Said) -> list[Default]:
    """Without the defaults that something else in the scope decides."""
    stated = {statement.fact: statement.value for statement in said.statements}
    skipped: set[str] = set()
    if "schedule.warmup.ratio" in stated:
        skipped.add("schedule.warmup.steps")
    if "max_steps" in stated:
        skipped.add("epochs")
    if stated.get("schedule.name", "linear") not in ("linear", "cosine") or "lr_scheduler_kwargs" in scope:
        skipped.add("schedule.min_learning_rate")
    if scope.get("deepspeed") or scope.get("optim_args"):
        skipped |= {default.fact for default in defaults if default.fact.startswith(("optimizer.", "schedule."))}
    return [default for default in defaults if default.fact not in skipped]


def _read(data: Any) -> Said:
    return read(data, KEYS, SILENT, DEFAULTS)


DIALECT = Dialect("hf-training-arguments", "transformers' Trainer", _recognise, _read, "pyyaml", KEYS)

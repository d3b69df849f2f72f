"""The arguments of transformers' Trainer: what its own dialect and those of trainers built on it share.

Read in transformers 4 and 5 (up to 5.23), which agree on the defaults that are listed. `warmup_steps` below 1 is a
share of all steps (transformers 5; before, `warmup_ratio`); `max_steps` from 0 on goes before epochs. The schedule
`constant` reads no warmup (`constant_with_warmup` does), and `cosine_with_restarts` is a cosine while it restarts
nowhere.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from typing import Any

from framework.dialects import values
from framework.dialects.families import launch_flags
from framework.dialects.key_tables import assume, read_table, scopes, usual
from framework.dialects.switches.adapters import ADAPTERS
from framework.dialects.switches.applying import switched
from framework.dialects.switches.resuming import RESUMED
from framework.dialects.terms import (
    UNSET,
    ByVersion,
    Default,
    Instead,
    Key,
    Refused,
    Said,
    Scope,
    Unknown,
    words,
)
from framework.dialects.values import last
from framework.dialects.well_known.keys import SETTINGS, keys_of

LEARNING_RATE = 5e-5
_PROJECTED = re.compile(r"(galore|apollo)_")


def epochs(word: Any, scope: Scope) -> Any:
    """Passes over the data, unless steps are stated beside it."""
    steps = scope.get("max_steps")
    if isinstance(steps, int) and not isinstance(steps, bool) and steps >= 0:
        return UNSET
    return values.given(word, scope)


def _steps(word: Any, scope: Scope) -> Any:
    """Only a number below 0 says 'not set': 0 is a training of one step, at a learning rate of 0 (5.23)."""
    below = isinstance(word, (int, float)) and not isinstance(word, bool) and word < 0
    return UNSET if word is None or below else word


def _micro(word: Any, scope: Scope) -> Any:
    if scope.get("auto_find_batch_size") is True:
        return Unknown("`auto_find_batch_size` lowers it until it fits the device")
    return values.given(word, scope)


def _share(word: Any, scope: Scope) -> Any:
    peak = values.number(scope.get("learning_rate", LEARNING_RATE), scope)
    if not isinstance(word, (int, float)) or not isinstance(peak, (int, float)):
        return word
    return Instead("schedule.min_learning_rate", word * peak)


def _schedule(word: Any, scope: Scope) -> Any:
    kwargs = scope.get("lr_scheduler_kwargs")
    given = kwargs if isinstance(kwargs, dict) else {}
    if word == "cosine_with_restarts":
        return "cosine" if given.get("num_cycles", 1) == 1 else values.schedule(word, scope)
    if word == "cosine" and given.get("num_cycles", 0.5) != 0.5:
        return Unknown(
            f"{given['num_cycles']} cycles of it are not the half wave that `cosine` is without `num_cycles`"
        )
    if word == "cosine_warmup_with_min_lr":
        return Unknown(
            "it runs a step ahead of `cosine_with_min_lr`: its first step is not at 0, its last at the minimum"
        )
    return values.schedule(word, scope)


def _decay(word: Any, scope: Scope) -> Any:
    """GaLore's and APOLLO's groups are made without a decay (transformers 5.23, `trainer_optimizer.py`)."""
    return 0.0 if _PROJECTED.match(str(scope.get("optim"))) else word


def _beta(word: Any, scope: Scope) -> Any:
    """GaLore takes its own defaults for them."""
    return Unknown("GaLore takes its own betas") if str(scope.get("optim")).startswith("galore") else word


def _threshold(word: Any, scope: Scope) -> Any:
    if word in (0, 0.0):
        return word
    return Unknown(
        "`EarlyStoppingCallback` counts an improvement below it as none, and still takes the smaller value for the "
        "best: steady small ones end a training that a `min_delta` would let go on"
    )


def _alpha(word: Any, scope: Scope) -> Any:
    if scope.get("use_rslora") is True:
        return Unknown("with `use_rslora` the update is scaled by alpha / sqrt(rank)")
    return values.given(word, scope)


def _seed(word: Any, scope: Scope) -> Any:
    if scope.get("train_sampling_strategy") == "batch_rebalance":
        return Unknown("`batch_rebalance` orders the data by the seed 42, whatever the seed is")
    return values.given(word, scope)


def _dtype(word: Any, scope: Scope) -> Any:
    """Weights that are loaded in 16 bits are trained in them, unless mixed precision is asked for."""
    if scope.get("bf16") is True or scope.get("fp16") is True or word is None:
        return UNSET
    found = values.precision(last(str(word)), scope)
    return found if found in ("bf16", "fp16") else UNSET


def warmup_steps(word: Any, scope: Scope) -> Any:
    """Steps of warmup: none of them under the schedule `constant`. Of a number above 1 that is not whole transformers
    takes the whole part from 5.0.0 on (`get_warmup_steps`), and 4.57 refuses it."""
    found = values.warmup_steps(word, scope)
    if isinstance(found, float) and math.isfinite(found) and not found.is_integer():
        refused = Unknown("a number of steps that is not whole, which 4.57 refuses")
        found = ByVersion("transformers", (("0", refused), ("5", int(found))))
    return 0 if found is not UNSET and scope.get("lr_scheduler_type") == "constant" else found


def warmup_ratio(word: Any, scope: Scope) -> Any:
    """The share of the warmup: none under the schedule `constant`."""
    found = values.warmup_ratio(word, scope)
    constant = found is not UNSET and scope.get("lr_scheduler_type") == "constant"
    return Instead("schedule.warmup.steps", 0) if constant else found


_DROPPED = Refused("transformers has no `warmup_ratio` any more, and ends in an error about it")


def _warmup_ratio(word: Any, scope: Scope) -> Any:
    found = warmup_ratio(word, scope)
    if found is UNSET or isinstance(found, Instead):
        return found
    return ByVersion("transformers", (("0", found), ("5.10.2", _DROPPED)))


TRAINING: dict[str, Key] = {
    "learning_rate": Key("optimizer.learning_rate"),
    "weight_decay": Key("optimizer.weight_decay", _decay),
    "adam_beta1": Key("optimizer.betas[0]", _beta),
    "adam_beta2": Key("optimizer.betas[1]", _beta),
    "adam_epsilon": Key("optimizer.eps"),
    "optim": Key("optimizer.name", values.optimizer),
    "lr_scheduler_type": Key("schedule.name", _schedule),
    "lr_scheduler_kwargs.min_lr": Key("schedule.min_learning_rate", values.given),
    "lr_scheduler_kwargs.min_lr_rate": Key("schedule.min_learning_rate", _share),
    "warmup_steps": Key("schedule.warmup.steps", warmup_steps),
    "warmup_ratio": Key("schedule.warmup.ratio", _warmup_ratio),
    "num_train_epochs": Key("epochs", epochs),
    "max_steps": Key("max_steps", _steps),
    "per_device_train_batch_size": Key("batch_size.micro", _micro),
    "per_gpu_train_batch_size": Key("batch_size.micro", values.given),
    "gradient_accumulation_steps": Key("batch_size.accumulation"),
    "max_grad_norm": Key("max_grad_norm"),
    "bf16": Key("precision", values.half("bf16", "fp16")),
    "fp16": Key("precision", values.half("fp16", "bf16")),
    "seed": Key("seed", _seed),
    "dtype": Key("precision", _dtype),
    "torch_dtype": Key("precision", _dtype),
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
    "lora_alpha": Key("adapter.lora.alpha", _alpha),
    "lora_dropout": Key("adapter.lora.dropout", values.given),
    "lora_target_modules": Key("adapter.lora.targets", values.modules),
    "early_stopping_patience": Key("early_stopping.patience", values.given),
    "early_stopping_threshold": Key("early_stopping.min_delta", _threshold),
}
LAUNCH: dict[str, Key] = {**launch_flags.KEYS, "mixed_precision": Key("precision", values.precision)}
"""Flags of `accelerate launch`, `torchrun` and `deepspeed` in the same command."""
KEYS = {**TRAINING, **SCRIPTS, **LAUNCH, **keys_of("hf-training-arguments")}
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
    " bf16_full_eval fp16_full_eval jit_mode_eval use_ipex low_cpu_mem_usage"
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
DEFAULTS: tuple[Default, ...] = (
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
        " distributed_type _component_ _target_ architectures tuner_type train_type sft_type"
    )
)
"""Keys by which a file that also holds some of these is another trainer's."""
PROOF = frozenset(words("per_device_train_batch_size num_train_epochs lr_scheduler_type adam_beta1 adam_beta2"))


def read(
    data: Any, keys: dict[str, Key], silent: tuple[str, ...], defaults: Callable[[Scope], tuple[Default, ...]]
) -> Said:
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
        switched(said, scope, base, (*ADAPTERS, RESUMED))
    if len(found) == 1 and not found[0][1].get("config"):
        assume(said, _applying(defaults(found[0][1]), found[0][1], said))
    return said


def _applying(defaults: tuple[Default, ...], scope: Scope, said: Said) -> list[Default]:
    """Without the defaults that something else in the scope decides."""
    stated = {statement.fact: statement.value for statement in said.statements}
    skipped: set[str] = set()
    if "schedule.warmup.ratio" in stated:
        skipped.add("schedule.warmup.steps")
    if "max_steps" in stated:
        skipped.add("epochs")
    if scope.get("max_seq_length") is not None:
        skipped.add("sequence_length")
    if stated.get("schedule.name", "linear") not in ("linear", "cosine") or "lr_scheduler_kwargs" in scope:
        skipped.add("schedule.min_learning_rate")
    if scope.get("deepspeed") or scope.get("optim_args"):
        skipped |= {default.fact for default in defaults if default.fact.startswith(("optimizer.", "schedule."))}
    if RESUMED.holds(scope.get("resume_from_checkpoint"), scope):
        skipped |= RESUMED.facts.keys()
    return [default for default in defaults if default.fact not in skipped]

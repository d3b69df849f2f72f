"""axolotl's YAML: its names for what it hands to transformers' Trainer and peft (its sources, 0.19).

It reads with PyYAML, and its schema converts numbers that are written as text, so `2e-4` is a number to it. Its own
defaults: micro batch 1, accumulation 1, 1 epoch, fused AdamW, cosine schedule; the rest as in transformers.
`batch_size` is micro batch x accumulation of one process: the world size multiplies it afterwards. The `lora_*` keys
are read under `adapter: lora` and `qlora` only. `warmup_steps` goes before `warmup_ratio`, also when it is 0. What
warmup it takes without both differs between versions (0.19: 3%, at most 100 steps) and is not assumed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from framework.dialects import values
from framework.dialects.families.trainer_surroundings import judge_adapter
from framework.dialects.key_tables import assume, by_marks, read_table, usual
from framework.dialects.switches.adapters import ADAPTERS
from framework.dialects.switches.applying import switched
from framework.dialects.terms import (
    DEVICES,
    UNSET,
    Default,
    Dialect,
    Instead,
    Key,
    Said,
    Scope,
    Statement,
    Translate,
    Unknown,
    words,
)
from framework.dialects.well_known.keys import keys_of


def _share(word: Any, scope: Scope) -> Any:
    if scope.get("lr_scheduler", "cosine") != "cosine" and scope.get("lr_scheduler_kwargs") is None:
        return 0.0 if scope.get("lr_scheduler") == "linear" else UNSET  # only a cosine reads it (0.19)
    share, peak = values.number(word, scope), values.number(scope.get("learning_rate"), scope)
    if not isinstance(peak, (int, float)) or not isinstance(share, (int, float)):
        return UNSET
    return share * peak


def _lora(inner: Translate) -> Translate:
    """What a key of LoRA states: none of it holds unless `adapter` says so."""

    def translate(word: Any, scope: Scope) -> Any:
        if word is None or scope.get("adapter") in ("lora", "qlora"):
            return inner(word, scope)
        if scope.get("adapter") is None:
            return None
        return Unknown(f"what the adapter {scope['adapter']!r} makes of it is its own affair")

    return translate


def _alpha(word: Any, scope: Scope) -> Any:
    if scope.get("peft_use_rslora") is True:
        return Unknown("with `peft_use_rslora` the update is scaled by alpha / sqrt(rank)")
    return values.number(word, scope)


def _linear(word: Any, scope: Scope) -> Any:
    return Unknown("all linear modules: which those are, only the model can tell") if word is True else UNSET


def _targets(word: Any, scope: Scope) -> Any:
    if scope.get("lora_modules_to_save"):
        return Unknown("`lora_modules_to_save` trains further modules whole")
    return UNSET if scope.get("lora_target_linear") is True else values.modules(word, scope)


def _warmup_steps(word: Any, scope: Scope) -> Any:
    steps = values.number(word, scope)
    if scope.get("lr_scheduler") == "constant" and steps is not UNSET:
        return 0
    return values.warmup_steps(steps, {})


def _warmup_ratio(word: Any, scope: Scope) -> Any:
    ratio = values.number(word, scope)
    if ratio is UNSET or scope.get("warmup_steps") is not None:
        return UNSET
    return Instead("schedule.warmup.steps", 0) if scope.get("lr_scheduler") == "constant" else ratio


def _half(name: str, other: str) -> Translate:
    """`bf16: auto` gives way to `fp16: true`; `bf16: full` is bf16 without the weights of 32 bits."""
    inner = values.half(name, other)

    def translate(word: Any, scope: Scope) -> Any:
        if word == "full":
            return name
        return UNSET if word == "auto" and scope.get(other) is True else inner(word, scope)

    return translate


_FILE = re.compile(r"\.(?:jsonl?|parquet|csv|txt|arrow)$")


def _alone(inner: Translate) -> Translate:
    """What a dataset's key states, where it is the only dataset."""

    def translate(word: Any, scope: Scope) -> Any:
        sections = (scope.get(name) for name in ("datasets", "pretraining_dataset"))
        held = [each for section in sections if isinstance(section, list) for each in section]
        return inner(word, scope) if len(held) == 1 else Unknown("several datasets are mixed")

    return translate


def _path(word: Any, scope: Scope) -> Any:
    if isinstance(word, str) and _FILE.search(word):
        return Unknown("a file of its own, which may or may not be what the hub holds")
    return values.repository(word, scope)


KEYS: dict[str, Key] = {
    "base_model": Key("model.hub", values.repository),
    "revision_of_model": Key("model.revision", values.given),
    "learning_rate": Key("optimizer.learning_rate", values.number),
    "optimizer": Key("optimizer.name", values.optimizer),
    "weight_decay": Key("optimizer.weight_decay", values.number),
    "adam_beta1": Key("optimizer.betas[0]", values.number),
    "adam_beta2": Key("optimizer.betas[1]", values.number),
    "adam_epsilon": Key("optimizer.eps", values.number),
    "lr_scheduler": Key("schedule.name", values.schedule),
    "cosine_min_lr_ratio": Key("schedule.min_learning_rate", _share),
    "lr_scheduler_kwargs.min_lr": Key("schedule.min_learning_rate", values.number),
    "lr_scheduler_kwargs.min_lr_rate": Key("schedule.min_learning_rate", _share),
    "warmup_steps": Key("schedule.warmup.steps", _warmup_steps),
    "warmup_ratio": Key("schedule.warmup.ratio", _warmup_ratio),
    "num_epochs": Key("epochs", lambda word, scope: UNSET if scope.get("max_steps") else values.number(word, scope)),
    "max_steps": Key("max_steps", values.positive),
    "micro_batch_size": Key("batch_size.micro", values.number),
    "gradient_accumulation_steps": Key("batch_size.accumulation", values.number),
    "tensor_parallel_size": Key("batch_size.processes", values.parallel("a tensor parallelism")),
    "context_parallel_size": Key("batch_size.processes", values.parallel("a context parallelism")),
    "sequence_parallel_degree": Key("batch_size.processes", values.parallel("a sequence parallelism")),
    "max_grad_norm": Key("max_grad_norm", values.number),
    "sequence_len": Key("sequence_length", values.number),
    "seed": Key("seed", values.number),
    "bf16": Key("precision", _half("bf16", "fp16")),
    "bfloat16": Key("precision", lambda word, scope: "bf16" if word is True else UNSET),
    "fp16": Key("precision", _half("fp16", "bf16")),
    "early_stopping_patience": Key("early_stopping.patience", values.number),
    "lora_r": Key("adapter.lora.rank", _lora(values.number)),
    "lora_alpha": Key("adapter.lora.alpha", _lora(_alpha)),
    "lora_dropout": Key("adapter.lora.dropout", _lora(values.number)),
    "lora_target_modules": Key("adapter.lora.targets", _lora(_targets)),
    "lora_target_linear": Key("adapter.lora.targets", _lora(_linear)),
    **{f"{section}.*.path": Key("dataset.hub", _alone(_path)) for section in ("datasets", "pretraining_dataset")},
    **{
        f"{section}.*.name": Key("dataset.name", _alone(values.given))
        for section in ("datasets", "pretraining_dataset")
    },
    **keys_of("axolotl", values.number),
}
SILENT = words(
    "output_dir use_wandb wandb_project wandb_entity wandb_watch wandb_mode wandb_name wandb_run_id wandb_log_model"
    " logging_steps saves_per_epoch save_steps save_strategy save_total_limit save_first_step save_only_model"
    " evals_per_epoch eval_steps eval_strategy evaluation_strategy eval_table_size eval_max_new_tokens eval_batch_size"
    " val_set_size dataset_prepared_path dataset_processes dataset_num_proc dataset_keep_in_memory"
    " skip_prepare_dataset push_dataset_to_hub"
    " attn_implementation flash_attention xformers_attention sdp_attention s2_attention flex_attention"
    " flex_attn_compile_kwargs flash_attn_cross_entropy flash_attn_rms_norm flash_attn_fuse_mlp flash_attn_fuse_qkv"
    " flash_optimum fused_attn_kernel lora_mlp_kernel lora_qkv_kernel lora_o_kernel lora_on_cpu use_kernels"
    " liger_rope liger_rms_norm liger_rms_norm_gated liger_layer_norm liger_glu_activation liger_swiglu"
    " liger_fused_linear_cross_entropy liger_cross_entropy cut_cross_entropy tiled_mlp use_scattermoe use_sonicmoe"
    " gradient_checkpointing gradient_checkpointing_kwargs activation_offloading layer_offloading low_cpu_mem_usage"
    " resume_from_checkpoint auto_resume_from_checkpoints local_rank device_map debug tf32 strict torch_compile"
    " torch_compile_backend torch_compile_mode torchdistx_path hub_model_id hub_strategy hub_revision"
    " hf_use_auth_token trust_remote_code"
    " model_type tokenizer_type processor_type tokenizer_use_fast tokenizer_legacy special_tokens"
    " deepspeed fsdp fsdp_version fsdp_config fsdp_final_state_dict_type dp_shard_size dp_replicate_size ddp"
    " ddp_timeout"
    " ddp_bucket_cap_mb ddp_broadcast_buffers ddp_find_unused_parameters remove_unused_columns"
    " sample_packing eval_sample_packing pad_to_sequence_len plugins adapter lora_model_dir"
    " use_tensorboard use_mlflow use_comet use_trackio use_swanlab mlflow_tracking_uri mlflow_experiment_name"
    " mlflow_run_name save_safetensors dataloader_num_workers dataloader_pin_memory dataloader_prefetch_factor"
    " loss_watchdog_threshold loss_watchdog_patience early_stopping_metric vllm"
)
_OF_DATASETS = words(
    "type split field message_property_mappings roles roles_to_train ds_type data_files trust_remote_code"
    " message_field_role message_field_content"
)
"""Keys of a dataset that say where and under which names its texts are found."""
_TOOLS = re.compile(r"^(?:wandb|swanlab|trackio|comet|mlflow)_|^liger_|^fsdp_")
_USUAL: dict[str, tuple[Any, ...]] = {
    "load_in_8bit": (None, False),
    "load_in_4bit": (None, False),
    "group_by_length": (None, False),
    "train_on_inputs": (None, False),
    "float16": (None, False),
    "lora_fan_in_fan_out": (None, False),
    "lora_modules_to_save": (None,),
    "tokens": (None, [], {}),
    "tokenizer_config": (None,),
    "rl": (None,),
    "gptq": (None, False),
    "lr_quadratic_warmup": (None, False),
    "peft_use_dora": (None, False),
    "peft_use_rslora": (None, False),
    "auto_find_batch_size": (None, False),
}
DEFAULTS = (
    Default("optimizer.name", "adamw", "optimizer"),
    Default("optimizer.weight_decay", 0.0, "weight_decay"),
    Default("optimizer.betas[0]", 0.9, "adam_beta1"),
    Default("optimizer.betas[1]", 0.999, "adam_beta2"),
    Default("optimizer.eps", 1e-8, "adam_epsilon"),
    Default("schedule.name", "cosine", "lr_scheduler"),
    Default("schedule.min_learning_rate", 0.0, "cosine_min_lr_ratio"),
    Default("batch_size.micro", 1, "micro_batch_size"),
    Default("batch_size.accumulation", 1, "gradient_accumulation_steps"),
    Default("epochs", 1.0, "num_epochs"),
    Default("max_grad_norm", 1.0, "max_grad_norm"),
    Default("seed", 42, "seed"),
)
LORA = (Default("adapter.lora.dropout", 0.0, "lora_dropout"),)
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
    silent = (*SILENT, *usual(data, _USUAL), *(name for name in data if isinstance(name, str) and _TOOLS.match(name)))
    said = read_table(data, KEYS, (*silent, *_silent_of(data)))
    switched(said, data, (), ADAPTERS)
    whole = data.get("batch_size")
    if whole is not None:
        _whole(said, whole, data)
    facts = {statement.fact: statement.value for statement in said.statements}
    skipped = set(_decided(data, facts))
    lora = LORA if data.get("adapter") in ("lora", "qlora") else ()
    return assume(said, [default for default in (*DEFAULTS, *lora) if default.fact not in skipped])


def _silent_of(data: Scope) -> Iterator[str]:
    for section in ("datasets", "pretraining_dataset"):
        held = data.get(section)
        names = (
            {str(name) for item in held if isinstance(item, dict) for name in item} if isinstance(held, list) else ()
        )
        yield from (f"{section}.*.{name}" for name in names if name in _OF_DATASETS or name.startswith("field_"))
    yield "test_datasets"


def _whole(said: Said, size: Any, data: Scope) -> None:
    """`batch_size`, which only counts where the accumulation is left open, and is one process's."""
    if data.get("gradient_accumulation_steps") or "gradient_accumulation_steps" not in data:
        said.silent.add(("batch_size",))
        return
    doubt = ("batch_size", "batch_size.micro")
    said.statements.append(Statement(("batch_size",), "batch_size", values.number(size, data), size, doubt, DEVICES))


def _decided(data: Scope, facts: Scope) -> Iterator[str]:
    """The facts whose defaults something else in the file decides."""
    if "max_steps" in facts:
        yield "epochs"
    if "batch_size" in facts:
        yield "batch_size.accumulation"
    if facts.get("schedule.name", "cosine") not in ("linear", "cosine") or data.get("lr_scheduler_kwargs"):
        yield "schedule.min_learning_rate"
    if facts.get("optimizer.name", "adamw") != "adamw" or data.get("deepspeed") or data.get("optim_args"):
        yield from ("optimizer.betas[0]", "optimizer.betas[1]", "optimizer.eps")


DIALECT = Dialect("axolotl", "axolotl", _recognise, _read, "pyyaml", KEYS, judge=judge_adapter)

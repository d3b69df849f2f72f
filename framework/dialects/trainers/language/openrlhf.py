"""OpenRLHF's command lines: `openrlhf.cli.train_sft`, `train_dpo`, `train_rm` and `train_ppo_ray`, up to release 0.9.

Read in OpenRLHF 0.9.10 (`cli/`, `utils/deepspeed/deepspeed.py`, `trainer/ray/ppo_actor.py`); from 0.11 on the flags
have dots (`--adam.lr`), and are not this dialect's. `train_batch_size` is the whole batch of one optimizer step
(`deepspeed.py`: the accumulation is worked out of it), and `micro_train_batch_size` one device's part, which so says
nothing beside it. The optimizer is AdamW (`FusedAdam`, `DeepSpeedCPUAdam`), whose decay is `l2`. The warmup is a share
of all steps, and `cosine_with_min_lr` ends at a tenth of the peak (`scheduler_specific_kwargs`). LoRA is on where the
rank is above 0. The critic's learning rate is its own. Which defaults hold, the program says.
"""

from __future__ import annotations

from typing import Any

from framework.dialects import values
from framework.dialects.command_tables import read_commands
from framework.dialects.families import launch_flags
from framework.dialects.key_tables import by_marks, scopes
from framework.dialects.terms import PROGRAM, UNSET, Default, Dialect, Key, Said, Scope, Unknown, words


def _micro(word: Any, scope: Scope) -> Any:
    return UNSET if "train_batch_size" in scope else word


def _half(word: Any, scope: Scope) -> Any:
    return "bf16" if word is True else UNSET


def _rank(word: Any, scope: Scope) -> Any:
    return UNSET if word == 0 else values.given(word, scope)


def _lora(word: Any, scope: Scope) -> Any:
    return UNSET if scope.get("lora_rank") in (None, 0) else word


def _targets(word: Any, scope: Scope) -> Any:
    return UNSET if scope.get("lora_rank") in (None, 0) else values.modules(word, scope)


def _sized(word: Any, scope: Scope) -> Any:
    return Unknown("the batches are packed by their tokens") if scope.get("use_dynamic_batch") is True else word


KEYS: dict[str, Key] = {
    "learning_rate": Key("optimizer.learning_rate", values.number),
    "actor_learning_rate": Key("optimizer.learning_rate", values.number),
    "l2": Key("optimizer.weight_decay", values.number),
    "adam_betas": Key("optimizer.betas"),
    "lr_scheduler": Key("schedule.name", values.schedule),
    "lr_warmup_ratio": Key("schedule.warmup.ratio", values.number),
    "train_batch_size": Key("batch_size", _sized),
    "micro_train_batch_size": Key("batch_size.micro", _micro),
    "max_epochs": Key("epochs"),
    "max_len": Key("sequence_length", values.given),
    "max_norm": Key("max_grad_norm"),
    "bf16": Key("precision", _half),
    "param_dtype": Key("precision", values.given),
    "seed": Key("seed"),
    "pretrain": Key("model.hub", values.repository),
    "lora_rank": Key("adapter.lora.rank", _rank),
    "lora_alpha": Key("adapter.lora.alpha", _lora),
    "lora_dropout": Key("adapter.lora.dropout", _lora),
    "target_modules": Key("adapter.lora.targets", _targets),
    "n_samples_per_prompt": Key("settings.generations_per_prompt"),
    "eps_clip": Key("settings.clip_range"),
    "lambd": Key("settings.gae_lambda"),
    "gamma": Key("settings.discount"),
    "temperature": Key("settings.temperature"),
    "top_p": Key("settings.top_p"),
    **launch_flags.DEVICES,
}
_REINFORCED = {
    **KEYS,
    # passes over one rollout's samples, and what the prompts are gone through
    "max_epochs": Key("settings.passes_per_rollout"),
    "num_episodes": Key("epochs"),
}
SILENT = (
    *launch_flags.SILENT,
    *words(
        "save_path ckpt_path save_steps logging_steps eval_steps max_ckpt_num max_ckpt_mem load_checkpoint zero_stage"
        " zpg adam_offload attn_implementation use_liger_kernel grad_accum_dtype overlap_comm gradient_checkpointing"
        " gradient_checkpointing_use_reentrant disable_fast_tokenizer flash_attn packing_samples dataset eval_dataset"
        " input_key output_key input_template apply_chat_template max_samples use_wandb wandb_project wandb_run_name"
        " wandb_org wandb_group use_tensorboard local_rank critic_learning_rate critic_pretrain reward_pretrain"
        " prompt_data ref_num_nodes ref_num_gpus_per_node reward_num_nodes reward_num_gpus_per_node actor_num_nodes"
        " actor_num_gpus_per_node critic_num_nodes critic_num_gpus_per_node vllm_num_engines vllm_tensor_parallel_size"
        " colocate_all_models colocate_actor_ref vllm_gpu_memory_utilization vllm_sync_backend enforce_eager"
        " micro_rollout_batch_size save_hf_ckpt chosen_key rejected_key use_dynamic_batch address"
        " runtime_env_json deepspeed_enable_sleep vllm_enable_sleep"
    ),
)
_SHARED = (
    Default("optimizer.name", "adamw", "optimizer"),
    Default("optimizer.weight_decay", 0.0, "l2"),
    Default("optimizer.betas[0]", 0.9, "adam_betas"),
    Default("optimizer.betas[1]", 0.95, "adam_betas"),
    Default("schedule.warmup.ratio", 0.03, "lr_warmup_ratio"),
    Default("batch_size", 128, "train_batch_size"),
    Default("max_grad_norm", 1.0, "max_norm"),
    Default("seed", 42, "seed"),
)
_RATES = {"train_sft": 5e-6, "train_dpo": 1e-5}
_EPOCHS = {"train_sft": 2, "train_dpo": 1}
_MARKS = frozenset(words("micro_train_batch_size train_batch_size max_epochs zero_stage max_len pretrain input_key"))
_PROOF = frozenset(words("micro_train_batch_size"))
_FOREIGN = frozenset(words("train_micro_batch_size_per_gpu per_device_train_batch_size base_model"))
_marked = by_marks(_MARKS, 3, "flags of OpenRLHF", _FOREIGN)


def _recognise(data: Any) -> Any:
    return _marked(data) if scopes(data, _PROOF, 1) else None


def _defaults(scope: Scope) -> list[Default]:
    given = list(_SHARED)
    program = str(scope.get(PROGRAM, "")).rpartition(".")[2]
    if program in _RATES:
        given.append(Default("optimizer.learning_rate", _RATES[program], "learning_rate"))
        given.append(Default("epochs", _EPOCHS[program], "max_epochs"))
    if "adam_betas" in scope:
        given = [each for each in given if each.key != "adam_betas"]
    style = scope.get("lr_scheduler")
    if style in (None, "cosine_with_min_lr") and program != "train_rm":
        given.append(Default("schedule.name", "cosine", "lr_scheduler"))
        peak = values.number(scope.get("learning_rate", scope.get("actor_learning_rate")), scope)
        if isinstance(peak, (int, float)):
            given.append(Default("schedule.min_learning_rate", peak * 0.1, "lr_scheduler"))
    return given


def _read(data: Any) -> Said:
    reinforced = isinstance(data, dict) and bool(scopes(data, frozenset(("actor_learning_rate",)), 1))
    return read_commands(data, _REINFORCED if reinforced else KEYS, lambda scope: SILENT, _defaults)


DIALECT = Dialect("openrlhf", "OpenRLHF", _recognise, _read, "yaml-1.2", KEYS)

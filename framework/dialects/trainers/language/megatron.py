"""Megatron-LM's flags: `pretrain_gpt.py` and its siblings, as launch scripts pass them.

Read in Megatron-LM's `megatron/training/arguments.py` and `examples/`, and in megatron-core 0.16.1
(`core/optimizer_param_scheduler.py`, `core/optimizer/optimizer_config.py`). `--global-batch-size` is the whole batch;
without it there is no accumulation. `adam` is AdamW: its weight decay is decoupled (`decoupled_weight_decay` true).
A warmup fraction is a share of the *decay's* steps, `--lr-decay-iters`, which are the training's where they are not
given; a decay that is longer than the training ends before its minimum. Samples (`--train-samples`) are turned into
steps by the global batch. With `--use-checkpoint-opt_param-scheduler` the checkpoint's learning rate, warmup, decay and
weight decay go before the flags (`_check_and_set`); with `--rampup-batch-size` the batch grows.
"""

from __future__ import annotations

from typing import Any

from framework.dialects import values
from framework.dialects.command_tables import read_commands
from framework.dialects.families import launch_flags
from framework.dialects.key_tables import by_marks, scopes
from framework.dialects.terms import UNSET, Default, Dialect, Instead, Key, Said, Scope, Translate, Unknown, words
from framework.dialects.well_known.keys import keys_of

_CHECKPOINT = "use_checkpoint_opt_param_scheduler"


def _scheduled(inner: Translate) -> Translate:
    """What a key of the learning rate's schedule states: nothing, where the checkpoint's goes before it."""

    def translate(word: Any, scope: Scope) -> Any:
        if scope.get(_CHECKPOINT) is True:
            return Unknown("`--use-checkpoint-opt_param-scheduler` takes it from the checkpoint that is loaded")
        return inner(word, scope)

    return translate


def _optimizer(word: Any, scope: Scope) -> Any:
    return "adamw" if word == "adam" and not scope.get("no_decoupled_weight_decay") else values.optimizer(word, scope)


def _steps(samples: Any, scope: Scope) -> Any:
    """Optimizer steps that take so many samples."""
    batch = scope.get("global_batch_size")
    known = all(type(each) is int and each > 0 for each in (samples, batch)) and "rampup_batch_size" not in scope
    return samples // batch if known else Unknown("samples: how many steps they are, the growing or unknown batch says")


def _decay_steps(scope: Scope) -> Any:
    """The steps of the decay, with its warmup; None where they are not known."""
    if "lr_decay_samples" in scope or "train_samples" in scope:
        return _steps(scope.get("lr_decay_samples", scope.get("train_samples")), scope)
    return scope.get("lr_decay_iters", scope.get("train_iters"))


def _training_steps(scope: Scope) -> Any:
    return _steps(scope["train_samples"], scope) if "train_samples" in scope else scope.get("train_iters")


def _fraction(word: Any, scope: Scope) -> Any:
    decay, training = _decay_steps(scope), _training_steps(scope)
    if type(decay) is int and type(training) is int and decay != training and isinstance(word, float):
        return Instead("schedule.warmup.steps", int(word * decay))
    if isinstance(decay, Unknown) and scope.get("lr_decay_samples") not in (None, scope.get("train_samples")):
        return Unknown("a share of the decay's samples, which are not those of the training")
    return word


def _minimum(word: Any, scope: Scope) -> Any:
    decay, training = _decay_steps(scope), _training_steps(scope)
    if type(decay) is int and type(training) is int and decay > training:
        return Unknown(f"the decay takes {decay} steps and the training {training}: it ends above the minimum")
    return values.given(word, scope)


def _batch(word: Any, scope: Scope) -> Any:
    ramp = scope.get("rampup_batch_size")
    return Unknown(f"the batch grows to it: --rampup-batch-size {ramp}") if ramp else word


def _micro(word: Any, scope: Scope) -> Any:
    """One device's part says nothing where the whole batch is given."""
    return UNSET if "global_batch_size" in scope else word


def _half(name: str) -> Translate:
    return lambda word, scope: name if word is True else UNSET


def _decay(word: Any, scope: Scope) -> Any:
    style = scope.get("weight_decay_incr_style", "constant")
    return word if style == "constant" else Unknown(f"the weight decay is not constant: {style}")


SIZES = {
    "num_layers": "layers",
    "hidden_size": "hidden",
    "num_attention_heads": "heads",
    "num_query_groups": "key_value_heads",
    "ffn_hidden_size": "intermediate",
    "num_experts": "experts",
    "moe_router_topk": "experts_per_token",
    "max_position_embeddings": "positions",
    "vocab_size": "vocabulary",
}
KEYS: dict[str, Key] = {
    "lr": Key("optimizer.learning_rate", _scheduled(values.given)),
    "min_lr": Key("schedule.min_learning_rate", _scheduled(_minimum)),
    "lr_decay_style": Key("schedule.name", _scheduled(values.schedule)),
    "lr_warmup_fraction": Key("schedule.warmup.ratio", _scheduled(_fraction)),
    "lr_warmup_iters": Key("schedule.warmup.steps", _scheduled(values.given)),
    "lr_warmup_samples": Key("schedule.warmup.steps", _scheduled(_steps)),
    "optimizer": Key("optimizer.name", _optimizer),
    "weight_decay": Key("optimizer.weight_decay", _scheduled(_decay)),
    "adam_beta1": Key("optimizer.betas[0]"),
    "adam_beta2": Key("optimizer.betas[1]"),
    "adam_eps": Key("optimizer.eps"),
    "sgd_momentum": Key("optimizer.momentum"),
    "clip_grad": Key("max_grad_norm", lambda word, scope: None if word == 0 else word),
    "train_iters": Key("max_steps", values.positive),
    "train_samples": Key("max_steps", _steps),
    "global_batch_size": Key("batch_size", _batch),
    "micro_batch_size": Key("batch_size.micro", _micro),
    "tensor_model_parallel_size": Key("batch_size.processes", values.parallel("a tensor parallelism")),
    "pipeline_model_parallel_size": Key("batch_size.processes", values.parallel("a pipeline parallelism")),
    "context_parallel_size": Key("batch_size.processes", values.parallel("a context parallelism")),
    "seq_length": Key("sequence_length", values.given),
    "bf16": Key("precision", _half("bf16")),
    "fp16": Key("precision", _half("fp16")),
    "seed": Key("seed"),
    **{name: Key(f"model.{fact}", values.given) for name, fact in SIZES.items()},
    **launch_flags.DEVICES,
    **keys_of("megatron"),
}
SILENT = (
    *launch_flags.SILENT,
    *words(
        "data_path data_cache_path vocab_file merge_file tokenizer_type tokenizer_model split data_impl mock_data"
        " save load save_interval save_retain_interval log_interval eval_interval eval_iters tensorboard_dir"
        " tensorboard_queue_size wandb_project wandb_exp_name wandb_save_dir distributed_backend distributed_timeout"
        " distributed_timeout_minutes num_workers transformer_impl use_mcore_models use_legacy_models"
        " sequence_parallel use_distributed_optimizer overlap_grad_reduce overlap_param_gather use_flash_attn"
        " attention_backend recompute_activations recompute_granularity recompute_method recompute_num_layers"
        " no_async_tensor_model_parallel_allreduce no_gradient_accumulation_fusion no_masked_softmax_fusion"
        " no_bias_gelu_fusion no_bias_swiglu_fusion no_bias_dropout_fusion no_rope_fusion expert_model_parallel_size"
        " expert_tensor_parallel_size num_layers_per_virtual_pipeline_stage no_load_optim no_load_rng no_save_optim"
        " no_save_rng ckpt_format log_params_norm log_num_zeros_in_grad log_throughput log_timers_to_tensorboard"
        " log_memory_to_tensorboard log_validation_ppl_to_tensorboard log_progress timing_log_level timing_log_option"
        " profile profile_step_start profile_step_end profile_ranks use_checkpoint_opt_param_scheduler"
        " override_opt_param_scheduler exit_on_missing_checkpoint no_create_attention_mask_in_dataloader manual_gc"
        " manual_gc_interval empty_unused_memory_level use_pytorch_profiler make_vocab_size_divisible_by async_save"
        " exit_signal_handler dist_ckpt_format cross_entropy_loss_fusion moe_token_dispatcher_type moe_grouped_gemm"
        " eod_mask_loss_off use_dist_ckpt"
    ),
)
_DEFAULTS = (
    Default("optimizer.name", "adamw", "optimizer"),
    Default("optimizer.weight_decay", 0.01, "weight-decay"),
    Default("optimizer.betas[0]", 0.9, "adam-beta1"),
    Default("optimizer.betas[1]", 0.999, "adam-beta2"),
    Default("optimizer.eps", 1e-8, "adam-eps"),
    Default("schedule.name", "linear", "lr-decay-style"),
    Default("schedule.warmup.steps", 0, "lr-warmup-iters"),
    Default("schedule.min_learning_rate", 0.0, "min-lr"),
    Default("max_grad_norm", 1.0, "clip-grad"),
    Default("precision", "fp32", "bf16"),
    Default("seed", 1234, "seed"),
    Default("settings.dropout", 0.1, "hidden-dropout"),
    Default("settings.attention_dropout", 0.1, "attention-dropout"),
)
_MARKS = frozenset(
    words(
        "lr_decay_style lr_decay_iters lr_warmup_fraction lr_warmup_iters train_iters train_samples micro_batch_size"
        " global_batch_size tensor_model_parallel_size pipeline_model_parallel_size num_attention_heads"
        " max_position_embeddings seq_length use_mcore_models use_distributed_optimizer no_load_optim"
        " lr_decay_samples lr_warmup_samples clip_grad"
    )
)
_PROOF = frozenset(words("micro_batch_size global_batch_size tensor_model_parallel_size"))
_FOREIGN = frozenset(words("pipe_parallel_size pipe-parallel-size train_micro_batch_size_per_gpu base_model"))
_marked = by_marks(_MARKS, 4, "flags of Megatron-LM", _FOREIGN)


def _recognise(data: Any) -> Any:
    return _marked(data) if scopes(data, _PROOF, 1) else None


def _silent(scope: Scope) -> tuple[str, ...]:
    same = (("lr_decay_iters", "train_iters"), ("lr_decay_samples", "train_samples"))
    return (*SILENT, *(name for name, total in same if name in scope and scope[name] == scope.get(total)))


def _defaults(scope: Scope) -> list[Default]:
    warms_up = scope.get("lr_warmup_fraction") is not None or "lr_warmup_samples" in scope
    found = [each for each in _DEFAULTS if not (warms_up and each.fact == "schedule.warmup.steps")]
    if scope.get("global_batch_size") is None and "micro_batch_size" in scope:
        found.append(Default("batch_size.accumulation", 1, "global-batch-size"))
    return found


def _read(data: Any) -> Said:
    return read_commands(data, KEYS, _silent, _defaults)


DIALECT = Dialect("megatron", "Megatron-LM", _recognise, _read, "yaml-1.2", KEYS, judge=launch_flags.count_replicas)

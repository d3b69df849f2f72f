"""GPT-NeoX's YAML and JSON: Megatron's words and DeepSpeed's in one file, with dashes or underscores.

Read in EleutherAI/gpt-neox, `megatron/neox_arguments/` (`neox_args.py`, `arguments.py`) and `megatron/training.py`.
`train_batch_size` is the whole batch, micro batch x accumulation x data-parallel processes; accumulation is 1 where no
key says otherwise. Pipeline and model parallelism share a batch. `Adam` is apex' or DeepSpeed's FusedAdam, which is
AdamW unless its `adam_w_mode` is false; `use_mup` and `use_bnb_optimizer` take other classes. `warmup` is a share of
the decay's steps, `lr_decay_iters`, by default 1 %, and those are the training's by default. `precision` goes with
`fp16`, whose `type` may be bfloat16. Keys below `optimizer.params` are the optimizer's own. The defaults of weight
decay, dropout and clipping differ between versions and are not assumed.
"""

from __future__ import annotations

from typing import Any

from framework.dialects import values
from framework.dialects.families.launch_flags import count_replicas
from framework.dialects.key_tables import assume, at, by_marks, read_table
from framework.dialects.renamed_keys import read_underscored, underscored
from framework.dialects.terms import UNSET, Default, Dialect, Instead, Key, Said, Scope, Translate, Unknown, words
from framework.dialects.well_known.keys import keys_of


def _optimizer(word: Any, scope: Scope) -> Any:
    if str(word).casefold() == "adam":
        if replaced := [key for key in ("use_mup", "use_bnb_optimizer") if scope.get(key)]:
            return Unknown(f"`{replaced[0]}` takes another class")
        return "adam" if at(scope, "optimizer", "params", "adam_w_mode") is False else "adamw"
    return values.optimizer(word, scope)


def _warmup(word: Any, scope: Scope) -> Any:
    decay, training = scope.get("lr_decay_iters"), scope.get("train_iters")
    if type(decay) is int and type(training) is int and decay != training and isinstance(word, float):
        return Instead("schedule.warmup.steps", int(word * decay))
    return word


def _minimum(word: Any, scope: Scope) -> Any:
    decay, training = scope.get("lr_decay_iters"), scope.get("train_iters")
    if type(decay) is int and type(training) is int and decay > training:
        return Unknown(f"the decay takes {decay} steps and the training {training}: it ends above the minimum")
    return values.given(word, scope)


def _checkpointed(inner: Translate) -> Translate:
    def translate(word: Any, scope: Scope) -> Any:
        if scope.get("use_checkpoint_lr_scheduler") is True:
            return Unknown("`use_checkpoint_lr_scheduler` takes it from the checkpoint that is loaded")
        return inner(word, scope)

    return translate


def _half(word: Any, scope: Scope) -> Any:
    """`fp16.enabled`, and its older name `fp16.fp16`: half precision of the type that stands beside it."""
    if word is not True:
        return UNSET
    return "bf16" if values.precision(at(scope, "fp16", "type") or "fp16", scope) == "bf16" else "fp16"


def _parallel(how: str) -> Translate:
    shared = values.parallel(how)
    return lambda word, scope: UNSET if word == 0 else shared(word, scope)


def _micro(word: Any, scope: Scope) -> Any:
    """One device's part, which says nothing where the accumulation follows from it and the whole batch."""
    follows = scope.get("train_batch_size") is not None and scope.get("gradient_accumulation_steps") is None
    return UNSET if follows else values.given(word, scope)


KEYS: dict[str, Key] = {
    "optimizer.type": Key("optimizer.name", _optimizer),
    "optimizer.params.lr": Key("optimizer.learning_rate", _checkpointed(values.given)),
    "optimizer.params.betas": Key("optimizer.betas"),
    "optimizer.params.eps": Key("optimizer.eps"),
    "optimizer.params.momentum": Key("optimizer.momentum"),
    "weight_decay": Key("optimizer.weight_decay", values.given),
    "min_lr": Key("schedule.min_learning_rate", _checkpointed(_minimum)),
    "lr_decay_style": Key("schedule.name", _checkpointed(values.schedule)),
    "warmup": Key("schedule.warmup.ratio", _checkpointed(_warmup)),
    "train_iters": Key("max_steps", values.given),
    "train_epochs": Key("epochs", values.given),
    "train_batch_size": Key("batch_size", values.given),
    "train_micro_batch_size_per_gpu": Key("batch_size.micro", _micro),
    "gradient_accumulation_steps": Key("batch_size.accumulation", values.given),
    "pipe_parallel_size": Key("batch_size.processes", _parallel("a pipeline parallelism")),
    "model_parallel_size": Key("batch_size.processes", _parallel("a tensor parallelism")),
    "gradient_clipping": Key("max_grad_norm", lambda word, scope: None if word == 0 else values.given(word, scope)),
    "seq_length": Key("sequence_length", values.given),
    "precision": Key("precision", values.precision),
    "fp16.enabled": Key("precision", _half),
    "fp16.fp16": Key("precision", _half),
    "bf16.enabled": Key("precision", lambda word, scope: "bf16" if word is True else UNSET),
    "seed": Key("seed", values.given),
    "num_layers": Key("model.layers"),
    "hidden_size": Key("model.hidden"),
    "num_attention_heads": Key("model.heads"),
    "num_kv_heads": Key("model.key_value_heads", values.given),
    "intermediate_size": Key("model.intermediate", values.given),
    "max_position_embeddings": Key("model.positions"),
    **keys_of("gpt-neox"),
}
SILENT = words(
    "zero_optimization zero_allow_untested_optimizer fp16.* bf16.* checkpoint_activations checkpoint_num_layers"
    " partition_activations synchronize_each_layer distribute_checkpointed_activations contiguous_checkpointing"
    " checkpoint_in_cpu distributed_backend checkpoint_factor save_interval extra_save_iters eval_interval eval_iters"
    " log_interval log_dir steps_per_print keep_last_n_checkpoints wall_clock_breakdown hostfile launcher data_path"
    " train_data_paths valid_data_paths test_data_paths vocab_file merge_file tokenizer_type data_impl split save"
    " load tensorboard_dir use_wandb wandb_project wandb_group wandb_team wandb_host num_workers"
    " scaled_upper_triang_masked_softmax_fusion bias_gelu_fusion rope_fusion layernorm_fusion rmsnorm_fusion"
    " output_layer_parallelism attention_config fp32_allreduce deepspeed_mpi detect_nvlink_pairs include exclude"
    " master_addr master_port flops_profiler comms_logger tensorboard csv_monitor autotuning override_lr_scheduler"
    " use_checkpoint_lr_scheduler finetune no_load_optim no_load_rng no_save_optim no_save_rng deepspeed_slurm"
    " user_script global_num_gpus log_grad_norm log_optimizer_states data_types wandb_init_all_ranks"
)
_DEFAULTS = (
    Default("batch_size.accumulation", 1, "gradient_accumulation_steps"),
    Default("schedule.name", "linear", "lr_decay_style"),
    Default("schedule.warmup.ratio", 0.01, "warmup"),
    Default("schedule.min_learning_rate", 0.0, "min_lr"),
    Default("seed", 1234, "seed"),
)
_MARKS = frozenset(
    words(
        "pipe_parallel_size model_parallel_size lr_decay_style lr_decay_iters train_iters checkpoint_factor pos_emb"
        " no_weight_tying partition_activations synchronize_each_layer checkpoint_activations gpt_j_residual"
        " output_layer_parallelism scaled_upper_triang_masked_softmax_fusion train_micro_batch_size_per_gpu"
    )
)
_PROOF = frozenset(
    words("pipe_parallel_size pos_emb no_weight_tying gpt_j_residual scaled_upper_triang_masked_softmax_fusion")
)
_marked = by_marks(_MARKS, 3, "GPT-NeoX's keys", frozenset({"tensor_model_parallel_size"}))


def _recognise(data: Any) -> Any:
    plain = underscored(data)
    return _marked(plain) if isinstance(plain, dict) and _PROOF & plain.keys() else None


def _plain(data: dict[str, Any]) -> Said:
    settled = ("lr_decay_iters",) if data.get("lr_decay_iters") == data.get("train_iters") else ()
    said = read_table(data, KEYS, (*SILENT, *settled))
    if "optimizer" not in data:
        return said  # a file of a pair: the model's sizes, or where the data are
    skipped = {"batch_size.accumulation"} if data.get("train_batch_size") is not None else set()
    return assume(said, [default for default in _DEFAULTS if default.fact not in skipped])


def _read(data: Any) -> Said:
    return read_underscored(data, _plain) if isinstance(data, dict) else Said()


DIALECT = Dialect("gpt-neox", "GPT-NeoX", _recognise, _read, "pyyaml", KEYS, judge=count_replicas)

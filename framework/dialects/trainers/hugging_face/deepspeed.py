"""DeepSpeed's JSON.

Read in its sources (up to 0.19.8). `train_batch_size` is the whole batch: micro batch x accumulation x processes;
without it the accumulation is 1. `auto` is filled in by the Hugging Face integration when it starts. Optimizers' names
are read without their case, and `Adam` is AdamW unless `adam_w_mode` is false. Its schedulers warm up for 1,000 steps
and rise logarithmically unless `warmup_type` is `linear`; `WarmupCosineLR` ends at 1e-4 of its peak. `WarmupDecayLR`
peaks at its own `warmup_max_lr`, 0.001 by default, whatever the optimizer's rate is; `WarmupLR` does so up to 0.17.1
and takes the optimizer's from 0.17.2 on. Gradients are clipped at 1 by default from 0.19.3 on, and not before. What it
does by itself holds beside transformers' arguments, too, which fill in `auto` alone (5.23, integrations/deepspeed.py).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from framework.dialects import values
from framework.dialects.key_tables import assume, at, by_marks, read_table
from framework.dialects.terms import UNSET, ByVersion, Default, Dialect, Instead, Key, Said, Scope, Unknown, words

_SCHEDULES = {"WarmupLR": "constant", "WarmupDecayLR": "linear", "WarmupCosineLR": "cosine"}


def _optimizer(word: Any, scope: Scope) -> Any:
    if str(word).lower() == "adam" and at(scope, "optimizer", "params", "adam_w_mode") is not False:
        return "adamw"
    return values.optimizer(word, scope)


def _schedule(word: Any, scope: Scope) -> Any:
    return _SCHEDULES.get(str(word), word)


def _least(word: Any, scope: Scope) -> Any:
    peak = at(scope, "scheduler", "params", "warmup_max_lr") or at(scope, "optimizer", "params", "lr")
    if not isinstance(peak, (int, float)) or not isinstance(word, (int, float)):
        return Unknown("a share of a learning rate that this file does not state")
    return Instead("schedule.min_learning_rate", word * peak)


_OWN_PEAK = 0.001


def _peak(word: Any, scope: Scope) -> Any:
    """The optimizer's rate, unless a scheduler brings a peak of its own."""
    kind, given = at(scope, "scheduler", "type"), at(scope, "scheduler", "params", "warmup_max_lr")
    if kind in ("WarmupLR", "WarmupDecayLR") and given is not None:
        return UNSET
    if kind == "WarmupDecayLR":
        return UNSET  # stated by nobody: the default below
    if kind == "WarmupLR":
        return ByVersion("deepspeed", (("0", _OWN_PEAK), ("0.17.2", word)))
    return word


def _warmup(word: Any, scope: Scope) -> Any:
    kind, rise = at(scope, "scheduler", "type"), at(scope, "scheduler", "params", "warmup_type")
    if kind in ("WarmupLR", "WarmupDecayLR") and rise != "linear" and word:
        return Unknown("it rises logarithmically unless `warmup_type: linear` is given")
    return word


def _accumulation(word: Any, scope: Scope) -> Any:
    if scope.get("managed_gradient_accumulation") is False or scope.get("gradient_allreduce_op") == "sum":
        return Unknown("how gradients are accumulated is changed beside it")
    return word


def _half(name: str, other: str) -> Any:
    def translate(word: Any, scope: Scope) -> Any:
        if word == "auto":
            return Unknown("'auto' is filled in when the trainer starts")
        if word is False and at(scope, other, "enabled") not in (None, False):
            return UNSET
        return name if word is True else "fp32"

    return translate


def _clipping(word: Any, scope: Scope) -> Any:
    return None if word == 0 and not isinstance(word, bool) else word


KEYS: dict[str, Key] = {
    "train_batch_size": Key("batch_size", values.auto()),
    "train_micro_batch_size_per_gpu": Key("batch_size.micro", values.auto()),
    "gradient_accumulation_steps": Key("batch_size.accumulation", values.auto(_accumulation)),
    "gradient_clipping": Key("max_grad_norm", values.auto(_clipping)),
    "optimizer.type": Key("optimizer.name", _optimizer),
    "optimizer.params.lr": Key("optimizer.learning_rate", values.auto(_peak)),
    "optimizer.params.betas": Key("optimizer.betas", values.auto()),
    "optimizer.params.eps": Key("optimizer.eps", values.auto()),
    "optimizer.params.weight_decay": Key("optimizer.weight_decay", values.auto()),
    "optimizer.params.momentum": Key("optimizer.momentum", values.auto()),
    "scheduler.type": Key("schedule.name", _schedule),
    "scheduler.params.warmup_max_lr": Key("optimizer.learning_rate", values.auto()),
    "scheduler.params.warmup_num_steps": Key("schedule.warmup.steps", values.auto(_warmup)),
    "scheduler.params.total_num_steps": Key("max_steps", values.auto()),
    "scheduler.params.cos_min_ratio": Key("schedule.min_learning_rate", values.auto(_least)),
    "tensor_parallel.autotp_size": Key("batch_size.processes", values.parallel("a tensor parallelism")),
    "bf16.enabled": Key("precision", _half("bf16", "fp16")),
    "fp16.enabled": Key("precision", _half("fp16", "bf16")),
}
SILENT = words(
    "scheduler.params.warmup_type"
    " zero_optimization zero_allow_untested_optimizer zero_force_ds_cpu_optimizer steps_per_print wall_clock_breakdown"
    " dump_state flops_profiler activation_checkpointing tensorboard wandb csv_monitor comms_logger"
    " communication_data_type prescale_gradients gradient_predivide_factor sparse_gradients aio autotuning elasticity"
    " checkpoint data_types memory_breakdown fp16.* bf16.* optimizer.params.torch_adam optimizer.params.adam_w_mode"
    " optimizer.params.bias_correction optimizer.params.fused scheduler.params.warmup_min_lr compile"
    " amp.enabled gradient_accumulation_dtype"
    " hybrid_engine seq_parallel_communication_data_type round_robin_gradients scheduler.params.last_batch_iteration"
)
MARKS = frozenset(
    words(
        "train_batch_size train_micro_batch_size_per_gpu gradient_accumulation_steps gradient_clipping"
        " zero_optimization steps_per_print wall_clock_breakdown fp16 bf16 zero_allow_untested_optimizer"
    )
)
_PROOF = frozenset({"zero_optimization", "train_micro_batch_size_per_gpu", "steps_per_print"})
_TRAINERS = ("hf-training-arguments", "trl", "ms-swift", "llama-factory", "axolotl")
"""Dialects of transformers' Trainer, which hands its arguments' accumulation on; accelerate alone does not."""
_FOREIGN = frozenset(words("distributed_type compute_environment pipe_parallel_size pipe-parallel-size"))
_marked = by_marks(MARKS, 2, "DeepSpeed's keys", _FOREIGN)


def _recognise(data: Any) -> Any:
    return _marked(data) if isinstance(data, dict) and _PROOF & data.keys() else None


def _read(data: Any) -> Said:
    if not isinstance(data, dict):
        return Said()
    return assume(read_table(data, KEYS, SILENT), _defaults(data))


def _defaults(data: Scope) -> Iterator[Default]:
    if data.get("train_batch_size") is None and isinstance(data.get("train_micro_batch_size_per_gpu"), int):
        yield Default("batch_size.accumulation", 1, "gradient_accumulation_steps", yields=_TRAINERS)
    if "gradient_clipping" not in data:
        yield Default(
            "max_grad_norm", ByVersion("deepspeed", (("0", None), ("0.19.3", 1.0))), "gradient_clipping", True
        )
    yield from _of_optimizer(data)
    kind, given = at(data, "scheduler", "type"), at(data, "scheduler", "params") or {}
    if str(kind) not in _SCHEDULES or not isinstance(given, dict):
        return
    yield Default("schedule.warmup.steps", 1000, "scheduler.params.warmup_num_steps")
    peak = values.number(at(data, "optimizer", "params", "lr"), data)
    if kind == "WarmupDecayLR" and given.get("warmup_max_lr") is None:
        yield Default("optimizer.learning_rate", _OWN_PEAK, "scheduler.params.warmup_max_lr", True)
    if kind == "WarmupDecayLR":
        yield Default("schedule.min_learning_rate", 0.0, "scheduler.params")
    elif kind == "WarmupCosineLR" and isinstance(peak, (int, float)):
        yield Default("schedule.min_learning_rate", 1e-4 * peak, "scheduler.params.cos_min_ratio")


def _of_optimizer(data: Scope) -> Iterator[Default]:
    """What DeepSpeed's Adam does where its section leaves an argument out (`engine.py`, `ops/adam/fused_adam.py`)."""
    kind, given = at(data, "optimizer", "type"), at(data, "optimizer", "params") or {}
    if str(kind).lower() not in ("adam", "adamw") or not isinstance(given, dict):
        return
    own: dict[str, tuple[str, Any]] = {
        "lr": ("optimizer.learning_rate", 0.001),
        "weight_decay": ("optimizer.weight_decay", 0.01 if given.get("torch_adam") else 0.0),
        "betas": ("optimizer.betas", [0.9, 0.999]),
        "eps": ("optimizer.eps", 1e-8),
    }
    for key, (fact, value) in own.items():
        if key not in given and not (key == "lr" and at(data, "scheduler", "type") in _SCHEDULES):
            yield Default(fact, value, f"optimizer.params.{key}", True)


DIALECT = Dialect("deepspeed", "DeepSpeed", _recognise, _read, "yaml-1.2", KEYS, beside=True)

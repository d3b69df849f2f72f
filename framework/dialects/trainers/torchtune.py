"""torchtune's recipe configs: components by their dotted path, read with OmegaConf.

`batch_size` is per device. Where an argument of a PyTorch optimizer is left out, PyTorch's default applies; without
`clip_grad_norm` gradients are not clipped; without `lr_scheduler` the learning rate is constant.
"""

from __future__ import annotations

from typing import Any

from framework.dialects import values
from framework.dialects.model import Default, Dialect, Key, Recognition, Said, Scope, mappings, words
from framework.dialects.tables import assume, at, read_table


def _as_it_is(word: Any, scope: Scope) -> Any:
    return word


KEYS: dict[str, Key] = {
    "optimizer._component_": Key("optimizer.name", values.optimizer),
    "optimizer.lr": Key("optimizer.learning_rate"),
    "optimizer.weight_decay": Key("optimizer.weight_decay"),
    "optimizer.betas": Key("optimizer.betas"),
    "optimizer.eps": Key("optimizer.eps"),
    "optimizer.momentum": Key("optimizer.momentum"),
    "lr_scheduler._component_": Key("schedule.name", values.schedule),
    "lr_scheduler.num_warmup_steps": Key("schedule.warmup.steps"),
    "batch_size": Key("batch_size.micro"),
    "gradient_accumulation_steps": Key("batch_size.accumulation"),
    "epochs": Key("epochs"),
    "seed": Key("seed", values.given),
    "clip_grad_norm": Key("max_grad_norm", _as_it_is),
    "dtype": Key("precision", values.precision),
    "tokenizer.max_seq_len": Key("sequence_length", values.given),
    "model.lora_rank": Key("adapter.lora.rank"),
    "model.lora_alpha": Key("adapter.lora.alpha"),
    "model.lora_dropout": Key("adapter.lora.dropout"),
}
SILENT = words(
    "checkpointer metric_logger output_dir log_every_n_steps log_peak_memory_stats log_level profiler device compile"
    " enable_activation_checkpointing enable_activation_offloading resume_from_checkpoint save_adapter_weights_only"
    " shuffle optimizer.fused optimizer.foreach optimizer_in_bwd loss tokenizer._component_ tokenizer.path"
    " tokenizer.merges_file activation_offloading_use_streams custom_sharded_layers memory_efficient_fsdp_wrap"
    " fsdp_cpu_offload fsdp_reshard_after_forward"
)


def _recognise(data: Any) -> Recognition | None:
    found = [str(scope["_component_"]) for _, scope in mappings(data) if "_component_" in scope]
    return Recognition(0.97, f"_component_: {found[0]}") if found else None


def _read(data: Any) -> Said:
    if not isinstance(data, dict):
        return Said()
    quiet = SILENT if at(data, "max_steps_per_epoch") else (*SILENT, "max_steps_per_epoch")
    said = read_table(data, KEYS, quiet)
    component = at(data, "optimizer", "_component_")
    defaults = [Default(fact, value, fact) for fact, value in values.torch_defaults(component).items()]
    defaults.append(Default("max_grad_norm", None, "clip_grad_norm"))
    if "lr_scheduler" in data:
        if at(data, "lr_scheduler", "_component_"):
            defaults.append(Default("schedule.min_learning_rate", 0.0, "lr_scheduler"))
    else:
        defaults += [
            Default("schedule.name", "constant", "lr_scheduler._component_"),
            Default("schedule.warmup.steps", 0, "lr_scheduler.num_warmup_steps"),
        ]
    return assume(said, defaults)


DIALECT = Dialect("torchtune", "torchtune", _recognise, _read, "omegaconf", KEYS)

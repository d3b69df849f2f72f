"""torchtune's recipe configs: components by their dotted path, read with OmegaConf.

Read in its sources (0.6). `batch_size` is per device; with `tensor_parallel_dim` several devices share one. Where an
argument of a PyTorch optimizer is left out, PyTorch's default applies; without `clip_grad_norm` gradients are not
clipped; without `lr_scheduler` the learning rate is constant. The builders of LoRA models take rank 8, alpha 16 and
dropout 0. `max_steps_per_epoch` ends each epoch early where it is less than the epoch's steps. Its `output_proj` is
what others call `o_proj`.
"""

from __future__ import annotations

import re
from typing import Any

from framework.dialects import values
from framework.dialects.components import optimizer_defaults
from framework.dialects.families.weight_formats import beside
from framework.dialects.key_tables import assume, at, read_table
from framework.dialects.terms import UNSET, Default, Dialect, Key, Recognition, Said, Scope, Unknown, mappings, words
from framework.dialects.well_known.keys import keys_of


def _as_it_is(word: Any, scope: Scope) -> Any:
    return word


def _capped(word: Any, scope: Scope) -> Any:
    return UNSET if word is None else Unknown(f"each epoch ends after {word} steps, if it has more")


_MLP = ("gate_proj", "up_proj", "down_proj")


def _targets(word: Any, scope: Scope) -> Any:
    """The adapted modules, by the names that checkpoints of the hub have."""
    if not isinstance(word, list) or not all(isinstance(name, str) for name in word):
        return values.given(word, scope)
    found = ["o_proj" if name == "output_proj" else name for name in word]
    found += _MLP if at(scope, "model", "apply_lora_to_mlp") is True else ()
    return [*found, "lm_head"] if at(scope, "model", "apply_lora_to_output") is True else found


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
    "max_steps_per_epoch": Key("max_steps", _capped),
    "tensor_parallel_dim": Key("batch_size.processes", values.parallel("a tensor parallelism")),
    "seed": Key("seed", values.given),
    "clip_grad_norm": Key("max_grad_norm", _as_it_is),
    "dtype": Key("precision", values.precision),
    "tokenizer.max_seq_len": Key("sequence_length", values.given),
    "model.lora_rank": Key("adapter.lora.rank"),
    "model.lora_alpha": Key("adapter.lora.alpha"),
    "model.lora_dropout": Key("adapter.lora.dropout"),
    "model.lora_attn_modules": Key("adapter.lora.targets", _targets),
    **keys_of("torchtune"),
}
LORA = (
    Default("adapter.lora.rank", 8, "model.lora_rank"),
    Default("adapter.lora.alpha", 16, "model.lora_alpha"),
    Default("adapter.lora.dropout", 0.0, "model.lora_dropout"),
)
_BUILDER = re.compile(r"\.q?lora_\w+$")
SILENT = words(
    "checkpointer metric_logger output_dir log_every_n_steps log_peak_memory_stats log_level profiler device compile"
    " enable_activation_checkpointing enable_activation_offloading resume_from_checkpoint save_adapter_weights_only"
    " shuffle optimizer.fused optimizer.foreach optimizer_in_bwd loss tokenizer._component_ tokenizer.path"
    " tokenizer.merges_file activation_offloading_use_streams custom_sharded_layers memory_efficient_fsdp_wrap"
    " fsdp_cpu_offload fsdp_reshard_after_forward fsdp low_cpu_ram ac_mode ac_option tensor_parallel_plan"
    " tokenizer.vocab_path tokenizer.merges_path model.apply_lora_to_mlp model.apply_lora_to_output"
    " keep_last_n_checkpoints log_peak_memory_every_n_steps"
)
_USUAL: dict[str, tuple[Any, ...]] = {
    "model.use_dora": (False,),
    "model.quantize_base": (False,),
    "dataset.packed": (False,),
    "max_steps_per_epoch": (None,),
    "tokenizer.prompt_template": (None,),
}


def _recognise(data: Any) -> Recognition | None:
    found = [str(scope["_component_"]) for _, scope in mappings(data) if "_component_" in scope]
    return Recognition(0.97, f"_component_: {found[0]}") if found else None


def _read(data: Any) -> Said:
    if not isinstance(data, dict):
        return Said()
    quiet = [key for key, held in _USUAL.items() if any(at(data, *key.split(".")) is each for each in held)]
    said = read_table(data, KEYS, (*SILENT, *quiet))
    if "optimizer" not in data:
        return said  # a recipe that evaluates, generates or quantizes
    component = at(data, "optimizer", "_component_")
    defaults = [Default(fact, value, fact) for fact, value in optimizer_defaults(component).items()]
    defaults.append(Default("max_grad_norm", None, "clip_grad_norm"))
    if "lr_scheduler" in data:
        if at(data, "lr_scheduler", "_component_"):
            defaults.append(Default("schedule.min_learning_rate", 0.0, "lr_scheduler"))
    else:
        defaults += [
            Default("schedule.name", "constant", "lr_scheduler._component_"),
            Default("schedule.warmup.steps", 0, "lr_scheduler.num_warmup_steps"),
        ]
    if "dtype" in data:
        defaults.append(beside("dtype", data["dtype"], values.precision(data["dtype"], data)))
    defaults += LORA if _BUILDER.search(str(at(data, "model", "_component_"))) else ()
    return assume(said, defaults)


DIALECT = Dialect("torchtune", "torchtune", _recognise, _read, "omegaconf", KEYS)

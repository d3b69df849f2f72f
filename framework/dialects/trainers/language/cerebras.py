"""Cerebras Model Zoo's trainer YAML (from 2.3 on): `trainer.init` and `trainer.fit`, classes by their names; and the
params YAML before it: `train_input`, `optimizer` with its list of schedulers, `runconfig`.

`train_dataloader.batch_size` is the whole batch, divided over the systems. Schedulers set the learning rate at every
step, so the optimizer's own is not read where there are any; the first `LinearLR` that rises is the warmup.
`cbfloat16` is the machine's own 16-bit format. Without `max_gradient_norm` gradients are not clipped.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from framework.dialects import values
from framework.dialects.families import model_zoo
from framework.dialects.families.learning_rates import by_class, by_name, named_class, state_schedule, state_unknown
from framework.dialects.families.model_zoo_sections import (
    family,
    harmless_callbacks,
    optimizer_defaults,
    state_decay,
    state_lora,
    state_sparsity,
    steps_said,
)
from framework.dialects.key_tables import at, read_table
from framework.dialects.terms import (
    UNSET,
    Default,
    Dialect,
    Key,
    KeyWord,
    Recognition,
    Said,
    Scope,
    Statement,
    Unknown,
    words,
)
from framework.names import Path


def _half(word: Any, scope: Scope) -> Any:
    if word == "cbfloat16":
        return Unknown("cbfloat16 is the machine's own 16-bit format")
    return values.precision(word, scope)


def _params_half(word: Any, scope: Scope) -> Any:
    return UNSET if at(scope, "model", "mixed_precision") is False else _half(word, scope)


def _enabled(word: Any, scope: Scope) -> Any:
    return UNSET if word is not False else "fp32"


_SIZES = words("vocab_size hidden_size num_hidden_layers num_heads filter_size max_position_embeddings")
KEYS: dict[str, Key] = {
    "init.seed": Key("seed", values.given),
    "init.backend.cluster_config.num_csx": Key("hardware.count"),
    "init.optimizer.*.betas": Key("optimizer.betas"),
    "init.optimizer.*.eps": Key("optimizer.eps"),
    "init.optimizer.*.weight_decay": Key("optimizer.weight_decay"),
    "init.optimizer.*.momentum": Key("optimizer.momentum"),
    "init.precision.max_gradient_norm": Key("max_grad_norm"),
    "init.precision.*.max_gradient_norm": Key("max_grad_norm"),
    "init.precision.fp16_type": Key("precision", _half),
    "init.precision.*.fp16_type": Key("precision", _half),
    "init.precision.enabled": Key("precision", _enabled),
    "init.loop.num_steps": Key("max_steps", values.given),
    "init.loop.max_steps": Key("max_steps", values.given),
    "init.loop.num_epochs": Key("epochs", values.given),
    "init.model.name": Key("model.family", family),
    "init.model.vocab_size": Key("model.vocabulary"),
    "init.model.hidden_size": Key("model.hidden"),
    "init.model.num_hidden_layers": Key("model.layers"),
    "init.model.num_heads": Key("model.heads"),
    "init.model.filter_size": Key("model.intermediate"),
    "init.model.max_position_embeddings": Key("model.positions"),
    "init.model.extra_attention_params.num_kv_groups": Key("model.key_value_heads"),
    "init.model.moe.num_experts": Key("model.experts"),
    "init.model.moe.top_k": Key("model.experts_per_token"),
    "init.sparsity.sparsity": Key("prune.sparsity|mask.sdm.target_sparsity"),
    "init.sparsity.param_filter": Key("prune.tensors", model_zoo.modules_of),
    "init.callbacks.*.Lora.lora_params.r": Key("adapter.lora.rank"),
    "init.callbacks.*.Lora.lora_params.alpha": Key("adapter.lora.alpha"),
    "init.callbacks.*.Lora.lora_params.dropout": Key("adapter.lora.dropout"),
    "init.callbacks.*.Lora.lora_params.target_modules": Key("adapter.lora.targets", model_zoo.targets_of),
    "fit.train_dataloader.max_sequence_length": Key("sequence_length"),
}
PARAMS: dict[str, Key] = {
    "train_input.max_sequence_length": Key("sequence_length"),
    "optimizer.optimizer_type": Key("optimizer.name", values.optimizer),
    "optimizer.betas": Key("optimizer.betas"),
    "optimizer.eps": Key("optimizer.eps"),
    "optimizer.weight_decay": Key("optimizer.weight_decay"),
    "optimizer.weight_decay_rate": Key("optimizer.weight_decay"),
    "optimizer.momentum": Key("optimizer.momentum"),
    "optimizer.max_gradient_norm": Key("max_grad_norm"),
    "model.fp16_type": Key("precision", _params_half),
    "model.mixed_precision": Key("precision", _enabled),
    "runconfig.seed": Key("seed", values.given),
    "runconfig.num_csx": Key("hardware.count"),
    "runconfig.max_steps": Key("max_steps", values.given),
    "runconfig.num_steps": Key("max_steps", values.given),
    "runconfig.num_epochs": Key("epochs", values.given),
    **{f"model.{name}": KEYS[f"init.model.{name}"] for name in _SIZES},
    "sparsity.sparsity": KEYS["init.sparsity.sparsity"],
}
"""The keys of the params YAML, at the file's own root."""
PARAMS_SILENT = words(
    "eval_input train_input.data_processor train_input.data_dir train_input.shuffle train_input.shuffle_seed"
    " train_input.num_workers train_input.prefetch_factor train_input.persistent_workers train_input.micro_batch_size"
    " train_input.repeat train_input.use_worker_cache train_input.vocab_file optimizer.correct_bias"
    " optimizer.log_summaries optimizer.loss_scaling_factor optimizer.initial_loss_scale optimizer.max_loss_scale"
    " optimizer.steps_per_increase model.loss_scaling model.loss_weight model.model_name model.compute_eval_metrics"
    " runconfig.eval_steps runconfig.checkpoint_steps runconfig.enable_distributed runconfig.log_steps"
    " runconfig.save_initial_checkpoint runconfig.precision_opt_level runconfig.model_dir runconfig.eval_frequency"
    " runconfig.steps_per_epoch runconfig.checkpoint_path runconfig.mode runconfig.num_workers_per_csx"
    " runconfig.keep_checkpoints runconfig.save_losses runconfig.mount_dirs runconfig.python_paths"
)
_LORA = {key.rpartition(".")[2]: term for key, term in KEYS.items() if ".Lora." in key}
_SPARSITY = {name: KEYS[f"init.sparsity.{name}"] for name in ("sparsity", "param_filter")}
SILENT = words(
    "init.model_dir init.backend init.checkpoint init.logging init.loggers init.loop.eval_frequency"
    " init.loop.eval_steps init.precision.loss_scaling_factor init.precision.log_loss_scale"
    " init.precision.initial_loss_scale init.precision.max_loss_scale init.precision.min_loss_scale"
    " init.precision.steps_per_increase init.precision.precision_opt_level init.optimizer.*.correct_bias"
    " init.model.mixed_precision init.model.fp16_type init.model.loss_scaling init.model.loss_weight"
    " fit.val_dataloader validate validate_all fit.ckpt_path fit.train_dataloader.data_processor"
    " fit.train_dataloader.data_dir fit.train_dataloader.shuffle fit.train_dataloader.shuffle_seed"
    " fit.train_dataloader.num_workers fit.train_dataloader.prefetch_factor fit.train_dataloader.persistent_workers"
    " fit.train_dataloader.repeat fit.train_dataloader.use_worker_cache fit.train_dataloader.micro_batch_size"
    " fit.train_dataloader.vocab_file fit.train_dataloader.is_training init.model.compute_eval_metrics"
    " init.autorestart init.device init.model.attention_module init.model.attention_type init.model.norm_type"
    " init.model.nonlinearity init.model.position_embedding_type init.model.rotary_dim"
    " init.model.use_projection_bias_in_attention init.model.use_ffn_bias_in_attention init.model.use_ffn_bias"
    " init.model.use_bias_in_output"
)
USUAL: dict[str, tuple[Any, ...]] = {
    "init.sparsity.algorithm": ("static", "Static"),
    "init.sparsity.init_method": ("from_zeros",),
    "init.model.dropout_rate": (0, 0.0),
    "init.model.attention_dropout_rate": (0, 0.0),
    "init.model.embedding_dropout_rate": (0, 0.0),
}
"""What states nothing with these values: a mask that is where the weights are zero, and no dropout."""


_TABLE = {key: term for key, term in KEYS.items() if ".Lora." not in key}
"""The keys that a table reads: LoRA's class may be spelled otherwise, and its parameters be a list."""


def _recognise(data: Any) -> Recognition | None:
    if _is_params(data):
        return Recognition(0.96, "train_input and runconfig")
    found = next(_trainers(data), None)
    return Recognition(0.98, "trainer.init with an optimizer, a loop or a backend") if found else None


def _trainers(data: Any) -> Iterator[tuple[Path, dict[str, Any]]]:
    """Every `trainer` section: of the file, or of each item of a list of them."""
    trainer = at(data, "trainer")
    items = [((index,), item) for index, item in enumerate(trainer)] if isinstance(trainer, list) else [((), trainer)]
    for place, item in items:
        if isinstance(item, dict) and isinstance(item.get("trainer"), dict):
            place, item = (*place, "trainer"), item["trainer"]
        init = at(item, "init")
        if isinstance(init, dict) and {"optimizer", "loop", "backend", "schedulers"} & init.keys():
            yield ("trainer", *place), item


def _read(data: Any) -> Said:
    said = _read_params(data) if _is_params(data) else Said()
    found = list(_trainers(data))
    for base, trainer in found:
        usual = [key for key, held in USUAL.items() if at(trainer, *key.split(".")) in held]
        callbacks = at(trainer, "init", "callbacks")
        loop: Path = (*base, "init", "loop")
        unread = steps_said(at(trainer, "init", "loop"), loop)[1]
        read_table(trainer, _TABLE, (*SILENT, *usual), base, said)
        said.statements = [each for each in said.statements if each.path not in unread]
        said.silent |= unread | harmless_callbacks(callbacks, (*base, "init", "callbacks"))
        state_lora(said, callbacks, (*base, "init", "callbacks"), _LORA, trainer)
        state_sparsity(said, at(trainer, "init", "sparsity"), (*base, "init", "sparsity"), _SPARSITY, trainer)
        _optimizer(said, base, trainer)
        _schedule(said, base, trainer)
        state_decay(said, at(trainer, "init", "schedulers") or [], (*base, "init", "schedulers"))
        if len(found) == 1 and (chosen := named_class(at(trainer, "init", "optimizer"))) is not None:
            optimizer_defaults(said, chosen[0])
        size, steps = (
            at(trainer, "fit", "train_dataloader", "batch_size"),
            at(trainer, "init", "loop", "grad_accum_steps"),
        )
        place: Path = (*base, "fit", "train_dataloader", "batch_size")
        _batch(said, place, size, steps, (*base, "init", "loop", "grad_accum_steps"))
    if (len(found) == 1 or _is_params(data)) and not any(
        statement.fact == "max_grad_norm" for statement in said.statements
    ):
        key = "init.precision.max_gradient_norm" if found else "optimizer.max_gradient_norm"
        said.defaults.append(Default("max_grad_norm", None, key))
    return said


def _optimizer(said: Said, base: Path, trainer: Scope) -> None:
    chosen = named_class(at(trainer, "init", "optimizer"))
    if chosen is None:
        return
    name, arguments = chosen
    place: Path = (*base, "init", "optimizer")
    said.statements.append(Statement(place, "optimizer.name", values.optimizer(name, {}), KeyWord(name)))
    if "learning_rate" in arguments:
        own: Path = (*place, name, "learning_rate")
        if at(trainer, "init", "schedulers"):
            said.silent.add(own)
        else:
            rate = arguments["learning_rate"]
            said.statements.append(Statement(own, "optimizer.learning_rate", rate, rate))


def _schedule(said: Said, base: Path, trainer: Scope) -> None:
    place: Path = (*base, "init", "schedulers")
    schedulers = at(trainer, "init", "schedulers") or []
    stages = list(by_class(schedulers, place))
    several = len({stage.place[: len(place) + 1] for stage in stages}) > 1
    if several or any("param_group_tags" in item for item in _arguments(schedulers)):
        state_unknown(said, stages, "each scheduler is for parameter groups of its own")
    else:
        state_schedule(said, stages, steps_said(at(trainer, "init", "loop"), (*base, "init", "loop"))[0])


def _arguments(schedulers: Any) -> Iterator[dict[str, Any]]:
    for item in schedulers if isinstance(schedulers, list) else [schedulers]:
        if (chosen := named_class(item)) is not None and chosen[0].lower().endswith("lr"):
            yield chosen[1]


def _batch(said: Said, place: Path, size: Any, steps: Any, accumulation: Path) -> None:
    if size is None:
        return
    if steps in (None, 1):
        said.statements.append(Statement(place, "batch_size", size, size))
        said.silent.add(accumulation)
    else:
        why = f"grad_accum_steps is {steps}, which counts on GPUs and not on a CSX"
        said.statements.append(Statement(place, "batch_size", size, size, ("batch_size", "batch_size.micro"), why))


def _is_params(data: Any) -> bool:
    """Whether a file is of the params YAML that came before the trainer's."""
    return (
        isinstance(data, dict) and isinstance(data.get("runconfig"), dict) and isinstance(data.get("train_input"), dict)
    )


def _read_params(data: Scope) -> Said:
    said = read_table(data, PARAMS, PARAMS_SILENT)
    rate, place = at(data, "optimizer", "learning_rate"), ("optimizer", "learning_rate")
    if isinstance(rate, (list, dict)):
        state_schedule(said, list(by_name(rate, place)), at(data, "runconfig", "max_steps"))
    elif rate is not None:
        said.statements.append(Statement(place, "optimizer.learning_rate", rate, rate))
    steps = at(data, "runconfig", "grad_accum_steps")
    size = at(data, "train_input", "batch_size")
    _batch(said, ("train_input", "batch_size"), size, steps, ("runconfig", "grad_accum_steps"))
    return said


DIALECT = Dialect("cerebras", "Cerebras Model Zoo", _recognise, _read, "yaml-1.2", {**KEYS, **PARAMS})

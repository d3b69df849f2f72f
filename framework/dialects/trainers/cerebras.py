"""Cerebras Model Zoo's trainer YAML (2.x): `trainer.init` and `trainer.fit`, classes by their names.

`train_dataloader.batch_size` is the whole batch, divided over the systems. Schedulers set the learning rate at every
step, so the optimizer's own is not read where there are any; the first `LinearLR` that rises is the warmup.
`cbfloat16` is the machine's own 16-bit format. Without `max_gradient_norm` gradients are not clipped.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from framework.dialects import values
from framework.dialects.model import UNSET, Default, Dialect, Key, Recognition, Said, Scope, Statement, Unknown, words
from framework.dialects.tables import at, read_table
from framework.names import Path


def _half(word: Any, scope: Scope) -> Any:
    if word == "cbfloat16":
        return Unknown("cbfloat16 is the machine's own 16-bit format")
    return values.precision(word, scope)


def _enabled(word: Any, scope: Scope) -> Any:
    return UNSET if word is not False else "fp32"


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
    "init.model.vocab_size": Key("model.vocabulary"),
    "init.model.hidden_size": Key("model.hidden"),
    "init.model.num_hidden_layers": Key("model.layers"),
    "init.model.num_heads": Key("model.heads"),
    "init.model.filter_size": Key("model.intermediate"),
    "init.sparsity.sparsity": Key("prune.sparsity|mask.sdm.target_sparsity"),
    "fit.train_dataloader.max_sequence_length": Key("sequence_length"),
}
SILENT = words(
    "init.model_dir init.backend init.checkpoint init.logging init.loggers init.callbacks init.loop.eval_frequency"
    " init.loop.eval_steps init.precision.loss_scaling_factor init.precision.log_loss_scale"
    " init.precision.initial_loss_scale init.precision.max_loss_scale init.precision.min_loss_scale"
    " init.precision.steps_per_increase init.precision.precision_opt_level init.optimizer.*.correct_bias"
    " init.model.mixed_precision init.model.fp16_type init.model.name init.model.loss_scaling init.model.loss_weight"
    " fit.val_dataloader validate validate_all fit.ckpt_path fit.train_dataloader.data_processor"
    " fit.train_dataloader.data_dir fit.train_dataloader.shuffle fit.train_dataloader.shuffle_seed"
    " fit.train_dataloader.num_workers fit.train_dataloader.prefetch_factor fit.train_dataloader.persistent_workers"
    " fit.train_dataloader.repeat fit.train_dataloader.use_worker_cache fit.train_dataloader.micro_batch_size"
)


def _recognise(data: Any) -> Recognition | None:
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
    said = Said()
    found = list(_trainers(data))
    for base, trainer in found:
        read_table(trainer, KEYS, SILENT, base, said)
        _optimizer(said, base, trainer)
        _schedule(said, base, trainer)
        _batch(said, base, trainer)
    if len(found) == 1 and not any(statement.fact == "max_grad_norm" for statement in said.statements):
        said.defaults.append(Default("max_grad_norm", None, "init.precision.max_gradient_norm"))
    return said


def _class(value: Any) -> tuple[str, dict[str, Any]] | None:
    """The class and its arguments, of `{AdamW: {...}}`."""
    if isinstance(value, dict) and len(value) == 1:
        name, arguments = next(iter(value.items()))
        return str(name), arguments if isinstance(arguments, dict) else {}
    return None


def _optimizer(said: Said, base: Path, trainer: Scope) -> None:
    chosen = _class(at(trainer, "init", "optimizer"))
    if chosen is None:
        return
    name, arguments = chosen
    place: Path = (*base, "init", "optimizer")
    said.statements.append(Statement(place, "optimizer.name", values.optimizer(name, {}), name))
    if "learning_rate" in arguments:
        own: Path = (*place, name, "learning_rate")
        if at(trainer, "init", "schedulers"):
            said.silent.add(own)
        else:
            rate = arguments["learning_rate"]
            said.statements.append(Statement(own, "optimizer.learning_rate", rate, rate))


def _stages(value: Any, place: Path) -> Iterator[tuple[Path, str, dict[str, Any]]]:
    """The learning-rate schedulers of a list, those within a `SequentialLR` one after the other."""
    for index, item in enumerate(value if isinstance(value, list) else [value]):
        here: Path = (*place, index) if isinstance(value, list) else place
        chosen = _class(item)
        if chosen is None or not chosen[0].endswith("LR"):
            continue
        name, arguments = chosen
        if "schedulers" in arguments:
            yield from _stages(arguments["schedulers"], (*here, name, "schedulers"))
        else:
            yield here, name, arguments


def _schedule(said: Said, base: Path, trainer: Scope) -> None:
    stages = list(_stages(at(trainer, "init", "schedulers") or [], (*base, "init", "schedulers")))
    length = at(trainer, "init", "loop", "num_steps") or at(trainer, "init", "loop", "max_steps")
    whole = sum(total for _, _, each in stages if isinstance(total := each.get("total_iters"), int)) == length
    for index, (place, name, arguments) in enumerate(stages):
        start, end = arguments.get("initial_learning_rate"), arguments.get("end_learning_rate")
        rising = isinstance(start, (int, float)) and isinstance(end, (int, float)) and start < end

        def says(key: str, fact: str, place: Path = place, name: str = name, held: Any = arguments) -> None:
            if key in held:
                said.statements.append(Statement((*place, name, key), fact, held[key], held[key]))

        if index == 0 and rising and len(stages) > 1:
            says("end_learning_rate", "optimizer.learning_rate")
            says("total_iters", "schedule.warmup.steps")
            if start == 0:
                said.silent.add((*place, name, "initial_learning_rate"))
            continue
        said.statements.append(Statement(place, "schedule.name", values.schedule(name.removesuffix("LR"), {}), name))
        says("initial_learning_rate", "optimizer.learning_rate")
        says("learning_rate", "optimizer.learning_rate")
        says("end_learning_rate", "schedule.min_learning_rate")
        if whole:
            said.silent.add((*place, name, "total_iters"))


def _batch(said: Said, base: Path, trainer: Scope) -> None:
    size = at(trainer, "fit", "train_dataloader", "batch_size")
    if size is None:
        return
    place: Path = (*base, "fit", "train_dataloader", "batch_size")
    steps = at(trainer, "init", "loop", "grad_accum_steps")
    if steps in (None, 1):
        said.statements.append(Statement(place, "batch_size", size, size))
        said.silent.add((*base, "init", "loop", "grad_accum_steps"))
    else:
        why = f"grad_accum_steps is {steps}, which counts on GPUs and not on a CSX"
        said.statements.append(Statement(place, "batch_size", size, size, ("batch_size", "batch_size.micro"), why))


DIALECT = Dialect("cerebras", "Cerebras Model Zoo", _recognise, _read, "yaml-1.2", KEYS)

"""LightningCLI's YAML: `seed_everything`, `trainer`, `model`, `data`, and classes as `class_path` with `init_args`.

Read in lightning 2.6 (`pytorch/cli.py`, `pytorch/trainer/trainer.py`). An optimizer or a scheduler that the file states
replaces the module's own `configure_optimizers`, where the CLI's `auto_configure_optimizers` is on, as it is by
default; such a scheduler steps once an epoch, so that `T_max` counts epochs. `devices` are those of one node. Without
`gradient_clip_val` gradients are not clipped, accumulation is 1, precision is 32. `seed_everything: true` takes a seed
from the environment. jsonargparse (4.53) makes numbers of text where a parameter is one. Arguments of the project's own
classes are read by the usual names.
"""

from __future__ import annotations

from typing import Any

from framework.dialects import values
from framework.dialects.components import optimizer_defaults
from framework.dialects.key_tables import assume, state
from framework.dialects.renamed_keys import nested, read_nested
from framework.dialects.terms import (
    UNSET,
    Default,
    Dialect,
    Key,
    Recognition,
    Said,
    Scope,
    Statement,
    Unknown,
    mappings,
    words,
)
from framework.dialects.trainers.general import generic
from framework.names import Path


def _seed(word: Any, scope: Scope) -> Any:
    if word is True:
        return Unknown("`true` takes the seed of the environment")
    return UNSET if word is False else values.given(word, scope)


def _devices(word: Any, scope: Scope) -> Any:
    if word == "auto" or word == -1:
        return Unknown("the devices are counted on the machine")
    return len(word) if isinstance(word, list) else values.per_node(word, scope)


_TRAINER = values.from_text(
    {
        "devices": Key("hardware.count|batch_size.processes", _devices),
        "precision": Key("precision", values.precision),
        "max_epochs": Key("epochs", values.positive),
        "max_steps": Key("max_steps", values.positive),
        "gradient_clip_val": Key("max_grad_norm", values.clipping),
        "accumulate_grad_batches": Key("batch_size.accumulation"),
    }
)
_KNOBS = frozenset(
    words(
        "accelerator strategy deterministic benchmark check_val_every_n_epoch default_root_dir sync_batchnorm logger"
        " log_every_n_steps num_sanity_val_steps enable_progress_bar enable_model_summary enable_checkpointing"
        " callbacks plugins profiler val_check_interval num_nodes use_distributed_sampler inference_mode fast_dev_run"
        " barebones detect_anomaly min_epochs min_steps gradient_clip_algorithm reload_dataloaders_every_n_epochs"
        " model_registry"
    )
)
_OPTIMIZER = values.from_text(
    {name: Key(f"optimizer.{name}") for name in ("weight_decay", "betas", "eps", "momentum")}
    | {"lr": Key("optimizer.learning_rate")}
)
_STOPPING = values.from_text(
    {
        "monitor": Key("early_stopping.metric", values.metric),
        "patience": Key("early_stopping.patience"),
        "min_delta": Key("early_stopping.min_delta"),
    }
)
_OPEN = ("LinearLR", "SequentialLR", "ChainedScheduler", "LambdaLR", "CyclicLR")
"""Schedulers whose shape their arguments make."""


def _recognise(data: Any) -> Recognition | None:
    plain, _ = nested(data)
    if not isinstance(plain, dict) or any(name in plain for name in ("defaults", "_target_")):
        return None
    section = plain.get("fit", plain)
    classes = [str(scope["class_path"]) for _, scope in mappings(plain) if "class_path" in scope]
    if isinstance(section, dict) and isinstance(section.get("trainer"), dict):
        if "seed_everything" in section:
            return Recognition(0.93, "LightningCLI's seed_everything and trainer")
        if classes:
            return Recognition(0.93, f"LightningCLI's trainer, and class_path: {classes[0]}")
    if classes and any("init_args" in scope for _, scope in mappings(plain)):
        return Recognition(0.85, f"class_path: {classes[0]}, with init_args")
    return None


def _schedule(name: str, arguments: Scope, trainer: Scope) -> Any:
    last, length, total = values.last(name), arguments.get("T_max"), trainer.get("max_epochs")
    if last in _OPEN:
        return Unknown(f"{last} is what its arguments make of it")
    if last == "CosineAnnealingLR" and type(length) is int and length != total:
        return Unknown(f"its T_max of {length} epochs is not the training's max_epochs, {total}")
    return values.schedule(name, arguments)


def _plain(data: dict[str, Any]) -> Said:
    said = generic.read(data)
    trainers = [(path, scope) for path, scope in mappings(data) if path and path[-1] == "trainer" and len(path) < 3]
    for path, scope in trainers:
        _own(said, path, scope, _TRAINER)
        said.silent |= {(*path, name) for name in _KNOBS & scope.keys()}
    defaults: list[Default] = []
    for path, scope in mappings(data):
        if "seed_everything" in scope and len(path) < 2:
            _own(said, path, scope, {"seed_everything": Key("seed", _seed)})
        if not isinstance(word := scope.get("class_path"), str):
            continue
        given = scope.get("init_args")
        arguments, place = (given, (*path, "init_args")) if isinstance(given, dict) else (scope, path)
        said.silent.add((*path, "class_path"))
        if word.rpartition(".")[2] == "EarlyStopping":
            _own(said, place, arguments, _STOPPING)
        elif "lr_scheduler" in (*path[-1:], *word.split(".")):
            trainer = trainers[0][1] if trainers else {}
            _named(said, (*path, "class_path"), "schedule.name", _schedule(word, arguments, trainer), word)
            if arguments.get("T_max") is not None and arguments.get("T_max") == trainer.get("max_epochs"):
                said.silent.add((*place, "T_max"))
        elif path[-1:] == ("optimizer",) or word.startswith("torch.optim."):
            _named(said, (*path, "class_path"), "optimizer.name", values.optimizer(word, scope), word)
            _own(said, place, arguments, _OPTIMIZER)
            prefix = ".".join(str(part) for part in place)
            defaults += [
                Default(fact, value, f"{prefix}.{fact.partition('.')[2]}")
                for fact, value in optimizer_defaults(word).items()
            ]
    if len(trainers) == 1 and "model" in data and trainers[0][1].keys() & {"max_epochs", "max_steps"}:
        defaults += [
            Default("max_grad_norm", None, "trainer.gradient_clip_val"),
            Default("batch_size.accumulation", 1, "trainer.accumulate_grad_batches"),
            Default("precision", "fp32", "trainer.precision"),
        ]
    said.silent -= {statement.path for statement in said.statements}
    return assume(said, defaults)


def _own(said: Said, place: Path, scope: Scope, keys: dict[str, Key]) -> None:
    """What a scope's keys state, in the place of what their names would."""
    for name in keys.keys() & scope.keys():
        path: Path = (*place, name)
        said.statements = [each for each in said.statements if each.path != path]
        found = state(path, keys[name], scope[name], scope)
        if found is None:
            said.silent.add(path)
        else:
            said.statements.append(found)


def _named(said: Said, path: Path, fact: str, value: Any, word: str) -> None:
    said.statements = [each for each in said.statements if each.path != path]
    said.statements.append(Statement(path, fact, value, word))


def _read(data: Any) -> Said:
    return read_nested(data, _plain) if isinstance(data, dict) else Said()


DIALECT = Dialect("lightning-cli", "Lightning", _recognise, _read, "yaml-1.2", by_name=True, splits=True)

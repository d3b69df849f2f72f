"""timm's `train.py`: its flags, its YAML for `--config`, and the `args.yaml` that it saves.

Read in huggingface/pytorch-image-models, `train.py`, and timm 0.6.13, 0.9.0 and 1.0.31
(`scheduler/scheduler_factory.py`). Where `train.py` knows `--warmup-prefix`, as timm does since 0.9, it warms up for 5
epochs to end at 0 without a cooldown; before, for 3 to end at 1e-6, with 10 epochs of cooldown. `batch_size`
is of one device; `grad_accum_steps` multiplies it. Without `lr` the rate is worked out from `lr_base` and the whole
batch. `warmup_epochs` are among the epochs, unless `warmup_prefix` puts them before; `cooldown_epochs` come after them.
`momentum` is read by SGD and its like, not by Adam; `opt_betas` and `opt_eps` default to the optimizer's own.
`clip_grad` is a norm unless `clip_mode` says otherwise. `amp` is fp16 unless `amp_dtype` says bfloat16.
"""

from __future__ import annotations

from typing import Any

from framework.dialects import values
from framework.dialects.command_tables import read_commands
from framework.dialects.families import launch_flags
from framework.dialects.key_tables import by_marks, scopes
from framework.dialects.terms import (
    UNSET,
    ByVersion,
    Default,
    Dialect,
    Instead,
    Key,
    OfEpochs,
    Said,
    Scope,
    Unknown,
    words,
)

_SGD = ("sgd", "momentum", "sgdp", "nesterov")


def _name(scope: Scope) -> str:
    return str(scope.get("opt", "sgd")).casefold()


def _optimizer(word: Any, scope: Scope) -> Any:
    return "sgd" if _name(scope) in ("momentum", "nesterov") else values.optimizer(word, scope)


def _momentum(word: Any, scope: Scope) -> Any:
    return word if _name(scope) in _SGD else UNSET


def _total(scope: Scope) -> int | float | None:
    """The epochs that are trained, with those of a warmup before them and of a cooldown after them."""
    parts = [scope.get("epochs", 300), scope.get("cooldown_epochs") or 0]
    parts += [scope.get("warmup_epochs", 5)] if scope.get("warmup_prefix") is True else []
    known = all(isinstance(part, (int, float)) and not isinstance(part, bool) for part in parts)
    return sum(parts) if known else None


def _warmup(word: Any, scope: Scope) -> Any:
    total = _total(scope)
    if not total or not isinstance(word, (int, float)):
        return values.given(word, scope)
    return OfEpochs(word, total) if word < total else Unknown("the warmup is longer than the training")


def _clipping(word: Any, scope: Scope) -> Any:
    mode = scope.get("clip_mode", "norm")
    if mode == "agc":
        return UNSET if word is None else Unknown("adaptive: each unit's gradient by its weights")
    if mode == "value":
        return UNSET if word is None else Instead("settings.max_grad_value", word)
    return word


def _precision(word: Any, scope: Scope) -> Any:
    return values.precision(scope.get("amp_dtype", "float16"), scope) if word is True else "fp32"


def _schedule(word: Any, scope: Scope) -> Any:
    return "constant" if word == "none" else values.schedule(word, scope)


_TABLE: dict[str, Key] = {
    "opt": Key("optimizer.name", _optimizer),
    "lr": Key("optimizer.learning_rate", values.given),
    "weight_decay": Key("optimizer.weight_decay"),
    "momentum": Key("optimizer.momentum", _momentum),
    "opt_betas": Key("optimizer.betas", values.given),
    "opt_eps": Key("optimizer.eps", values.given),
    "sched": Key("schedule.name", _schedule),
    "min_lr": Key("schedule.min_learning_rate", values.given),
    "warmup_epochs": Key("schedule.warmup.ratio", _warmup),
    "epochs": Key("epochs", lambda word, scope: _total({**scope, "epochs": word}) or word),
    "batch_size": Key("batch_size.micro"),
    "-b": Key("batch_size.micro"),
    "grad_accum_steps": Key("batch_size.accumulation"),
    "clip_grad": Key("max_grad_norm", _clipping),
    "amp": Key("precision", _precision),
    "seed": Key("seed"),
    "smoothing": Key("settings.label_smoothing"),
    "drop": Key("settings.dropout"),
    "drop_path": Key("settings.drop_path", values.given),
    "model_ema_decay": Key("settings.ema_decay", lambda word, scope: word if scope.get("model_ema") else UNSET),
    "img_size": Key("settings.image_size", values.given),
    "aa": Key("settings.augmentation", values.given),
    "mixup": Key("settings.mixup"),
    "cutmix": Key("settings.cutmix"),
    "reprob": Key("settings.random_erasing"),
    "color_jitter": Key("settings.color_jitter"),
    "aug_repeats": Key("settings.repeated_augmentation"),
    **launch_flags.KEYS,
}
KEYS = values.from_text(_TABLE)
"""A file's values are argparse's defaults (`parser.set_defaults(**cfg)`), whose text it reads by each flag's type."""
SILENT = (
    *launch_flags.SILENT,
    *words(
        "-j cooldown_epochs warmup_prefix data data_dir dataset_download train_split val_split class_map workers"
        " pin_mem log_interval recovery_interval checkpoint_hist save_images output experiment eval_metric tta"
        " use_multi_epochs_loader log_wandb wandb_project wandb_tags wandb_resume_id resume no_resume_opt"
        " initial_checkpoint validation_batch_size channels_last amp_dtype amp_impl clip_mode model_ema"
        " model_ema_force_cpu no_prefetcher no_ddp_bb dist_bn synchronize_step worker_seeding device torchscript"
        " torchcompile grad_checkpointing val_interval start_epoch sched_on_updates gp fuser device_modules"
        " model_dtype fast_norm crop_pct interpolation train_interpolation mean std"
    ),
)
_MARKS = frozenset(
    words(
        "opt sched reprob remode recount aa smoothing warmup_lr drop_path model_ema model_ema_decay mixup cutmix"
        " cooldown_epochs decay_epochs patience_epochs amp_dtype color_jitter aug_repeats clip_mode lr_base opt_betas"
        " resplit crop_pct train_interpolation mixup_prob opt_eps layer_decay sched_on_updates model_kwargs"
    )
)
_PROOF = frozenset(words("opt sched reprob remode model_ema lr_base warmup_lr"))
_marked = by_marks(_MARKS, 3, "arguments of timm's train.py", frozenset(words("SOLVER imgsz base_model")))


def _recognise(data: Any) -> Any:
    return _marked(data) if scopes(data, _PROOF, 1) else None


_DEFAULTS = (
    Default("optimizer.name", "sgd", "opt"),
    Default("optimizer.weight_decay", 2e-5, "weight-decay"),
    Default("schedule.name", "cosine", "sched"),
    Default("schedule.min_learning_rate", ByVersion("timm", (("0", 1e-6), ("0.9", 0.0))), "min-lr"),
    Default("epochs", 300, "epochs"),
    Default("batch_size.micro", 128, "batch-size"),
    Default("batch_size.accumulation", 1, "grad-accum-steps"),
    Default("max_grad_norm", None, "clip-grad"),
    Default("precision", "fp32", "amp"),
    Default("seed", 42, "seed"),
    Default("settings.label_smoothing", 0.1, "smoothing"),
)


def _defaults(scope: Scope) -> list[Default]:
    if scope.get("config"):
        return []
    found = list(_DEFAULTS)
    if _name(scope) in _SGD:
        found.append(Default("optimizer.momentum", 0.9, "momentum"))
    before, since = _warmup(3, scope), _warmup(5, scope)
    found.append(Default("schedule.warmup.ratio", ByVersion("timm", (("0", before), ("0.9", since))), "warmup-epochs"))
    return found


def _read(data: Any) -> Said:
    return read_commands(data, KEYS, lambda scope: SILENT, _defaults)


DIALECT = Dialect("timm", "timm's train.py", _recognise, _read, "pyyaml", KEYS)

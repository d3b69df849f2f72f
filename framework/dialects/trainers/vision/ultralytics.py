"""Ultralytics' YAML and its saved `args.yaml`: one flat file of training, prediction and export.

Read in ultralytics 8.4.190 (`cfg/default.yaml`, `engine/trainer.py`). `batch` is of all devices, and gradients are
accumulated up to `nbs` images: a step takes `batch * max(round(nbs / batch), 1)` of them. `weight_decay` is scaled by
that over `nbs`. `optimizer: auto`, the default, takes neither `lr0` nor `momentum`. The rate falls in a straight line
to `lr0 * lrf`, or with `cos_lr` in a cosine. `momentum` is the first beta of the kinds of Adam, whose second is 0.999.
`patience` is of epochs without a better fitness. Gradients are clipped at 10, which no key changes. Warmup is at most
all epochs but the last.
"""

from __future__ import annotations

from typing import Any

from framework.dialects import values
from framework.dialects.key_tables import assume, by_marks, read_table
from framework.dialects.terms import UNSET, Default, Dialect, Instead, Key, OfEpochs, Said, Scope, Unknown, words

_AUTO = "`optimizer: auto` takes its own, by the number of iterations"
_ADAM = ("adam", "adamw", "adamax", "nadam", "radam")


def _kind(scope: Scope) -> str:
    return str(scope.get("optimizer") or "auto").casefold()


def _optimizer(word: Any, scope: Scope) -> Any:
    return Unknown(_AUTO) if str(word).casefold() == "auto" else values.optimizer(word, scope)


def _rate(word: Any, scope: Scope) -> Any:
    return Unknown(_AUTO) if _kind(scope) == "auto" else values.given(word, scope)


def _momentum(word: Any, scope: Scope) -> Any:
    if _kind(scope) == "auto":
        return Unknown(_AUTO)
    return Instead("optimizer.betas[0]", word) if _kind(scope) in _ADAM else word


def _least(word: Any, scope: Scope) -> Any:
    peak = scope.get("lr0", 0.01)
    if _kind(scope) == "auto" or not all(isinstance(each, (int, float)) for each in (word, peak)):
        return Unknown("a share of a learning rate that is not known here")
    return Instead("schedule.min_learning_rate", word * peak)


def _folds(scope: Scope) -> int | None:
    size, nominal = scope.get("batch", 16), scope.get("nbs", 64)
    whole = all(type(each) is int and each > 0 for each in (size, nominal))
    return max(round(nominal / size), 1) if whole else None


def _batch(word: Any, scope: Scope) -> Any:
    folds = _folds(scope)
    return Unknown("it is fitted to the device's memory") if folds is None else scope.get("batch", 16) * folds


def _decay(word: Any, scope: Scope) -> Any:
    folds = _folds(scope)
    if folds is None or not isinstance(word, (int, float)):
        return Unknown("it is scaled by the batch, which is fitted to the device's memory")
    return word * scope.get("batch", 16) * folds / scope.get("nbs", 64)


def _warmup(word: Any, scope: Scope) -> Any:
    epochs = scope.get("epochs", 100)
    if not isinstance(word, (int, float)) or type(epochs) is not int or epochs < 1:
        return values.given(word, scope)
    return OfEpochs(min(word, max(epochs - 1, 0)), epochs)


def _schedule(word: Any, scope: Scope) -> Any:
    return "cosine" if word is True else "linear"


def _patience(word: Any, scope: Scope) -> Any:
    return UNSET if word == 0 else values.given(word, scope)


KEYS: dict[str, Key] = {
    "optimizer": Key("optimizer.name", _optimizer),
    "lr0": Key("optimizer.learning_rate", _rate),
    "lrf": Key("schedule.min_learning_rate", _least),
    "momentum": Key("optimizer.momentum", _momentum),
    "weight_decay": Key("optimizer.weight_decay", _decay),
    "warmup_epochs": Key("schedule.warmup.ratio", _warmup),
    "cos_lr": Key("schedule.name", _schedule),
    "epochs": Key("epochs"),
    "batch": Key("batch_size", _batch),
    "patience": Key("early_stopping.patience", _patience),
    "amp": Key("precision", lambda word, scope: "fp16" if word is True else "fp32"),
    "seed": Key("seed"),
    "imgsz": Key("settings.image_size"),
    "dropout": Key("settings.dropout"),
    "mixup": Key("settings.mixup"),
    "cutmix": Key("settings.cutmix"),
    "erasing": Key("settings.random_erasing"),
    "auto_augment": Key("settings.augmentation"),
    "label_smoothing": Key("settings.label_smoothing"),
}
SILENT = words(
    "task mode save save_period cache device workers project name exist_ok verbose deterministic resume profile"
    " plots split save_json save_hybrid conf iou max_det half dnn source vid_stride stream_buffer visualize augment"
    " agnostic_nms classes retina_masks embed show save_frames save_txt save_conf save_crop show_labels show_conf"
    " show_boxes line_width format keras optimize int8 dynamic simplify opset workspace nms tracker cfg val save_dir"
    " compile nbs"
)
_DEFAULTS = (
    Default("epochs", 100, "epochs"),
    Default("seed", 0, "seed"),
    Default("schedule.name", "linear", "cos_lr"),
    Default("settings.image_size", 640, "imgsz"),
    Default("max_grad_norm", 10.0, "a key for it"),
    Default("early_stopping.patience", 100, "patience"),
)
_MARKS = frozenset(
    words("lr0 lrf imgsz close_mosaic warmup_bias_lr warmup_momentum hsv_h mosaic copy_paste cos_lr nbs")
)
_PROOF = frozenset(words("lr0 lrf imgsz close_mosaic"))
_marked = by_marks(_MARKS, 2, "Ultralytics' settings")


def _recognise(data: Any) -> Any:
    return _marked(data) if isinstance(data, dict) and _PROOF & data.keys() else None


def _read(data: Any) -> Said:
    if not isinstance(data, dict):
        return Said()
    said = read_table(data, KEYS, SILENT)
    if data.get("mode", "train") != "train":
        return said
    defaults = list(_DEFAULTS)
    if type(size := _batch(None, data)) is int:
        defaults.append(Default("batch_size", size, "batch"))
    if _kind(data) != "auto":
        defaults.append(Default("optimizer.learning_rate", 0.01, "lr0"))
    if _kind(data) in _ADAM:
        defaults.append(Default("optimizer.betas[1]", 0.999, "optimizer"))
    if data.get("time"):
        defaults = [default for default in defaults if default.fact != "epochs"]
    return assume(said, defaults)


DIALECT = Dialect("ultralytics", "Ultralytics", _recognise, _read, "pyyaml", KEYS)

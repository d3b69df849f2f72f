"""detectron2's YAML over yacs: `SOLVER`, `MODEL`, `DATASETS`, in capitals.

Read in facebookresearch/detectron2 (`config/defaults.py`, `solver/build.py`). `IMS_PER_BATCH` is of all machines,
unless a `REFERENCE_WORLD_SIZE` scales it, the rate and the length to the devices. The optimizer is SGD; projects put
others under `OPTIMIZER`. `WarmupMultiStepLR` falls at `STEPS`; `WarmupCosineLR` ends at `BASE_LR_END`. Clipping is off
unless `CLIP_GRADIENTS.ENABLED`, is by value by default, and its `norm` is each parameter's own; projects' `full_model`
is that of all. A negative `SEED` is none. What a file does not say, its `_BASE_` says; where that
is not there, no defaults are told.
"""

from __future__ import annotations

from typing import Any

from framework.dialects import values
from framework.dialects.key_tables import assume, at, read_table
from framework.dialects.terms import UNSET, Default, Dialect, Instead, Key, Recognition, Said, Scope, Unknown, words

_NAMES = {"warmupmultisteplr": "milestones", "warmupcosinelr": "cosine", "warmuppolylr": "polynomial"}


def _scaled(word: Any, scope: Scope) -> Any:
    if at(scope, "SOLVER", "REFERENCE_WORLD_SIZE"):
        return Unknown("REFERENCE_WORLD_SIZE scales it to the number of devices")
    return values.given(word, scope)


def _schedule(word: Any, scope: Scope) -> Any:
    return _NAMES.get(values.folded(word), word)


def _warmup(word: Any, scope: Scope) -> Any:
    return 0 if at(scope, "SOLVER", "WARMUP_METHOD") == "none" else _scaled(word, scope)


def _clipping(word: Any, scope: Scope) -> Any:
    given = at(scope, "SOLVER", "CLIP_GRADIENTS") or {}
    if given.get("ENABLED") is not True:
        return UNSET
    kind = given.get("CLIP_TYPE", "value")
    if kind == "value":
        return Instead("settings.max_grad_value", word)
    return word if kind == "full_model" else Unknown("each parameter's gradient is clipped by its own norm")


def _seed(word: Any, scope: Scope) -> Any:
    return UNSET if not isinstance(word, int) or word < 0 else word


_TABLE: dict[str, Key] = {
    "SOLVER.BASE_LR": Key("optimizer.learning_rate", _scaled),
    "SOLVER.OPTIMIZER": Key("optimizer.name", values.optimizer),
    "SOLVER.MOMENTUM": Key("optimizer.momentum"),
    "SOLVER.WEIGHT_DECAY": Key("optimizer.weight_decay"),
    "SOLVER.LR_SCHEDULER_NAME": Key("schedule.name", _schedule),
    "SOLVER.BASE_LR_END": Key("schedule.min_learning_rate"),
    "SOLVER.WARMUP_ITERS": Key("schedule.warmup.steps", _warmup),
    "SOLVER.MAX_ITER": Key("max_steps", _scaled),
    "SOLVER.IMS_PER_BATCH": Key("batch_size", _scaled),
    "SOLVER.CLIP_GRADIENTS.CLIP_VALUE": Key("max_grad_norm", _clipping),
    "SOLVER.AMP.ENABLED": Key("precision", lambda word, scope: "fp16" if word is True else "fp32"),
    "SEED": Key("seed", _seed),
}
KEYS = values.from_text(_TABLE)
"""yacs (0.1.8, `_decode_cfg_value`) reads text as a Python literal, whatever YAML takes it for."""
SILENT = words(
    "_BASE_ VERSION OUTPUT_DIR CUDNN_BENCHMARK VIS_PERIOD GLOBAL TEST DATALOADER.NUM_WORKERS"
    " SOLVER.CHECKPOINT_PERIOD MODEL.DEVICE SOLVER.CLIP_GRADIENTS.ENABLED SOLVER.CLIP_GRADIENTS.CLIP_TYPE"
    " SOLVER.CLIP_GRADIENTS.NORM_TYPE DATASETS.TEST INPUT.MIN_SIZE_TEST INPUT.MAX_SIZE_TEST"
)
_DEFAULTS = (
    Default("optimizer.learning_rate", 0.001, "SOLVER.BASE_LR"),
    Default("optimizer.momentum", 0.9, "SOLVER.MOMENTUM"),
    Default("optimizer.weight_decay", 1e-4, "SOLVER.WEIGHT_DECAY"),
    Default("schedule.name", "milestones", "SOLVER.LR_SCHEDULER_NAME"),
    Default("schedule.warmup.steps", 1000, "SOLVER.WARMUP_ITERS"),
    Default("max_steps", 40000, "SOLVER.MAX_ITER"),
    Default("batch_size", 16, "SOLVER.IMS_PER_BATCH"),
    Default("precision", "fp32", "SOLVER.AMP.ENABLED"),
)


def _recognise(data: Any) -> Recognition | None:
    solver = at(data, "SOLVER")
    if not isinstance(solver, dict):
        return None
    seen = [name for name in ("BASE_LR", "IMS_PER_BATCH", "MAX_ITER", "WARMUP_ITERS", "STEPS") if name in solver]
    if len(seen) < 2 and not (seen and "_BASE_" in data):
        return None
    return Recognition(0.95, f"detectron2's SOLVER: {', '.join(seen)}")


def _read(data: Any) -> Said:
    if not isinstance(data, dict):
        return Said()
    said = read_table(data, KEYS, SILENT)
    if "_BASE_" in data or not isinstance(data.get("SOLVER"), dict):
        return said
    defaults = list(_DEFAULTS)
    if at(data, "SOLVER", "OPTIMIZER") is None and data["SOLVER"].keys() & {"BASE_LR", "MOMENTUM"}:
        defaults.append(Default("optimizer.name", "sgd", "SOLVER.OPTIMIZER"))
    if at(data, "SOLVER", "CLIP_GRADIENTS", "ENABLED") is not True:
        defaults.append(Default("max_grad_norm", None, "SOLVER.CLIP_GRADIENTS"))
    if at(data, "SOLVER", "REFERENCE_WORLD_SIZE"):
        return said
    return assume(said, defaults)


DIALECT = Dialect("detectron2", "detectron2", _recognise, _read, "pyyaml", KEYS)

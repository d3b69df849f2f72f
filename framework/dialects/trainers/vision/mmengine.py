"""mmengine's configs (mmdetection 3, mmsegmentation 1, mmpretrain, xtuner): `optim_wrapper`, `param_scheduler`.

Read in mmengine 0.10.7 (`runner/runner.py`, `optim/`). `train_dataloader.batch_size` is one process's.
`AmpOptimWrapper` is float16 unless its `dtype` says otherwise, `OptimWrapper` changes no precision. Iterations are
updates times `accumulative_counts`. A `LinearLR` that rises from the start is the warmup, in epochs where `by_epoch`
(the default); a decay that does not take the training after it leaves the shape open. Clipping is by norm unless its
`type` is `value`. `auto_scale_lr`, where enabled, scales the rate to the devices. An `optimizer` that no
`optim_wrapper` holds is a mere name, and so is every other name that no part of the runner has: a base's `max_epochs`
set anew changes nothing that the base made of it.
"""

from __future__ import annotations

from typing import Any

from framework.dialects import values
from framework.dialects.families.openmmlab import clipping, early_stopping, optimizer_assumed, optimizer_statements
from framework.dialects.key_tables import assume, at, state
from framework.dialects.terms import Default, Dialect, Key, OfEpochs, Recognition, Said, Scope, Statement, Unknown
from framework.names import Path

_CLIP = ("optim_wrapper", "clip_grad")
_QUIET = ("type", "loss_scale", "paramwise_cfg", "constructor", "clip_grad", "dtype")
_FALLING = ("MultiStepLR", "StepLR", "ExponentialLR")
_DECAYS = {
    "CosineAnnealingLR": "cosine",
    "PolyLR": "polynomial",
    "MultiStepLR": "milestones",
    "StepLR": "step",
    "ExponentialLR": "exponential",
    "OneCycleLR": "one_cycle",
    "CosineRestartLR": "cosine_restarts",
    "LinearLR": "linear",
    "ConstantLR": "constant",
}


def _recognise(data: Any) -> Recognition | None:
    if not isinstance(data, dict):
        return None
    wrapper = data.get("optim_wrapper")
    seen = [name for name in ("train_cfg", "param_scheduler", "train_dataloader", "default_hooks") if name in data]
    if isinstance(wrapper, dict) and (seen or "optimizer" in wrapper):
        return Recognition(0.95, f"mmengine's {', '.join(['optim_wrapper', *seen])}")
    if len(seen) > 2 or ("_base_" in data and len(seen) > 1):
        return Recognition(0.9, f"mmengine's {', '.join(seen)}")
    return None


def _updates(word: Any, data: Scope) -> Any:
    """Optimizer steps, from iterations."""
    counts = at(data, "optim_wrapper", "accumulative_counts")
    if counts is None or counts == 1 or not isinstance(word, int):
        return values.given(word, data)
    if not isinstance(counts, int) or counts < 1 or word % counts:
        return Unknown(f"iterations, of which an update takes accumulative_counts: {counts}")
    return word // counts


def _precision(data: Scope) -> Statement | None:
    kind, dtype = at(data, "optim_wrapper", "type"), at(data, "optim_wrapper", "dtype")
    path: Path = ("optim_wrapper", "type")
    if not isinstance(kind, str):
        return None
    if values.last(kind) == "OptimWrapper":
        return Statement(path, "precision", "fp32", kind)
    if values.last(kind) != "AmpOptimWrapper":
        return Statement(path, "precision", Unknown(f"what {kind} computes in is not known here"), kind)
    if dtype is None:
        return Statement(path, "precision", "fp16", kind)
    return Statement(("optim_wrapper", "dtype"), "precision", values.precision(values.last(str(dtype)), data), dtype)


def _rate(word: Any, data: Scope) -> Any:
    if at(data, "auto_scale_lr", "enable") is True:
        return Unknown("`auto_scale_lr` scales it to the number of devices")
    return values.number(word, data)


def _epochs(word: Any, data: Scope) -> Any:
    if str(at(data, "train_dataloader", "dataset", "type")).endswith("RepeatDataset"):
        return Unknown("a RepeatDataset shows each example several times an epoch")
    return values.positive(word, data)


def _is_ramp(item: Scope) -> bool:
    start, end = item.get("start_factor", 1 / 3), item.get("end_factor", 1.0)
    numbers = isinstance(start, (int, float)) and isinstance(end, (int, float))
    return values.last(str(item.get("type"))) == "LinearLR" and not item.get("begin") and numbers and start < end


def _warmup(path: Path, item: Scope, data: Scope) -> Statement:
    word, total = item.get("end"), at(data, "train_cfg", "max_epochs")
    place: Path = (*path, "end") if "end" in item else path
    value: Any = Unknown("a ramp without a known end")
    if isinstance(word, (int, float)) and item.get("by_epoch", True):
        known = isinstance(total, (int, float)) and total
        value = OfEpochs(word, total) if known else Unknown("epochs of an unknown total")
    elif isinstance(word, (int, float)):
        value = _updates(word, data)
    return Statement(place, f"schedule.warmup.{'ratio' if item.get('by_epoch', True) else 'steps'}", value, word)


def _decay(path: Path, item: Scope, ramp: Scope | None, data: Scope) -> list[Statement]:
    """What the one scheduler after the warmup states."""
    kind = values.last(str(item.get("type")))
    name: Any = _DECAYS.get(kind, kind)
    floor = item.get("eta_min")
    if kind in ("CosineAnnealingLR", "PolyLR", "LinearLR"):
        why, reached = _span(item, ramp, data)
        name = Unknown(why) if why else name
        floor = floor if reached or floor is None else Unknown("the training ends before it is reached")
    if kind == "LinearLR" and item.get("start_factor", 1 / 3) != 1.0:
        name = Unknown("a line that does not begin at the peak")
    if kind == "ConstantLR" and item.get("factor", 1 / 3) != 1:
        name = Unknown(f"the rate is multiplied by {item.get('factor', '1/3')}")
    found = [Statement((*path, "type"), "schedule.name", name, item.get("type"))]
    rate = _rate(at(data, "optim_wrapper", "optimizer", "lr"), data)
    if floor is not None:
        floor = Unknown("the peak alone is scaled to the devices") if isinstance(rate, Unknown) else floor
        found.append(Statement((*path, "eta_min"), "schedule.min_learning_rate", floor, item["eta_min"]))
    elif isinstance(ratio := item.get("eta_min_ratio"), (int, float)) and isinstance(rate, (int, float)):
        found.append(Statement((*path, "eta_min_ratio"), "schedule.min_learning_rate", ratio * rate, ratio))
    for owner, argument in (("PolyLR", "power"), *((kind, "gamma") for kind in _FALLING)):
        if kind == owner and argument in item:
            found.append(Statement((*path, argument), f"schedule.{argument}", item[argument], item[argument]))
    return found


def _span(item: Scope, ramp: Scope | None, data: Scope) -> tuple[str, bool]:
    """Why the decay does not take the training after the warmup, if so; and whether it comes to its end."""
    by_epoch = item.get("by_epoch", True)
    total, begin = at(data, "train_cfg", "max_epochs" if by_epoch else "max_iters"), item.get("begin", 0)
    length, end = item.get("T_max"), item.get("end", total)
    if not all(isinstance(each, (int, float)) for each in (total, begin)):
        return "it is not known when the training ends", True
    alike = ramp is not None and ramp.get("by_epoch", True) == by_epoch
    if begin and not (alike and ramp is not None and ramp.get("end") == begin):
        return f"it begins at {begin}, and not after the warmup", True
    stop = begin + length if isinstance(length, (int, float)) else end
    late = item.get("type") != "PolyLR" and stop == begin + total and end == total
    return "" if stop == total or late else f"it ends at {stop}, and the training at {total}", stop == total


def _schedules(said: Said, data: dict[str, Any]) -> None:
    given = data.get("param_scheduler")
    listed = given if isinstance(given, list) else [given] if isinstance(given, dict) else []
    items = [
        (("param_scheduler", index) if isinstance(given, list) else ("param_scheduler",), item)
        for index, item in enumerate(listed)
        if isinstance(item, dict) and not values.last(str(item.get("type"))).endswith(("Momentum", "WD"))
    ]
    ramps = [(path, item) for path, item in items if _is_ramp(item)]
    decays = [(path, item) for path, item in items if (path, item) not in ramps]
    said.statements += [_warmup(path, item, data) for path, item in ramps[:1]]
    if len(decays) == 1:
        said.statements += _decay(*decays[0], ramps[0][1] if ramps else None, data)
    for path, item in decays if len(decays) > 1 else ():
        why = Unknown("several schedulers, one after the other")
        said.statements.append(Statement((*path, "type"), "schedule.name", why, item.get("type")))
    if "_base_" not in data and not decays and (given is None or items):
        said.defaults.append(Default("schedule.name", "constant", "param_scheduler"))
    if "_base_" not in data and not ramps and (given is None or items):
        said.defaults.append(Default("schedule.warmup.steps", 0, "param_scheduler"))
    quiet = (
        "begin",
        "end",
        "by_epoch",
        "T_max",
        "convert_to_iter_based",
        "start_factor",
        "type",
        "verbose",
        "end_factor",
    )
    said.silent |= {(*path, name) for path, item in items for name in quiet if name in item}
    said.silent |= {
        ("param_scheduler", index) for index, item in enumerate(listed) if item not in [e for _, e in items]
    }


def _read(data: Any) -> Said:
    said = Said()
    if not isinstance(data, dict):
        return said
    optimizer = at(data, "optim_wrapper", "optimizer")
    if isinstance(optimizer, dict):
        said.statements += optimizer_statements(
            ("optim_wrapper", "optimizer"), optimizer, lambda word: _rate(word, data)
        )
    table = {
        ("optim_wrapper", "accumulative_counts"): Key("batch_size.accumulation"),
        ("train_dataloader", "batch_size"): Key("batch_size.micro"),
        ("train_cfg", "max_epochs"): Key("epochs", lambda word, _: _epochs(word, data)),
        ("train_cfg", "max_iters"): Key("max_steps", lambda word, _: _updates(word, data)),
        ("randomness", "seed"): Key("seed", values.given),
        ("model", "lora", "r"): Key("adapter.lora.rank"),
        ("model", "lora", "lora_alpha"): Key("adapter.lora.alpha"),
        ("model", "lora", "lora_dropout"): Key("adapter.lora.dropout"),
        ("model", "lora", "target_modules"): Key("adapter.lora.targets", values.modules),
    }
    for path, key in table.items():
        if (word := at(data, *path)) is not None and (found := state(path, key, word, data)) is not None:
            said.statements.append(found)
    said.statements += [each for each in (_precision(data), clipping(_CLIP, at(data, *_CLIP))) if each is not None]
    _schedules(said, data)
    early_stopping(said, data, 5, 0.1)
    said.silent |= {(name,) for name in data if name not in ("optim_wrapper", "param_scheduler", "custom_hooks")}
    said.silent |= {("optim_wrapper", name) for name in _QUIET if at(data, "optim_wrapper", name) is not None}
    said.silent -= {statement.path for statement in said.statements}
    if "_base_" in data or not isinstance(optimizer, dict) or "type" not in optimizer:
        return said
    usual = [
        *optimizer_assumed("optim_wrapper.optimizer", optimizer),
        Default("max_grad_norm", None, "optim_wrapper.clip_grad"),
        Default("precision", "fp32", "optim_wrapper.type"),
    ]
    if at(data, "train_dataloader", "batch_size") is not None:
        usual.append(Default("batch_size.accumulation", 1, "optim_wrapper.accumulative_counts"))
    return assume(said, usual)


DIALECT = Dialect("mmengine", "mmengine", _recognise, _read, "pyyaml")

"""ms-swift's arguments: transformers' names with defaults of its own.

Read in its releases from 2.6.1 to 4.6.0 (`swift/trainers/arguments.py`, `swift/arguments/`, before
`swift/llm/argument/`): a micro batch of 1, an accumulation that makes 16 of micro batch and processes, a cosine, weight
decay 0.1, a second beta of 0.95, LoRA of rank 8, alpha 32 and dropout 0.05 on all linear modules unless the tuner is
another, learning rate 1e-4 (1e-5 where all weights are trained), 1 epoch in 2.x and 3 after, a warmup of 5 % in 2.x and
none after. The tuner is `sft_type` in 2.x, `train_type` in 3.x, `tuner_type` in 4.x.
"""

from __future__ import annotations

import math
import re
from typing import Any

from framework.dialects import values
from framework.dialects.families import trainer_arguments as arguments
from framework.dialects.families import trainer_surroundings
from framework.dialects.key_tables import by_marks, scopes
from framework.dialects.terms import (
    PROGRAM,
    ByVersion,
    Default,
    Dialect,
    Key,
    Said,
    Scope,
    Surrounding,
    Translate,
    Unknown,
    words,
)

TRAINER = "ms-swift"
_TUNERS = ("tuner_type", "train_type", "sft_type")
_PROGRAM = re.compile(r"\bswift (sft|pt|rlhf)\b")
_WHOLE = 16
"""Examples that micro batch, accumulation and processes are made to come to."""


def _tuner(scope: Scope) -> str:
    return str(next((scope[name] for name in _TUNERS if scope.get(name)), "lora"))


def is_swift(scope: Scope) -> bool:
    """Whether these arguments are ms-swift's."""
    return any(name in scope for name in _TUNERS) or _PROGRAM.search(str(scope.get(PROGRAM))) is not None


def _lora(inner: Translate) -> Translate:
    def translate(word: Any, scope: Scope) -> Any:
        tuner = _tuner(scope)
        if tuner == "lora":
            return inner(word, scope)
        return None if tuner == "full" else Unknown(f"what the tuner {tuner!r} makes of it is its own affair")

    return translate


_TABLE: dict[str, Key] = {
    **arguments.KEYS,
    "model": Key("model.hub", values.repository),
    "warmup_ratio": Key("schedule.warmup.ratio", arguments.warmup_ratio),
    "target_modules": Key("adapter.lora.targets", _lora(values.modules)),
    **{
        name: Key(key.fact, _lora(key.translate or values.given))
        for name, key in arguments.KEYS.items()
        if key.fact.startswith("adapter.lora.")
    },
}
KEYS = values.from_text(_TABLE)
"""A file's values become flags (4.6.0, `cli/main.py`), of which argparse makes numbers."""
SILENT = (*arguments.SILENT, *_TUNERS, *words("torch_dtype template system model_type dataset_num_proc"))


def defaults(scope: Scope) -> tuple[Default, ...]:
    """What ms-swift does by itself; the accumulation, which goes by the devices, is added by :func:`judge`."""
    own: dict[str, Any] = {
        "optimizer.learning_rate": 1e-5 if _tuner(scope) == "full" else 1e-4,
        "optimizer.weight_decay": 0.1,
        "optimizer.betas[1]": ByVersion(
            "ms-swift", (("0", 0.95), ("3", Unknown("0.999 in 3.0.0, 0.95 in 3.4.0")), ("3.4", 0.95))
        ),
        "schedule.name": "cosine",
        "batch_size.micro": 1,
        "epochs": ByVersion("ms-swift", (("0", 1.0), ("3", 3.0))),
        "precision": Unknown("it is the model's own"),
        "schedule.warmup.steps": ByVersion("ms-swift", (("0", Unknown("5 % in 2.x")), ("3", 0))),
    }
    kept = [each for each in arguments.DEFAULTS if each.fact != "batch_size.accumulation"]
    found = [Default(each.fact, own.get(each.fact, each.value), each.key) for each in kept]
    if _tuner(scope) == "lora":
        found.append(Default("adapter.lora.rank", 8, "lora_rank"))
        found.append(Default("adapter.lora.alpha", 32, "lora_alpha"))
        found.append(Default("adapter.lora.dropout", 0.05, "lora_dropout"))
    return tuple(found)


def judge(said: Said, around: Surrounding) -> None:
    """Adds the accumulation that makes 16 of the micro batches of all devices."""
    stated = {each.fact: each.value for each in said.statements}
    micro = stated.get("batch_size.micro", 1)
    if "batch_size.accumulation" not in stated and type(micro) is int and micro > 0 and said.defaults:
        whole: Any = math.ceil(_WHOLE / micro / around.devices)
        whole = ByVersion("ms-swift", (("0", whole), ("3", Unknown("3.0 makes no 16 of it")), ("3.4", whole)))
        said.defaults.append(Default("batch_size.accumulation", whole, "gradient_accumulation_steps"))
    trainer_surroundings.judge(said, around)


_marked = by_marks(
    frozenset(_TUNERS), 1, "ms-swift's tuner", arguments.FOREIGN - {"tuner_type", "train_type", "sft_type"}
)


def _recognise(data: Any) -> Any:
    return _marked(data) if scopes(data, frozenset(("model", "model_type", "dataset", "learning_rate")), 1) else None


def read(data: Any) -> Said:
    """What arguments of ms-swift state."""
    said = arguments.read(data, KEYS, SILENT, defaults)
    said.trainer = TRAINER
    return said


DIALECT = Dialect("ms-swift", TRAINER, _recognise, read, "pyyaml", KEYS, judge=judge)

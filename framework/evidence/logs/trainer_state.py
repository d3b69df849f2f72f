"""`trainer_state.json`, as transformers' Trainer and what builds on it write it.

The Trainer logs every `logging_steps` optimizer steps, and states itself how many it did and planned. Since
transformers 4.51 a step is logged with the learning rate that it used, before with the one that the scheduler then set
(pull request 36973 of huggingface/transformers): a runner says `learning_rate: next` for those.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from framework.errors import InputError
from framework.evidence.logs.entries import log_of
from framework.evidence.logs.log import Format, Log, Reading
from framework.evidence.logs.names import number
from framework.evidence.record import read_json
from framework.locations import Location

_STATED = {"optimizer_steps": "global_step", "planned_steps": "max_steps", "micro_batch_size": "train_batch_size"}
_SUMMARY = "train_runtime"
"""The key of the entry that the Trainer adds when it is done: figures of the whole training."""


def read(files: Sequence[Path], reading: Reading) -> Log:
    """The log of the last file.

    Raises:
        InputError: it is no state of a Trainer.
    """
    file = files[-1]
    state, where = read_json(file), Location(str(file), 1, 1)
    history = state.get("log_history")
    if not isinstance(history, list) or not all(isinstance(entry, dict) for entry in history):
        raise InputError.at(where, "not the state of a Trainer: it has no `log_history`")
    log = log_of("trainer state", ((where, entry) for entry in history if _SUMMARY not in entry), reading)
    for name, key in _STATED.items():
        value = number(state.get(key))
        if isinstance(value, int) and value > 0:
            log.observed[name] = value
    if (epochs := number(state.get("epoch"))) is not None:
        log.observed["epochs"] = epochs
    for entry in history:
        log.rates.update(_rates(entry))
    return log


def _rates(entry: Mapping[str, Any]) -> dict[str, float]:
    """Figures of the summary, without their prefix."""
    if _SUMMARY not in entry:
        return {}
    found = {key.removeprefix("train_"): number(value) for key, value in entry.items() if key.startswith("train_")}
    return {key: float(value) for key, value in found.items() if value is not None}


FORMAT = Format("trainer state", lambda path: path.suffix.lower() == ".json", read)

"""`trainer_state.json`, as transformers' Trainer and what builds on it write it.

The Trainer logs every `logging_steps` optimizer steps, and states itself how many it did and planned. Since
transformers 4.51 a step is logged with the learning rate that it used, before with the one that the scheduler then set
(pull request 36973 of huggingface/transformers): a runner says `learning_rate: next` for those.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from framework.errors import InputError
from framework.evidence.logs.entries import log_of
from framework.evidence.logs.log import Format, Log, Reading
from framework.evidence.logs.logged_names import number
from framework.evidence.record import read_json
from framework.locations import Location

_FIRST = 64
_STATED = {"optimizer_steps": "global_step", "planned_steps": "max_steps", "micro_batch_size": "train_batch_size"}


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
    log = log_of("trainer state", ((where, entry) for entry in history), reading)
    for name, key in _STATED.items():
        value = number(state.get(key))
        if isinstance(value, int) and value > 0:
            log.observed[name] = value
    if (epochs := number(state.get("epoch"))) is not None:
        log.observed["epochs"] = epochs
    return log


def _matches(file: Path) -> bool:
    """Whether it is JSON with a `log_history`, whatever it is called."""
    try:
        with file.open("rb") as stream:
            if not stream.read(_FIRST).lstrip().startswith(b"{"):
                return False
        return "log_history" in read_json(file)
    except (OSError, InputError):
        return False


FORMAT = Format("trainer state", _matches, read)

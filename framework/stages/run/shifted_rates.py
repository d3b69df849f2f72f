"""Logs of transformers' Trainer whose learning rates are another step's than the one that they stand at.

With an optimizer or a scheduler in DeepSpeed's JSON `trainer_state.json` has the rate that the next step uses, and
DeepSpeed's scheduler runs a step late: the two shifts cancel in the log, and not in the training (transformers 5.23,
`trainer.py` `_get_learning_rate`; deepspeed 0.19.8, `runtime/engine.py`).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from framework.errors import InputError
from framework.evidence.record import read_json
from framework.stages.run.observed import Observed

_OWN = ("optimizer", "scheduler")
_REASON = (
    "under DeepSpeed's own optimizer or scheduler the Trainer logs the rate of another step: say `learning_rate: next` "
    "where its JSON states the optimizer alone"
)


def of_another_step(observed: Observed, root: Path) -> str | None:
    """Why the rates of a run's log are not those of its steps; None where nothing says so, or the log's reader was told
    how they stand."""
    log = observed.facts.get("log")
    if not isinstance(log, dict) or log.get("kind") != "trainer state" or log.get("learning_rate") == "next":
        return None
    given = _given(observed)
    if not given:
        return None
    sections = given if isinstance(given, set) else _sections(root / given)
    return _REASON if sections is None or any(name in sections for name in _OWN) else None


def _given(observed: Observed) -> str | set[str]:
    """The file that the run gave DeepSpeed, or the sections of what it gave; empty where it gave none."""
    command = observed.facts.get("command")
    argv = command.get("argv", []) if isinstance(command, dict) else []
    words = [word for flag in map(str, argv) for word in flag.split("=", 1)]
    if "--deepspeed" in words[:-1]:
        return words[words.index("--deepspeed") + 1]
    settings: dict[str, Any] = observed.facts.get("settings") or {}
    named = settings.get("deepspeed")
    if isinstance(named, str):
        return named
    return {name.split(".")[1] for name in settings if name.startswith("deepspeed.")}


def _sections(file: Path) -> set[str] | None:
    """The sections of a JSON; None where it cannot be read here."""
    try:
        return set(read_json(file))
    except (InputError, OSError):
        return None

"""An output folder of transformers' Trainer, and of what builds on it (TRL, peft): `trainer_state.json` at its top or
in its last checkpoint, `training_args.bin`, `all_results.json`, the model card."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from framework.adoption.sources.pickled_settings import settings_in
from framework.adoption.sources.source import Left, Source
from framework.evidence.checkpoints import INDEX, SINGLE
from framework.evidence.logs import trainer_state
from framework.evidence.logs.log import Reading
from framework.evidence.logs.registry import natural
from framework.evidence.logs.taking import final_metrics
from framework.evidence.record import read_json

_STATE, _ARGUMENTS, _CARD = "trainer_state.json", "training_args.bin", "README.md"
_RESULTS = ("all_results.json", "eval_results.json", "train_results.json")
_PACKAGES = {"pytorch": "torch"}
_VERSION = re.compile(
    r"^[-*]\s+(?P<name>[A-Za-z][\w -]*?)\s*:?\s+v?(?P<version>\d+(?:\.\w+)+(?:\+\w+)?)\s*$", re.MULTILINE
)
_MODELS = (("config.json", SINGLE), ("config.json", INDEX), ("adapter_config.json", "adapter_model.safetensors"))
"""What makes a folder a checkpoint that is taken."""


def matches(path: Path) -> bool:
    return path.is_dir() and _state(path) is not None


def read(path: Path, reading: Reading) -> Left:
    state = _state(path)
    assert state is not None
    left = Left(files=[state], log=trainer_state.read([state], reading), dialect="hf-training-arguments")
    arguments = next((file for file in (path / _ARGUMENTS, state.parent / _ARGUMENTS) if file.is_file()), None)
    if arguments is not None:
        left.files.append(arguments)
        left.settings = settings_in(arguments)
    _results(path, left)
    _card(path, left)
    left.model = next((each for each in (path, state.parent) if _is_model(each)), None)
    if left.model is None and (pickled := next(_pickled(path), None)) is not None:
        left.notes.append(f"{pickled.name} is pickled and was not taken: reading it runs code; save safetensors")
    return left


def _state(path: Path) -> Path | None:
    """The state at the top, else the last checkpoint's."""
    if (path / _STATE).is_file():
        return path / _STATE
    return max((file for file in path.glob(f"checkpoint-*/{_STATE}") if file.is_file()), key=natural, default=None)


def _is_model(folder: Path) -> bool:
    return any(all((folder / name).is_file() for name in names) for names in _MODELS)


def _results(path: Path, left: Left) -> None:
    """What the Trainer's `save_metrics` wrote: `all_results.json` holds what the others do."""
    there = [path / name for name in _RESULTS if (path / name).is_file()]
    for file in there[:1] if there and there[0].name == _RESULTS[0] else there:
        data = read_json(file)
        metrics, facts = final_metrics(data, None)
        left.files.append(file)
        left.metrics |= metrics
        left.raw |= {name: value for name, value in data.items() if type(value) in (int, float)}
        left.observed |= facts


def _card(path: Path, left: Left) -> None:
    """The versions that the Trainer wrote into the model card, under its heading for them."""
    card = path / _CARD
    if not card.is_file():
        return
    text = card.read_text("utf-8", errors="replace")
    _, heading, below = text.partition("Framework versions")
    packages: dict[str, Any] = {}
    for match in _VERSION.finditer(below.partition("\n#")[0] if heading else ""):
        name = match["name"].casefold()
        packages[_PACKAGES.get(name, name)] = match["version"]
    if packages:
        left.files.append(card)
        left.environment["packages"] = packages


def _pickled(path: Path) -> Any:
    return (file for file in sorted(path.glob("*.bin")) if file.name.startswith(("pytorch_model", "adapter_model")))


SOURCE = Source("transformers", matches, read)

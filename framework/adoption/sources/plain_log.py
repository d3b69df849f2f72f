"""A log alone, or a folder with one: of any format that is known, told by its content; and results beside it."""

from __future__ import annotations

from pathlib import Path

from framework.adoption.sources.source import Left, Source
from framework.errors import InputError
from framework.evidence.logs.log import Reading
from framework.evidence.logs.registry import is_log, natural, read_log
from framework.evidence.logs.taking import final_metrics
from framework.evidence.record import read_json
from framework.locations import Location

_RESULTS = ("results.json", "metrics.json", "eval_results.json", "all_results.json", "final_metrics.json")


def matches(path: Path) -> bool:
    return bool(_logs(path))


def read(path: Path, reading: Reading) -> Left:
    left = found_log(path, reading)
    if left.log is None:
        raise InputError.at(Location(str(path), 1, 1), "no log that is known: JSON lines, CSV, TensorBoard, text")
    return left


def found_log(path: Path, reading: Reading) -> Left:
    """The log of a folder, and its results, as far as they are there.

    Raises:
        InputError: there are several logs, or one is damaged.
    """
    left = Left()
    logs = _logs(path)
    events = [file for file in logs if ".tfevents." in file.name]
    others = [file for file in logs if file not in events]
    if len(others) > 1:
        named = ", ".join(file.name for file in others[:4])
        raise InputError.at(Location(str(path), 1, 1), f"several logs: {named}", "let `path` name the one that counts")
    if logs:
        left.log, used = read_log(others or events, reading)
        left.files += used
    for file in (path / name for name in _RESULTS if path.is_dir()):
        if file.is_file() and file not in left.files:
            left.files.append(file)
            data = read_json(file)
            metrics, facts = final_metrics(data, None)
            left.metrics |= metrics
            left.observed |= facts
            left.raw |= {name: value for name, value in data.items() if type(value) in (int, float)}
    return left


def _logs(path: Path) -> list[Path]:
    there = sorted(path.iterdir(), key=natural) if path.is_dir() else [path]
    return [file for file in there if file.is_file() and is_log(file)]


SOURCE = Source("log", matches, read)

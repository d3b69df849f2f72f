"""A run folder of Hydra: `.hydra/config.yaml` holds the settings of that run, all overrides in; beside it lies whatever
the program logged."""

from __future__ import annotations

from pathlib import Path

from framework.adoption.sources.plain_log import found_log
from framework.adoption.sources.settings_files import settings_of
from framework.adoption.sources.source import Left, Source
from framework.evidence.logs.log import Reading

_CONFIG = ".hydra/config.yaml"


def matches(path: Path) -> bool:
    return (path / _CONFIG).is_file()


def read(path: Path, reading: Reading) -> Left:
    left = found_log(path, reading)
    left.files.append(path / _CONFIG)
    left.settings = settings_of(path / _CONFIG, "omegaconf")
    return left


SOURCE = Source("hydra", matches, read)

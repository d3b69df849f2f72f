"""A run folder of Hydra: `.hydra/config.yaml` holds the settings of that run, all overrides in; beside it lies whatever
the program logged. `.hydra/overrides.yaml` is kept with it, and so is `.hydra/hydra.yaml` (hydra 1.3), which states its
version under `hydra.runtime.version`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from framework.adoption.sources.plain_log import found_log
from framework.adoption.sources.settings_files import settings_of
from framework.adoption.sources.source import Left, Source
from framework.evidence.logs.log import Reading

_CONFIG, _OVERRIDES, _OWN = ".hydra/config.yaml", ".hydra/overrides.yaml", ".hydra/hydra.yaml"


def matches(path: Path) -> bool:
    return (path / _CONFIG).is_file()


def read(path: Path, reading: Reading) -> Left:
    left = found_log(path, reading)
    left.files.append(path / _CONFIG)
    left.settings = settings_of(path / _CONFIG, "omegaconf")
    left.files += [path / name for name in (_OVERRIDES, _OWN) if (path / name).is_file()]
    if (path / _OWN).is_file():
        version: Any = settings_of(path / _OWN, "pyyaml")
        for name in ("hydra", "runtime", "version"):
            version = version.get(name) if isinstance(version, dict) else None
        if isinstance(version, str):
            left.environment["packages"] = {"hydra-core": version}
    return left


SOURCE = Source("hydra", matches, read)

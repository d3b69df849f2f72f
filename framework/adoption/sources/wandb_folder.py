"""A local run folder of Weights & Biases: `files/config.yaml`, `files/wandb-summary.json`, `files/wandb-metadata.json`,
`files/requirements.txt` (as wandb 0.31 writes them), and `run-ID.wandb`, which alone holds an offline run's
settings and history; or a history that was exported beside them.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from framework.adoption.sources.plain_log import found_log
from framework.adoption.sources.settings_files import numbers_of, settings_of
from framework.adoption.sources.source import Left, Source
from framework.adoption.sources.wandb_history import kept_in
from framework.evidence.logs.entries import log_of
from framework.evidence.logs.log import Reading
from framework.evidence.logs.taking import final_metrics
from framework.evidence.record import read_json
from framework.locations import Location

_CONFIG, _SUMMARY = "config.yaml", "wandb-summary.json"
_METADATA, _REQUIREMENTS = "wandb-metadata.json", "requirements.txt"
_INTERNAL = re.compile(r"^_|^wandb_version$")


def matches(path: Path) -> bool:
    files = _files(path)
    stated = (files / _SUMMARY).is_file() or (files / _METADATA).is_file()
    return stated or (path.is_dir() and _binary(path) is not None)


def read(path: Path, reading: Reading) -> Left:
    files = _files(path)
    left = found_log(path, reading) if path != files else Left()
    if (binary := _binary(path)) is not None:
        _kept(binary, left, reading)
    if (files / _CONFIG).is_file():
        left.files.append(files / _CONFIG)
        stated = settings_of(files / _CONFIG, "yaml-1.2")
        left.settings = {name: _value(value) for name, value in stated.items() if not _INTERNAL.search(name)}
    if (files / _SUMMARY).is_file():
        left.files.append(files / _SUMMARY)
        _figures(read_json(files / _SUMMARY), left)
    _surroundings(files, left)
    return left


def _binary(path: Path) -> Path | None:
    return next(iter(sorted(path.glob("run-*.wandb"))), None)


def _kept(file: Path, left: Left, reading: Reading) -> None:
    """What the binary file keeps; the files beside it, where they are, say the same once more."""
    kept = kept_in(file)
    left.files.append(file)
    left.names = dict(kept.names)
    if kept.exit_code != 0:
        ended = "without an end: killed, or it goes on" if kept.exit_code is None else f"exit code {kept.exit_code}"
        left.no_evidence = f"not finished ({ended})"
    left.settings = {name: value for name, value in kept.config.items() if not _INTERNAL.search(name)}
    _figures(kept.summary, left)
    rows = [{name: value for name, value in row.items() if not _INTERNAL.search(name)} for row in kept.rows]
    if left.log is None and rows:
        where = Location(str(file), 1, 1)
        left.log = log_of("W&B history", ((where, row) for row in rows), reading)
    if "python" in kept.environment:
        left.environment["python"] = kept.environment["python"].removeprefix("CPython ")
    if "gpu" in kept.environment:
        left.environment["hardware"] = {"accelerator": kept.environment["gpu"]}


def _figures(stated: dict[str, Any], left: Left) -> None:
    summary = {name: value for name, value in stated.items() if not _INTERNAL.search(name)}
    left.raw |= numbers_of(summary)
    metrics, facts = final_metrics(summary, None)
    left.metrics |= metrics
    left.observed |= facts


def _files(path: Path) -> Path:
    return path / "files" if (path / "files").is_dir() else path


def _value(stated: Any) -> Any:
    """W&B writes `lr: {desc: null, value: 1e-3}`."""
    return (
        stated["value"]
        if isinstance(stated, dict) and "value" in stated and set(stated) <= {"desc", "value"}
        else stated
    )


def _surroundings(files: Path, left: Left) -> None:
    packages: dict[str, str] = {}
    if (files / _REQUIREMENTS).is_file():
        left.files.append(files / _REQUIREMENTS)
        for line in (files / _REQUIREMENTS).read_text("utf-8", errors="replace").splitlines():
            name, equals, version = line.partition("==")
            if equals:
                packages[name.strip().casefold()] = version.strip()
    if packages:
        left.environment["packages"] = packages
    if not (files / _METADATA).is_file():
        return
    left.files.append(files / _METADATA)
    stated = read_json(files / _METADATA)
    git = stated.get("git")
    if isinstance(git, dict) and isinstance(git.get("commit"), str):
        left.environment["git"] = {"commit": git["commit"]}
    if isinstance(stated.get("python"), str):
        left.environment["python"] = stated["python"].removeprefix("CPython ")
    hardware: dict[str, Any] = {}
    devices = stated.get("gpu_nvidia")
    if isinstance(stated.get("gpu"), str):
        hardware["accelerator"] = stated["gpu"]
    if isinstance(devices, list) and devices and isinstance(devices[0], dict):
        memory = str(devices[0].get("memoryTotal", devices[0].get("memory_total")))
        if memory.isdigit():
            hardware["memory_gb"] = int(memory) / 2**30
    if isinstance(stated.get("cudaVersion"), str):
        hardware["cuda"] = stated["cudaVersion"]
    if hardware:
        left.environment["hardware"] = hardware


SOURCE = Source("wandb", matches, read)

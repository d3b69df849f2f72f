"""Where and with what a run happened: packages, machine, commit."""

from __future__ import annotations

import os
import platform
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import torch

from framework.planning.machine import processor

PACKAGES = ("torch", "transformers", "accelerate", "peft", "datasets", "tokenizers", "safetensors", "numpy")
"""Packages whose version can change a result; those that are not installed are left out."""


def environment(project: Path) -> dict[str, Any]:
    """Package versions, interpreter, hardware and commit, as JSON data for the run record."""
    packages, git = _REMEMBERED[project] if project in _REMEMBERED else (_versions(), git_state(project))
    return {
        "python": platform.python_version(),
        "platform": platform.platform(),
        "packages": packages,
        "hardware": hardware(),
        "git": git,
    }


_REMEMBERED: dict[Path, tuple[dict[str, str], dict[str, Any] | None]] = {}


@contextmanager
def remembered_state(project: Path) -> Iterator[None]:
    """For as long as the block runs, the versions and the project's commit are what they are now: for children that
    are forked from here and execute the code that was imported here."""
    _REMEMBERED[project] = _versions(), git_state(project)
    try:
        yield
    finally:
        del _REMEMBERED[project]


def _versions() -> dict[str, str]:
    found = {}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


def hardware() -> dict[str, Any]:
    """The accelerators (`cpu` for none; memory in GB of 10^9 bytes, of one of them), the processor and its threads."""
    facts: dict[str, Any] = {
        "accelerator": "cpu",
        "count": 0,
        "memory_gb": None,
        "cuda": None,
        "cpu": processor(),
        "cores": os.cpu_count(),
        "threads": torch.get_num_threads(),
    }
    if torch.cuda.is_available():
        properties = torch.cuda.get_device_properties(0)
        facts |= {
            "accelerator": properties.name,
            "count": torch.cuda.device_count(),
            "memory_gb": round(properties.total_memory / 1e9, 1),
            "cuda": torch.version.cuda,
        }
    return facts


def git_state(project: Path) -> dict[str, Any] | None:
    """The commit of the project folder and whether anything in it differs from that commit; None outside a repository
    or before its first commit."""

    def git(*arguments: str) -> str | None:
        try:
            answer = subprocess.run(["git", "-C", str(project), *arguments], capture_output=True, text=True, timeout=30)
        except (FileNotFoundError, subprocess.TimeoutExpired):
            return None
        return answer.stdout.strip() if answer.returncode == 0 else None

    commit = git("rev-parse", "HEAD")
    if commit is None:
        return None
    return {"commit": commit, "dirty": git("status", "--porcelain") != ""}

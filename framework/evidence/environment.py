"""With what a run happened: versions of packages, and the commit of the project. Found without torch."""

from __future__ import annotations

import subprocess
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

PACKAGES = ("torch", "transformers", "accelerate", "peft", "datasets", "tokenizers", "safetensors", "numpy")
"""Packages whose version can change a result; those that are not installed are left out."""


def versions() -> dict[str, str]:
    """The installed versions of :data:`PACKAGES`."""
    found = {}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


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

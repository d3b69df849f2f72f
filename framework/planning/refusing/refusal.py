"""The shape of a refusal."""

from __future__ import annotations

from typing import NamedTuple

from framework.names import Path

OWN_SCRIPT = "or train it with a script of your own, under `runners:`"


class Refusal(NamedTuple):
    """What a run needs and the manifest does not say, or what the built-in runners do not have: ``path`` is within the
    section that lacks it."""

    path: Path
    message: str
    advice: str


def dotted(path: Path) -> str:
    """A path as messages name it."""
    return ".".join(str(part) for part in path)


def foreign(path: Path, why: str) -> Refusal:
    """A clause that is stated, and that no runner here has."""
    return Refusal(path, f"{dotted(path)} is stated, and {why}", f"remove it in a profile, {OWN_SCRIPT}")


def also(advice: str, other: str) -> str:
    """Two ways out in one sentence."""
    return f"{advice} {other[0].upper()}{other[1:]}" if advice.endswith("?") else f"{advice}; {other}"

"""What would be started for one step: arguments, config files and environment, as the manifest's values make them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import PurePath
from typing import Any

from framework.dialects.rendering.file_texts import text_of
from framework.manifest.sections.runners import PLACEHOLDER, Outputs, Resume


@dataclass(frozen=True, slots=True)
class Passed:
    """How values are passed in one place, to be read back there: its dialect, and key -> clause."""

    dialect: str | None
    keys: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Command:
    """A command of the user's own.

    Placeholders of folders and files (`{output}`, `{train.yaml}`; `{model}` and `{dataset}` where they lie in one) are
    still in ``argv``, in the texts of ``configs`` and in ``environment``: they say where it runs, not what. ``sources``
    are the SHA-256 of the files that it names, None of what is not there; ``flags`` and ``files`` say how to read back
    what is passed; ``notes`` what is not.
    """

    runner: str
    argv: tuple[str, ...]
    configs: Mapping[str, Mapping[str, Any]]
    environment: Mapping[str, str]
    sources: Mapping[str, str | None]
    resume: Resume | None
    timeout_hours: float | None
    outputs: Outputs
    processes: int
    facts: Mapping[str, Any] = field(default_factory=dict)
    passed: tuple[str, ...] = ()
    unpassed: tuple[str, ...] = ()
    flags: Passed | None = None
    files: Mapping[str, Passed] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    def identity(self) -> dict[str, Any]:
        """What decides the result. Where the outputs lie and how it goes on do not."""
        known = asdict(self)
        return {name: known[name] for name in ("argv", "configs", "environment", "sources")}

    def text(self, name: str, places: Mapping[str, str]) -> str:
        """The text of one config file."""
        return text_of(filled(dict(self.configs[name]), places), PurePath(name).suffix)


def filled(value: Any, places: Mapping[str, str]) -> Any:
    """Plain data with the placeholders in its texts replaced; those without a place stay."""
    if isinstance(value, str):
        return PLACEHOLDER.sub(lambda match: places.get(match[1], match[0]), value)
    if isinstance(value, Mapping):
        return {key: filled(item, places) for key, item in value.items()}
    return [filled(item, places) for item in value] if isinstance(value, (list, tuple)) else value

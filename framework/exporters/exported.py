"""What an export is: texts with their bindings; and writing them, all or none."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from framework.dialects.rendering.file_texts import text_of
from framework.errors import UsageError

BINDINGS = "bindings.yaml"
"""The file beside the configs that says how to hold them to the manifest."""


@dataclass(frozen=True, slots=True)
class Exported:
    """One config file.

    ``label`` is the step that it is for, ``notes`` what it cannot say, and ``binding`` the entry of `configs` by which
    `framework check` reads it back, but for its `file`.
    """

    name: str
    label: str
    text: str
    notes: tuple[str, ...]
    binding: Mapping[str, Any]


def bindings_text(exported: list[Exported], folder: Path, named: str) -> str:
    """The section `configs` of these files and of those that were exported into the folder before, as it can be put
    into the manifest.

    Args:
        named: The folder as the manifest names it.

    Raises:
        UsageError: the folder has a file of that name, and it is none of ours.
    """
    entries = _before(folder / BINDINGS, folder)
    entries |= {each.name: {"file": str(PurePosixPath(named, each.name)), **each.binding} for each in exported}
    head = "# Put these entries below `configs:` of the manifest: framework check then holds the files to it.\n"
    return head + text_of({"configs": [entries[name] for name in sorted(entries)]}, ".yaml")


def _before(path: Path, folder: Path) -> dict[str, dict[str, Any]]:
    """The entries of files that are still there, by their names."""
    if not path.exists():
        return {}
    import yaml

    try:
        found = {PurePosixPath(each["file"]).name: each for each in yaml.safe_load(path.read_text("utf-8"))["configs"]}
    except (yaml.YAMLError, UnicodeDecodeError, LookupError, TypeError, AttributeError):
        raise UsageError(f"{path} is none that an export wrote: move it, or say --output DIR") from None
    return {name: each for name, each in found.items() if (folder / name).is_file()}


def write_all(files: Mapping[Path, str], force: bool) -> list[Path]:
    """Write every file that is not there as it should be, or none of them; those that were written. The bindings are
    an export's own, and are always brought up to date.

    Raises:
        UsageError: a file says something else, and ``force`` does not allow to replace it.
    """
    new = {path: text for path, text in files.items() if not path.exists() or path.read_bytes() != text.encode()}
    taken = [str(path) for path in new if path.exists() and path.name != BINDINGS]
    if taken and not force:
        several = f" and {len(taken) - 3} more" if len(taken) > 3 else ""
        raise UsageError(
            f"{', '.join(taken[:3])}{several} would change: nothing was written; say --force to replace what is there, "
            "or --output DIR to write elsewhere"
        )
    with contextlib.ExitStack() as undo:
        staged = [(undo.enter_context(_staged(path, text)), path) for path, text in new.items()]
        before = {path: path.read_bytes() for path in new if path.exists()}
        try:
            for temporary, path in staged:
                os.replace(temporary, path)
        except OSError:
            for path in new:
                path.write_bytes(before[path]) if path in before else path.unlink(missing_ok=True)
            raise
    return list(new)


@contextlib.contextmanager
def _staged(path: Path, text: str) -> Iterator[str]:
    """The text in a file beside its place; gone in the end, unless it was put there."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(text.encode())
            stream.flush()
            os.fsync(stream.fileno())
        mask = os.umask(0)
        os.umask(mask)
        os.chmod(temporary, 0o666 & ~mask)
        yield temporary
    finally:
        Path(temporary).unlink(missing_ok=True)

"""Files as an earlier git revision has them."""

from __future__ import annotations

import subprocess
from pathlib import Path

from framework.errors import InputError, UsageError
from framework.locations import Location


def text_at(path: Path, revision: str) -> str:
    """The file's text at a revision, without a byte-order mark. No shell is started.

    Raises:
        UsageError: git is missing, this is no repository, or it has no such revision or file there.
        InputError: the file was not UTF-8 then.
    """
    if revision.startswith("-"):
        raise UsageError(f"not a revision: {revision!r}")
    path = path.absolute()
    command = ["git", "-C", str(path.parent), "show", f"{revision}:./{path.name}"]
    try:
        shown = subprocess.run(command, capture_output=True, check=False)
    except FileNotFoundError:
        raise UsageError("git is not installed: revisions cannot be read") from None
    if shown.returncode != 0:
        said = shown.stderr.decode(errors="replace").strip().splitlines()
        raise UsageError(f"no {path.name} at revision {revision!r}: {said[-1] if said else 'git failed'}")
    try:
        return shown.stdout.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise InputError.at(Location(f"{revision}:{path.name}", 1, 1), "not UTF-8") from None

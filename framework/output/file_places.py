"""Where the files of findings lie: seen from the project, and from the repository that holds it."""

from __future__ import annotations

import os
from functools import cached_property
from pathlib import Path
from urllib.parse import quote


class Places:
    """Names of files for readers that stand elsewhere than the process: code hosts, baselines.

    A finding names a file relative to the current folder where it lies below it, else absolutely.
    """

    def __init__(self, root: Path, here: Path | None = None):
        self.root = root
        self.here = here or Path.cwd()

    @cached_property
    def repository(self) -> Path:
        """The checkout that holds the project: where `.git` is, else the project itself."""
        for folder in (self.root, *self.root.parents):
            if (folder / ".git").exists():
                return folder
        return self.root

    def absolute(self, file: str) -> Path:
        """The file itself; a name that is relative to neither folder is taken to be the project's."""
        path = self.here / file
        return path if path.exists() or Path(file).is_absolute() else self.root / file

    def in_project(self, file: str) -> str:
        """The name seen from the manifest's folder: the same whatever folder a check runs in."""
        return self._below(file, self.root)

    def in_repository(self, file: str) -> str:
        """The name seen from the checkout, as code hosts want it."""
        return self._below(file, self.repository)

    def uri(self, file: str) -> str:
        """As :meth:`in_repository`, as the path of a URI."""
        return quote(self.in_repository(file))

    def _below(self, file: str, folder: Path) -> str:
        path = os.path.normpath(self.absolute(file))
        relative = os.path.relpath(path, folder)
        return (path if relative.startswith("..") else relative).replace(os.sep, "/")

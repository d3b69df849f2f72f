"""Commands as a user calls them: in this process, and in one of their own."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from contextlib import chdir, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from framework.cli import main as command_line


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a command did: its exit code, and what it wrote to the two streams."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


def called(cwd: Path, *arguments: str) -> Outcome:
    """Run a command in this process, inside a folder."""
    out, err = io.StringIO(), io.StringIO()
    with chdir(cwd), redirect_stdout(out), redirect_stderr(err):
        code = command_line.run(list(arguments))
    return Outcome(code, out.getvalue(), err.getvalue())


def process(cwd: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a command in a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "framework", *arguments],
        cwd=cwd,
        env={**os.environ, "FRAMEWORK_CACHE_DIR": str(cwd / ".cache"), **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )

"""Coverage-guided fuzzing of the readers and the manifest's loader; run by hand, never collected by pytest.

    pip install atheris
    python tests/reading/fuzz_readers.py yaml -max_total_time=300 -timeout=10 -rss_limit_mb=1024 FOLDER_OF_SEEDS

The first argument is a reader's name or `manifest`; the rest goes to libFuzzer, which stops with the input that led to
anything but a document or an InputError, took longer than the timeout, or needed more memory than the limit.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable
from contextlib import chdir, suppress
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["framework"]):
    from framework.errors import InputError
    from framework.manifest.loading import load
    from framework.reading.formats import read
    from framework.reading.interpolation import interpolate

SUFFIXES = {
    "yaml": "yaml",
    "omegaconf": "yaml",
    "json": "json",
    "toml": "toml",
    "ini": "ini",
    "shell": "sh",
    "python": "py",
    "markdown": "md",
    "latex": "tex",
}


def reads(kind: str, folder: Path) -> Callable[[bytes], None]:
    path = folder / f"input.{SUFFIXES[kind]}"

    def one(data: bytes) -> None:
        path.write_bytes(data)
        try:
            document = read(path, path.name, "omegaconf" if kind == "omegaconf" else None)
            if kind == "omegaconf":
                interpolate(document)
            for _, node in document.leaves():
                document.value(node)
        except InputError:
            pass

    return one


def loads(folder: Path) -> Callable[[bytes], None]:
    def one(data: bytes) -> None:
        (folder / "experiment.yaml").write_bytes(data)
        with chdir(folder), suppress(InputError):
            load("experiment.yaml", None)

    return one


def main() -> None:
    if len(sys.argv) < 2 or sys.argv[1] not in {*SUFFIXES, "manifest"}:
        sys.exit(f"usage: {sys.argv[0]} {'|'.join([*SUFFIXES, 'manifest'])} [libFuzzer's options]")
    kind = sys.argv.pop(1)
    folder = Path(tempfile.mkdtemp(prefix="framework-fuzz-"))
    atheris.Setup(sys.argv, loads(folder) if kind == "manifest" else reads(kind, folder))
    atheris.Fuzz()


if __name__ == "__main__":
    main()

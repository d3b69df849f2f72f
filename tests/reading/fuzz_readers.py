"""Coverage-guided fuzzing of the readers and the manifest's loader, by `make fuzz` where Atheris is installed, or:

    pip install atheris
    python -m tests.reading.fuzz_readers yaml -max_total_time=300 -timeout=10 -rss_limit_mb=1024 FOLDER_OF_SEEDS

The first argument is a reader's name or `manifest`; the rest goes to libFuzzer, which stops with the input that led to
anything but a document or an InputError, took longer than the timeout, or needed more memory than the limit.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable
from contextlib import chdir, suppress
from pathlib import Path

KINDS = (
    "yaml",
    "omegaconf",
    "json",
    "toml",
    "ini",
    "gin",
    "shell",
    "python",
    "notebook",
    "markdown",
    "latex",
    "manifest",
)


def reads(kind: str) -> Callable[[bytes], None]:
    from framework.errors import InputError
    from tests.reading.parsers import PARSERS, looked_at

    def one(data: bytes) -> None:
        with suppress(InputError):
            looked_at(PARSERS[kind](data.decode("utf-8", "replace"), "file"))

    return one


def loads(folder: Path) -> Callable[[bytes], None]:
    from framework.errors import InputError
    from framework.manifest.loading import load

    def one(data: bytes) -> None:
        (folder / "experiment.yaml").write_bytes(data)
        with chdir(folder), suppress(InputError):
            load("experiment.yaml", None)

    return one


def main() -> None:
    import atheris

    if len(sys.argv) < 2 or sys.argv[1] not in KINDS:
        sys.exit(f"usage: {sys.argv[0]} {'|'.join(KINDS)} [libFuzzer's options]")
    kind = sys.argv.pop(1)
    with atheris.instrument_imports(include=["framework"]):
        one = loads(Path(tempfile.mkdtemp(prefix="framework-fuzz-"))) if kind == "manifest" else reads(kind)
    atheris.Setup(sys.argv, one)
    atheris.Fuzz()


if __name__ == "__main__":
    main()

"""Write a bundle: the same content gives the same bytes, and the file is there whole or not at all."""

from __future__ import annotations

import hashlib
import os
import tempfile
import zipfile
from pathlib import Path

from framework.errors import FrameworkError
from framework.evidence.atomic import as_json
from framework.evidence.bundles.opened import CONTENTS, FORMAT, METADATA
from framework.evidence.store import RunStore
from framework.exporters.bundles.contents import Contents, contents_of
from framework.exporters.bundles.run_crate import crate_of
from framework.manifest.experiment import Experiment

_WHEN = (1980, 1, 1, 0, 0, 0)
"""The first time that a ZIP can state."""
_BLOCK = 1 << 20


def write_bundle(
    experiment: Experiment,
    read: set[str],
    output: Path,
    with_models: bool = False,
    agents: list[str] | None = None,
    license: str | None = None,
) -> tuple[Contents, str]:
    """Pack a project; what was packed, and the SHA-256 of the bundle.

    Raises:
        FrameworkError: a file changed while it was packed; nothing is left then.
        ModuleNotFoundError: `rocrate` is not installed.
    """
    contents = contents_of(experiment, read, output, with_models)
    runs = [run for run in RunStore(experiment.runs).readable() if run.record.status != "running"]
    manifest = experiment.path.absolute().relative_to(experiment.root.absolute()).as_posix()
    own = as_json({"format": FORMAT, "manifest": manifest, "left_out": contents.left_out}).encode()
    metadata = crate_of(experiment, runs, contents, {CONTENTS: own}, agents=agents, license=license)
    handle, temporary = tempfile.mkstemp(dir=output.absolute().parent, prefix=f".{output.name}.")
    os.close(handle)
    try:
        with zipfile.ZipFile(temporary, "w") as archive:
            for name, data in ((METADATA, as_json(metadata).encode()), (CONTENTS, own)):
                with archive.open(_entry(name), "w") as stream:
                    stream.write(data)
            for name, file in contents.files.items():
                digest = hashlib.sha256()
                with file.path.open("rb") as source, archive.open(_entry(name), "w", force_zip64=True) as stream:
                    while block := source.read(_BLOCK):
                        digest.update(block)
                        stream.write(block)
                if digest.hexdigest() != file.sha256:
                    raise FrameworkError(f"{name} changed while it was packed; nothing was written")
        mask = os.umask(0)
        os.umask(mask)
        os.chmod(temporary, 0o666 & ~mask)
        with open(temporary, "rb") as written:
            os.fsync(written.fileno())
            whole = hashlib.file_digest(written, "sha256").hexdigest()
        os.replace(temporary, output)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
    return contents, whole


def _entry(name: str) -> zipfile.ZipInfo:
    """An entry without anything of this machine in it. Tensors do not get smaller."""
    entry = zipfile.ZipInfo(name, _WHEN)
    entry.create_system, entry.external_attr = 3, 0o100644 << 16
    stored = name.endswith((".safetensors", ".png", ".zip", ".gz"))
    entry.compress_type = zipfile.ZIP_STORED if stored else zipfile.ZIP_DEFLATED
    return entry

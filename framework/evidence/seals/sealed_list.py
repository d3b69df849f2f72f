"""What a seal is of: the records of finished runs by their digests, as a file that is signed.

Below `seals/`, beside the manifest, each seal has a folder with `records.json` (this), `records.json.sig` (the
signature over its bytes, in OpenSSH's own form) and, where one was given, `records.json.sig.tsr` (an answer of a
time-stamping authority, RFC 3161, over the signature). A record holds the digest of every file of its run, so that
whoever signs the records' digests signs the runs.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath

from framework.errors import FrameworkError, InputError
from framework.evidence.atomic import as_json
from framework.evidence.record import RECORD, read_json, sha256_of
from framework.evidence.store import Run
from framework.locations import Location

SEALS, LIST, SIGNATURE, STAMP = "seals", "records.json", "records.json.sig", "records.json.sig.tsr"
SIGNERS = "allowed_signers"
"""The file of known signers below `seals/`, where nobody names another one."""
FORMAT = 1
_DIGEST = re.compile(r"[0-9a-f]{64}")
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")


@dataclass(frozen=True, slots=True)
class SealedList:
    """The time by the signer's clock (UTC, to the second), the manifest's name and digest, and the SHA-256 of each
    record by the name of its run's folder."""

    time: str
    manifest: str
    manifest_sha256: str
    records: dict[str, str]

    def as_bytes(self) -> bytes:
        """What is signed: JSON with sorted keys, so that the same list is the same bytes."""
        manifest = {"file": self.manifest, "sha256": self.manifest_sha256}
        return as_json({"format": FORMAT, "time": self.time, "manifest": manifest, "records": self.records}).encode()


def listed_now(runs: Iterable[Run], manifest: Path) -> SealedList:
    """The list of some runs as their records are at this moment.

    Raises:
        OSError: a record, or the manifest, cannot be read.
    """
    now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    records = {run.folder.name: sha256_of(run.folder / RECORD) for run in runs}
    return SealedList(now, manifest.name, sha256_of(manifest), dict(sorted(records.items())))


def seal_folders(root: Path) -> list[Path]:
    """The seals below a project's folder, by name; what was not finished is none."""
    top = root / SEALS
    return sorted(path for path in top.glob("*") if path.is_dir() and not path.name.startswith("."))


def read_list(folder: Path) -> SealedList:
    """The list that a seal is of.

    Raises:
        InputError: it cannot be read, or is no such list.
    """
    path = folder / LIST
    where = Location(str(path), 1, 1)
    data = read_json(path)
    if data.get("format") != FORMAT:
        raise InputError.at(where, f"a seal of format {data.get('format')!r}, not {FORMAT}")
    manifest, records, time = data.get("manifest"), data.get("records"), data.get("time")
    if not isinstance(time, str) or not _TIME.fullmatch(time):
        raise InputError.at(where, "not a seal: `time` is no time of the form 2026-01-31T12:00:00Z")
    if not isinstance(manifest, dict) or not isinstance(manifest.get("file"), str) or not _digest(manifest):
        raise InputError.at(where, "not a seal: `manifest` has no file and SHA-256")
    if not isinstance(records, dict) or not all(_is_folder(name) for name in records):
        raise InputError.at(where, "not a seal: `records` names something that is no folder of runs")
    for name, sha256 in records.items():
        if not isinstance(sha256, str) or not _DIGEST.fullmatch(sha256):
            raise InputError.at(where, f"not a seal: what `records` has for {name!r} is no SHA-256")
    return SealedList(time, manifest["file"], manifest["sha256"], records)


def _digest(manifest: dict[str, object]) -> bool:
    return isinstance(manifest.get("sha256"), str) and _DIGEST.fullmatch(str(manifest["sha256"])) is not None


def _is_folder(name: str) -> bool:
    return PurePosixPath(name).name == name and name not in (".", "..") and "\0" not in name


def write_seal(root: Path, listed: SealedList, signature: bytes) -> Path:
    """Put a new seal beside those that are there; none is ever replaced. Returns its folder.

    Raises:
        OSError: it cannot be written; nothing is left of it then.
    """
    data = listed.as_bytes()
    top = root / SEALS
    top.mkdir(exist_ok=True)
    name = f"{re.sub('[-:]', '', listed.time)}-{hashlib.sha256(signature).hexdigest()[:8]}"
    temporary = top / f".{name}.{os.getpid()}"
    temporary.mkdir()
    try:
        for file, content in ((LIST, data), (SIGNATURE, signature)):
            _write_new(temporary / file, content)
        (temporary / LIST).chmod(0o444)
        os.rename(temporary, top / name)  # fails where a seal lies there already: a folder that is not empty
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        raise
    return top / name


def write_stamp(folder: Path, answer: bytes) -> None:
    """Put the answer of a time-stamping authority beside a signature.

    Raises:
        FrameworkError: there is one already.
        OSError: it cannot be written; nothing is left of it then.
    """
    path = folder / STAMP
    temporary = folder / f".{STAMP}.{os.getpid()}"
    try:
        _write_new(temporary, answer)
        os.link(temporary, path)  # unlike a renaming, never over what is there
    except FileExistsError:
        raise FrameworkError(f"{path}: this seal has a time stamp already, which is kept") from None
    finally:
        temporary.unlink(missing_ok=True)


def _write_new(path: Path, data: bytes) -> None:
    with path.open("xb") as stream:
        stream.write(data)
        stream.flush()
        os.fsync(stream.fileno())

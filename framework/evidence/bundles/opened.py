"""A bundle, unpacked into a folder of its own after everything about it was looked at.

Nothing of a ZIP is believed: neither its names nor its sizes. All that is wrong is told at once, and then nothing of it
is held. Reading needs no library of RO-Crate: its metadata are JSON-LD in the flattened form, one object for each file
(RO-Crate Metadata Specification 1.1, "Root Data Entity" and "Data Entities").
"""

from __future__ import annotations

import hashlib
import json
import stat
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import unquote

from framework.errors import InputError, Problem
from framework.evidence.record import RECORD
from framework.locations import Location

METADATA, CONTENTS = "ro-crate-metadata.json", "bundle.json"
FORMAT = 1
MOST_ENTRIES = 200_000
MOST_BYTES = 1 << 40
MOST_RATIO = 2_000
"""How many times its packed size a file may have: deflate reaches 1,032, so that more is no honest ZIP."""
_LARGEST_METADATA = 256 << 20
_BLOCK = 1 << 20


@dataclass(frozen=True, slots=True)
class Bundle:
    """What was unpacked: its SHA-256, the manifest in it, and the files of runs that it leaves out."""

    sha256: str
    manifest: Path
    left_out: tuple[Path, ...]


def unpack(file: Path, folder: Path, most_bytes: int = MOST_BYTES, most_entries: int = MOST_ENTRIES) -> Bundle:
    """Unpack a bundle into an empty folder.

    Raises:
        InputError: it is no ZIP, has what must not be unpacked (paths that lead out, links, devices, encrypted or
            double entries, more or larger ones than allowed), or is not what its own metadata and records say.
    """
    where = Location(str(file), 1, 1)
    try:
        with file.open("rb") as stream:
            digest = hashlib.file_digest(stream, "sha256").hexdigest()
        with zipfile.ZipFile(file) as archive:
            entries = archive.infolist()
            if problems := list(_unsafe(entries, most_bytes, most_entries)):
                raise InputError([Problem(problem, where) for problem in problems])
            found = {entry.filename: _extract(archive, entry, folder) for entry in entries}
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as problem:
        raise InputError.at(where, f"not a whole ZIP: {problem}") from None
    listed, contents = _listed(folder, where), _contents(folder, where)
    problems = [*_apart(found, listed), *_records_apart(found, contents["left_out"], folder)]
    if contents["manifest"] not in found:
        problems.append(f"{contents['manifest']}: the manifest is not in the bundle")
    if problems:
        raise InputError([Problem(problem, where) for problem in problems])
    return Bundle(digest, folder / contents["manifest"], tuple(folder / name for name in contents["left_out"]))


def _unsafe(entries: list[zipfile.ZipInfo], most_bytes: int, most_entries: int) -> Iterator[str]:
    """What stands against unpacking, by what the directory of the ZIP says."""
    if len(entries) > most_entries:
        yield f"{len(entries):,} entries; at most {most_entries:,} are unpacked"
        return
    total = sum(entry.file_size for entry in entries)
    if total > most_bytes:
        yield f"{total:,} bytes when unpacked; at most {most_bytes:,} are"
    seen: dict[str, str] = {}
    files = {entry.filename for entry in entries}
    for entry in entries:
        name = entry.filename
        path = PurePosixPath(name)
        folded = name.casefold()
        if folded in seen:
            twice = "twice" if seen[folded] == name else f"and {seen[folded]!r}, one file on some systems"
            yield f"{name!r} is in it {twice}"
        seen.setdefault(folded, name)
        if path.is_absolute() or "\\" in name or ":" in name.split("/", 1)[0] or "\0" in entry.orig_filename:
            yield f"{entry.orig_filename!r} is an absolute path, or none of this system"
        elif name != str(path) or not path.parts or ".." in path.parts:
            yield f"{name!r} is no plain path of a file within the bundle"
        if any(str(above) in files for above in path.parents):
            yield f"{name!r} lies below what is a file"
        kind = stat.S_IFMT(entry.external_attr >> 16)
        if kind not in (0, stat.S_IFREG):
            yield f"{name!r} is a {'link' if kind == stat.S_IFLNK else 'special file'}, and no plain file"
        if entry.flag_bits & 0x1:
            yield f"{name!r} is encrypted"
        if entry.file_size > MOST_RATIO * max(entry.compress_size, 1):
            yield f"{name!r} would grow from {entry.compress_size:,} to {entry.file_size:,} bytes"


def _extract(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, folder: Path) -> tuple[str, int]:
    """Write one entry; its SHA-256 and size. `ZipExtFile` stops at the size that was looked at, and checks the CRC."""
    target = folder / entry.filename
    target.parent.mkdir(parents=True, exist_ok=True)
    digest, size = hashlib.sha256(), 0
    with archive.open(entry) as source, target.open("xb") as stream:
        while block := source.read(_BLOCK):
            digest.update(block)
            size += len(block)
            stream.write(block)
    if size != entry.file_size:
        raise zipfile.BadZipFile(f"{entry.filename} has {size:,} bytes, not {entry.file_size:,}")
    return digest.hexdigest(), size


def _json(folder: Path, name: str, where: Location) -> Any:
    path = folder / name
    if not path.is_file():
        raise InputError.at(where, f"it has no {name}", "`framework bundle FILE.zip` writes bundles")
    if path.stat().st_size > _LARGEST_METADATA:
        raise InputError.at(where, f"{name} is larger than {_LARGEST_METADATA >> 20} MiB")
    try:
        return json.loads(path.read_text("utf-8"))
    except (ValueError, RecursionError) as problem:
        raise InputError.at(where, f"{name} is not JSON: {problem}") from None


def _listed(folder: Path, where: Location) -> dict[str, tuple[str | None, str | None]]:
    """The files that the crate's metadata describe: SHA-256 and size as they state them."""
    data = _json(folder, METADATA, where)
    graph = data.get("@graph") if isinstance(data, dict) else None
    if not isinstance(graph, list) or not all(isinstance(each, dict) for each in graph):
        raise InputError.at(where, f"{METADATA} is no RO-Crate: it has no @graph of objects")
    found = {}
    for each in graph:
        types = each.get("@type")
        if "File" in (types if isinstance(types, list) else [types]) and isinstance(each.get("@id"), str):
            found[unquote(each["@id"])] = (each.get("sha256"), each.get("contentSize"))
    return found


def _contents(folder: Path, where: Location) -> dict[str, Any]:
    data = _json(folder, CONTENTS, where)
    left = data.get("left_out") if isinstance(data, dict) else None
    if (
        not isinstance(left, list)
        or not all(isinstance(name, str) and _plain(name) for name in left)
        or not isinstance(data.get("manifest"), str)
        or not _plain(data["manifest"])
        or data.get("format") != FORMAT
    ):
        raise InputError.at(where, f"{CONTENTS} is not of a bundle of format {FORMAT}")
    return dict(data)


def _plain(name: str) -> bool:
    path = PurePosixPath(name)
    return bool(path.parts) and not path.is_absolute() and ".." not in path.parts and "\0" not in name


def _apart(found: dict[str, tuple[str, int]], listed: dict[str, tuple[str | None, str | None]]) -> Iterator[str]:
    """Where the files and the crate's metadata are not of each other."""
    for name in sorted(found.keys() - listed.keys() - {METADATA}):
        yield f"{name} is not listed in {METADATA}"
    for name in sorted(listed.keys() - found.keys()):
        yield f"{name} is listed in {METADATA}, and missing"
    for name in sorted(found.keys() & listed.keys()):
        if found[name] != (listed[name][0], _number(listed[name][1])):
            yield f"{name} is not the file that {METADATA} lists (SHA-256 {found[name][0][:12]}...)"


def _number(text: str | None) -> int | None:
    return int(text) if isinstance(text, str) and text.isascii() and text.isdigit() else None


def _records_apart(found: dict[str, tuple[str, int]], left_out: list[str], folder: Path) -> Iterator[str]:
    """What is said to be left out and is in no record of a finished run, or lies in the bundle all the same. Files that
    are there are held to their records by the verification itself, as those of a project are."""
    for name in sorted(left_out):
        if name in found:
            yield f"{name} is in the bundle, which says that it leaves it out"
        elif name not in _recorded_beside(name, found, folder):
            yield f"{name} is said to be left out, and no record of a run has it"


def _recorded_beside(name: str, found: dict[str, tuple[str, int]], folder: Path) -> set[str]:
    for above in PurePosixPath(name).parents:
        record = str(above / RECORD)
        if record in found:
            try:
                data = json.loads((folder / record).read_text("utf-8"))
                return {str(above / each) for each in data["artefacts"]}
            except (ValueError, KeyError, TypeError, RecursionError):
                return set()
    return set()

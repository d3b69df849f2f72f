"""Whether the files of a run are those that it wrote, byte for byte."""

from __future__ import annotations

from framework.errors import InputError
from framework.evidence.bundles.left_out import is_left_out
from framework.evidence.remembering.known_files import KnownFiles, Seen
from framework.evidence.scanning.file_scan import FileScan
from framework.evidence.scanning.parallel import scan
from framework.evidence.store import Run


def changed_artefacts(run: Run) -> list[str]:
    """The artefacts that are missing, or whose content is no longer what the run wrote. Of a large file that is as it
    was when it was read before, the digest is remembered.

    Raises:
        InputError: one cannot be read, or changed while it was.
    """
    known = KnownFiles(run.folder)
    found: dict[str, Seen | InputError] = {}
    scans = []
    for name in run.record.artefacts:
        path = run.folder / name
        if (seen := known.seen(name)) is not None:
            found[name] = seen
        elif path.is_file():
            scans.append(FileScan(path, path.stat().st_size, lambda seen, name=name: found.update({name: seen})))  # type: ignore[misc]
    scan(scans)
    changed = []
    for name, facts in sorted(run.record.artefacts.items()):
        told = found.get(name)
        if isinstance(told, InputError):
            raise told
        if told is None and is_left_out(run.folder / name):
            continue
        if told is None or told.sha256 != facts["sha256"]:
            changed.append(name)
    known.keep({name: seen for name, seen in found.items() if isinstance(seen, Seen)})
    return changed

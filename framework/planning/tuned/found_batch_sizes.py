"""`found_batch_sizes.yaml`: micro-batches that were found to fit, as knobs of the steps that they were found for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import yaml

from framework.errors import InputError
from framework.evidence.atomic import write_text
from framework.locations import Location
from framework.planning.identity import key_of
from framework.planning.machines.machine import machine
from framework.reading.yaml.parsing import parse_yaml

FILE = "found_batch_sizes.yaml"
FORMAT = 1
_HEAD = """\
# Micro-batches that were found to fit, by trial. Written by `framework find batch-size`, taken by the steps that they
# were found for, on the machine that they were found on, where no config file states `micro_batch_size`.
"""
_PLACE = ("variant", "step", "model", "task", "profile")


def basis_of(identity: Mapping[str, Any]) -> str:
    """A digest of what decides how much memory a step needs: all but its seed, and what it builds on."""
    return key_of({name: identity[name] for name in ("version", "step", "does", "model")})


def read_found(root: Path) -> list[dict[str, Any]]:
    """The entries below a project's folder; none where there is no file.

    Raises:
        InputError: the file is none of ours.
    """
    path = root / FILE
    if not path.is_file():
        return []
    document = parse_yaml(path.read_text("utf-8"), FILE, "manifest")
    data = document.value(document.root) if document.root is not None else None
    entries = data.get("found") if isinstance(data, dict) and data.get("format") == FORMAT else None
    if not isinstance(entries, list) or not all(isinstance(each, dict) for each in entries):
        raise InputError.at(
            Location(FILE, 1, 1), "not a file of found batch sizes", "write it: framework find batch-size"
        )
    for index, entry in enumerate(entries):
        size = entry.get("micro_batch_size")
        if isinstance(size, bool) or not isinstance(size, int) or size < 1 or "basis" not in entry:
            node = document.walk(("found", index))
            where = document.location(node[1]) if node else Location(FILE, 1, 1)
            raise InputError.at(where, "an entry without a micro_batch_size and its basis", "find it anew")
    return entries


def found_for(entries: Iterable[Mapping[str, Any]], identity: Mapping[str, Any]) -> int | None:
    """The micro-batch size that was found for a step, on this machine."""
    basis: str | None = None
    for entry in entries:
        basis = basis or basis_of(identity)
        if entry["basis"] == basis and entry.get("machine") == machine():
            return int(entry["micro_batch_size"])
    return None


def write_found(root: Path, new: Iterable[Mapping[str, Any]]) -> Path:
    """Write entries, in the place of those of the same steps.

    Raises:
        InputError: the file that is there is none of ours.
    """
    kept = {tuple(each.get(name) for name in _PLACE): dict(each) for each in read_found(root)}
    kept |= {tuple(each.get(name) for name in _PLACE): dict(each) for each in new}
    data = {"format": FORMAT, "found": list(kept.values())}
    write_text(root / FILE, _HEAD + yaml.safe_dump(data, sort_keys=False, allow_unicode=True, width=120))
    return root / FILE

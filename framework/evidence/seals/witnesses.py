"""What tells the time of a seal beside the signer's own clock: an answer of a time-stamping authority over the
signature (RFC 3161), read and held by OpenSSL's `ts`, and the git commit that first held it."""

from __future__ import annotations

import hashlib
import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from framework.evidence.seals.sealed_list import SIGNATURE, STAMP
from framework.reading.decoding import open_regular

_MISSING = "openssl is not installed"
_SECONDS = 60


@dataclass(frozen=True, slots=True)
class Witness:
    """Who says so, and when (UTC, to the second; None where it tells no time); ``held`` is False where it speaks of
    something else or is broken, None where it was not proved."""

    kind: str
    when: str | None
    held: bool | None
    why: str

    def __str__(self) -> str:
        return f"{self.when} by {self.why}" if self.when and self.held is not False else self.why

    def as_dict(self) -> dict[str, Any]:
        return {"kind": self.kind, "when": self.when, "held": self.held, "why": self.why}


def witnesses(seal: Path, authorities: Path | None) -> Iterator[Witness]:
    """All that tells when a seal was there; ``authorities`` holds the certificates (PEM) of trusted ones."""
    if (seal / STAMP).exists() or (seal / STAMP).is_symlink():
        yield stamped(seal / STAMP, seal / SIGNATURE, authorities)
    if (found := committed(seal / SIGNATURE)) is not None:
        yield found


def stamped(answer: Path, data: Path, authorities: Path | None) -> Witness:
    """What an authority's answer says of a file: it must be of the file's bytes, and signed by a trusted one."""
    try:
        with open_regular(answer), open_regular(data) as stream:
            content = stream.read()
        text = _openssl("-reply", "-in", str(answer), "-text")
    except FileNotFoundError as problem:
        return Witness(
            "rfc3161",
            None,
            None,
            f"{problem.filename}: {problem.strerror}" if problem.filename != "openssl" else _MISSING,
        )
    except (OSError, subprocess.TimeoutExpired) as problem:
        return Witness("rfc3161", None, None, f"the time stamp cannot be read: {problem}")
    when = _when(text.stdout)
    if text.returncode != 0 or when is None:
        return Witness("rfc3161", None, False, "its time stamp is no answer of an authority that granted one")
    if not _is_of(text.stdout, content):
        return Witness("rfc3161", when, False, "its time stamp is of something else than this signature")
    if authorities is None:
        return Witness("rfc3161", when, None, "an RFC 3161 stamp of an authority that was not proved (--authorities)")
    held = _openssl("-verify", "-in", str(answer), "-data", str(data), "-CAfile", str(authorities))
    if held.returncode != 0:
        return Witness("rfc3161", when, False, f"its time stamp is of no authority that {authorities} trusts")
    return Witness("rfc3161", when, True, "an RFC 3161 stamp")


def committed(path: Path) -> Witness | None:
    """The first commit that held a file as it is; None where none does, or there is no git."""
    try:
        blob = _git(path, "hash-object", "--", path.name)
        commits = _git(path, "log", "--reverse", "--format=%H %ct", "--", path.name).splitlines()
        for line in commits if blob else ():
            commit, _, seconds = line.partition(" ")
            if _git(path, "rev-parse", f"{commit}:./{path.name}") == blob:
                when = datetime.fromtimestamp(int(seconds), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
                return Witness("git", when, None, f"the commit {commit[:10]}, as its committer says")
    except (OSError, ValueError, subprocess.TimeoutExpired):
        return None
    return None


def _git(path: Path, *arguments: str) -> str:
    command = ["git", "-C", str(path.parent), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=_SECONDS)
    return done.stdout.strip() if done.returncode == 0 else ""


def _openssl(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = ["openssl", "ts", *arguments]
    return subprocess.run(command, capture_output=True, text=True, errors="replace", check=False, timeout=_SECONDS)


def _when(text: str) -> str | None:
    """The time of a granted answer, as OpenSSL 3 prints it: `Time stamp: Nov 29 09:01:23 2026 GMT`."""
    granted = re.search(r"^Status: Granted", text, re.MULTILINE)
    found = re.search(r"^Time stamp: (\w{3} +\d+ \d\d:\d\d:\d\d)(?:\.\d+)? (\d{4}) GMT$", text, re.MULTILINE)
    if granted is None or found is None:
        return None
    try:
        moment = datetime.strptime(f"{found[1]} {found[2]}", "%b %d %H:%M:%S %Y")
    except ValueError:
        return None
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def _is_of(text: str, data: bytes) -> bool:
    """Whether the digest that an answer is of, printed as lines of `0000 - 03 23 ..-.. 8a   .#.`, is that of data."""
    name = re.search(r"^Hash Algorithm: (\S+)$", text, re.MULTILINE)
    printed = re.search(r"^Message data:\n((?:    .*\n)+)", text, re.MULTILINE)
    if name is None or printed is None or name[1] not in ("sha256", "sha384", "sha512"):
        return False
    octets = ""
    for line in printed[1].splitlines():
        _, _, row = line.partition(" - ")
        octets += "".join(re.findall(r"[0-9a-f]{2}", row[:48]))
    return octets == hashlib.new(name[1], data).hexdigest()

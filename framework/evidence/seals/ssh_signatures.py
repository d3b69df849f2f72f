"""Signatures by SSH keys, made and held by `ssh-keygen -Y` (OpenSSH 8.1 and later, `ssh-keygen(1)`).

The form is OpenSSH's own (PROTOCOL.sshsig): a signature names its key, and a namespace that keeps it from counting for
anything else. Whose key it is, a file of allowed signers says (the section ALLOWED SIGNERS of `ssh-keygen(1)`).
"""

from __future__ import annotations

import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

from framework.errors import UsageError
from framework.evidence.seals.sealed_list import SEALS, SIGNERS
from framework.reading.decoding import open_regular

NAMESPACE = "experiment-framework-seal"
MISSING = "ssh-keygen is not installed (the package openssh-client of Debian, openssh-clients of Fedora)"
_KEY = re.compile(r'^Good "[^"]*" signature (?:for .* )?with (\S+) key (\S+)$', re.MULTILINE)
_LONGEST = 60
"""Seconds that a check may take; a signing waits for whoever types a passphrase or touches a token."""


@dataclass(frozen=True, slots=True)
class Signer:
    """Whose signature it is: the name under which the key is known (None where it is not), the key's kind and
    fingerprint, and what is wrong; ``held`` is None where no program is there to tell."""

    held: bool | None
    name: str | None = None
    key: str | None = None
    why: str | None = None

    def __str__(self) -> str:
        if self.held is None or not self.held:
            return f"nobody that could be told: {self.why}"
        return f"{self.name} ({self.key})" if self.name is not None else f"an unknown signer ({self.key})"


def sign(data: bytes, key: str) -> bytes:
    """The signature of data by a key: a file with a private one, or with a public one whose private half an agent has.

    Raises:
        UsageError: `ssh-keygen` is not there, or cannot sign with it.
    """
    command = ["ssh-keygen", "-Y", "sign", "-q", "-f", key, "-n", NAMESPACE]
    try:
        done = subprocess.run(command, input=data, capture_output=True, check=False)
    except FileNotFoundError:
        raise UsageError(f"{MISSING}: nothing was sealed") from None
    if done.returncode != 0 or not done.stdout.startswith(b"-----BEGIN SSH SIGNATURE-----"):
        said = done.stderr.decode(errors="replace").strip().splitlines()
        raise UsageError(f"ssh-keygen cannot sign with {key}: {said[-1] if said else 'it says nothing'}")
    return done.stdout


def signer_of(data: bytes, signature: Path, known: Path | None) -> Signer:
    """Whose a signature of data is, with the file of allowed signers as the list of those who are known."""
    try:
        with open_regular(signature):
            pass
    except OSError as problem:
        return Signer(False, why=f"{signature.name}: {problem.strerror or problem}")
    try:
        done = _asked(["check-novalidate", "-s", str(signature)], data)
        if done.returncode != 0 or (found := _KEY.search(done.stdout)) is None:
            return Signer(False, why=_last(done.stderr) or "the signature is not of this list")
        key = f"{found[1]} {found[2]}"
        return Signer(True, None if known is None else _name(data, signature, known), key)
    except FileNotFoundError:
        return Signer(None, why=MISSING)
    except subprocess.TimeoutExpired:
        return Signer(None, why=f"ssh-keygen gave no answer within {_LONGEST} s")


def _name(data: bytes, signature: Path, known: Path) -> str | None:
    """The name under which a file of allowed signers has the key of a signature, and lets it seal."""
    where = ["-s", str(signature), "-f", str(known)]
    found = _asked(["find-principals", *where], b"").stdout.splitlines()
    return next((name for name in found if _asked(["verify", *where, "-I", name], data).returncode == 0), None)


def key_of(path: str) -> str | None:
    """The kind and fingerprint of a key's file, as a :class:`Signer` has them; None where it is none."""
    done = subprocess.run(["ssh-keygen", "-l", "-f", path], capture_output=True, text=True, check=False)
    words = done.stdout.split()
    return f"{words[-1].strip('()')} {words[1]}" if done.returncode == 0 and len(words) > 2 else None


def default_signers(root: Path) -> Path | None:
    """The file of allowed signers, where nobody names one: that of git's `gpg.ssh.allowedSignersFile`, else the one
    beside the seals, which is as good as whoever may change it; None where there is neither."""
    named = git_setting(root, "gpg.ssh.allowedSignersFile", "--type=path")
    places = [Path(named)] if named else []
    return next((path for path in (*places, root / SEALS / SIGNERS) if path.is_file()), None)


def default_key(root: Path) -> str | None:
    """The key of git's `user.signingKey`, where git signs with SSH keys and it names a file."""
    if git_setting(root, "gpg.format") != "ssh":
        return None
    named = git_setting(root, "user.signingKey", "--type=path")
    return named if named and not named.startswith(("key::", "ssh-")) else None


def git_setting(root: Path, name: str, *options: str) -> str | None:
    """A setting of git as it holds in a folder; None where there is none, or no git."""
    try:
        done = subprocess.run(
            ["git", "-C", str(root), "config", *options, "--get", name], capture_output=True, text=True, check=False
        )
    except FileNotFoundError:
        return None
    return done.stdout.strip() or None if done.returncode == 0 else None


def _asked(arguments: list[str], data: bytes) -> subprocess.CompletedProcess[str]:
    action, *others = arguments
    named = () if action == "find-principals" else ("-n", NAMESPACE)
    done = subprocess.run(
        ["ssh-keygen", "-Y", action, *named, *others], input=data, capture_output=True, check=False, timeout=_LONGEST
    )
    out, err = done.stdout.decode(errors="replace"), done.stderr.decode(errors="replace")
    return subprocess.CompletedProcess(done.args, done.returncode, out, err)


def _last(text: str) -> str:
    """The first line that names a reason: the last one only says that there was one."""
    lines = text.strip().splitlines()
    return lines[0].strip().lower() if lines else ""

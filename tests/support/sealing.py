"""Keys that seal, and an authority that stamps the time (RFC 3161), both made for a test."""

from __future__ import annotations

import subprocess
from pathlib import Path

_CONFIG = """\
[req]
distinguished_name = name
[name]
[tsa]
default_tsa = here
[here]
dir = .
serial = ./serial
signer_digest = sha256
default_policy = 1.2.3.4.1
digests = sha256, sha512
ess_cert_id_alg = sha256
[stamping]
extendedKeyUsage = critical, timeStamping
"""


def signing_key(path: Path) -> str:
    """Make an SSH key without a passphrase; its public half, as a file of allowed signers has it."""
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "", "-f", str(path)], check=True)
    return path.with_suffix(".pub").read_text().strip()


class Authority:
    """A time-stamping authority of its own; ``certificates`` is what makes it trusted."""

    def __init__(self, folder: Path):
        folder.mkdir()
        self._folder = folder
        self.certificates = folder / "ca.pem"
        (folder / "openssl.cnf").write_text(_CONFIG)
        (folder / "serial").write_text("01\n")
        new = ("req", "-config", "openssl.cnf", "-newkey", "rsa:2048", "-nodes")
        self._openssl(*new, "-x509", "-days", "2", "-subj", "/CN=CA", "-keyout", "ca.key", "-out", "ca.pem")
        self._openssl(*new, "-subj", "/CN=TSA", "-keyout", "tsa.key", "-out", "tsa.csr")
        signed = ("-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-extfile", "openssl.cnf")
        self._openssl(*("x509", "-req", "-in", "tsa.csr", *signed, "-extensions", "stamping"), "-out", "tsa.pem")

    def answer(self, file: Path) -> Path:
        """Its answer about a file."""
        self._openssl("ts", "-query", "-data", str(file.absolute()), "-sha256", "-cert", "-out", "request.tsq")
        signer = ("-signer", "tsa.pem", "-inkey", "tsa.key", "-config", "openssl.cnf", "-section", "here")
        self._openssl("ts", "-reply", "-queryfile", "request.tsq", *signer, "-out", f"{file.name}.tsr")
        return self._folder / f"{file.name}.tsr"

    def _openssl(self, *arguments: str) -> None:
        subprocess.run(["openssl", *arguments], cwd=self._folder, check=True, capture_output=True)

"""What seals say of the runs that lie there: who sealed them and when, what changed since, and what came after."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from framework.conformance import Finding, Rule, Severity, Stage
from framework.errors import InputError
from framework.evidence.record import RECORD, sha256_of
from framework.evidence.seals.sealed_list import LIST, SEALS, SIGNATURE, SealedList, read_list, seal_folders
from framework.evidence.seals.ssh_signatures import Signer, default_signers, signer_of
from framework.evidence.seals.witnesses import Witness, witnesses
from framework.evidence.store import shown
from framework.locations import Location
from framework.reading.decoding import open_regular

CHANGED = Rule(
    "R170", "sealed-run-changed", Severity.ERROR, Stage.RUN, "a record is not the one that somebody sealed, or is gone"
)
BROKEN = Rule("R171", "seal-broken", Severity.ERROR, Stage.RUN, "a seal's signature or time stamp is not of its list")
UNSEALED = Rule(
    "R172", "run-unsealed", Severity.ERROR, Stage.RUN, "a finished run is in no seal of a known signer, and must be"
)
_FEW = 5


@dataclass(frozen=True, slots=True)
class Trust:
    """Whose seals count: a file of allowed signers (None for the usual places), the certificates of time-stamping
    authorities, and whether every finished run must be in a seal of a known signer."""

    signers: Path | None = None
    authorities: Path | None = None
    demanded: bool = False


ANYBODY = Trust()
"""Nobody named any."""


@dataclass(frozen=True, slots=True)
class Sealed:
    """One seal: its list and signer, what tells its time, and the runs' folders by what became of their records:
    ``same``, ``changed``, ``gone``, ``anew`` (otherwise now, and so in a later seal by the same key) and ``after``
    (finished runs that are not in it)."""

    folder: Path
    listed: SealedList | None
    signer: Signer
    witnesses: list[Witness] = field(default_factory=list)
    same: list[str] = field(default_factory=list)
    changed: list[str] = field(default_factory=list)
    gone: list[str] = field(default_factory=list)
    anew: list[str] = field(default_factory=list)
    after: list[str] = field(default_factory=list)
    manifest_changed: bool = False

    @property
    def holds(self) -> bool:
        """Whether the signature is known to be of this list."""
        return self.signer.held is True and self.listed is not None

    def lines(self) -> Iterator[str]:
        """What to say of it."""
        if self.listed is None or self.signer.held is False:
            yield f"{self.folder.name}: no seal: {self.signer.why}"
            return
        yield f"{self.folder.name}: sealed by {self.signer} at {self.listed.time} by the signer's clock"
        for witness in self.witnesses:
            yield f"  there {witness}" if witness.held is not False else f"  {witness}"
        counts = [f"{len(self.same)} of {len(self.listed.records)} records are as they were sealed"]
        for names, what in ((self.changed, "changed since"), (self.gone, "gone"), (self.anew, "sealed anew later")):
            counts += [f"{len(names)} {what}: {_some(names)}"] if names else []
        yield "  " + "; ".join(counts)
        if self.manifest_changed:
            yield f"  {self.listed.manifest} was changed since"
        if self.after:
            yield f"  {len(self.after)} were made after it: {_some(self.after)}"

    def as_dict(self) -> dict[str, Any]:
        signed = {None: "not known", True: "holds", False: "broken"}[self.signer.held]
        named = {"signer": self.signer.name, "key": self.signer.key, "signature": signed, "why": self.signer.why}
        parts = {name: getattr(self, name) for name in ("same", "changed", "gone", "anew", "after")}
        time = None if self.listed is None else self.listed.time
        told = [witness.as_dict() for witness in self.witnesses]
        return {"seal": self.folder.name, **named, "time": time, "witnesses": told, **parts}


def _some(names: Sequence[str]) -> str:
    more = f" and {len(names) - _FEW} more" if len(names) > _FEW else ""
    return ", ".join(names[:_FEW]) + more


def held_seals(manifest: Path, runs: Path, finished: Sequence[str], trust: Trust) -> list[Sealed]:
    """Every seal beside a manifest, held to the runs that lie there now; ``finished`` are the names of the folders of
    those that are finished."""
    root = manifest.parent
    folders = seal_folders(root)
    if not folders:
        return []
    known = trust.signers or default_signers(root)
    seals = [_read(folder, known, trust.authorities) for folder in folders]
    names = {name for seal in seals if seal.listed for name in seal.listed.records}
    digests = {name: _digest(runs / name / RECORD) for name in names}
    statement = _digest(manifest)
    own = [seal for seal in seals if not _of_another(seal, manifest)]
    found = [_held(seal, seals, digests, finished, statement) for seal in own]
    return sorted(found, key=lambda seal: "" if seal.listed is None else seal.listed.time)


def seal_findings(seals: Sequence[Sealed], runs: Path, finished: Sequence[str], trust: Trust) -> Iterator[Finding]:
    """What is wrong: seals that do not hold, records that are not as sealed, and runs that lack a seal that is
    demanded."""
    for seal in seals:
        place = f"{SEALS}/{seal.folder.name}"
        if seal.signer.held is False or seal.listed is None:
            message = f"the seal {seal.folder.name} is not valid: {seal.signer.why}"
            yield Finding(BROKEN, message, location=Location(f"{place}/{SIGNATURE}", 1, 1), advice=_BROKEN_ADVICE)
            continue
        for witness in seal.witnesses:
            if witness.held is False:
                message = f"the seal {seal.folder.name}: {witness.why}"
                yield Finding(BROKEN, message, location=Location(f"{place}/{LIST}", 1, 1), advice=_BROKEN_ADVICE)
        by = f"{seal.signer} sealed it at {seal.listed.time}" if seal.holds else f"the list of {place} has it"
        for name in (*seal.changed, *seal.gone):
            what = "is gone" if name in seal.gone else "was changed since"
            yield Finding(
                CHANGED,
                f"{name}: its record {what}: {by}",
                location=Location(f"{shown(runs / name)}/{RECORD}", 1, 1),
                advice="put back what was sealed; what was made anew for a reason is sealed again by the same key",
            )
    if trust.demanded:
        sealed = {name for seal in seals if seal.holds and seal.signer.name is not None for name in seal.same}
        for name in finished:
            if name not in sealed:
                yield Finding(
                    UNSEALED,
                    f"{name}: no seal of a known signer has its record as it is",
                    location=Location(f"{shown(runs / name)}/{RECORD}", 1, 1),
                    advice="`framework seal` seals it; whose keys are known says the file of `--allowed-signers`",
                )


_BROKEN_ADVICE = "restore the seal as it was made; one that was never valid says nothing: remove it"


def _read(folder: Path, known: Path | None, authorities: Path | None) -> Sealed:
    try:
        listed = read_list(folder)
        with open_regular(folder / LIST) as stream:
            data = stream.read()
    except InputError as failure:
        return Sealed(folder, None, Signer(False, why=failure.problems[0].message))
    signer = signer_of(data, folder / SIGNATURE, known)
    return Sealed(folder, listed, signer, [] if signer.held is False else list(witnesses(folder, authorities)))


def _of_another(seal: Sealed, manifest: Path) -> bool:
    """Whether a seal is of the runs of another manifest that lies beside this one."""
    name = manifest.name if seal.listed is None else seal.listed.manifest
    return name != manifest.name and manifest.with_name(Path(name).name).is_file()


def _held(
    seal: Sealed,
    seals: Sequence[Sealed],
    digests: Mapping[str, str | None],
    finished: Sequence[str],
    statement: str | None,
) -> Sealed:
    listed = seal.listed
    if listed is None or seal.signer.held is False:
        return seal
    later = [
        other.listed.records
        for other in seals
        if other.listed is not None and other.holds and other.signer.key == seal.signer.key
        and other.listed.time > listed.time
    ]  # fmt: skip
    for name, sha256 in listed.records.items():
        now = digests[name]
        if now == sha256:
            seal.same.append(name)
        elif now is not None and any(records.get(name) == now for records in later):
            seal.anew.append(name)
        else:
            (seal.gone if now is None else seal.changed).append(name)
    after = [name for name in finished if name not in listed.records]
    seal.after.extend(after)
    changed = statement != listed.manifest_sha256
    return Sealed(
        seal.folder,
        listed,
        seal.signer,
        seal.witnesses,
        seal.same,
        seal.changed,
        seal.gone,
        seal.anew,
        seal.after,
        changed,
    )


def _digest(path: Path) -> str | None:
    """SHA-256 of a file; None where no regular file can be read there."""
    try:
        return sha256_of(path)
    except OSError:
        return None

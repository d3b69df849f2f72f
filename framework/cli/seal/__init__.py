"""Seal the finished runs: sign the list of their records' digests with an SSH key. Or add to a seal what an authority
(RFC 3161) answered about its signature. `framework verify` says who sealed what and when, and what changed since."""

from __future__ import annotations

import argparse
from pathlib import Path

from framework.cli.terminal import console
from framework.errors import FrameworkError, InputError, UsageError
from framework.evidence.record import RECORD
from framework.evidence.remembering.run_contents import changed_artefacts
from framework.evidence.seals.sealed_list import (
    SIGNATURE,
    STAMP,
    listed_now,
    read_list,
    seal_folders,
    write_seal,
    write_stamp,
)
from framework.evidence.seals.ssh_signatures import default_key, default_signers, key_of, sign, signer_of
from framework.evidence.seals.witnesses import stamped
from framework.evidence.store import Run, RunStore
from framework.manifest.experiment import Experiment
from framework.manifest.loading import load

HELP = "sign the digests of the finished runs with an SSH key"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--key",
        metavar="FILE",
        help="the private key, or the public one of a key that an agent has (default: git's `user.signingKey`, where "
        "`gpg.format` is ssh)",
    )
    parser.add_argument(
        "--stamp",
        metavar="FILE",
        help="seal nothing: put the answer of a time-stamping authority (.tsr) beside the signature that it is of",
    )


def main(options: argparse.Namespace) -> int:
    experiment = load(options.manifest)
    if options.stamp is not None:
        return _stamp(experiment, Path(options.stamp))
    key = options.key or default_key(experiment.root)
    if key is None:
        raise UsageError(
            "no key to seal with: name one, `--key ~/.ssh/id_ed25519`, or let git sign with one "
            "(git config gpg.format ssh; git config user.signingKey FILE)"
        )
    runs, left = _to_seal(RunStore(experiment.runs))
    if not runs:
        raise UsageError(f"{experiment.runs} holds no finished run to seal")
    listed = listed_now(runs, experiment.path)
    for folder in seal_folders(experiment.root):
        if _same(folder, listed.records, listed.manifest_sha256, key):
            console.literal(f"sealed already, as it is: {folder.relative_to(experiment.root)} by {key}")
            return 0
    folder = write_seal(experiment.root, listed, sign(listed.as_bytes(), key))
    shown = folder.relative_to(experiment.root)
    signer = signer_of(listed.as_bytes(), folder / SIGNATURE, default_signers(experiment.root))
    console.literal(f"sealed {len(runs)} runs in {shown} as {signer}")
    for line in left:
        console.literal(f"  not sealed: {line}")
    console.literal(f"for the time, commit {shown}, or ask an authority (RFC 3161) about its signature:")
    console.literal(f"  openssl ts -query -data {shown}/{SIGNATURE} -sha256 -cert -out request.tsq")
    console.literal("  and `framework seal --stamp answer.tsr` with what it answers")
    return 0


def _to_seal(store: RunStore) -> tuple[list[Run], list[str]]:
    """The finished runs, whole as they were recorded, and what is not sealed and why.

    Raises:
        FrameworkError: a finished run is not what it was recorded as; nobody should sign that.
    """
    runs = list(store.readable())
    finished = [run for run in runs if run.record.status == "done"]
    left = [f"{run.folder.name}: it is not finished" for run in runs if run.record.status != "done"]
    folders = sorted(path for path in store.root.iterdir()) if store.root.is_dir() else []
    left += [f"{folder.name}: {problem.message}" for folder, problem in store.unreadable(_with_records(folders))]
    broken = []
    for run in finished:
        try:
            changed = changed_artefacts(run)
        except InputError as failure:
            changed = [failure.problems[0].message]
        broken += [f"{run.folder.name}: {changed[0]} is not what the run wrote"] if changed else []
    if broken:
        raise FrameworkError("nothing was sealed; `framework verify` says more:\n    " + "\n    ".join(broken))
    return finished, left


def _with_records(folders: list[Path]) -> list[Path]:
    return [folder for folder in folders if (folder / RECORD).exists() or (folder / RECORD).is_symlink()]


def _same(folder: Path, records: dict[str, str], manifest_sha256: str, key: str) -> bool:
    """Whether a seal of the same key is of the very same list, the time aside."""
    try:
        there = read_list(folder)
    except InputError:
        return False
    if there.records != records or there.manifest_sha256 != manifest_sha256:
        return False
    signer = signer_of(there.as_bytes(), folder / SIGNATURE, None)
    return signer.held is True and signer.key is not None and signer.key == key_of(key)


def _stamp(experiment: Experiment, answer: Path) -> int:
    """Put an answer beside the signature that it is of.

    Raises:
        UsageError: it is no answer of an authority, or of no seal here.
    """
    try:
        content = answer.read_bytes()
    except OSError as problem:
        raise UsageError(f"{answer}: {problem.strerror}") from None
    folders = seal_folders(experiment.root)
    found = [(folder, stamped(answer, folder / SIGNATURE, None)) for folder in folders]
    of = [(folder, told) for folder, told in found if told.held is None and told.when is not None]
    if not of:
        why = found[0][1].why if found else "there is no seal"
        raise UsageError(f"{answer} is no time stamp of a seal of this project: {why}")
    folder, told = of[0]
    write_stamp(folder, content)
    console.literal(f"{folder.relative_to(experiment.root)}/{STAMP}: the seal was there at {told.when}")
    return 0

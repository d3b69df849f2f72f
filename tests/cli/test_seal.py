"""`framework seal` and what `framework verify` says of seals: who, what, when, what changed since, what came after."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from framework.evidence.record import RECORD
from framework.evidence.seals import ssh_signatures, witnesses
from framework.evidence.seals.sealed_list import LIST, SIGNATURE, STAMP
from tests.support.commands import Outcome
from tests.support.evidence import Evidence
from tests.support.project import Project
from tests.support.run_folders import change_record
from tests.support.sealing import Authority, signing_key

needs_ssh = pytest.mark.skipif(shutil.which("ssh-keygen") is None, reason="ssh-keygen is not installed")
needs_openssl = pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is not installed")
pytestmark = pytest.mark.usefixtures("no_settings_of_git")


@pytest.fixture
def no_settings_of_git(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(tmp_path / "gitconfig"))
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the keys `ana` and `bo`, and a file `signers` that knows Ana's."""
    folder = tmp_path_factory.mktemp("keys")
    known = [signing_key(folder / "ana"), signing_key(folder / "bo")]
    (folder / "signers").write_text(f"ana@example.org {known[0]}\n")
    return folder


@pytest.fixture
def evidence(tmp_path: Path) -> Evidence:
    project = Project(tmp_path / "project")
    return Evidence(project, variants=["dense"], seeds=[1, 2])


def seal(evidence: Evidence, key: Path) -> Path:
    """Seal, and the seal's folder."""
    before = set(evidence.project.root.glob("seals/2*"))
    outcome = evidence.project.cli("seal", "--key", str(key))
    assert outcome.code == 0, outcome.err
    (found,) = set(evidence.project.root.glob("seals/2*")) - before
    return found


def verified(evidence: Evidence, keys: Path, *more: str) -> Outcome:
    return evidence.project.cli(
        *("verify", "--format", "json", "--variant", "dense", "--seed", "1", "--seed", "2"),
        *("--allowed-signers", str(keys / "signers"), *more),
    )


def codes(outcome: Outcome) -> list[str]:
    return [finding["code"] for finding in outcome.json["findings"]]


def earlier(folder: Path, key: Path, time: str) -> None:
    """The seal with another time by the signer's clock, signed again."""
    data = json.loads((folder / LIST).read_text())
    (folder / LIST).chmod(0o644)
    text = json.dumps({**data, "time": time}, indent=2, sort_keys=True) + "\n"
    (folder / LIST).write_text(text)
    (folder / SIGNATURE).write_bytes(ssh_signatures.sign(text.encode(), str(key)))


@needs_ssh
def test_a_seal_says_who_sealed_what_and_when(evidence: Evidence, keys: Path) -> None:
    folder = seal(evidence, keys / "ana")
    listed = json.loads((folder / LIST).read_text())
    assert sorted(listed["records"]) == [path.name for path in evidence.folders()]
    outcome = verified(evidence, keys, "--sealed")
    assert outcome.code == 0, outcome.out
    (found,) = outcome.json["seals"]
    assert (found["signer"], found["signature"], found["time"]) == ("ana@example.org", "holds", listed["time"])
    assert found["same"] == sorted(listed["records"])
    assert (found["changed"], found["gone"], found["after"]) == ([], [], [])
    text = evidence.project.cli("verify", "--allowed-signers", str(keys / "signers")).out
    assert f"{folder.name}: sealed by ana@example.org (ED25519 SHA256:" in text
    assert "2 of 2 records are as they were sealed" in text


@needs_ssh
def test_openssh_alone_can_hold_a_seal(evidence: Evidence, keys: Path) -> None:
    """Nothing of this program is needed to believe it."""
    folder = seal(evidence, keys / "ana")
    command = ["ssh-keygen", "-Y", "verify", "-f", str(keys / "signers"), "-I", "ana@example.org"]
    command += ["-n", "experiment-framework-seal", "-s", str(folder / SIGNATURE)]
    done = subprocess.run(command, input=(folder / LIST).read_bytes(), capture_output=True, check=False)
    assert done.returncode == 0, done.stderr


@needs_ssh
def test_a_consistent_forgery_of_a_sealed_run_is_found(evidence: Evidence, keys: Path) -> None:
    """Whatever was made right with it: the record is not what was sealed."""
    seal(evidence, keys / "ana")
    run = evidence.folder("dense", "pretrain", 2)
    change_record(run, lambda record: record.observed.update(device="another machine"))
    outcome = verified(evidence, keys)
    assert outcome.code == 1
    assert codes(outcome) == ["R170"]
    (finding,) = outcome.json["findings"]
    assert f"{run.name}: its record was changed since: ana@example.org" in finding["message"]
    assert outcome.json["seals"][0]["changed"] == [run.name]


@needs_ssh
def test_what_was_made_after_and_what_is_gone_is_told(evidence: Evidence, keys: Path) -> None:
    seal(evidence, keys / "ana")
    gone = evidence.folder("dense", "pretrain", 1)
    shutil.rmtree(gone)
    later = Evidence(evidence.project, variants=["dense"], seeds=[3]).folder("dense", "pretrain", 3)
    outcome = verified(evidence, keys, "--seed", "3")
    assert codes(outcome) == ["R170"]
    assert (outcome.json["seals"][0]["gone"], outcome.json["seals"][0]["after"]) == ([gone.name], [later.name])
    assert "is gone" in outcome.json["findings"][0]["message"]
    demanded = verified(evidence, keys, "--seed", "3", "--sealed")
    assert sorted(codes(demanded)) == ["R170", "R172"]


@needs_ssh
def test_a_changed_list_and_a_signature_of_something_else_are_no_seal(evidence: Evidence, keys: Path) -> None:
    folder = seal(evidence, keys / "ana")
    text = (folder / LIST).read_text()
    (folder / LIST).chmod(0o644)
    for spoiled in (text.replace('"time": "2', '"time": "1'), "{}", "[" * 100_000, text[:-40]):
        (folder / LIST).write_text(spoiled)
        outcome = verified(evidence, keys)
        assert (outcome.code, codes(outcome)) == (1, ["R171"]), spoiled
    (folder / LIST).write_text(text)
    signature = (folder / SIGNATURE).read_bytes()
    for other in (b"", b"no signature\n", ssh_signatures.sign(b"{}", str(keys / "ana")), signature[:80]):
        (folder / SIGNATURE).write_bytes(other)
        assert codes(verified(evidence, keys)) == ["R171"], other
    (folder / SIGNATURE).unlink()
    assert codes(verified(evidence, keys)) == ["R171"]
    (folder / SIGNATURE).write_bytes(signature)
    assert codes(verified(evidence, keys)) == []


@needs_ssh
def test_a_signature_made_for_something_else_counts_for_nothing(evidence: Evidence, keys: Path) -> None:
    folder = seal(evidence, keys / "ana")
    command = ["ssh-keygen", "-Y", "sign", "-q", "-f", str(keys / "ana"), "-n", "file"]
    done = subprocess.run(command, input=(folder / LIST).read_bytes(), capture_output=True, check=True)
    (folder / SIGNATURE).write_bytes(done.stdout)
    outcome = verified(evidence, keys)
    assert codes(outcome) == ["R171"]
    assert "namespace does not match" in outcome.json["findings"][0]["message"]


@needs_ssh
def test_an_unknown_signer_is_told_as_one(evidence: Evidence, keys: Path) -> None:
    """A forger may sign, too: with a key that nobody knows."""
    seal(evidence, keys / "bo")
    outcome = verified(evidence, keys)
    assert (outcome.code, codes(outcome)) == (0, [])
    (found,) = outcome.json["seals"]
    assert (found["signer"], found["signature"]) == (None, "holds")
    assert "an unknown signer (ED25519 SHA256:" in evidence.project.cli("verify").out
    assert codes(verified(evidence, keys, "--sealed")) == ["R172", "R172"]


@needs_ssh
def test_a_key_that_is_known_for_another_namespace_is_unknown(evidence: Evidence, keys: Path, tmp_path: Path) -> None:
    seal(evidence, keys / "ana")
    line = (keys / "signers").read_text().replace("ana@example.org", 'ana@example.org namespaces="git"')
    (tmp_path / "signers").write_text(line)
    assert verified(evidence, tmp_path).json["seals"][0]["signer"] is None


@needs_ssh
def test_two_seals_stand_beside_each_other(evidence: Evidence, keys: Path) -> None:
    """Nobody replaces another's seal, and a seal of the same list by the same key is made once."""
    first = seal(evidence, keys / "ana")
    before = {path: path.read_bytes() for path in first.iterdir()}
    second = seal(evidence, keys / "bo")
    assert first != second
    assert {path: path.read_bytes() for path in first.iterdir()} == before
    again = evidence.project.cli("seal", "--key", str(keys / "ana"))
    assert (again.code, "sealed already" in again.out) == (0, True)
    assert len(list(evidence.project.root.glob("seals/2*"))) == 2
    assert [found["signer"] for found in verified(evidence, keys).json["seals"]].count("ana@example.org") == 1


@needs_ssh
def test_what_was_made_anew_is_sealed_again_by_the_same_key_alone(evidence: Evidence, keys: Path) -> None:
    first = seal(evidence, keys / "ana")
    earlier(first, keys / "ana", "2026-01-01T00:00:00Z")
    run = evidence.folder("dense", "pretrain", 2)
    change_record(run, lambda record: record.observed.update(device="another machine"))
    seal(evidence, keys / "bo")
    assert codes(verified(evidence, keys)) == ["R170"]
    seal(evidence, keys / "ana")
    outcome = verified(evidence, keys, "--sealed")
    assert codes(outcome) == []
    assert outcome.json["seals"][0]["anew"] == [run.name]


@needs_ssh
def test_a_run_that_is_not_what_it_wrote_is_not_sealed(evidence: Evidence, keys: Path) -> None:
    model = evidence.folder("dense", "pretrain", 1) / "model" / "model.safetensors"
    data = bytearray(model.read_bytes())
    data[-1] ^= 1
    model.write_bytes(data)
    outcome = evidence.project.cli("seal", "--key", str(keys / "ana"))
    assert outcome.code == 1
    assert "model/model.safetensors is not what the run wrote" in outcome.err
    assert not (evidence.project.root / "seals").exists()


@needs_ssh
def test_runs_that_are_not_finished_are_left_out_by_name(evidence: Evidence, keys: Path) -> None:
    run = evidence.folder("dense", "pretrain", 1)
    change_record(run, lambda record: setattr(record, "status", "failed"))
    (evidence.folder("dense", "pretrain", 2) / RECORD).write_text("{")
    assert "holds no finished run to seal" in evidence.project.cli("seal", "--key", str(keys / "ana")).err
    third = Evidence(evidence.project, variants=["dense"], seeds=[3]).folder("dense", "pretrain", 3)
    outcome = evidence.project.cli("seal", "--key", str(keys / "ana"))
    assert f"not sealed: {run.name}: it is not finished" in outcome.out
    (listed,) = evidence.project.root.glob(f"seals/*/{LIST}")
    assert list(json.loads(listed.read_text())["records"]) == [third.name]


def test_without_a_key_and_without_ssh_keygen_it_is_said(
    evidence: Evidence, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "no key to seal with" in evidence.project.cli("seal").err
    monkeypatch.setenv("PATH", str(tmp_path))
    outcome = evidence.project.cli("seal", "--key", "key")
    assert (outcome.code, "ssh-keygen is not installed" in outcome.err) == (2, True)
    assert not (evidence.project.root / "seals").exists()


@needs_ssh
def test_a_key_that_is_none_is_told_by_ssh_keygen(evidence: Evidence, keys: Path) -> None:
    outcome = evidence.project.cli("seal", "--key", str(keys / "nobody"))
    assert (outcome.code, "No such file or directory" in outcome.err) == (2, True)
    assert not (evidence.project.root / "seals").exists()


@needs_ssh
def test_without_ssh_keygen_a_seal_is_not_known(
    evidence: Evidence, keys: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Neither broken nor held; the records are compared, though."""
    seal(evidence, keys / "ana")
    change_record(evidence.folder("dense", "pretrain", 1), lambda record: record.observed.update(device="x"))
    monkeypatch.setenv("PATH", str(tmp_path))
    outcome = verified(evidence, keys)
    assert outcome.json["seals"][0]["signature"] == "not known"
    assert codes(outcome) == ["R170"]


@needs_ssh
def test_a_commit_that_holds_the_seal_tells_the_time(evidence: Evidence, keys: Path) -> None:
    folder = seal(evidence, keys / "ana")
    root = evidence.project.root
    identity = ["-c", "user.name=A", "-c", "user.email=a@example.org"]
    for command in (["init", "-q"], ["add", "seals"], [*identity, "commit", "-qm", "Seal"]):
        subprocess.run(
            ["git", "-C", str(root), *command],
            check=True,
            env={"GIT_COMMITTER_DATE": "2026-02-03T04:05:06Z", "PATH": "/usr/bin:/bin"},
        )
    (witness,) = verified(evidence, keys).json["seals"][0]["witnesses"]
    assert (witness["kind"], witness["when"]) == ("git", "2026-02-03T04:05:06Z")
    earlier(folder, keys / "ana", "2026-01-01T00:00:00Z")
    assert verified(evidence, keys).json["seals"][0]["witnesses"] == []  # no commit holds this signature


@needs_ssh
@needs_openssl
def test_an_authority_tells_the_time(evidence: Evidence, keys: Path, tmp_path: Path) -> None:
    """RFC 3161: its answer must be of the signature, and its certificate of a trusted authority."""
    trusted, other = Authority(tmp_path / "one"), Authority(tmp_path / "two")
    folder = seal(evidence, keys / "ana")
    answer = trusted.answer(folder / SIGNATURE)
    outcome = evidence.project.cli("seal", "--stamp", str(answer))
    assert outcome.code == 0, outcome.err
    assert (folder / STAMP).read_bytes() == answer.read_bytes()

    def told(*more: str) -> dict[str, object]:
        (found,) = verified(evidence, keys, *more).json["seals"][0]["witnesses"]
        return found

    assert (told()["held"], told("--authorities", str(trusted.certificates))["held"]) == (None, True)
    assert str(told()["when"]).startswith("20")
    assert told("--authorities", str(other.certificates))["held"] is False
    assert codes(verified(evidence, keys, "--authorities", str(other.certificates))) == ["R171"]
    again = evidence.project.cli("seal", "--stamp", str(answer))
    assert (again.code, "has a time stamp already" in again.err) == (1, True)
    foreign = evidence.project.cli("seal", "--stamp", str(trusted.answer(folder / LIST)))
    assert (foreign.code, "no time stamp of a seal" in foreign.err) == (2, True)
    (folder / STAMP).write_bytes(trusted.answer(folder / LIST).read_bytes())
    assert codes(verified(evidence, keys)) == ["R171"]
    (folder / STAMP).write_bytes(b"no answer")
    assert codes(verified(evidence, keys)) == ["R171"]


def test_without_openssl_a_time_stamp_is_not_known(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (SIGNATURE, STAMP):
        (tmp_path / name).write_bytes(b"x")
    monkeypatch.setenv("PATH", str(tmp_path))
    (found,) = witnesses.witnesses(tmp_path, None)
    assert (found.held, found.why) == (None, "openssl is not installed")

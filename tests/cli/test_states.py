"""Commands that agree: each state of a run has one word, and plan, run, runs and verify all say it."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from framework.adoption.adopted_runs import identity_of, key_of
from framework.errors import FrameworkError
from framework.evidence.locks import lock_of, only_one, this_host
from framework.evidence.record import ADOPTED, RECORDED, RunRecord
from framework.evidence.standing.run_state import MADE_ANEW, MADE_ELSEWHERE, Word
from framework.evidence.store import RunStore
from framework.recording.recorded_runs import place_of
from runners.execute import execute
from runners.progress import Silent
from tests.support.evidence import Evidence
from tests.support.project import Project
from tests.support.run_folders import change_record, seal

Make = Callable[[Project, Evidence, Path], object]


def of_status(status: str, error: str | None = None) -> Make:
    def make(project: Project, evidence: Evidence, folder: Path) -> None:
        change_record(folder, lambda record: (setattr(record, "status", status), setattr(record, "error", error)))

    return make


def going_on(project: Project, evidence: Evidence, folder: Path) -> None:
    of_status("running")(project, evidence, folder)
    (folder / "checkpoints" / "step-2").mkdir(parents=True)


def of_another_host(project: Project, evidence: Evidence, folder: Path) -> None:
    of_status("running")(project, evidence, folder)
    lock_of(folder).parent.mkdir(exist_ok=True)
    lock_of(folder).write_text(json.dumps({"process": 4, "host": "elsewhere"}))


def shorter(project: Project, evidence: Evidence, folder: Path) -> None:
    (folder / "steps.jsonl").write_text("{}\n")


def torn(project: Project, evidence: Evidence, folder: Path) -> None:
    (folder / "record.json").write_text("{")


def changed(project: Project, evidence: Evidence, folder: Path) -> None:
    project.replace("    epochs: 4\n", "    epochs: 3\n").config("epochs: 4", "epochs: 3")


def failed_and_changed(project: Project, evidence: Evidence, folder: Path) -> None:
    of_status("failed", "no memory")(project, evidence, folder)
    changed(project, evidence, folder)


def elsewhere(folder: Path, kind: str, identity: dict[str, Any], facts: dict[str, Any]) -> Path:
    record = RunRecord.read(folder)
    record.identity, record.key = identity, key_of(identity)
    record.observed[kind] = facts
    folder = folder.rename(folder.with_name(f"{kind}.dense.{record.key[:10]}"))
    record.folder = folder.name
    record.write(folder)
    seal(folder)
    return folder


def adopted(project: Project, evidence: Evidence, folder: Path) -> Path:
    facts = {"format": "table", "from": "table.csv", "sources": []}
    return elsewhere(folder, ADOPTED, identity_of(evidence.step("dense", "pretrain"), ("dense",), None), facts)


def recorded(project: Project, evidence: Evidence, folder: Path) -> Path:
    identity = {RECORDED: {**place_of(evidence.step("dense", "pretrain"), ("dense",)), "attempt": 1}}
    return elsewhere(folder, RECORDED, identity, {"script": "train.py", "attempt": 1})


def renamed(project: Project, evidence: Evidence, folder: Path) -> None:
    text = project.read()
    for name in ("  dense:", "from: dense", "[dense,", "(dense)"):
        text = text.replace(name, name.replace("dense", "plain"))
    project.write("experiment.yaml", text)


STATES: dict[str, tuple[Make, Word, str]] = {
    "finished": (lambda *_: None, Word.DONE, ""),
    "its variant is called otherwise": (renamed, Word.DONE, ""),
    "a file is gone": (lambda p, e, f: (f / "steps.jsonl").unlink(), Word.DAMAGED, "steps.jsonl is missing"),
    "a file is shorter": (shorter, Word.DAMAGED, "steps.jsonl has 3 bytes, not"),
    "its record is torn": (torn, Word.DAMAGED, "record.json: not a run record"),
    "killed": (of_status("running"), Word.CUT_OFF, "it ended without a word"),
    "killed after a checkpoint": (going_on, Word.CUT_OFF, "goes on from a checkpoint"),
    "begun elsewhere": (of_another_host, Word.CUT_OFF, "elsewhere executed it last"),
    "failed": (of_status("failed", "no memory\nleft"), Word.FAILED, "no memory"),
    "of another value": (changed, Word.STALE, "changed: phase.epochs: 4 -> 3"),
    "failed, of another value": (failed_and_changed, Word.STALE, "changed: phase.epochs: 4 -> 3"),
    "adopted": (adopted, Word.ADOPTED, "adopted from table.csv; a run made here would go before"),
    "recorded": (recorded, Word.RECORDED, "recorded by train.py; a run made here would go before"),
}


EXECUTED = [case for case, (_, word, _) in STATES.items() if word in (Word.CUT_OFF, Word.FAILED)]
"""Those that somebody may execute at this moment."""


@pytest.mark.parametrize(
    ("case", "held"), [(case, False) for case in STATES] + [(case, True) for case in EXECUTED], ids=str
)
def test_every_command_says_the_same_word(tmp_path: Path, case: str, held: bool) -> None:
    make, word, why = STATES[case]
    project = Project(tmp_path)
    evidence = Evidence(project, variants=["dense"], seeds=[1])
    folder = evidence.folder("dense", "pretrain")
    make(project, evidence, folder)
    with ExitStack() as stack:
        if held:
            stack.enter_context(only_one(lock_of(folder), "it"))
            word, why = Word.RUNNING, f"on {this_host()}"
        planned = next(
            step
            for step in project.cli("plan", "--seed", "1", "--format", "json").json["steps"]
            if step["step"] == "pretrain" and {"dense", "plain"} & set(step["variants"])
        )
        assert (planned["status"], why in planned["reason"]) == (word, True), planned
        assert planned["to_run"] is (word in MADE_ANEW)
        assert f"{word} {planned['variants'][0]}" in project.cli("plan", "--seed", "1").out
        (row,) = project.cli("runs", "--format", "json").json["runs"]
        assert (row["status"], why in row["why"]) == (word, True), row
        assert row["variant"] in (planned["variants"][0], None)
        assert f"1 runs, 1 {word}" in project.cli("runs", "--status", word.replace(" ", "-")).out
        assert project.cli("status", "--seed", "1", "--format", "json").json["runs"] == {word: 1, "not run": 4}
        assert f"1 {word}" in project.cli("status", "--seed", "1").out
        assert f"1 {word}" in project.cli("watch", "--seed", "1", "--once").out.replace("of 5 done", "1 done")
        if row["key"] is not None:  # its record can be read
            assert project.cli("show", row["folder"], "--format", "json").json["state"] == {
                "word": word,
                "why": row["why"],
            }
        verified = project.cli("verify", "--seed", "1", "--format", "json").json["summary"]
        assert verified["runs"] == {word: 1, "not run": 4}
        assert verified["stale"] == (word is Word.STALE)
        told = project.cli("verify", "--seed", "1")
        assert f"1 {word}" in told.out + told.err
        if word is not Word.DONE and word not in MADE_ELSEWHERE:
            assert why in told.out + told.err
        if word in (Word.DONE, Word.DAMAGED, Word.RUNNING):
            step = next(step for step in project.plan(seeds=[1]).steps if step.key == planned["key"])
            with pytest.raises(FrameworkError, match=f" is {word}"):
                execute(step, RunStore(project.load().runs), tmp_path, Silent())
        assert word not in (Word.DAMAGED, Word.RUNNING) or (folder / "record.json").is_file()


@pytest.mark.parametrize("make", [adopted, recorded])
def test_a_damaged_run_that_others_made_is_told_alike_and_keeps_none_from_being_made(
    tmp_path: Path, make: Callable[[Project, Evidence, Path], Path]
) -> None:
    project = Project(tmp_path)
    evidence = Evidence(project, variants=["dense"], seeds=[1])
    shorter(project, evidence, make(project, evidence, evidence.folder("dense", "pretrain")))
    why = "steps.jsonl has 3 bytes, not"
    (row,) = project.cli("runs", "--format", "json").json["runs"]
    assert (row["status"], why in row["why"]) == (Word.DAMAGED, True)
    planned = project.cli("plan", "--variant", "dense", "--seed", "1", "--format", "json").json["steps"][0]
    assert (planned["status"], why in planned["reason"], planned["to_run"]) == (Word.DAMAGED, True, True)
    assert "not made anew" not in project.cli("plan", "--variant", "dense", "--seed", "1").out
    assert f"damaged: dense · pretrain · tiny · seed 1: {why}" in project.cli("verify", "--seed", "1").out


def test_every_word_is_said_somewhere() -> None:
    assert {word for _, word, _ in STATES.values()} | {Word.RUNNING, Word.NOT_RUN} == set(Word)


def test_what_only_its_content_tells_is_damaged_to_who_reads_it(tmp_path: Path) -> None:
    project = Project(tmp_path)
    path = Evidence(project, variants=["dense"], seeds=[1]).folder("dense", "pretrain") / "steps.jsonl"
    path.write_text(path.read_text().replace('"tokens": 8', '"tokens": 9'))
    told = project.cli("verify", "--variant", "dense", "--seed", "1")
    assert "runs: 1 damaged" in told.out
    assert "steps.jsonl is not what the run wrote" in told.out


def test_a_run_of_a_profile_that_is_gone_is_stale(tmp_path: Path) -> None:
    project = Project(tmp_path).append("profiles:\n  small: {reason: quick, set: {phases.pretrain.epochs: 2}}\n")
    Evidence(project, "small", variants=["dense"], seeds=[1])
    assert project.cli("runs", "--format", "json").json["runs"][0]["status"] == "done"
    project.replace("  small:", "  little:")
    row = project.cli("runs", "--format", "json").json["runs"][0]
    assert (row["status"], row["why"]) == ("stale", "the manifest has no profile 'small'")


def test_after_a_changed_value_verify_names_the_runs_that_are_there(tmp_path: Path) -> None:
    project = Project(tmp_path)
    Evidence(project, variants=["dense"])
    changed(project, None, tmp_path)  # type: ignore[arg-type]
    told = project.cli("verify", "--variant", "dense")
    assert told.code == 2
    assert "nothing has been run" not in told.err
    assert "3 stale" in told.err
    assert "stale: dense · pretrain · tiny · seed 1: changed: phase.epochs: 4 -> 3" in told.err


def test_every_record_is_read_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    project = Project(tmp_path)
    evidence = Evidence(project)
    of_status("failed", "no memory")(project, evidence, evidence.folder("dense", "pretrain"))
    read: list[Path] = []
    real = RunRecord.read

    def counted(folder: Path) -> RunRecord:
        read.append(folder)
        return real(folder)

    monkeypatch.setattr(RunRecord, "read", counted)
    for command in ("plan", "runs", "verify"):
        read.clear()
        project.cli(command)
        assert len(read) == len(set(read)) == 15, command


def test_who_looks_whether_a_run_is_executed_keeps_nobody_from_executing_it(tmp_path: Path) -> None:
    import fcntl

    path = tmp_path / "lock"
    path.touch()
    with path.open("rb") as looking:
        fcntl.flock(looking, fcntl.LOCK_SH)
        with pytest.raises(FrameworkError), only_one(path, "it"):
            pass
    with only_one(path, "it"):
        assert json.loads(path.read_text())["host"] == this_host()


def test_a_registry_that_cannot_be_written_is_no_reason_to_list_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = Project(tmp_path)
    Evidence(project, variants=["dense"], seeds=[1])
    (tmp_path / "runs/registry.sqlite").mkdir()
    told = project.cli("runs")
    assert (told.code, "1 runs, 1 done" in told.out) == (0, True)
    assert "the registry stays as it is: cannot be written: unable to open database file" in told.err
    assert "remove" not in told.err


@pytest.mark.parametrize("chosen", ["dense", "masked"])
def test_a_run_of_a_variant_that_is_left_out_is_not_stale(tmp_path: Path, chosen: str) -> None:
    """A part of the plan says nothing of the other variants' runs; of those that the manifest dropped it does."""
    project = Project(tmp_path)
    evidence = Evidence(project)
    assert evidence.folder("masked", "pretrain", 1) != evidence.folder("dense", "pretrain", 1)
    assert "stale" not in project.cli("verify", "--variant", chosen).out
    renamed = evidence.folder("masked", "pretrain", 1)
    change_record(renamed, lambda record: setattr(record, "variants", ["of old"]))
    record = RunRecord.read(renamed)
    record.key = "0" * 64
    record.write(renamed)
    assert "1 runs are stale" in project.cli("verify", "--variant", "dense").out

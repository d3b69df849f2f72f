"""Local files are part of a run's identity by what they hold; runs without any keep the keys that they had."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from framework.evidence.record import RunRecord
from framework.evidence.remembering import file_digest
from framework.planning.contents import digested
from tests.support.evidence import Evidence
from tests.support.local_project import DATA, SIZES, LocalProject
from tests.support.project import Project
from tests.support.scripted import ON_FLAGS, ScriptedStudy

KEYS = {
    "dense · pretrain · tiny · seed 1": "88566eba3542c241d3da198bf4c9421b9aefd4a9f345699daad29e69fbc5001a",
    "masked · pretrain · tiny · seed 1": "2b3a2fd020a5eb9eb2c2dbbdc303ee8b32fbd66664821255b375a21fdbb9a5e4",
    "reordered · permute · tiny · seed 1": "f192276e229f1be63a4fa66ae2030a5208d1f66065fe88c179ad1804390c30f3",
    "pruned · prune · tiny · seed 1": "0e6e9ab6b018ecb429ec389856b682c4432a3a426e0621471f54fcb1d216f566",
    "pruned · finetune[topics] · tiny · seed 1": "8497d00062055d17eb32bf158de0158dec82ac0949f7774b20c10627535a5f87",
}
"""As they were before contents counted: whoever has such runs has them still."""
ON_HUB = "71bc9ac0437fce87265a60662505c0b07fb50cff992840d2ec083eef878f8eca"
SCRIPTED = "79b3069290f41e32612d2c3c38a68bfd5f86b89fe927f8874ce3fd67efd495b9"


@pytest.fixture(autouse=True)
def _kept(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """A cache of one's own, and files that count as settled at once."""
    monkeypatch.setenv("FRAMEWORK_CACHE_DIR", str(tmp_path_factory.mktemp("cache")))
    monkeypatch.setattr("framework.evidence.remembering.file_state._SETTLED", -1)


def test_runs_of_hub_names_and_embedded_defaults_keep_their_keys(tmp_path: Path) -> None:
    project = Project(tmp_path / "embedded")
    assert {step.label: step.key for step in project.plan(seeds=[1]).steps} == KEYS
    project.replace(SIZES, "    hub: example/small\n    revision: 0123abc\n    parameters: 2608")
    project.replace("manual: {builtin: language-reference,", "manual: {hub: example/manual, revision: 4567def,")
    assert project.plan("dense", seeds=[1]).steps[0].key == ON_HUB
    (tmp_path / "scripted").mkdir()
    assert ScriptedStudy(tmp_path / "scripted").step().key == SCRIPTED


def test_each_step_has_the_content_of_what_it_reads_itself(tmp_path: Path) -> None:
    project = LocalProject(tmp_path)
    found = {
        f"{step.variant} {step.name}": set(step.identity.get("content", ())) for step in project.plan(seeds=[1]).steps
    }
    model = {"nets/small/config.json", "nets/small/model.safetensors", "words/tokenizer.json"}
    manual, topics = set(DATA[:2]), set(DATA[2:])
    assert found == {
        "dense pretrain": model | manual,
        "masked pretrain": model | manual,
        "reordered permute": manual,  # what it is calibrated on
        "pruned prune": set(),
        "pruned finetune": topics,  # its model and tokenizer are the checkpoint's
    }


ALL = {"dense pretrain", "masked pretrain", "reordered permute", "pruned prune", "pruned finetune"}
FILES = {
    "nets/small/config.json": ALL,
    "nets/small/model.safetensors": ALL,
    "words/tokenizer.json": ALL,
    "data/manual/train.txt": ALL,
    "data/manual/validation.txt": ALL,
    "data/topics/train.jsonl": {"pruned finetune"},
    "data/topics/validation.jsonl": {"pruned finetune"},
}


@pytest.mark.parametrize("name", FILES)
def test_a_changed_file_makes_other_runs_and_is_named(tmp_path: Path, name: str) -> None:
    project = LocalProject(tmp_path)
    Evidence(project, seeds=[1])
    assert set(project.reasons().values()) == {"done"}
    before = project.keys()
    project.write(name, f"{name.upper()}\n")  # of the same size
    after = project.keys()
    assert {step for step in after if after[step] != before[step]} == FILES[name]
    reasons = project.reasons()
    for step in FILES[name] - {"reordered permute", "pruned prune"}:
        if name.startswith("data/topics") or step != "pruned finetune":
            assert reasons[step] == f"changed: {name}"
    assert {step for step, why in reasons.items() if why != "done"} == FILES[name]
    project.write(name, f"{name}\n")
    assert project.keys() == before
    assert set(project.reasons().values()) == {"done"}


OTHER: dict[str, tuple[str, str | None]] = {
    # what else is done to the folders, and what is said of it (None: it is no other run)
    "a readme of the model": ("nets/small/README.md", None),
    "the optimizer's state beside the model": ("nets/small/optimizer.pt", None),
    "pickled weights beside safe ones": ("nets/small/pytorch_model.bin", None),
    "a shard": ("nets/small/model-2.safetensors", "nets/small/model-2.safetensors is new"),
    "a file of no split": ("data/manual/test.txt", None),
    "a hidden file": ("data/manual/.train.txt.swp", None),
    "a lock": ("data/manual/train.txt.lock", None),
    "another file of a split": ("data/manual/train.jsonl", "data/manual/train.jsonl is new"),
    "a word list": ("words/vocab.txt", "words/vocab.txt is new"),
}


@pytest.mark.parametrize("case", OTHER)
def test_files_that_come(tmp_path: Path, case: str) -> None:
    name, said = OTHER[case]
    project = LocalProject(tmp_path)
    Evidence(project, seeds=[1], variants=["dense"])
    project.write(name, "x")
    why = project.reasons("--variant", "dense")["dense pretrain"]
    assert why == ("done" if said is None else f"changed: {said}")


def test_files_that_go(tmp_path: Path) -> None:
    project = LocalProject(tmp_path)
    project.write("nets/small/model-2.safetensors", "x")
    Evidence(project, seeds=[1], variants=["dense"])
    project.path("nets/small/model-2.safetensors").unlink()
    assert project.reasons("--variant", "dense") == {
        "dense pretrain": "changed: nets/small/model-2.safetensors is gone"
    }


def moved(project: Project, name: str) -> None:
    project.path(name).rename(project.root / "elsewhere")


@pytest.mark.parametrize("name", ["data/manual", "data/manual/train.txt", "nets/small", "data"])
def test_what_is_not_here_is_named_and_no_other_run(tmp_path: Path, name: str) -> None:
    """On a machine without the data the finished runs are what they were, and the other steps are planned."""
    project = LocalProject(tmp_path)
    Evidence(project, seeds=[1], variants=["dense"])
    before = project.keys()
    moved(project, name)
    assert project.keys()["dense pretrain"] == before["dense pretrain"]
    outcome = project.cli("plan", "--seed", "1")
    assert outcome.code == 0, outcome.err
    shown = "data/manual/train.*" if name.endswith(".txt") else name if name != "data" else "data/manual"
    assert f"not here: {shown}, read by 1 finished runs" in outcome.out
    assert project.reasons()["dense pretrain"] == "done"
    assert shown in project.cli("plan", "--seed", "1", "--format", "json").json["not_here"]
    moved_back = project.root / "elsewhere"
    moved_back.rename(project.path(name))
    project.write("data/manual/validation.txt", "other\n")
    moved(project, "nets/small")  # what is here is still held
    assert project.reasons()["dense pretrain"] == "changed: data/manual/validation.txt"


def test_without_runs_what_is_not_here_is_to_be_run(tmp_path: Path) -> None:
    project = LocalProject(tmp_path)
    moved(project, "data/topics")
    outcome = project.cli("plan", "--seed", "1")
    assert outcome.code == 0
    assert "not here: data/topics, read by 0 finished runs and 1 to run" in outcome.out


def test_a_run_that_recorded_no_content_says_so(tmp_path: Path) -> None:
    project = LocalProject(tmp_path)
    folder = Evidence(project, seeds=[1], variants=["dense"]).folder("dense", "pretrain")
    record = RunRecord.read(folder)
    del record.identity["content"]
    record.key = "0" * 64
    record.write(folder)
    why = project.reasons("--variant", "dense")["dense pretrain"]
    assert why == "changed: the content of data/manual/train.txt and 4 more, which was not recorded"


def test_another_path_is_told_before_what_lies_there(tmp_path: Path) -> None:
    project = LocalProject(tmp_path)
    Evidence(project, seeds=[1], variants=["dense"])
    project.path("data/manual").rename(project.path("data/other"))
    project.replace("path: data/manual", "path: data/other")
    why = project.reasons("--variant", "dense")["dense pretrain"]
    assert why.startswith("changed: dataset.path: data/manual -> data/other (and ")


# How often files are read


def read_files(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    read: list[str] = []
    real = file_digest._read

    def noted(path: Path, size: int) -> str:
        read.append(path.name)
        return real(path, size)

    monkeypatch.setattr(file_digest, "_read", noted)
    monkeypatch.setattr(digested, "_SMALL", 0)
    return read


def test_a_file_is_read_once_for_all_steps_and_plans(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    project = LocalProject(tmp_path)
    read = read_files(monkeypatch)
    project.plan()
    assert sorted(read) == sorted(Path(name).name for name in FILES)
    read.clear()
    project.plan()
    assert read == []
    project.write("data/topics/train.jsonl", "more\n")
    project.plan()
    assert read == ["train.jsonl"]


def test_a_check_reads_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read = read_files(monkeypatch)
    study = ScriptedStudy(tmp_path, ON_FLAGS, ("hub: example/corpus", "path: data"))
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "train.txt").write_text("x")
    manifest = tmp_path / "experiment.yaml"
    (tmp_path / "k.yaml").write_text("lr: 2e-4\n")
    binding = "configs:\n  - {file: k.yaml, describes: phases.train, keys: {lr: optimizer.learning_rate}}\n"
    manifest.write_text(manifest.read_text().replace(ON_FLAGS, ON_FLAGS + "    variants: [full]\n") + binding)
    assert not study.check().failed
    assert read == []


def test_whoever_listens_hears_how_far_the_reading_is(tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    path.write_bytes(bytes(3 << 20))
    heard: list[tuple[str, int, int]] = []
    with file_digest.told(lambda file, done, total: heard.append((file.name, done, total))):
        file_digest.digest_of(path)
        file_digest.digest_of(path)
    assert heard == [("model.safetensors", done << 20, 3 << 20) for done in (1, 2, 3)]


# What a script reads


def scripted(
    root: Path, more: str = "", change: tuple[str, str] = ("hub: example/corpus", "path: corpus")
) -> ScriptedStudy:
    (root / "corpus" / "images").mkdir(parents=True, exist_ok=True)
    (root / "corpus" / "words.txt").write_text("words")
    (root / "corpus" / "images" / "1.png").write_text("1")
    return ScriptedStudy(root, ON_FLAGS, ("hub: example/corpus", "path: corpus"))


def test_of_a_script_all_of_a_dataset_counts_but_what_programs_leave(tmp_path: Path) -> None:
    study = scripted(tmp_path)
    assert set(study.step().identity["content"]) == {"corpus/words.txt", "corpus/images/1.png"}
    key = study.step().key
    for name in ("corpus/.cache", "corpus/labels.cache", "corpus/__pycache__/x.pyc", "corpus/cache-12.arrow"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("x")
    assert study.step().key == key
    (tmp_path / "corpus" / "images" / "1.png").write_text("2")
    assert study.step().key != key


def test_a_folder_of_many_files_has_one_digest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    study = scripted(tmp_path)
    for number in range(digested.MOST_NAMED):
        (tmp_path / "corpus" / "images" / f"{number}.png").write_text(str(number))
    first = study.step().identity["content"]
    assert set(first) == {"corpus/"}
    read = read_files(monkeypatch)
    assert (study.step().identity["content"], read) == (first, ["train.py"])
    (tmp_path / "corpus" / "images" / "7.png").write_text("8")
    assert study.step().identity["content"] != first


def test_large_sources_count_by_their_content(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    study = ScriptedStudy(tmp_path, ON_FLAGS + "    sources: [big.bin]\n")
    with (tmp_path / "big.bin").open("wb") as stream:
        os.truncate(stream.fileno(), 65 << 20)
    before = study.step().key
    with (tmp_path / "big.bin").open("r+b") as stream:
        stream.seek(64 << 20)
        stream.write(b"x")
    assert study.step().key != before


@pytest.mark.parametrize(
    ("more", "name"),
    [
        ("    sources: [words.txt]\n", "words.txt"),
        ("    sources: [lists]\n", "lists/en.txt"),
        ("    sources: ['lists/**']\n", "lists/en.txt"),
        ("    environment: {WORDS: words.txt}\n", "words.txt"),
        ("    environment: {WORDS: '{project}/words.txt'}\n", "words.txt"),
    ],
)
def test_what_a_script_is_said_to_read_counts(tmp_path: Path, more: str, name: str) -> None:
    (tmp_path / "lists").mkdir()
    (tmp_path / "lists" / "en.txt").write_text("a")
    (tmp_path / "words.txt").write_text("a")
    study = ScriptedStudy(tmp_path, ON_FLAGS + more)
    before = study.step()
    assert set(before.command.sources if before.command else ()) == {"train.py", name}
    (tmp_path / name).write_text("b")
    assert study.step().key != before.key


def test_a_config_that_is_written_may_name_files(tmp_path: Path) -> None:
    (tmp_path / "words.txt").write_text("a")
    runner = (
        "    command: [python, train.py, '{c.yaml}']\n    configs: {c.yaml: {dialect: generic, "
        "values: {extra: [words.txt, nothing.txt], out: '{output}'}}}\n"
    )
    command = ScriptedStudy(tmp_path, runner).command()
    assert set(command.sources) == {"train.py", "words.txt"}


def test_sources_that_are_not_there_end_no_plan(tmp_path: Path) -> None:
    step = ScriptedStudy(tmp_path, ON_FLAGS + "    sources: [src/*.py, lists]\n").step()
    assert step.absent == ("src/*.py", "lists")


@pytest.mark.parametrize("name", [b"caf\xe9.txt", "café.txt".encode(), b"a\nb.txt"])
def test_names_of_any_bytes_are_told(tmp_path: Path, name: bytes) -> None:
    study = scripted(tmp_path)
    before = study.step().key
    with open(os.path.join(os.fsencode(tmp_path), b"corpus", name), "wb") as stream:
        stream.write(b"x")
    assert study.step().key != before


def test_links_that_lead_in_a_circle_end(tmp_path: Path) -> None:
    study = scripted(tmp_path)
    (tmp_path / "corpus" / "again").symlink_to(tmp_path / "corpus")
    (tmp_path / "corpus" / "nowhere").symlink_to(tmp_path / "nothing")
    os.mkfifo(tmp_path / "corpus" / "pipe")
    assert set(study.step().identity["content"]) == {"corpus/words.txt", "corpus/images/1.png"}


def test_what_may_not_be_read_is_as_what_is_not_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(path: Path) -> str:
        raise PermissionError(13, "Permission denied", str(path))

    study = scripted(tmp_path)
    monkeypatch.setattr(digested, "sha256_of", refused)
    assert set(study.step().absent) >= {"corpus/words.txt", "corpus/images/1.png"}

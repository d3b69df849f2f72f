"""Every source: what is read of the run that its program left, and what is not guessed."""

from __future__ import annotations

import io
import os
import pickle
import random
import zipfile
from pathlib import Path

import pytest

from framework.adoption.sources.pickled_settings import settings_in
from framework.adoption.sources.registry import names, source_of
from framework.adoption.sources.source import Left, Source
from framework.adoption.sources.wandb_history import kept_in
from framework.errors import InputError
from framework.evidence.logs.log import Reading
from framework.evidence.logs.registry import read_log
from tests.adoption.left_runs import LEFT, STEPS, framed, rate, trainer_output, wandb_offline, wandb_records, write

FROM_0 = {"lightning"}
"""Sources whose first step is called 0."""
LOGGED = sorted(LEFT.keys() - {"wandb"})
"""Sources that hold a history."""


def left(name: str, folder: Path) -> Left:
    LEFT[name](folder)
    source = source_of(folder, None)
    assert source is not None
    assert source.name == name
    return source.read(folder, Reading(steps_from=0 if name in FROM_0 else 1))


def test_every_source_has_a_run_here() -> None:
    assert set(names()) == {*LEFT, "table", "mlflow-database", "optuna"}


@pytest.mark.parametrize("name", LOGGED)
def test_each_step_has_the_learning_rate_that_was_logged(name: str, tmp_path: Path) -> None:
    log = left(name, tmp_path).log
    assert log is not None
    rates = [(line["step"], line["learning_rate"]) for line in log.steps]
    assert rates == [(step, pytest.approx(rate(step), rel=1e-12)) for step in range(1, STEPS + 1)]


@pytest.mark.parametrize("name", sorted(LEFT.keys() - {"hydra"}))
def test_the_final_accuracy_is_read(name: str, tmp_path: Path) -> None:
    found = left(name, tmp_path)
    final = found.log.final if found.log is not None else {}
    assert {**final, **found.metrics}["accuracy"] == 0.9


@pytest.mark.parametrize("name", sorted(LEFT))
def test_all_that_was_read_is_named_and_nothing_is_written(name: str, tmp_path: Path) -> None:
    LEFT[name](tmp_path)
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    found = left(name, tmp_path)
    assert found.files
    assert all(path in before for path in found.files)
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before


@pytest.mark.parametrize("name", ["hydra", "wandb", "mlflow", "dvclive", "lightning"])
def test_settings_are_those_that_the_program_wrote(name: str, tmp_path: Path) -> None:
    settings = left(name, tmp_path).settings
    assert settings is not None
    flat = {**settings, **settings.get("optimizer", {})}
    assert flat.get("lr", flat.get("learning_rate")) == 2e-5
    assert "wandb_version" not in settings


def test_a_source_tells_machine_and_versions_only_where_it_wrote_them(tmp_path: Path) -> None:
    found = left("wandb", tmp_path / "wandb").environment
    assert found["hardware"] == {"accelerator": "NVIDIA A100-SXM4-80GB", "memory_gb": 80.0, "cuda": "12.1"}
    assert found["packages"] == {"torch": "2.4.0", "transformers": "4.44.2"}
    card = left("transformers", tmp_path / "trainer").environment
    assert card == {"packages": {"transformers": "4.44.2", "torch": "2.4.0+cu121", "datasets": "2.21.0"}}
    assert left("hydra", tmp_path / "hydra").environment == {"packages": {"hydra-core": "1.3.8"}}
    assert left("log", tmp_path / "log").environment == {}


def test_the_last_checkpoints_state_counts_where_none_is_at_the_top(tmp_path: Path) -> None:
    for step in (9, 10):
        trainer_output(tmp_path / f"checkpoint-{step}", global_step=step)
    source = source_of(tmp_path, None)
    assert source is not None
    log = source.read(tmp_path, Reading()).log
    assert log is not None
    assert log.observed["optimizer_steps"] == 10


def test_pickled_weights_are_named_and_not_taken(tmp_path: Path) -> None:
    trainer_output(tmp_path)
    (tmp_path / "pytorch_model.bin").write_bytes(b"\x80\x02")
    source = source_of(tmp_path, None)
    assert source is not None
    found = source.read(tmp_path, Reading())
    assert found.model is None
    assert "pytorch_model.bin is pickled" in found.notes[0]


def test_two_logs_beside_each_other_are_not_chosen_between(tmp_path: Path) -> None:
    for name in ("a.jsonl", "b.jsonl"):
        write(tmp_path / name, '{"step": 1, "loss": 1.0}\n')
    source = source_of(tmp_path, None)
    assert source is not None
    with pytest.raises(InputError, match=r"several logs: a\.jsonl, b\.jsonl"):
        source.read(tmp_path, Reading())


class _Runs:
    def __reduce__(self) -> tuple[object, ...]:
        return os.makedirs, (os.environ["ADOPTION_MARK"],)


def archived(data: bytes, path: Path) -> Path:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("training_args/data.pkl", data)
    path.write_bytes(buffer.getvalue())
    return path


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_a_pickle_that_runs_code_is_read_and_runs_none(
    tmp_path: Path, protocol: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ADOPTION_MARK", str(tmp_path / "made"))
    data = {"seed": 3, "learning_rate": 2e-5, "note": _Runs(), "betas": (0.9, 0.98), "deep": {"a": [1, None, True]}}
    found = settings_in(archived(pickle.dumps(data, protocol), tmp_path / "training_args.bin"))
    assert not (tmp_path / "made").exists()
    assert (found["seed"], found["learning_rate"], found["betas"]) == (3, 2e-5, [0.9, 0.98])
    assert found["deep"] == {"a": [1, None, True]}


@pytest.mark.parametrize("data", [b"", b"\x80\x04", b"\x80\x04]q\x00.", b"no pickle", b"\x80\x04h\x05.", b"\x80\x04t."])
def test_damaged_settings_are_an_error_with_their_place(tmp_path: Path, data: bytes) -> None:
    with pytest.raises(InputError, match=r"training_args\.bin"):
        settings_in(archived(data, tmp_path / "training_args.bin"))


def test_the_arguments_of_a_real_trainer_are_read(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")
    transformers = pytest.importorskip("transformers")
    made = transformers.TrainingArguments(
        output_dir=str(tmp_path),
        learning_rate=3e-4,
        seed=7,
        lr_scheduler_type="cosine",
        optim="adafactor",
        use_cpu=True,
    )
    torch.save(made, tmp_path / "training_args.bin")
    found = settings_in(tmp_path / "training_args.bin")
    assert (found["learning_rate"], found["seed"]) == (3e-4, 7)
    assert (found["lr_scheduler_type"], found["optim"]) == ("cosine", "adafactor")


def test_an_offline_run_is_read_from_its_binary_file(tmp_path: Path) -> None:
    wandb_offline(tmp_path)
    source = source_of(tmp_path, None)
    assert source is not None
    assert source.name == "wandb"
    found = source.read(tmp_path, Reading())
    assert found.settings is not None
    assert (found.settings["learning_rate"], len(found.settings["notes"]), found.seed) == (2e-5, 70_000, 2)
    assert found.metrics == {"accuracy": 0.9}
    assert found.log is not None
    assert [line["learning_rate"] for line in found.log.steps] == [rate(step) for step in range(1, STEPS + 1)]


def test_a_binary_file_that_was_cut_off_is_read_up_to_there_and_a_changed_byte_is_an_error(tmp_path: Path) -> None:
    file = wandb_offline(tmp_path) / "run-abc.wandb"
    whole = file.read_bytes()
    file.write_bytes(whole[:-200])
    rows = kept_in(file).rows
    assert 0 < len(rows) < STEPS
    file.write_bytes(whole[:40] + bytes([whole[40] ^ 1]) + whole[41:])
    with pytest.raises(InputError, match=r"run-abc\.wandb.*checksum"):
        kept_in(file)


def test_steps_and_rates_are_no_metrics(tmp_path: Path) -> None:
    for name in ("mlflow", "dvclive"):
        assert left(name, tmp_path / name).metrics == {"accuracy": 0.9}


def test_a_pickle_that_names_one_thing_many_times_is_bounded(tmp_path: Path) -> None:
    deep: list[object] = [1]
    for _ in range(60):
        deep = [deep, deep]
    file = archived(pickle.dumps({"seed": 1, "deep": deep}, 4), tmp_path / "training_args.bin")
    with pytest.raises(InputError, match="more than 100000 values"):
        settings_in(file)


def test_a_pickle_that_holds_itself_is_an_error(tmp_path: Path) -> None:
    own: list[object] = []
    own.append(own)
    with pytest.raises(InputError, match=r"training_args\.bin"):
        settings_in(archived(pickle.dumps({"own": own}, 4), tmp_path / "training_args.bin"))


@pytest.mark.parametrize("kind", ["pickle", "wandb"])
def test_a_changed_byte_anywhere_is_read_or_an_error(kind: str, tmp_path: Path) -> None:
    chance = random.Random(7)
    if kind == "pickle":
        whole = pickle.dumps({"seed": 3, "betas": (0.9, 0.98), "deep": {"a": [1, None, True]}, "by": os.sep}, 4)[:-1]
    else:
        whole = wandb_records()[0][:400]
    for number in range(400):
        data = bytearray(whole)
        for _ in range(chance.randint(1, 3)):
            data[chance.randrange(len(data))] = chance.randrange(256)
        file = tmp_path / f"{kind}-{number}"
        try:
            if kind == "pickle":
                settings_in(archived(bytes(data), file))
            else:
                file.write_bytes(framed([bytes(data)]))
                kept_in(file)
        except InputError:
            continue


def test_a_long_line_of_text_is_passed_over_at_once(tmp_path: Path) -> None:
    write(tmp_path / "out.log", "step 1: " + "a" * 1_000_000 + "\n" + "step 2: loss 1.5 lr 1e-3\n")
    log, _ = read_log([tmp_path / "out.log"], Reading())
    assert [line["step"] for line in log.steps] == [2]


@pytest.mark.parametrize(
    ("end", "said"),
    [(b"", ""), (b"\x92\x01\x02\x08\x01", "exit code 1"), (None, "without an end"),
     (b"\x92\x01\x0b\x08" + b"\xff" * 9 + b"\x01", "exit code -1")],
)  # fmt: skip
def test_an_offline_run_that_did_not_end_well_is_no_evidence(tmp_path: Path, end: bytes | None, said: str) -> None:
    *whole, ended = wandb_records()
    write(tmp_path / "run-abc.wandb", "")
    records = whole if end is None else [*whole, end or ended]
    (tmp_path / "run-abc.wandb").write_bytes(framed(records))
    source = source_of(tmp_path, None)
    assert isinstance(source, Source)
    found = source.read(tmp_path, Reading())
    assert said in found.no_evidence
    assert bool(found.no_evidence) is bool(said)
    assert found.names == {"project": "paper", "group": "dense", "run": "first"}

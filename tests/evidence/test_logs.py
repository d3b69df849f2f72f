"""Other trainers' logs as evidence: every format by what it really looks like, and what is damaged or odd."""

from __future__ import annotations

import base64
import json
import struct
import zlib
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from framework.errors import InputError
from framework.evidence.logs.crc32c import crc32c, masked_crc32c
from framework.evidence.logs.deriving import derived, steps_done
from framework.evidence.logs.log import Log, Reading
from framework.evidence.logs.registry import natural, read_log
from framework.evidence.logs.taking import final_metrics
from framework.evidence.logs.trainer_settings import stated_by
from framework.manifest.sections.models import Dataset
from framework.manifest.sections.phases import Phase
from framework.planning.steps import Training

STATE = {
    "epoch": 2.0,
    "global_step": 10,
    "max_steps": 10,
    "num_train_epochs": 2,
    "train_batch_size": 8,
    "log_history": [
        {"epoch": 0.4, "grad_norm": 1.5, "learning_rate": 0.0005, "loss": 3.5, "step": 2},
        {"epoch": 1.0, "eval_loss": 3.25, "eval_accuracy": 0.5, "eval_runtime": 0.1, "step": 5},
        {"epoch": 2.0, "grad_norm": 1.5, "learning_rate": 0.0001, "loss": 3.0, "step": 10},
        {"epoch": 2.0, "eval_loss": 3.125, "step": 10},
        {"epoch": 2.0, "step": 10, "total_flos": 1.0, "train_loss": 3.2, "train_runtime": 0.1234,
         "train_samples_per_second": 648.298, "train_steps_per_second": 81.0},
    ],
}  # fmt: skip
EVENTS = """
eNp9kU1r1EAYxzdrtMmIYLcswqKwBD10XdJtFQotUrtQWIpg8dLjdDZ53AwkkzAz2e229FD2C/gGgtAPoJ+gx+JRT17q28GDF4UW
D4KiB3VmE1mWijllJr//y/OkVcieXw9ae3Z9f+P2xsG75cq5NieUuStdYHJh7o6L6hKYiHk7Jtx3RRpFhPfdHqcSuAuawndpCDi7
eXbh/u5pI/M9Kj7y7e+vM9/aDwN9M9Ak4R0xI2FT4tyqeWhYEyWzVLSM5ktj2wmBcEZZB3MiwVmoNtzGbL3qxImkkTo6xCdRD8uY
e4Gj7ntAO4HEPnikP6Q1LAB8dZhXrwlw9bFLPcBSD4bbRHoBFnRLm19XRIcTn+oxiOelURoSSWOGhYREKGJOESHHwgvAT0NlJvuJ
VjohZaqprsDSKPeGJPaCocpt7Kxa6Awy9agfLpkPp/Nlz//GBbvyNlvK+WLtIqqgqaF6Zmzyclw6tfhi/9W9ai6cPn66Zt8aCafQ
JEK5MBaiXCgcLH21yJuxoM2/vPm/oMHijffr5bGgxyPhyaCbS8+vfVmZzfm9weCzfTjiLyMH2dAl4RBvWpZRM3W51bPIRhPCIyHh
4srV9Y9jTX/+s2m2Vp4y9fNBJbeWPz1x1/4Aq/vcfA==
"""
"""As torch.utils.tensorboard with tensorboard 2.21 wrote it: the arguments, a learning rate and a loss at steps 2 and
4, an evaluation in the newer form, and the runtime."""
WHOLE = zlib.decompress(base64.b64decode(EVENTS))


def write(path: Path, content: Any) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    data = content if isinstance(content, bytes) else content.encode()
    path.write_bytes(data)
    return path


def state(path: Path, **changes: Any) -> Path:
    return write(path / "trainer_state.json", json.dumps(STATE | changes))


def log_in(*files: Path, **reading: Any) -> Log:
    return read_log(files, Reading(**reading))[0]


def training(**changes: Any) -> Training:
    stated = {"objective": "causal_lm", "dataset": "d", "optimizer": {"learning_rate": 1.0}, "batch_size": 8}
    dataset = Dataset(hub="d")
    return Training(Phase.model_validate(stated | ({"epochs": 2.0} | changes)), "d", dataset)


# transformers' Trainer


def test_the_state_of_a_trainer(tmp_path: Path) -> None:
    log = log_in(state(tmp_path))
    assert log.steps == [
        {"step": 2, "epoch": 0.4, "learning_rate": 0.0005, "loss": 3.5},
        {"step": 10, "epoch": 2.0, "learning_rate": 0.0001, "loss": 3.0},
    ]
    assert log.evaluations == [
        {"step": 5, "epoch": 1.0, "loss": 3.25, "accuracy": 0.5},
        {"step": 10, "epoch": 2.0, "loss": 3.125},
    ]
    assert log.observed == {"optimizer_steps": 10, "planned_steps": 10, "micro_batch_size": 8, "epochs": 2.0}
    assert log.rates == {"runtime": 0.1234, "samples_per_second": 648.298}


def test_the_last_of_several_checkpoints_counts_and_numbers_count_as_such(tmp_path: Path) -> None:
    files = [state(tmp_path / f"checkpoint-{step}", global_step=step) for step in (9, 10, 8)]
    log, used = read_log(files, Reading())
    assert log.observed["optimizer_steps"] == 10
    assert [path.parent.name for path in used] == ["checkpoint-10"]
    assert sorted(map(Path, ("a10/b2", "a9/b1", "a9/b10")), key=natural) == [
        Path("a9/b1"), Path("a9/b10"), Path("a10/b2")
    ]  # fmt: skip


@pytest.mark.parametrize("text", ['{"a": 1}', '{"log_history": 3}', '{"log_history": [1]}', "[]", "{", ""])
def test_what_is_no_state_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(InputError):
        log_in(write(tmp_path / "trainer_state.json", text))


def test_what_is_measured_again_at_the_end_is_final_and_no_evaluation(tmp_path: Path) -> None:
    """A trainer that puts the best weights back measures them at the step at which it ended."""
    again = [*STATE["log_history"], {"epoch": 2.0, "eval_loss": 2.5, "step": 10}]
    log = log_in(state(tmp_path, log_history=again))
    assert [each["loss"] for each in log.evaluations] == [3.25, 3.125]
    assert log.final == {"loss": 2.5}


# TensorBoard


def events(path: Path, data: bytes | None = None) -> Path:
    return write(path / "events.out.tfevents.1.host.2.0", WHOLE if data is None else data)


def test_event_files_as_tensorboard_writes_them(tmp_path: Path) -> None:
    log = log_in(events(tmp_path))
    assert [line["step"] for line in log.steps] == [2, 4]
    assert [line["learning_rate"] for line in log.steps] == pytest.approx([0.002, 0.004], rel=1e-7)
    assert [line["loss"] for line in log.steps] == [1.5, 0.75]
    assert log.evaluations == [{"step": 4, "loss": 1.5}]
    assert log.observed["optimizer_steps"] == 4
    assert log.settings is not None
    assert log.settings["optim"] == "adamw_torch"


def test_a_record_that_a_kill_cut_off_is_left_out(tmp_path: Path) -> None:
    for length in range(0, len(WHOLE), 3):
        log = log_in(events(tmp_path, WHOLE[:length]))
        assert [line["step"] for line in log.steps] in ([], [2], [2, 4])


def test_a_changed_byte_is_seen(tmp_path: Path) -> None:
    seen = 0
    for place in range(0, len(WHOLE), 7):
        damaged = bytearray(WHOLE)
        damaged[place] ^= 1
        try:
            log_in(events(tmp_path, bytes(damaged)))
        except InputError as problem:
            seen += "checksum" in str(problem)
    assert seen == len(range(0, len(WHOLE), 7))


def test_a_restart_goes_over_what_it_did_before(tmp_path: Path) -> None:
    first = events(tmp_path)
    second = write(tmp_path / "events.out.tfevents.2.host.3.0", record(step=4, tag="train/loss", value=9.0))
    log, used = read_log([second, first], Reading())
    assert used == [first, second]
    assert [line["loss"] for line in log.steps] == [1.5, 9.0]


def record(step: int, tag: str, value: float) -> bytes:
    """One framed event with a scalar, in the format's own words."""
    entry = b"\x0a" + bytes([len(tag)]) + tag.encode() + b"\x15" + struct.pack("<f", value)
    summary = b"\x0a" + bytes([len(entry)]) + entry
    event = b"\x10" + bytes([step]) + b"\x2a" + bytes([len(summary)]) + summary
    head = struct.pack("<Q", len(event))
    return head + struct.pack("<I", masked_crc32c(head)) + event + struct.pack("<I", masked_crc32c(event))


def test_the_checksum() -> None:
    """RFC 3720, appendix B.4."""
    assert crc32c(b"123456789") == 0xE3069283
    assert crc32c(bytes(32)) == 0x8A9136AA
    assert crc32c(bytes([0xFF] * 32)) == 0x62A8AB43


# Rows


def test_json_lines_by_usual_names(tmp_path: Path) -> None:
    rows = [
        {"global_step": 1, "lr": 0.1, "train/loss": 2.0, "samples": 4},
        {"global_step": 2, "lr": 0.2, "train/loss": 1.0, "samples": 4},
        {"global_step": 2, "val_loss": 1.5, "val_acc": 0.25, "val_runtime": 3},
        {"message": "no step"},
    ]
    text = "\n".join(map(json.dumps, rows)) + '\n{"global_step": 3, "lr'
    log = log_in(write(tmp_path / "m.jsonl", text))
    assert log.steps[1] == {"step": 2, "learning_rate": 0.2, "loss": 1.0, "samples": 4}
    assert log.evaluations == [{"step": 2, "loss": 1.5, "accuracy": 0.25}]
    assert steps_done(log) == {"optimizer_steps": 2, "samples_counted": 8}


def test_csv_as_lightning_writes_it(tmp_path: Path) -> None:
    text = "epoch,lr-AdamW,step,train_loss,val_loss\n0,0.1,0,,\n0,,0,2.0,\n0,,9,1.0,\n0,,9,,1.5\n"
    with pytest.raises(InputError, match="steps_from: 0"):
        log_in(write(tmp_path / "metrics.csv", text))
    log = log_in(tmp_path / "metrics.csv", steps_from=0)
    assert log.steps == [
        {"step": 1, "epoch": 0, "learning_rate": 0.1, "loss": 2.0},
        {"step": 10, "epoch": 0, "loss": 1.0},
    ]
    assert log.evaluations == [{"step": 10, "epoch": 0, "loss": 1.5}]


def test_names_of_the_logs_own(tmp_path: Path) -> None:
    text = '{"it": 1, "eta": 0.5, "step": 77}\n'
    log = log_in(write(tmp_path / "m.jsonl", text), names={"step": "it", "learning_rate": "eta"})
    assert log.steps == [{"step": 1, "learning_rate": 0.5}]


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("m.jsonl", '{"step": 1.5, "lr": 1}\n', "no whole number"),
        ("m.jsonl", "{oops}\n{}\n", "m.jsonl:1"),
        ("m.jsonl", "[1]\n", "not a JSON object"),
        ("m.csv", b"a,b\n\xff\xfe\n", "not CSV"),
        ("m.pickle", "x", "no format of logs is known"),
    ],
)
def test_what_cannot_be_read_is_refused(tmp_path: Path, name: str, text: Any, words: str) -> None:
    with pytest.raises(InputError, match=words.replace(".", r"\.")):
        log_in(write(tmp_path / name, text))


@pytest.mark.parametrize("value", ["nan", "inf", "x", "", None, [], True])
def test_what_is_no_number_is_not_logged(tmp_path: Path, value: Any) -> None:
    log = log_in(write(tmp_path / "m.jsonl", json.dumps({"step": 1, "lr": value, "loss": 1.0}) + "\n"))
    assert log.steps == [{"step": 1, "loss": 1.0}]


# What follows


def test_steps_of_a_log_with_gaps_are_between_two_numbers() -> None:
    log = Log("x", [{"step": step} for step in (10, 20, 30)])
    assert steps_done(log) == {"optimizer_steps_between": [30, 39]}
    assert steps_done(replace(log, observed={"optimizer_steps": 30})) == {}
    assert steps_done(Log("x")) == {}


def test_the_examples_follow_from_the_rounded_rate_where_only_one_number_fits() -> None:
    """648.298 samples/s for 0.1234 s are 80 samples, in 2 epochs of 40."""
    known = {"optimizer_steps": 10, "epochs": 2.0, "train_runtime": 0.1234, "train_samples_per_second": 648.298}
    assert derived(known, training().phase) == {"train_examples": 40}
    assert derived(known | {"micro_batch_size": 8}, training().phase) == {"train_examples": 40, "batch_size": 8}
    # After hours the rounded figures leave several numbers: then there is none.
    long = known | {"train_runtime": 36000.5, "train_samples_per_second": 83.333}
    assert derived(long, training().phase) == {}


@pytest.mark.parametrize("examples", [40, 41, 997, 64_000])
@pytest.mark.parametrize("batch", [1, 3, 8, 64])
def test_a_batch_is_stated_only_where_no_other_gives_as_many_steps(examples: int, batch: int) -> None:
    steps = -(-examples // batch)
    known = {"optimizer_steps": 3 * steps, "epochs": 3.0, "train_examples": examples}
    found = derived(known, training(epochs=3.0).phase).get("batch_size")
    alike = [other for other in range(1, examples + 1) if -(-examples // other) == steps]
    assert found == (batch if len(alike) == 1 and steps > 1 else None)


def test_the_batch_of_a_training_of_so_many_steps_follows_from_its_samples() -> None:
    known = {"optimizer_steps": 10, "train_runtime": 2.0, "train_samples_per_second": 40.0}
    assert derived(known, training(max_steps=10, epochs=None).phase) == {"batch_size": 8}


def test_what_a_trainer_says_of_its_own_settings(tmp_path: Path) -> None:
    arguments = {
        "optim": "adamw_torch", "weight_decay": 0.1, "adam_beta1": 0.9, "adam_beta2": 0.98, "adam_epsilon": 1e-6,
        "seed": 7, "max_grad_norm": 0.5, "bf16": True, "fp16": False, "per_device_train_batch_size": 4,
        "gradient_accumulation_steps": 2, "num_train_epochs": 2.0, "lr_scheduler_type": "cosine",
    }  # fmt: skip
    assert stated_by("hf-training-arguments", None, arguments) == {
        "optimizer": {"class": "adamw", "weight_decay": 0.1, "eps": 1e-6, "betas": [0.9, 0.98]},
        "seed": 7, "max_grad_norm": 0.5, "precision": "bf16", "micro_batch_size": 4, "accumulation": 2,
    }  # fmt: skip
    write(tmp_path / "args.json", json.dumps(arguments))
    from_file = stated_by("hf-training-arguments", tmp_path / "args.json", None)
    assert from_file["optimizer"]["class"] == "adamw"
    with pytest.raises(InputError, match="holds no settings"):
        stated_by("generic", write(tmp_path / "a.json", "[]"), None)


WRITTEN = {
    "transformers": "epoch eval_runtime eval_samples_per_second eval_steps_per_second eval_model_preparation_time"
    " eval_samples total_flos num_input_tokens_seen train_runtime test_runtime test_samples_per_second"
    " before_init_mem_cpu before_init_mem_gpu init_mem_cpu_alloc_delta init_mem_gpu_peaked_delta"
    " eval_mem_cpu_alloc_delta eval_mem_gpu_peaked_delta eval_jit_compilation_time predict_samples predict_runtime",
    "trl": "num_tokens eval_num_tokens",
    "lightning": "step lr-AdamW lr-SGD/pg2 hp_metric",
    "wandb": "_runtime _step _timestamp _wandb.runtime eval/runtime train/global_step eval/samples_per_second",
    "mlflow": "system/cpu_utilization_percentage system/gpu_0_power_usage_watts",
    "loops of one's own": "seed epochs learning_rate lr",
}


@pytest.mark.parametrize("who", sorted(WRITTEN))
def test_what_trainers_write_beside_their_metrics_is_none(who: str) -> None:
    measured = {"accuracy": 0.5, "eval_runtime_error_rate": 0.25, "test_f1": 0.75}
    kept = {"accuracy", "runtime_error_rate", "test_f1"}
    metrics, _ = final_metrics({**dict.fromkeys(WRITTEN[who].split(), 1.5), **measured}, None)
    assert set(metrics) == kept

"""A package that rewrites another's defaults when it is imported leaves them open (unsloth 2026.10.9, trl 1.16.0)."""

from __future__ import annotations

from pathlib import Path

import pytest

from framework.conformance import Stage, Status
from tests.dialects import programs
from tests.support.statuses import status_of

MANIFEST = programs.MANIFEST.replace("dialect: generic", "dialect: trl").replace("1e-4", "3e-4")
CALL = "from trl import SFTConfig, SFTTrainer\nargs = SFTConfig(output_dir='x', {})\n"
RATE, EPOCHS, BATCH = (f"phases.train.{name}" for name in ("optimizer.learning_rate", "epochs", "batch_size"))


@pytest.mark.parametrize(
    "imported", ["from unsloth import FastLanguageModel", "import unsloth", "from unsloth.x import *"]
)
def test_what_it_rewrites_is_not_known_and_the_rest_is(tmp_path: Path, imported: str) -> None:
    result = programs.checked(tmp_path, f"{imported}\n{CALL.format('per_device_train_batch_size=32')}", MANIFEST)
    assert status_of(result, RATE, Stage.CONFIG) is Status.UNVERIFIED
    assert status_of(result, BATCH, Stage.CONFIG) is Status.UNVERIFIED
    assert status_of(result, EPOCHS, Stage.CONFIG) is Status.CONFORMS


@pytest.mark.parametrize("fact", ["precision: bf16", "sequence_length: 1024"])
@pytest.mark.parametrize(("head", "status"), [("import unsloth\n", Status.UNVERIFIED), ("", Status.CONFORMS)])
def test_nor_is_what_trl_itself_turns_on(tmp_path: Path, head: str, status: Status, fact: str) -> None:
    manifest = MANIFEST.replace("    epochs:", f"    {fact}\n    epochs:")
    (tmp_path / "requirements.txt").write_text("trl==1.16.0\n")
    result = programs.checked(tmp_path, f"{head}{CALL.format('per_device_train_batch_size=32')}", manifest)
    assert status_of(result, f"phases.train.{fact.partition(':')[0]}", Stage.CONFIG) is status


@pytest.mark.parametrize(("rate", "status"), [("3e-4", Status.CONFORMS), ("2e-5", Status.VIOLATED)])
def test_what_the_call_states_counts(tmp_path: Path, rate: str, status: Status) -> None:
    result = programs.checked(tmp_path, f"import unsloth\n{CALL.format(f'learning_rate={rate}')}", MANIFEST)
    assert status_of(result, RATE, Stage.CONFIG) is status


def test_without_it_the_trainer_s_own_hold(tmp_path: Path) -> None:
    result = programs.checked(tmp_path, CALL.format("per_device_train_batch_size=32"), MANIFEST)
    assert status_of(result, RATE, Stage.CONFIG) is Status.VIOLATED
    assert status_of(result, BATCH, Stage.CONFIG) is Status.CONFORMS

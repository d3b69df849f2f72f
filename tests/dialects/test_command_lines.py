"""What scripts state through a dialect: dotted overrides, loops, and the flags of launchers."""

from __future__ import annotations

from pathlib import Path

import pytest

from framework.conformance import Severity, Status
from framework.dialects.flags import said
from framework.dialects.registry import dialect
from framework.manifest.loading import load
from framework.reading.shell.reader import parse_shell
from framework.stages.check import CheckResult, check
from tests.dialects.examples import MANIFEST, PHASE
from tests.support.texts import replaced

ARGUMENTS = "--per_device_train_batch_size 8 --num_train_epochs 3"
LR = f"{PHASE}.optimizer.learning_rate"


def held(root: Path, script: str, name: str = "hydra", seeds: str = "[1, 2, 3]") -> CheckResult:
    (root / "run.sh").write_text(script)
    binding = f"  - {{file: run.sh, dialect: {name}, describes: phases.train}}\n"
    (root / "experiment.yaml").write_text(
        replaced(MANIFEST, ("seeds: [42]", f"seeds: {seeds}")) + f"configs:\n{binding}"
    )
    return check(load(root / "experiment.yaml"))


def errors(result: CheckResult) -> list[tuple[str, str | None]]:
    return [(each.code, each.clause) for each in result.findings if each.severity is Severity.ERROR]


@pytest.mark.parametrize(
    "override",
    ["optimizer.lr={}", "++optimizer.lr={}", "+optimizer.lr={}", "--optimizer.lr={}", "--optimizer.lr {}", "lr={}"],
)
def test_a_dotted_override_states_what_it_leads_to(tmp_path: Path, override: str) -> None:
    command = "python train.py trainer.devices=1 "
    drifted = held(tmp_path, command + override.format("7e-3"))
    assert errors(drifted) == [("C101", LR)]
    assert str(drifted.findings[0].location).split("/")[-1].startswith("run.sh:1:")
    right = held(tmp_path, command + override.format("2e-4"))
    assert right.statuses[LR] is Status.CONFORMS


def test_dotted_names_lead_back_to_their_places() -> None:
    text = "python t.py optimizer=adamw optimizer.lr=1e-4 a.b=1 a.b.c=2 .x=3\npython u.py --optim.lr 2 --n 1\n"
    text += "python v.py --optim.lr 3\n"
    document = parse_shell(text, "run.sh")
    assert document.root is not None
    found = said(dialect("generic"), document.value(document.root), document)
    assert {each.path for each in found.statements} >= {("optimizer",), ("optimizer.lr",), ("u.py", "--optim.lr")}
    assert all(document.node(each.path) is not None for each in found.statements)


@pytest.mark.parametrize(
    ("values", "expected"),
    [("1 2 3", []), ("3 1 2", []), ("1 2", ["C101"]), ("1 2 3 4", ["C101"]), ("42 1337", ["C101"])],
)
def test_a_loop_over_seeds_states_all_of_them(tmp_path: Path, values: str, expected: list[str]) -> None:
    script = f"for s in {values}; do python t.py {ARGUMENTS} --learning_rate 2e-4 --seed $s; done\n"
    result = held(tmp_path, script, "hf-training-arguments")
    assert [code for code, clause in errors(result) if clause == "seeds"] == expected


@pytest.mark.parametrize(
    ("values", "status"),
    [("1e-5 2e-5", Status.VIOLATED), ("2e-4 1e-4", Status.UNVERIFIED), ("2e-4", Status.CONFORMS)],
)
def test_a_loop_over_anything_else_is_a_search(tmp_path: Path, values: str, status: Status) -> None:
    script = f"for lr in {values}; do python t.py {ARGUMENTS} --learning_rate $lr; done\n"
    assert held(tmp_path, script, "hf-training-arguments").statuses[LR] is status


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        (f"for s in 1 2 3; do python t.py {ARGUMENTS} --output_dir out/$s; done\n", [("C131", "seeds")]),
        (f"SEED=1\npython t.py {ARGUMENTS}\n", [("C131", "seeds")]),
        (f'python t.py {ARGUMENTS} "$@"\n', []),
        (f"SEED=42\nfor s in 1 2 3; do python t.py {ARGUMENTS} --seed $s; done\n", []),
    ],
)
def test_a_seed_that_no_program_gets_is_none(
    tmp_path: Path, script: str, expected: list[tuple[str, str | None]]
) -> None:
    result = held(tmp_path, script, "hf-training-arguments")
    assert [each for each in errors(result) if each[1] == "seeds"] == expected
    assert "C116" not in {each.code for each in result.findings}


@pytest.mark.parametrize(
    "launcher",
    [
        "torchrun --standalone --nnodes 1 --rdzv_backend c10d --rdzv-endpoint h:1 --master_port 29500",
        "accelerate launch --machine_rank 0 --main_process_port 1 --num_cpu_threads_per_process 4",
        "deepspeed --master_port 29500 --hostfile hosts",
        "deepspeed --ssh_port 22 --no_local_rank --bind_core_list 0-3 --force_multi",
    ],
)
def test_a_launchers_own_flags_state_nothing(tmp_path: Path, launcher: str) -> None:
    result = held(tmp_path, f"{launcher} t.py {ARGUMENTS}\n", "hf-training-arguments")
    assert [each.message for each in result.findings if each.code == "C120" and "nnodes" not in each.message] == []

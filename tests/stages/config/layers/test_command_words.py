"""What a command gives beside a file in other words than flags goes before the file, or leaves it open."""

from __future__ import annotations

from pathlib import Path

import pytest

from framework.conformance import Status
from framework.stages.check import CheckResult
from tests.support.held import STUDY, error_places
from tests.support.held import held as held_to

PHASE = """\
phases:
  train:
    objective: causal_lm
    dataset: text
    optimizer: {name: adamw, learning_rate: 1e-3}
    schedule: {name: cosine}
    batch_size: 8
    epochs: 20
variants: {plain: {steps: [train]}}
configs:
"""
LR, EPOCHS = "phases.train.optimizer.learning_rate", "phases.train.epochs"
RIGHT, WRONG = Status.CONFORMS, Status.VIOLATED


def held(root: Path, script: str, files: dict[str, str], dialect: str = "generic", keys: str = "") -> CheckResult:
    bindings = [f"  - {{file: {name}, dialect: {dialect}, describes: phases.train{keys}}}\n" for name in files]
    bindings.append("  - {file: run.sh, dialect: generic, describes: phases.train}\n")
    return held_to(root, STUDY + PHASE + "".join(bindings), {**files, "run.sh": script})


@pytest.mark.parametrize(
    ("name", "text", "command"),
    [
        ("c.yaml", "SOLVER: {{BASE_LR: {}}}\n", "python t.py --config-file c.yaml SOLVER.BASE_LR {}"),
        ("c.yaml", "SOLVER: {{BASE_LR: {}, X: 1}}\n", "python t.py --cfg c.yaml --opts SOLVER.X 2 SOLVER.BASE_LR {}"),
        ("c.yaml", "SOLVER: {{BASE_LR: {}}}\n", "python t.py --cfg c.yaml SOLVER.BASE_LR 5 SOLVER.BASE_LR {}"),
        ("c.yaml", "learning_rate: {}\n", "python t.py c.yaml --cfg-options learning_rate={} x.y=2"),
        ("c.yaml", "x: 1\nlearning_rate: {}\n", "python t.py c.yaml --cfg-options x=3 learning_rate={}"),
        ("c.yaml", "optim: {{lr: {}}}\n", "python t.py c.yaml --options optim.lr={}"),
        ("a.gin", "train.learning_rate = {}\n", "python t.py --gin_file=a.gin --gin_param='train.learning_rate={}'"),
        ("a.gin", "train.learning_rate = {}\n", "python t.py a.gin --gin_bindings 'train.learning_rate = {}'"),
        ("a.gin", "train.learning_rate = {}\n", "python t.py --gin_file=a.gin --gin.train.learning_rate={}"),
    ],
)  # fmt: skip
def test_a_commands_words_go_before_the_file(tmp_path: Path, name: str, text: str, command: str) -> None:
    keys = ", keys: {SOLVER.BASE_LR: optimizer.learning_rate}" if "SOLVER" in text else ""
    right = held(tmp_path, command.format("1e-3") + "\n", {name: text.format("5e-2")}, keys=keys)
    assert right.statuses[LR] is RIGHT
    wrong = held(tmp_path, command.format("5e-2") + "\n", {name: text.format("1e-3")}, keys=keys)
    assert wrong.statuses[LR] is WRONG
    assert ("C101", "run.sh:1") in error_places(wrong)


@pytest.mark.parametrize(
    "words", ["--cfg c.yaml", "--cfg other.yaml SOLVER.BASE_LR 5", "--cfg c.yaml SOLVER.X 5"]
)  # fmt: skip
def test_other_words_leave_it(tmp_path: Path, words: str) -> None:
    keys = ", keys: {SOLVER.BASE_LR: optimizer.learning_rate}"
    files = {"c.yaml": "SOLVER: {BASE_LR: 1e-3, X: 2}\n"}
    assert held(tmp_path, f"python t.py {words}\n", files, keys=keys).statuses[LR] is RIGHT


MODEL = "optimizer: {{class_path: torch.optim.AdamW, init_args: {{lr: {}}}}}\n"
FIT = "python m.py fit"


def lightning(root: Path, script: str, **rates: str) -> CheckResult:
    files = {f"{name}.yaml": MODEL.format(rate) for name, rate in rates.items()}
    return held_to(
        root,
        STUDY + PHASE + "  - {file: a.yaml, dialect: lightning-cli, describes: phases.train}\n"
        "  - {file: run.sh, dialect: generic, describes: phases.train}\n",
        {**files, "run.sh": f"{script}\n"},
    )


@pytest.mark.parametrize(
    "command", [f"{FIT} --config a.yaml --config b.yaml", f"{FIT} --config=a.yaml --config=b.yaml"]
)
def test_of_several_configs_the_last_counts(tmp_path: Path, command: str) -> None:
    assert lightning(tmp_path, command, a="5e-2", b="1e-3").statuses[LR] is RIGHT
    assert lightning(tmp_path, command, a="1e-3", b="5e-2").statuses[LR] is WRONG


def test_one_before_it_gives_nothing(tmp_path: Path) -> None:
    assert lightning(tmp_path, f"{FIT} --config b.yaml --config a.yaml", a="1e-3", b="5e-2").statuses[LR] is RIGHT


def test_whether_another_program_lays_one_over_the_other_is_not_known(tmp_path: Path) -> None:
    command = "python t.py --config a.yaml --config b.yaml\n"
    bound = "  - {file: a.yaml, dialect: generic, describes: phases.train}\n"
    bound += "  - {file: run.sh, dialect: generic, describes: phases.train}\n"
    bound += "  - {file: data.yaml, dialect: generic, keys: {batch: phases.train.batch_size}}\n"
    files = {"a.yaml": "learning_rate: 1e-3\nepochs: 20\n", "b.yaml": "learning_rate: 5e-2\n", "run.sh": command}
    files["data.yaml"] = "batch: 8\n"
    result = held_to(tmp_path, STUDY + PHASE + bound, files)
    assert result.statuses[LR] is result.statuses[EPOCHS] is Status.UNVERIFIED
    assert any("whether this one is read, too" in each.message for each in result.findings)


@pytest.mark.parametrize("flags", ["--config_path b.yaml --config_path a.yaml", "--config_path a.yaml --other b.yaml"])
def test_the_last_of_a_flag_is_read(tmp_path: Path, flags: str) -> None:
    bound = "  - {file: a.yaml, dialect: generic, describes: phases.train}\n"
    bound += "  - {file: run.sh, dialect: generic, describes: phases.train}\n"
    files = {"a.yaml": "learning_rate: 1e-3\nepochs: 20\n", "b.yaml": "learning_rate: 5e-2\n"}
    result = held_to(tmp_path, STUDY + PHASE + bound, {**files, "run.sh": f"python t.py {flags}\n"})
    assert result.statuses[LR] is result.statuses[EPOCHS] is RIGHT


@pytest.mark.parametrize(
    ("flag", "status"),
    [
        ("--ckpt_path x.ckpt", Status.UNVERIFIED),
        ("--ckpt_path=x.ckpt", Status.UNVERIFIED),
        ("--ckpt_path null", RIGHT),
        ("", RIGHT),
    ],
)
def test_a_checkpoint_s_hyper_parameters_go_before_the_model_s(tmp_path: Path, flag: str, status: Status) -> None:
    text = "model: {class_path: M, init_args: {learning_rate: 1e-3}}\ntrainer: {max_epochs: 20}\n"
    bound = "  - {file: a.yaml, dialect: lightning-cli, describes: phases.train}\n"
    bound += "  - {file: run.sh, dialect: generic, describes: phases.train}\n"
    result = held_to(tmp_path, STUDY + PHASE + bound, {"a.yaml": text, "run.sh": f"{FIT} --config a.yaml {flag}\n"})
    assert result.statuses[LR] is status
    assert result.statuses[EPOCHS] is RIGHT


HYDRA = {
    "conf/config.yaml": "optimizer: {_target_: torch.optim.AdamW, lr: 1e-3}\nepochs: 20\n",
    "conf/other.yaml": "optimizer: {_target_: torch.optim.AdamW, lr: 5e-2}\nepochs: 3\n",
}


def hydra(root: Path, script: str) -> CheckResult:
    bound = "  - {file: conf/config.yaml, dialect: hydra, describes: phases.train}\n"
    bound += "  - {file: run.sh, dialect: hydra, describes: phases.train}\n"
    bound += "  - {file: data.yaml, dialect: generic, keys: {batch: phases.train.batch_size}}\n"
    return held_to(root, STUDY + PHASE + bound, {**HYDRA, "run.sh": script, "data.yaml": "batch: 8\n"})


@pytest.mark.parametrize("command", ["--config-name other", "--config-name=other.yaml", "-cn other"])
def test_another_config_is_composed_instead(tmp_path: Path, command: str) -> None:
    result = hydra(tmp_path, f"python t.py {command}\n")
    assert result.statuses[LR] is result.statuses[EPOCHS] is Status.UNVERIFIED
    assert any("composes other.yaml instead" in each.message for each in result.findings)


@pytest.mark.parametrize(
    "script",
    ["python t.py\n", "python t.py --config-name config\n", "python t.py --config-name missing\n",
     "python t.py --config-name other\npython t.py seed=1\n"],
)  # fmt: skip
def test_it_is_this_one_where_a_command_composes_it(tmp_path: Path, script: str) -> None:
    assert hydra(tmp_path, script).statuses[LR] is RIGHT


@pytest.mark.parametrize("command", ["~optimizer.lr", "'~optimizer'", "~optimizer.lr=1e-3"])
def test_what_is_taken_out_is_not_known(tmp_path: Path, command: str) -> None:
    result = hydra(tmp_path, f"python t.py {command}\n")
    assert result.statuses[LR] is Status.UNVERIFIED
    assert result.statuses[EPOCHS] is RIGHT


@pytest.mark.parametrize(
    ("command", "held"),
    [
        ("python t.py --config-path conf", True),
        ("python t.py --config-path=conf --config-name config", True),
        ("python src/t.py --config-path ../conf", True),
        ("python t.py --config-path elsewhere --config-name config", False),
        ("python t.py -cp elsewhere", False),
        ("python t.py --config-path missing", False),
    ],
)
def test_the_folder_that_a_command_names_is_the_one_that_is_composed(tmp_path: Path, command: str, held: bool) -> None:
    (tmp_path / "elsewhere").mkdir()
    result = hydra(tmp_path, f"{command}\n")
    status = RIGHT if held else Status.UNVERIFIED
    assert result.statuses[LR] is result.statuses[EPOCHS] is status


OPTION = "# @package _global_\nepochs: 3\n"


@pytest.mark.parametrize("defaults", ["", "defaults: [_self_]\n"])
@pytest.mark.parametrize(
    ("command", "option"),
    [
        ("--config-dir extra +experiment=e", "extra/experiment/e.yaml"),
        ("--config-dir=extra +experiment=e", "extra/experiment/e.yaml"),
        ("+experiment=e", "conf/experiment/e.yaml"),
    ],
)
def test_an_option_of_a_folder_that_a_command_adds_is_composed(
    tmp_path: Path, command: str, option: str, defaults: str
) -> None:
    bound = "  - {file: conf/config.yaml, dialect: hydra, describes: phases.train}\n"
    bound += "  - {file: run.sh, dialect: hydra, describes: phases.train}\n"
    files = {**HYDRA, "conf/config.yaml": defaults + HYDRA["conf/config.yaml"], option: OPTION}
    result = held_to(tmp_path, STUDY + PHASE + bound, {**files, "run.sh": f"python t.py {command}\n"})
    assert result.statuses[EPOCHS] is Status.UNVERIFIED
    assert result.statuses[LR] is RIGHT

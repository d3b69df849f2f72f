"""What a program makes of the config files that it names: pydantic-settings 2.16.3, simple-parsing 0.1.9."""

from __future__ import annotations

from pathlib import Path

import pytest

from framework.conformance import Status
from tests.stages.config.layers.test_command_words import EPOCHS, LR, PHASE, RIGHT
from tests.support.held import STUDY, held

BOUND = "  - {{file: {}, dialect: generic, describes: phases.train}}\n"
OPEN = Status.UNVERIFIED
ALL = STUDY + PHASE + "  - {file: data.yaml, dialect: generic, keys: {batch: phases.train.batch_size}}\n"


@pytest.mark.parametrize(
    ("listed", "other", "rate", "epochs"),
    [
        ("['a.yaml', 'b.yaml']", "optimizer: {name: adamw}\n", OPEN, RIGHT),
        ("('a.yaml', 'b.yaml')", "epochs: 3\n", RIGHT, OPEN),
        ("['b.yaml', 'a.yaml']", "optimizer: {name: adamw}\n", RIGHT, RIGHT),
        ("['a.yaml', 'missing.yaml']", "optimizer: {name: adamw}\n", RIGHT, RIGHT),
        ("'a.yaml'", "optimizer: {name: adamw}\n", RIGHT, RIGHT),
    ],
)
def test_a_section_of_a_later_file_replaces_the_whole_section(
    tmp_path: Path, listed: str, other: str, rate: Status, epochs: Status
) -> None:
    files = {
        "a.yaml": "optimizer: {name: adamw, lr: 1e-3}\nepochs: 20\n",
        "b.yaml": other,
        "s.py": f"class S(BaseSettings):\n    model_config = SettingsConfigDict(yaml_file={listed})\n",
        "data.yaml": "batch: 8\n",
    }
    result = held(tmp_path, ALL + BOUND.format("a.yaml") + BOUND.format("s.py"), files)
    assert (result.statuses[LR], result.statuses[EPOCHS]) == (rate, epochs)


PROGRAM = "from simple_parsing import ArgumentParser\np = ArgumentParser({})\np.add_arguments(Config, {})\n"
FLAT, NESTED = "learning_rate: 1e-3\nepochs: 20\n", "config: {learning_rate: 1e-3, epochs: 20}\n"


@pytest.mark.parametrize(
    ("switch", "place", "text", "status"),
    [
        ("add_config_path_arg=True", "dest='config'", FLAT, OPEN),
        ("add_config_path_arg=True", "'config'", FLAT, OPEN),
        ("add_config_path_arg=True", "dest='config'", NESTED, RIGHT),
        ("", "dest='config'", FLAT, RIGHT),
        ("add_config_path_arg=True", "dest=name", FLAT, RIGHT),
    ],
)
def test_a_file_that_is_not_nested_as_the_arguments_are_is_passed_over(
    tmp_path: Path, switch: str, place: str, text: str, status: Status
) -> None:
    files = {"a.yaml": text, "t.py": PROGRAM.format(switch, place), "run.sh": "python t.py --config_path a.yaml\n"}
    manifest = ALL + BOUND.format("a.yaml") + BOUND.format("run.sh")
    result = held(tmp_path, manifest, {**files, "data.yaml": "batch: 8\n"})
    assert result.statuses[LR] is result.statuses[EPOCHS] is status


@pytest.mark.parametrize(
    ("command", "status"),
    [
        ("app.py fit --model.lr=1e-3 --trainer.max_epochs 20 --ckpt_path=last.ckpt", OPEN),
        ("app.py fit --model.lr=1e-3 --trainer.max_epochs 20 --ckpt_path=null", RIGHT),
        ("app.py fit --model.lr=1e-3 --trainer.max_epochs 20", RIGHT),
        ("app.py --model.lr=1e-3 --trainer.max_epochs 20 --ckpt_path=last.ckpt", RIGHT),
    ],
)
def test_a_checkpoint_goes_before_the_command_s_own_model(tmp_path: Path, command: str, status: Status) -> None:
    keys = "{--model.lr: optimizer.learning_rate, --trainer.max_epochs: epochs}"
    bound = f"  - {{file: run.sh, dialect: generic, describes: phases.train, keys: {keys}, ignore: [--ckpt_path]}}\n"
    result = held(tmp_path, STUDY + PHASE + bound, {"run.sh": f"python {command}\n"})
    assert result.statuses[LR] is status
    assert result.statuses[EPOCHS] is RIGHT


@pytest.mark.parametrize(("word", "status"), [("Adam", Status.VIOLATED), ("AdamW", RIGHT)])
def test_a_class_path_is_the_optimizer_whatever_the_dialect(tmp_path: Path, word: str, status: Status) -> None:
    text = f"optimizer: {{class_path: torch.optim.{word}, init_args: {{lr: 1e-3}}}}\n"
    for dialect in ("hydra", "generic", "lightning-cli"):
        bound = f"  - {{file: a.yaml, dialect: {dialect}, describes: phases.train}}\n"
        result = held(tmp_path / dialect, STUDY + PHASE + bound, {"a.yaml": text})
        assert result.statuses["phases.train.optimizer.name"] is status, dialect

"""`framework init --from FILE`: what the user names is the statement, and the repository's files are held to it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from framework.cli.main import run
from framework.drafting.statement.named_statement import statement_of
from framework.drafting.statement.paper_names import fact_named, own_name
from framework.drafting.statement.paper_values import clauses_for, clean, machine, own_value, seeds
from framework.manifest.loading import load
from framework.manifest.sections.root import Manifest
from tests.drafting.test_any_repository import CONFIG, checked
from tests.drafting.test_init import errors, project

TABLE = """\
# A study

| Hyperparameter | Value |
| --- | --- |
| Learning rate | 3e-3 |
| penalty coefficient | 5 |
"""
LIST = """\
# A study

It is a good one: 7 of 10 readers say so.

## Training details

- **Peak learning rate**: 3 × 10⁻³
* Penalty coefficient = 5
"""
LINES = "Learning rate: 3e-3\npenalty coef: 5\nFor all else, see: the appendix\n"


def held(root: Path, files: dict[str, str], *statements: str) -> Manifest:
    """What `framework init --from` writes."""
    project(root, files)
    named = [word for name in statements for word in ("--from", str(root / name))]
    assert run(["init", str(root), *named]) == 0
    return load(root).stated


@pytest.mark.parametrize(
    ("title", "fact"),
    [
        ("LoRA rank", "adapter.lora.rank"),
        ("LoRA α", "adapter.lora.alpha"),
        ("AdamW betas", "optimizer.betas"),
        ("LearningRate", "optimizer.learning_rate"),
        ("PeakLR", "optimizer.learning_rate"),
        ("batchSize", "batch_size"),
    ],
)
def test_capitals_inside_a_word_part_it_only_where_they_begin_one(title: str, fact: str) -> None:
    assert fact_named(title) == fact


@pytest.mark.parametrize(
    ("name", "text", "line"),
    [
        ("README.md", TABLE, 5),
        ("README.md", LIST, 7),
        ("CONTRACT.txt", LINES + "- penalty coef: 5\n", 1),
        ("paper.yaml", "learning_rate: 3e-3\npenalty_coef: 5\n", 1),
        ("paper.json", '{"optimizer": {"lr": 0.003},\n "penalty_coef": 5}\n', 1),
        ("paper.csv", "parameter,value\nLearning rate,3e-3\nPenalty coefficient,5\n", 2),
    ],
)
def test_what_the_user_names_is_the_statement(
    tmp_path: Path, name: str, text: str, line: int, capsys: pytest.CaptureFixture[str]
) -> None:
    made = held(tmp_path, {"config.yaml": CONFIG + "penalty_coef: 5.0\n", name: text}, name)
    said = capsys.readouterr().out
    assert "disagrees: config.yaml:1: lr is 0.001" in said
    assert f"which is taken from {name}:{line}; the paper decides" in said
    phase = made.phases["train"]
    assert phase.model_fields_set == {"optimizer", "settings"}
    assert (phase.optimizer.learning_rate, phase.settings) == (3e-3, {"penalty_coef": 5})
    assert made.paper.sources["phases.train.optimizer.learning_rate"] == f"{name}:{line}"
    assert [each.file for each in made.configs] == ["config.yaml"]
    assert f"from {name}:{line}" in (tmp_path / "experiment.yaml").read_text()
    assert len(errors(tmp_path)) == 1
    assert checked(tmp_path) == 1
    (tmp_path / "config.yaml").write_text(CONFIG.replace("1e-3", "3e-3") + "penalty_coef: 5.0\n")
    assert checked(tmp_path) == 0


def test_columns_are_tasks_and_their_files_are_held_to_them(tmp_path: Path) -> None:
    table = (
        "| | CIFAR-10 | ImageNet | Notes |\n| :-- | :-: | --: | --- |\n| Learning rate | 2e-4 | 1e-3 | peak |\n"
        "| Batch size | 128 | 1,024 | |\n| Dropout | 0.1 | 0.1 | |\n"
    )
    files = {
        "paper.md": table,
        "configs/cifar10.yaml": "lr: 2e-4\nbatch_size: 128\nepochs: 9\ndropout: 0.1\n",
        "configs/imagenet.yaml": "lr: 1e-3\nbatch_size: 512\nepochs: 9\ndropout: 0.1\n",
    }
    made = held(tmp_path, files, "paper.md")
    phase = made.phases["train"]
    assert phase.settings == {"dropout": 0.1}
    assert {name: (task.learning_rate, task.batch_size) for name, task in phase.tasks.items()} == {
        "cifar-10": (2e-4, 128),
        "imagenet": (1e-3, 1024),
    }
    assert [message.partition(";")[0] for message in errors(tmp_path)] == ["batch_size is 512"]
    (tmp_path / "configs/cifar10.yaml").write_text(files["configs/cifar10.yaml"].replace("2e-4", "3e-4"))
    assert len(errors(tmp_path)) == 2


def test_columns_of_other_names_are_variants(tmp_path: Path) -> None:
    table = "|  | Small | Large |\n|---|---|---|\n| LR | 2e-4 | 1e-4 |\n| Weight decay | 0.1 | 0.1 |\n"
    files = {"paper.md": table, "small.sh": "python train.py --lr 2e-4 --weight_decay 0.1 --epochs 3\n"}
    made = held(tmp_path, {**files, "large.sh": files["small.sh"].replace("2e-4", "5e-4")}, "paper.md")
    assert list(made.variants) == ["small", "large"]
    assert {each.file: each.variant for each in made.configs} == {"small.sh": "small", "large.sh": "large"}
    assert made.phases["train"].optimizer.weight_decay == 0.1
    assert [message.partition(";")[0] for message in errors(tmp_path)] == ["--lr is 0.0005"]


def test_a_table_with_names_on_top_has_its_variants_down_the_side(tmp_path: Path) -> None:
    table = "| Model | Learning rate | Epochs |\n|---|---|---|\n| tiny | 2e-4 | 3 |\n| huge | 1e-4 | 3 |\n"
    made = held(tmp_path, {"paper.md": table, "tiny.yaml": CONFIG}, "paper.md")
    assert list(made.variants) == ["tiny", "huge"]
    assert made.phases["train"].epochs == 3


def test_headings_say_which_phase(tmp_path: Path) -> None:
    text = "## Pretraining\n- learning rate: 1e-3\n- lambda: 2\n\n## Fine-tuning\n- learning rate: 5e-3\n"
    files = {"paper.md": text, "pretrain.yaml": CONFIG, "finetune.yaml": CONFIG}
    made = held(tmp_path, files, "paper.md")
    assert made.phases["pretrain"].optimizer.learning_rate == 1e-3
    assert made.phases["pretrain"].settings == {"lambda": 2}
    assert made.phases["finetune"].optimizer.learning_rate == 5e-3
    assert len(errors(tmp_path)) == 1


def test_several_statements_add_up_and_the_first_goes_before(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    files = {"a.md": "- learning rate: 1e-3\n", "b.csv": "learning rate,2e-3\nepochs,10\n", "config.yaml": CONFIG}
    made = held(tmp_path, files, "a.md", "b.csv")
    assert (made.phases["train"].optimizer.learning_rate, made.phases["train"].epochs) == (1e-3, 10)
    assert "says twice: optimizer.learning_rate: a.md:1 says 0.001, which is taken; b.csv:1 says 0.002" in (
        capsys.readouterr().out
    )
    assert checked(tmp_path) == 0


def test_machines_seeds_models_and_data_stand_in_their_sections(tmp_path: Path) -> None:
    text = (
        "## Setup\n- Hardware: 8× NVIDIA A100\n- Seeds: 1, 2 and 3\n- Base model: org/tiny\n- Dataset: Birds\n"
        "- Learning rate: 1e-3\n"
    )
    made = held(tmp_path, {"paper.md": text, "config.yaml": CONFIG}, "paper.md")
    assert (made.hardware.count, made.hardware.accelerator, made.seeds) == (8, "NVIDIA A100", [1, 2, 3])
    assert made.models["tiny"].hub == "org/tiny"
    assert list(made.datasets) == ["birds"]
    assert made.paper.sources["seeds"] == "paper.md:3"


def test_defaults_of_a_program_are_held_to_a_statement(tmp_path: Path) -> None:
    parser = (
        "import argparse\nparser = argparse.ArgumentParser()\n"
        'parser.add_argument("--lr", type=float, default=1e-3)\nparser.add_argument("--epochs", type=int, default=5)\n'
        'parser.add_argument("--weight_decay", type=float, default=0.1)\n'
    )
    files = {"paper.md": "- lr: 2e-3\n- epochs: 7\n- weight decay: 0.2\n", "train.py": parser}
    held(tmp_path / "alone", files, "paper.md")
    assert len(errors(tmp_path / "alone")) == 3
    files["run.sh"] = "python train.py --lr 2e-3 --epochs 7\n"
    held(tmp_path / "replaced", files, "paper.md")
    assert [message.partition(";")[0] for message in errors(tmp_path / "replaced")] == ["--weight_decay is 0.1"]


def test_a_statement_without_values_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    project(tmp_path, {"config.yaml": CONFIG, "README.md": "# Nothing\n\nSee: below\n```\nlr: 1\n```\n"})
    assert run(["init", str(tmp_path), "--from", str(tmp_path / "README.md")]) == 2
    assert "states no values" in capsys.readouterr().err
    assert run(["init", str(tmp_path), "--from", str(tmp_path / "none.md")]) == 2
    assert "cannot be read" in capsys.readouterr().err


def test_a_statement_of_which_no_file_says_anything_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    project(tmp_path, {"config.yaml": CONFIG, "paper.md": "- Wingspan: 12\n"})
    assert run(["init", str(tmp_path), "--from", str(tmp_path / "paper.md")]) == 2
    assert "nothing of what paper.md says is held to a file" in capsys.readouterr().err
    assert not (tmp_path / "experiment.yaml").exists()


def test_a_setting_is_called_as_the_file_calls_it_that_has_its_words(tmp_path: Path) -> None:
    files = {"config.yaml": CONFIG + "lr_decay_starting_step: 7\nn_heads_a: 1\nn_heads_b: 2\n"}
    made = held(tmp_path, {**files, "paper.md": "- decay starting step: 9\n- n heads: 3\n"}, "paper.md")
    assert made.phases["train"].settings == {"lr_decay_starting_step": 9, "n_heads": 3}
    assert [message.partition(";")[0] for message in errors(tmp_path)] == ["lr_decay_starting_step is 7"]


def test_what_a_statement_says_and_no_phase_has_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    table = "| name | value |\n| --- | --- |\n| learning rate | 3e-3 |\n| penalty | 5 |\n"
    made = held(tmp_path, {"pretrain.yaml": CONFIG, "finetune.yaml": CONFIG, "README.md": table}, "README.md")
    assert len(made.phases) == 2
    assert "README.md:4 says penalty = 5: no place for it" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("Peak learning rate", "2 × 10⁻⁴", [("optimizer.learning_rate", 2e-4)]),
        ("Learning rate (η)", "$1 \\times 10^{-3}$", [("optimizer.learning_rate", 1e-3)]),
        ("lr", "10^-4", [("optimizer.learning_rate", 1e-4)]),
        ("Learning rate", "2e-4 to 3e-4", [("optimizer.learning_rate", "2e-4 to 3e-4")]),
        ("lr", "3e-4 (cosine)", [("optimizer.learning_rate", 3e-4)]),
        ("Batch size", "1,024", [("batch_size", 1024)]),
        ("batch size", "1M tokens", [("batch_size", "1M tokens")]),
        ("Optimizer", "`AdamW`", [("optimizer.name", "adamw")]),
        ("optimizer", "SGD with momentum 0.9", [("optimizer.name", "sgd"), ("optimizer.momentum", 0.9)]),
        ("Optimizer", "LAMB", [("optimizer.name", "LAMB")]),
        ("Adam betas", "(0.9, 0.98)", [("optimizer.betas", [0.9, 0.98])]),
        ("β₂", "0.95", [("optimizer.betas[1]", 0.95)]),
        ("Warmup", "10%", [("schedule.warmup", "10%")]),
        ("Warmup ratio", "0.03", [("schedule.warmup", "3%")]),
        ("Warm-up epochs", "5", [("schedule.warmup", "5 epochs")]),
        ("Warmup steps", "2k", [("schedule.warmup", "2000 steps")]),
        ("LR schedule", "Cosine decay", [("schedule.name", "cosine")]),
        ("Training tokens", "600B", [("length", "600B tokens")]),
        ("Training steps", "100k", [("max_steps", 100_000)]),
        ("Epochs", "100 epochs", [("epochs", 100)]),
        ("Context length", "2048", [("sequence_length", 2048)]),
        ("Gradient clipping", "1.0 (norm)", [("max_grad_norm", 1.0)]),
        ("Precision", "bfloat16", [("precision", "bf16")]),
        ("Learning rate", "tuned by hand", []),
    ],
)
def test_names_and_values_of_papers_are_understood(name: str, text: str, expected: list[tuple[str, Any]]) -> None:
    fact = fact_named(clean(name))
    assert fact is not None
    assert clauses_for(fact, clean(text)) == expected


def test_names_of_the_papers_own_keep_their_words() -> None:
    assert fact_named("Penalty coefficient") is None
    assert own_name("Penalty coefficient (λ)") == "penalty_coefficient"
    assert [own_value(text) for text in ("5", "yes", "3, 7, 11", "random crop", "about 100")] == [
        5,
        True,
        [3, 7, 11],
        "random crop",
        "about 100",
    ]
    assert own_value("a long sentence that says how all of it was chosen") is None
    assert machine("4 RTX 2080 Ti") == [("count", 4), ("accelerator", "RTX 2080 Ti")]
    assert seeds("0-4") == []


def test_the_places_of_a_table_are_those_of_its_lines(tmp_path: Path) -> None:
    text = "\n| Parameter | Symbol | Value |\n|---|---|---|\n| Discount | $\\gamma$ | 0.99 |\n| Absent | x | - |\n"
    (tmp_path / "t.md").write_text(text)
    found = statement_of(tmp_path / "t.md", "t.md")
    assert [(each.name, each.text, each.where) for each in found] == [("Discount", "0.99", "t.md:4")]

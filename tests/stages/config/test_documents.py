"""Documents that people write are held like configs: by their labels, and never for what their words leave open."""

from __future__ import annotations

from pathlib import Path

import pytest

from framework.conformance import Stage, Status
from framework.errors import InputError
from tests.support.project import Project

MANIFEST = """\
version: 1
paper: {title: A paper}
seeds: [1, 2, 3]
hardware: {count: 1}
phases:
  pretrain:
    optimizer: {name: adamw, learning_rate: 3e-4, betas: [0.9, 0.95], weight_decay: 0.1, eps: 1e-6}
    schedule: {name: cosine, warmup: 10%}
    batch_size: 512
    epochs: 3
    precision: bf16
  finetune:
    optimizer: {name: adamw, learning_rate: 1e-5}
    epochs: 4
configs:
  - {file: other.yaml, describes: phases.pretrain, keys: {eps: optimizer.eps}}
"""


def _project(folder: Path, text: str, keys: str = "{}", more: str = "") -> Project:
    project = Project(folder, MANIFEST)
    project.write("SETUP.md", text)
    project.write("other.yaml", "eps: 1e-6\n")
    project.append(f"  - {{file: SETUP.md, describes: phases.pretrain, keys: {keys}{more}}}\n")
    return project


@pytest.mark.parametrize(
    ("line", "key", "clause"),
    [
        ("- Learning rate: «2 × 10⁻⁴»", "Learning rate", "optimizer.learning_rate"),
        ("| Learning rate | «2e-4» |", "Learning rate", "optimizer.learning_rate"),
        ("- Warm-up: «6%»", "Warm-up", "schedule.warmup"),
        ("- Warm-up: «0.06»", "Warm-up", "schedule.warmup.ratio"),
        ("- Epochs: «4 epochs»", "Epochs", "epochs"),
        ("- Batch size: «1,024»", "Batch size", "batch_size"),
        ("- Batch size: «256 sequences»", "Batch size", "batch_size"),
        ("- Optimizer: «SGD»", "Optimizer", "optimizer.name"),
        ("- Schedule: «linear decay»", "Schedule", "schedule.name"),
        ("- Betas: «(0.9, 0.98)»", "Betas", "optimizer.betas"),
        ("- AdamW (wd = «0.01»)", "wd", "optimizer.weight_decay"),
        ("- Precision: «float16»", "Precision", "precision"),
        ("- Seeds: «1, 2»", "Seeds", "/seeds"),
    ],
)
def test_drift_is_named_at_its_place(tmp_path: Path, line: str, key: str, clause: str) -> None:
    table = "| Setting | Value |\n|--|--|\n" if line.startswith("|") else ""
    label = "- Optimizer: AdamW (wd = «0.01»)" if key == "wd" else line
    text = f"# Setup\n\n{table}{label}\n"
    where = text[: text.index("«")]
    whole = clause.removeprefix("/")
    project = _project(tmp_path, text.replace("«", "").replace("»", ""), f"{{{key}: {whole}}}")
    (finding,) = [each for each in project.check().findings if each.code == "C101"]
    assert finding.location is not None
    assert finding.location.line == where.count("\n") + 1
    assert finding.location.column == len(where) - where.rfind("\n")


@pytest.mark.parametrize(
    ("line", "key", "clause"),
    [
        ("- Learning rate: 3 × 10⁻⁴", "Learning rate", "optimizer.learning_rate"),
        ("- Warm-up: 10%", "Warm-up", "schedule.warmup"),
        ("- Optimizer: AdamW", "Optimizer", "optimizer.name"),
        ("- Schedule: cosine decay", "Schedule", "schedule.name"),
        ("- Epochs: 3 epochs", "Epochs", "epochs"),
        ("- Batch size: 512 sequences", "Batch size", "batch_size"),
        ("- Precision: bfloat16", "Precision", "precision"),
        ("- Seeds: 1, 2, 3", "Seeds", "seeds"),
        ("- optimizer: Use adamw_torch with betas=(0.9,0.95) and epsilon=1e-06", "optimizer", "optimizer.name"),
        ("- Learning rate: **3e-4** (peak)", "Learning rate", "optimizer.learning_rate"),
        ("- Learning rate: 3·10<sup>-4</sup>", "Learning rate", "optimizer.learning_rate"),
        ("- Learning rate: \\(3\\times 10^{-4}\\)", "Learning rate", "optimizer.learning_rate"),
    ],
)
def test_what_says_the_same_in_its_own_words_conforms(tmp_path: Path, line: str, key: str, clause: str) -> None:
    project = _project(tmp_path, line + "\n", f"{{{key}: {clause}}}")
    result = project.check()
    assert [each for each in result.findings if each.code != "C120"] == []
    name = clause if clause == "seeds" else f"phases.pretrain.{clause}"
    (found,) = [each for each in result.matrix.clauses if each.id == name]
    assert result.matrix.status(found, Stage.CONFIG) is Status.CONFORMS


@pytest.mark.parametrize(
    ("value", "clause"),
    [
        ("2e-4 (for the base model)", "optimizer.learning_rate"),
        ("1e-5, 2e-5", "optimizer.learning_rate"),
        ("~2e-4", "optimizer.learning_rate"),
        ("2e-4*", "optimizer.learning_rate"),
        ("see Table 3", "optimizer.learning_rate"),
        ("a few", "epochs"),
        ("3k steps", "epochs"),
        ("cosine, then constant", "schedule.name"),
        ("0.5M tokens", "batch_size"),
        ("half of the epochs", "schedule.warmup"),
        ("0.66", "precision"),
        ("yes", "epochs"),
        ("2", "optimizer.name"),
        ("mixed, see the code", "precision"),
    ],
)
def test_what_words_leave_open_is_unverified_and_never_drift(tmp_path: Path, value: str, clause: str) -> None:
    project = _project(tmp_path, f"- The value: {value}\n", f"{{The value: {clause}}}")
    assert [each.code for each in project.check().findings] == ["C109"]


@pytest.mark.parametrize(
    ("label", "value", "clause"),
    [
        ("Learning rate (×10⁻⁴)", "3", "optimizer.learning_rate"),
        ("Learning rate (1e-4)", "3", "optimizer.learning_rate"),
        ("Learning rate × 10^4", "3", "optimizer.learning_rate"),
        ("Warm-up (%)", "10", "schedule.warmup.ratio"),
        ("Batch size (k)", "0.5", "batch_size"),
    ],
)
def test_a_label_that_multiplies_its_value_makes_no_drift_of_it(
    tmp_path: Path, label: str, value: str, clause: str
) -> None:
    project = _project(tmp_path, f"- {label}: {value}\n", f"{{'{label}': {clause}}}")
    (finding,) = project.check().findings
    assert finding.code == "C109"
    assert label in finding.message


def test_a_label_of_several_sections_asks_for_one_of_them(tmp_path: Path) -> None:
    text = "# Pretraining\n- lr: 3e-4\n# Finetuning\n- lr: 1e-5\n"
    findings = _project(tmp_path, text, "{lr: optimizer.learning_rate}").check().findings
    (finding,) = [each for each in findings if each.code != "C120"]
    assert finding.code == "C102"
    assert "name one of Pretraining.lr, Finetuning.lr" in finding.message
    (tmp_path / "whole").mkdir()
    assert (
        _project(tmp_path / "whole", text, "{pretraining.lr: optimizer.learning_rate}", ", ignore: [Finetuning]")
        .check()
        .findings
        == []
    )


def test_a_label_that_is_gone_is_missing_and_a_near_one_is_named(tmp_path: Path) -> None:
    project = _project(tmp_path, "- Warmup ratio: 0.1\n", "{Warm-up ratio: schedule.warmup.ratio}")
    (finding,) = [each for each in project.check().findings if each.code != "C120"]
    assert finding.code == "C102"
    assert "did you mean 'warmup ratio'" in (finding.advice or "")


def test_what_people_write_beside_settings_is_no_unbound_key(tmp_path: Path) -> None:
    text = "# Name\n- License: MIT\n- Contact: me\n\n## Setup\n- Learning rate: 3e-4\n- Patches: 16\n\n"
    text += "## Else\n- Dogs: 3\n- Weight decay: 0.1\n"
    project = _project(tmp_path, text, "{Learning rate: optimizer.learning_rate}")
    names = {each.location.key for each in project.check().findings if each.code == "C120" and each.location}
    assert names == {"Setup.Patches", 'Else."Weight decay"'}


GENERIC = ", dialect: generic"


def test_the_generic_dialect_knows_labels_in_words(tmp_path: Path) -> None:
    text = "- Peak learning rate: 2e-4\n- Optimizer: AdamW (β1 = 0.9, β2 = 0.98)\n- # epochs: 5\n- Warm-up ratio: 0.1\n"
    findings = _project(tmp_path, text, more=GENERIC).check().findings
    assert [(each.code, each.clause.rpartition("pretrain.")[2]) for each in findings if each.clause] == [
        ("C101", "optimizer.learning_rate"),
        ("C101", "optimizer.betas"),
        ("C101", "epochs"),
    ]


def test_a_heading_says_which_phase_its_labels_are_about(tmp_path: Path) -> None:
    text = (
        "# Setup\n## Pre-training details\n- Learning rate: 3e-4\n## Fine-tuning\n- Learning rate: 1e-5\n- Epochs: 4\n"
    )
    project = _project(tmp_path, text, more=GENERIC)
    assert project.check().findings == []
    project.write("SETUP.md", text.replace("1e-5", "2e-5"))
    (finding,) = project.check().findings
    assert finding.clause == "phases.finetune.optimizer.learning_rate"


def test_a_row_of_another_model_says_nothing_about_the_phase(tmp_path: Path) -> None:
    table = "| Model | Learning rate | Epochs |\n|--|--|--|\n| Baseline | 1 | 9 |\n| Other | 2 | 8 |\n"
    findings = _project(tmp_path, table, more=GENERIC).check().findings
    assert {each.code for each in findings} <= {"C120"}


def test_items_below_the_name_of_another_model_say_nothing_about_the_phase(tmp_path: Path) -> None:
    text = "- `distilbert` (baseline):\n  - epochs: 9\n- Optimizer\n  - weight decay: 0.2\n"
    findings = _project(tmp_path, text, more=GENERIC).check().findings
    assert [each.clause for each in findings if each.code == "C101"] == ["phases.pretrain.optimizer.weight_decay"]


def test_a_heading_of_training_in_general_is_of_the_phase_that_is_described(tmp_path: Path) -> None:
    manifest = MANIFEST.replace("  finetune:", "  train:")
    project = Project(tmp_path, manifest)
    project.write("SETUP.md", "# A\n## Training details\n- Weight decay: 0.1\n- Epochs: 3\n## Data\n- Size: 3\n")
    project.write("other.yaml", "eps: 1e-6\n")
    project.append("  - {file: SETUP.md, describes: phases.pretrain, dialect: generic}\n")
    assert [each.code for each in project.check().findings if each.code == "C101"] == []


def test_columns_of_phases_are_about_them(tmp_path: Path) -> None:
    table = (
        "| Setting | Pretrain | Finetune |\n|--|--|--|\n| Learning rate | 3e-4 | 2e-5 |\n| Weight decay | 0.1 | - |\n"
    )
    findings = _project(tmp_path, table, more=GENERIC).check().findings
    assert [each.clause for each in findings if each.code == "C101"] == ["phases.finetune.optimizer.learning_rate"]


def test_commands_and_blocks_of_a_readme_are_held(tmp_path: Path) -> None:
    text = "# Run\n```bash\n$ torchrun train.py --lr 2e-4 \\\n    --epochs 3\n```\n"
    text += "```yaml\noptimizer: {weight_decay: 0.2}\n```\n"
    keys = "{--lr: optimizer.learning_rate, --epochs: epochs, optimizer.weight_decay: optimizer.weight_decay}"
    findings = _project(tmp_path, text, keys).check().findings
    places = [(each.code, each.location.line, each.location.column) for each in findings if each.location]
    assert sorted(places) == [("C101", 3, 26), ("C101", 7, 27)]


def test_two_examples_in_one_section_contradict_nobody(tmp_path: Path) -> None:
    text = "# Training\n- lr: 3e-4\n```yaml\ntrain: {lr: 1e-3}\n```\n"
    findings = _project(tmp_path, text, "{Training.lr: optimizer.learning_rate}").check().findings
    assert {each.code for each in findings} <= {"C120"}


def test_sections_that_contradict_each_other_are_told_where_nothing_else_is_bound(
    tmp_path: Path,
) -> None:
    """Setup and Baseline of one README: which is the paper's is not known, and the answer says where they stand."""
    manifest = """\
version: 1
paper: {title: A study}
phases: {train: {optimizer: {name: adamw, learning_rate: 1e-4}, batch_size: 32}}
configs:
  - {file: README.md, dialect: generic, describes: phases.train}
"""
    project = Project(tmp_path, manifest)
    text = "# P\n\n## Setup\n\n- Learning rate: 1e-4\n\n## Baseline\n\n- Learning rate: 3e-4\n"
    project.write("README.md", text)
    with pytest.raises(InputError) as caught:
        project.check()
    problems = [str(each) for each in caught.value.problems]
    assert "no config file states any clause" in problems[0]
    assert [each.partition(": ")[0] for each in problems[1:]] == ["README.md:5:18", "README.md:9:18"]
    project.write("README.md", f"{text}\n## Both\n\n- Batch size: 16\n")
    codes = sorted(each.code for each in project.check().findings)
    assert codes == ["C101", "C130", "C130"]

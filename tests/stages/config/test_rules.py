"""The rules of the config stage beyond drift: each on a project that conforms, and on one that breaks it alone."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from framework.conformance import Finding, Stage, Status
from tests.support.project import MARK, Project
from tests.support.statuses import status_of

MANIFEST = """\
version: 1
paper: {title: A study}
hardware: {count: 1}
models:
  tiny: {family: gpt2, weights: random, layers: 2, hidden: 4, tokenizer: bytes}
datasets:
  text: {builtin: language-reference, train_examples: 3200}
  sst2: {builtin: reference-topics, labels: 2, train_examples: 640}
  mnli: {builtin: reference-topics, labels: 2, train_examples: 6400}
phases:
  pretrain:
    objective: causal_lm
    dataset: text
    optimizer: {name: adamw, learning_rate: 2e-4, weight_decay: 0.1}
    schedule: {name: cosine, warmup: 10%, min_learning_rate: 2e-5}
    batch_size: 32
    epochs: 5
  finetune:
    objective: classification
    tasks: {sst2: {epochs: 5}, mnli: {epochs: 10}}
    optimizer: {name: adamw, learning_rate: 1e-4}
    batch_size: 32
    early_stopping: {metric: accuracy, patience: 3}
variants:
  M_base: {steps: [pretrain]}
  M_sdm: {steps: [{pretrain: {mask: {sdm: {target_sparsity: 0.3}}}}]}
  M_challenge:
    from: M_base
    steps: [{prune: {sparsity: {same_as: M_sdm}}}, finetune]
rules:
  - iso_sparsity: {variants: [M_sdm, M_challenge]}
seeds: [42, 43, 44]
configs:
  - file: configs/pretrain.yaml
    describes: phases.pretrain
    keys:
      train.learning_rate: optimizer.learning_rate
      train.epochs: epochs
  - file: configs/finetune.yaml
    describes: phases.finetune
    keys: {optim.lr: optimizer.learning_rate, epochs.sst2: tasks.sst2.epochs, epochs.mnli: tasks.mnli.epochs}
"""
PRETRAIN = "train: {learning_rate: 2e-4, epochs: 5}\n"
FINETUNE = "optim: {lr: 1e-4}\nepochs: {sst2: 5, mnli: 10}\nearly_stopping: {metric: accuracy, patience: 3}\n"


@pytest.fixture
def project(tmp_path: Path) -> Project:
    project = Project(tmp_path, MANIFEST, PRETRAIN)
    project.write("configs/finetune.yaml", FINETUNE)
    return project


def found(project: Project, code: str) -> list[Finding]:
    return [finding for finding in project.check().findings if finding.code == code]


def one(project: Project, code: str) -> Finding:
    findings = found(project, code)
    assert len(findings) == 1, project.check().findings
    assert findings[0].advice, "a finding says what to do"
    return findings[0]


def test_the_project_conforms(project: Project) -> None:
    assert {finding.code for finding in project.check().findings} <= {"C120"}


def pretrain(text: str) -> Callable[[Project], object]:
    return lambda project: project.write("configs/pretrain.yaml", text)


def finetune(text: str) -> Callable[[Project], object]:
    return lambda project: project.write("configs/finetune.yaml", text)


def script(name: str, text: str) -> Callable[[Project], object]:
    return lambda project: project.write(name, text)


def both(*changes: Callable[[Project], object]) -> Callable[[Project], object]:
    return lambda project: [change(project) for change in changes]


def second_binding(binding: str, *files: tuple[str, str]) -> Callable[[Project], object]:
    def change(project: Project) -> None:
        project.append(binding)
        for name, text in files:
            project.write(name, text)

    return change


BROKEN = {
    "a slip of the keyboard": ("C104", pretrain(f"train: {{learning_rte: {MARK}2e-4, epochs: 5}}\n")),
    "other separators": ("C104", pretrain(f"train: {{learning-rate: {MARK}2e-4, epochs: 5}}\n")),
    "a synonym in its place": ("C104", pretrain(f"train: {{lr: {MARK}2e-4, epochs: 5}}\n")),
    "a slip in a section's name": ("C104", pretrain(f"train: {{epochs: 5}}\ntrian: {{learning_rate: {MARK}2e-4}}\n")),
    "unbound twice": (
        "C105",
        pretrain(f"train: {{learning_rate: 2e-4, epochs: 5}}\nweight_decay: 0.1\nwd: {MARK}0.01\n"),
    ),
    "bound and unbound": (
        "C105",
        pretrain(f"train: {{learning_rate: 2e-4, epochs: 5}}\noptimizer: {{lr: {MARK}3e-4}}\n"),
    ),
    "one length for all tasks": (
        "C106",
        both(
            lambda p: p.replace(", epochs.sst2: tasks.sst2.epochs, epochs.mnli: tasks.mnli.epochs", ""),
            finetune(f"optim: {{lr: 1e-4}}\nnum_epochs: {MARK}5\nearly_stopping: {{metric: accuracy, patience: 3}}\n"),
        ),
    ),
    "a task without its sisters' binding": (
        "C107",
        both(
            lambda p: p.replace(", epochs.mnli: tasks.mnli.epochs", ""),
            finetune("optim: {lr: 1e-4}\nepochs: {sst2: 5}\npatience: 3\n"),
        ),
    ),
    "nearly a well-known key": ("C108", pretrain(f"{PRETRAIN}weight_decy: {MARK}0.1\n")),
    "epochs against max_steps": (
        "C111",
        pretrain(f"train: {{learning_rate: 2e-4, epochs: 5, max_steps: {MARK}400}}\n"),
    ),
    "warmup longer than training": (
        "C112",
        pretrain(f"train: {{learning_rate: 2e-4, epochs: 5, warmup_steps: {MARK}501}}\n"),
    ),
    "max_steps in the warmup": (
        "C113",
        pretrain(f"train: {{learning_rate: 2e-4, epochs: 5, warmup_steps: 600, max_steps: {MARK}500}}\n"),
    ),
    "all is warmup": ("C114", pretrain(f"train: {{learning_rate: 2e-4, epochs: 5, warmup_steps: {MARK}500}}\n")),
    "a ratio in percent": ("C114", pretrain(f"train: {{learning_rate: 2e-4, epochs: 5, warmup_ratio: {MARK}10}}\n")),
    "a decay upwards": ("C114", pretrain(f"train: {{learning_rate: 2e-4, epochs: 5, min_lr: {MARK}2e-3}}\n")),
    "two warmups": (
        "C115",
        pretrain(f"train: {{learning_rate: 2e-4, epochs: 5, warmup_ratio: 0.1, warmup_steps: {MARK}100}}\n"),
    ),
    "another seed": ("C116", pretrain(f"{PRETRAIN}seed: {MARK}7\n")),
    "no early stopping": ("C140", finetune(f"optim: {{lr: 1e-4}}\nepochs: {{sst2: {MARK}5, mnli: 10}}\n")),
    "another metric": ("C141", finetune(f"{FINETUNE}metric_for_best_model: {MARK}eval_loss\n")),
    "a copied file": (
        "C150",
        second_binding(
            "  - {file: configs/b.yaml, describes: phases.pretrain, variant: M_base}\n"
            "  - {file: configs/s.yaml, describes: phases.pretrain, variant: M_sdm}\n",
            ("configs/b.yaml", "a: 1\nb: {c: 2, d: 3}\n"),
            ("configs/s.yaml", f"{MARK}b: {{d: 3, c: 2}}\na: 1\n"),
        ),
    ),
    "another sparsity": (
        "C151",
        second_binding(
            "  - {file: configs/c.yaml, describes: phases.finetune, variant: M_challenge}\n",
            ("configs/c.yaml", f"prune: {{sparsity: {MARK}0.5}}\n"),
        ),
    ),
    "a value in another case": ("C160", pretrain(f"{PRETRAIN}output: {MARK}M_SDM\n")),
    "a part of a path": ("C160", pretrain(f"{PRETRAIN}output: {MARK}runs/m-sdm/final\n")),
    "a key": ("C160", pretrain(f"{PRETRAIN}{MARK}m_sdm: {{x: 1}}\n")),
    "a script": ("C160", script("scripts/train.sh", f"python train.py --variant {MARK}M-SDM\n")),
    "a string in Python": ("C160", script("train.py", f"VARIANTS = ['M_base', '{MARK}m_sdm']\n")),
}


@pytest.mark.parametrize("case", BROKEN)
def test_a_broken_project_is_found_at_its_place(project: Project, case: str) -> None:
    code, change = BROKEN[case]
    change(project)
    finding = one(project, code)
    assert finding.location is not None
    if hasattr(project, "place") and case != "a part of a path":
        assert str(finding.location) == project.place
    errors = {each.code for each in project.check().findings if each.severity == "error"}
    assert errors <= {code}, "one mistake is one kind of error"


QUIET = {
    "an optional key that is simply absent": pretrain(
        "train: {learning_rate: 2e-4, epochs: 5, min_learning_rate: 2e-5}\n"
    ),
    "twice with one value": pretrain(f"{PRETRAIN}optimizer: {{lr: 0.0002}}\n"),
    "a rate that is computed": pretrain("train: {learning_rate: 2e-4, epochs: 5}\noptimizer: {lr: 0.}\n"),
    "two modules of a model": pretrain(f"{PRETRAIN}encoder: {{lr: 1e-3}}\ndecoder: {{lr: 1e-4}}\n"),
    "training and evaluation": pretrain(f"{PRETRAIN}eval: {{sequence_length: 1}}\ndata: {{sequence_length: 2}}\n"),
    "singular and plural": pretrain(f"{PRETRAIN}warmup_step: 3\nlayer1_lr: 2\n"),
    "max_steps that agree": pretrain("train: {learning_rate: 2e-4, epochs: 5, max_steps: 500}\n"),
    "max_steps switched off": pretrain("train: {learning_rate: 2e-4, epochs: 5, max_steps: -1}\n"),
    "warmup in both units": pretrain("train: {learning_rate: 2e-4, epochs: 5, warmup_ratio: 0.1, warmup_steps: 50}\n"),
    "a declared seed": pretrain(f"{PRETRAIN}seed: 43\n"),
    "the trainer's name of the metric": finetune(f"{FINETUNE}metric_for_best_model: eval_accuracy\n"),
    "a checkpoint's metric": finetune(f"{FINETUNE}checkpoint: {{monitor: val_loss}}\n"),
    "files of two tasks": second_binding(
        "  - {file: configs/sst2.yaml, describes: phases.finetune}\n"
        "  - {file: configs/mnli.yaml, describes: phases.finetune}\n",
        ("configs/sst2.yaml", "num_train_epochs: 5\nwarmup_steps: 10\npatience: 3\n"),
        ("configs/mnli.yaml", "num_train_epochs: 10\nwarmup_steps: 20\npatience: 3\n"),
    ),
    "files of one pattern": second_binding(
        "  - {file: 'configs/sweep/*.yaml', describes: phases.pretrain}\n",
        ("configs/sweep/1.yaml", "weight_decay: 0.1\n"),
        ("configs/sweep/2.yaml", "weight_decay: 0.2\n"),
    ),
    "the same fine-tuning after another pruning": second_binding(
        "  - {file: configs/b.yaml, describes: phases.finetune, variant: M_challenge}\n"
        "  - {file: configs/s.yaml, describes: phases.finetune, variant: M_base}\n",
        ("configs/b.yaml", "a: 1\n"),
        ("configs/s.yaml", "a: 1\n"),
    ),
    "one file about two phases": second_binding(
        "  - {file: configs/both.yaml, describes: phases.pretrain, keys: {a.lr: optimizer.learning_rate}}\n"
        "  - {file: configs/both.yaml, describes: phases.finetune, keys: {b.lr: optimizer.learning_rate}}\n",
        ("configs/both.yaml", "a: {lr: 2e-4}\nb: {lr: 1e-4}\n"),
    ),
    "one section about two phases": second_binding(
        "  - {file: configs/both.yaml, describes: phases.pretrain, keys: {optim.lr: optimizer.learning_rate}}\n"
        "  - {file: configs/both.yaml, describes: phases.finetune, keys: {train.lr: optimizer.learning_rate}}\n",
        ("configs/both.yaml", "optim: {lr: 2e-4}\ntrain: {lr: 1e-4}\n"),
    ),
    "the same sparsity": second_binding(
        "  - {file: configs/c.yaml, describes: phases.finetune, variant: M_challenge}\n",
        ("configs/c.yaml", "prune: {sparsity: 0.30}\n"),
    ),
    "the manifest's own spelling": script("run.sh", "python train.py --variant M_sdm --out runs/M_sdm/x\n"),
    "a longer identifier": script("run.sh", "python M_SDM_trainer.py --name pretrain-m-sdm-v2 XM_SDM\n"),
    "a shell variable": script("run.sh", "M_SDM=1\necho $M_SDM ${M_SDM}\n"),
    "a flag": script("run.sh", "python train.py --m-sdm\n"),
    "a comment": script("run.sh", "# M_SDM is the masked one\ntrue # m-sdm\n"),
    "an identifier in Python": script("train.py", "class M_SDM:\n    m_sdm = 'a sentence about M-SDM'\n"),
    "a test": script("tests/test_it.py", "assert 'M_SDM'\n"),
    "an environment": both(script("my/pyvenv.cfg", ""), script("my/lib/x.py", "X = 'M_SDM'\n")),
}


@pytest.mark.parametrize("case", QUIET)
def test_what_is_right_is_no_finding(project: Project, case: str) -> None:
    QUIET[case](project)
    findings = [finding for finding in project.check().findings if finding.code != "C120"]
    assert findings == []


@pytest.mark.parametrize(("flags", "twice"), [("--lr 1e-4 --lr 2e-4", 0), ("+lr=1e-4 +lr=2e-4", 1)])
def test_only_what_hydra_adds_twice_is_a_fault_of_a_command(project: Project, flags: str, twice: int) -> None:
    bound = "keys: {--lr: optimizer.learning_rate}"
    project.append(f"  - {{file: run.sh, describes: phases.pretrain, {bound}}}\n")
    project.write("run.sh", f"python train.py {flags}\n")
    assert len(found(project, "C121")) == twice


def test_ordinary_words_are_variants_only_where_the_text_says_so(project: Project) -> None:
    project.write("experiment.yaml", project.read().replace("M_base", "base").replace("M_challenge", "low-rank"))
    project.write("run.sh", "python train.py --model Base --low_rank LOW_RANK Base\n")
    assert found(project, "C160") == []
    project.write("run.sh", "python train.py --variant Base --variant=low_rank\n")
    assert {finding.actual for finding in found(project, "C160")} == {"Base", "low_rank"}


def test_a_variant_in_a_file_name(project: Project) -> None:
    project.append("  - {file: configs/M_SDM.yaml, variant: M_sdm}\n").write("configs/M_SDM.yaml", "x: 1\n")
    assert one(project, "C160").actual == "M_SDM"


def test_two_files_about_one_training(project: Project) -> None:
    project.append("  - {file: configs/launch.yaml, describes: phases.pretrain}\n")
    project.write("configs/launch.yaml", f"training: {{num_train_epochs: {MARK}3}}\n")
    finding = one(project, "C105")
    assert str(finding.location) == project.place
    assert str(finding.declared).startswith("configs/pretrain.yaml:1:")


@pytest.mark.parametrize(
    ("key", "unit", "status"),
    [
        ("warmup_steps: 50", "steps", Status.CONFORMS),
        ("warmup_steps: 60", "steps", Status.VIOLATED),
        ("warmup_ratio: 0.1", "ratio", Status.CONFORMS),
    ],
)
def test_a_warmup_is_compared_in_steps(project: Project, key: str, unit: str, status: Status) -> None:
    """DESIGN: a config that gives the other unit is compared after resolving both to steps, where the number of
    steps is known. 3,200 examples in batches of 32, 5 epochs: 500 steps, so 10% are 50."""
    name = key.partition(":")[0]
    project.replace(
        "      train.epochs: epochs\n", f"      train.epochs: epochs\n      {name}: schedule.warmup.{unit}\n"
    )
    project.write("configs/pretrain.yaml", f"{PRETRAIN}{key}\n")
    result = project.check()
    assert status_of(result, "phases.pretrain.schedule.warmup", Stage.CONFIG) is status
    if status is Status.VIOLATED:
        assert one(project, "C101").expected == 50


def test_a_warmup_in_the_other_unit_is_unverified_without_the_number_of_steps(project: Project) -> None:
    project.replace(", train_examples: 3200", "")
    project.replace("      train.epochs: epochs\n", "      train.epochs: epochs\n      w: schedule.warmup.steps\n")
    project.write("configs/pretrain.yaml", f"{PRETRAIN}w: 60\n")
    assert status_of(project.check(), "phases.pretrain.schedule.warmup", Stage.CONFIG) is Status.UNVERIFIED


def test_a_waiver_covers_a_rule_about_a_bound_clause(project: Project) -> None:
    project.write("configs/pretrain.yaml", f"{PRETRAIN}optimizer: {{lr: 3e-4}}\n")
    assert one(project, "C105").clause == "phases.pretrain.optimizer.learning_rate"
    project.append(
        "waivers:\n  - {clause: phases.pretrain.optimizer.learning_rate, stage: config, reason: an old key, "
        "owner: lab, until: 2027-01-01}\n"
    )
    assert found(project, "C105") == []
    assert found(project, "M121") == []

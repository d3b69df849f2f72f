"""`framework check --fix` in files of all formats: only the value changes, written as there."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.project import Project

KEYS = {
    "json": "{optim.lr: optimizer.learning_rate, optim.name: models.tiny.tokenizer, optim.betas: optimizer.betas}",
    "toml": "{optim.lr: optimizer.learning_rate, optim.name: models.tiny.tokenizer, optim.betas: optimizer.betas}",
    "py": "{lr: optimizer.learning_rate, name: models.tiny.tokenizer, betas: optimizer.betas}",
    "sh": "{--lr: optimizer.learning_rate, --name: models.tiny.tokenizer}",
    "ini": "{optim.lr: optimizer.learning_rate, optim.name: models.tiny.tokenizer, optim.betas: optimizer.betas}",
    "md": "{Learning rate: optimizer.learning_rate, Optimizer: optimizer.name, Betas: optimizer.betas}",
}


@pytest.mark.parametrize(
    ("kind", "right", "wrong", "repaired"),
    [
        ("toml", "lr = 2e-4", "lr = 3e-4   # why", "lr = 2e-4   # why"),
        ("toml", "lr = 2e-4", "lr = 0.000_3", "lr = 0.0002"),
        ("toml", "name = 'bytes'", "name = 'byte' # s", "name = 'bytes' # s"),
        ("toml", "name = 'bytes'", 'name = "byte"', 'name = "bytes"'),
        ("toml", "betas = [0.9, 0.98]", "betas = [ 0.9,0.999, ] # b", "betas = [ 0.9,0.98, ] # b"),
        ("toml", "betas = [0.9, 0.98]", "betas = [\n  0.9,\n  0.95, # b\n]", "betas = [\n  0.9,\n  0.98, # b\n]"),
        ("json", '"lr": 2e-4', '"lr" :  3E-4', '"lr" :  2E-4'),
        ("json", '"name": "bytes"', '"name": "byte"', '"name": "bytes"'),
        ("json", '"betas": [0.9, 0.98]', '"betas": [0.9,\n 0.5]', '"betas": [0.9,\n 0.98]'),
        ("py", "lr = 2e-4", "lr = 3e-4  # why", "lr = 2e-4  # why"),
        ("py", "lr = 2e-4", "lr: float = 0.0003", "lr: float = 0.0002"),
        ("py", "name = 'bytes'", 'name = "byte"', 'name = "bytes"'),
        ("py", "betas = (0.9, 0.98)", "betas = (0.9, 0.95)", "betas = (0.9, 0.98)"),
        ("py", "betas = (0.9, 0.98)", "betas = [0.9, 0.95]", "betas = [0.9, 0.98]"),
        ("sh", "--lr 2e-4", "--lr 3e-4", "--lr 2e-4"),
        ("sh", "--lr 2e-4", "--lr=3e-4", "--lr=2e-4"),
        ("sh", "--lr 2e-4", "--lr '0.0003'", "--lr '0.0002'"),
        ("sh", '--name "bytes"', "--name byte", "--name bytes"),
        ("sh", '--name "bytes"', '--name "byte"', '--name "bytes"'),
        ("ini", "lr = 2e-4", "lr : 3e-4", "lr : 2e-4"),
        ("ini", "name = bytes", "name = 'byte'", "name = 'bytes'"),
        ("ini", "betas = 0.9, 0.98", "betas = (0.9, 0.5)", "betas = (0.9, 0.98)"),
        ("md", "**Learning rate:** 2e-4", "**Learning rate:** `3e-4`.", "**Learning rate:** `2e-4`."),
        ("md", "**Learning rate:** 2e-4", "Learning rate: 3 × 10⁻⁴", "Learning rate: 0.0002"),
        ("md", "| adamw |", "| *SGD* |", "| *adamw* |"),
        ("md", "| (0.9, 0.98) |", "| (0.9, 0.95) |", "| (0.9, 0.98) |"),
    ],
)  # fmt: skip
def test_only_the_value_changes(tmp_path: Path, kind: str, right: str, wrong: str, repaired: str) -> None:
    project, name = _project(tmp_path, kind)
    text = project.replace(right, wrong, name).read(name)
    found = project.cli("check")
    assert found.code == 1, found.out
    done = project.cli("check", "--fix")
    assert project.read(name) == text.replace(wrong, repaired), done.out
    assert done.code == 0, done.out
    assert project.cli("check").code == 0


@pytest.mark.parametrize(
    ("kind", "right", "wrong"),
    [
        ("py", "lr = 2e-4", "lr = 3 * 1e-4"),
        ("py", "lr = 2e-4", "peak = 3e-4\nlr = peak"),
        ("py", "lr = 2e-4", "lr = 3e-4\nlr = 3e-4"),
        ("py", "name = 'bytes'", "name = 'by' 'te'"),
        ("py", "name = 'bytes'", "name = r'byte'"),
        ("sh", "--lr 2e-4", "--lr 3e-4 --lr 3e-4"),
        ("sh", "python train.py", "LR=3e-4\npython train.py --lr $LR #"),
        ("sh", "--lr 2e-4", "--lr 3'e-4'"),
        ("sh", "--lr 2e-4", "--lr 3e\\\n-4"),
        ("ini", "lr = 2e-4", "lr =\n  3e-4"),
        ("toml", "name = 'bytes'", "name = '''byte'''"),
        ("toml", "name = 'bytes'", 'name = """\nbyte"""'),
    ],
)
def test_what_its_program_would_have_to_work_out_is_left_alone_or_proven(
    tmp_path: Path, kind: str, right: str, wrong: str
) -> None:
    project, name = _project(tmp_path, kind)
    text = project.replace(right, wrong, name).read(name)
    assert project.cli("check").code != 0
    done = project.cli("check", "--fix")
    if project.read(name) == text:
        assert done.code != 0
        assert "not fixed" in done.out + done.err or "left" in done.out + done.err, done.out
    else:
        assert done.code == 0, done.out
        assert project.cli("check").code == 0


@pytest.mark.parametrize("kind", list(KEYS))
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_bytes_around_the_value_stay(tmp_path: Path, kind: str, newline: str) -> None:
    if kind == "sh" and newline == "\r\n":
        pytest.skip("a shell takes the carriage return as part of the word: another value")
    project, name = _project(tmp_path, kind)
    data = project.read(name).replace("\n", newline).encode()
    project.write(name, data.replace(b"2e-4", b"7e-4"))
    assert project.cli("check", "--fix").code == 0
    assert project.path(name).read_bytes() == data


def _project(folder: Path, kind: str) -> tuple[Project, str]:
    texts = {
        "json": '{"optim": {"lr": 2e-4, "name": "bytes",\n  "betas": [0.9, 0.98]}}\n',
        "toml": "# Wäs \N{SNOWMAN}\n[optim]\nlr = 2e-4\nname = 'bytes'\nbetas = [0.9, 0.98]\n",
        "py": "# Wäs \N{SNOWMAN}\nlr = 2e-4\nname = 'bytes'\nbetas = (0.9, 0.98)\n",
        "ini": "# Wäs \N{SNOWMAN}\n[optim]\nlr = 2e-4\nname = bytes\nbetas = 0.9, 0.98\n",
        "md": "# Wäs \N{SNOWMAN}\n\n- **Learning rate:** 2e-4\n\n| Setting | Value |\n|---|---|\n"
        "| Optimizer | adamw |\n| Betas | (0.9, 0.98) |\n",
        "sh": '#!/bin/bash\n# Wäs \N{SNOWMAN}\npython train.py --lr 2e-4 --name "bytes"\n',
    }
    project, name = Project(folder), f"configs/one.{kind}"
    project.write(name, texts[kind])
    project.append(f"  - {{file: {name}, describes: phases.pretrain, keys: {KEYS[kind]}}}\n")
    clean = project.cli("check")
    assert clean.code == 0, clean.out
    return project, name


def test_what_a_dialect_hears_in_a_document_is_left_to_people(tmp_path: Path) -> None:
    project = Project(tmp_path)
    project.write("SETUP.md", "## Baseline\n- Learning rate: 3e-4\n")
    project.append("  - {file: SETUP.md, describes: phases.pretrain, dialect: generic}\n")
    assert project.cli("check", "--fix").code == 1
    assert "3e-4" in project.read("SETUP.md")


@pytest.mark.parametrize(
    ("line", "key", "clause"),
    [
        ("- Warm-up: 6%", "Warm-up", "schedule.warmup"),
        ("- Learning rate: 3e-4 at its peak", "Learning rate", "optimizer.learning_rate"),
        ("- Learning rate: 3e-4, 1e-4", "Learning rate", "optimizer.learning_rate"),
    ],
)
def test_a_share_and_what_says_more_than_its_number_are_left_to_people(
    tmp_path: Path, line: str, key: str, clause: str
) -> None:
    project = Project(tmp_path)
    project.write("SETUP.md", line + "\n")
    project.append(f"  - {{file: SETUP.md, describes: phases.pretrain, keys: {{{key}: {clause}}}}}\n")
    project.cli("check", "--fix")
    assert project.read("SETUP.md") == line + "\n"

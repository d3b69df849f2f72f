"""`framework init` binds INI files as configs, and documents that say in words what a training is beside them."""

from __future__ import annotations

from pathlib import Path

import pytest

from framework.cli.main import run
from framework.conformance import Severity
from framework.manifest.loading import load
from framework.stages.check import check

INI = "[DEFAULT]\nseed = 7\n[optimizer]\nname = adamw\nlr = 2e-4\nweight_decay = 0.1\n[training]\nepochs = 3\n"
SETUP = """\
# Setup

| Setting | Value |
|--|--|
| Optimizer | AdamW |
| Peak learning rate | 2e-4 |
| Weight decay | 0.1 |
| Epochs | 3 |

```bash
python train.py --lr 1 --epochs 9
```
"""


def _drafted(root: Path, files: dict[str, str]) -> list[str]:
    for name, text in files.items():
        (root / name).write_text(text)
    assert run(["init", str(root)]) == 0
    return [each.message for each in check(load(root)).findings if each.severity is Severity.ERROR]


def test_an_ini_file_is_a_config(tmp_path: Path) -> None:
    assert _drafted(tmp_path, {"train.ini": INI, "setup.cfg": "[metadata]\nname = x\n"}) == []
    manifest = load(tmp_path).stated
    phase = manifest.phases["train"]
    assert (phase.optimizer.learning_rate, phase.epochs, manifest.seeds) == (2e-4, 3, [7])
    assert [binding.file for binding in manifest.configs] == ["train.ini"]


def test_a_document_is_bound_beside_the_configs_without_its_examples(tmp_path: Path) -> None:
    assert _drafted(tmp_path, {"train.ini": INI, "SETUP.md": SETUP}) == []
    (binding,) = [each for each in load(tmp_path).stated.configs if each.file == "SETUP.md"]
    assert (binding.dialect, binding.describes) == ("generic", "phases.train")
    assert binding.ignore == ["--epochs", "--lr"]
    (tmp_path / "SETUP.md").write_text(SETUP.replace("2e-4", "3e-4"))
    (finding,) = [each for each in check(load(tmp_path)).findings if each.severity is Severity.ERROR]
    assert finding.clause == "phases.train.optimizer.learning_rate"


def test_what_a_document_says_otherwise_is_marked_with_its_place(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _drafted(tmp_path, {"train.ini": INI, "SETUP.md": SETUP.replace("| 3 |", "| 4 |")})
    assert "disagrees: SETUP.md:8: Epochs is 4" in capsys.readouterr().out
    assert "DISAGREES: SETUP.md:8: Epochs is 4" in (tmp_path / "experiment.yaml").read_text()


@pytest.mark.parametrize(
    "text",
    [
        "- lr: 9\n- weight decay: 4\n- epochs: 77\n",  # of another training
        "# Usage\n```bash\npython train.py --lr 1 --epochs 9\n```\n",
        "- Epochs: 3\n- License: MIT\n",
        "| Model | Learning rate | Epochs |\n|--|--|--|\n| Other | 1 | 9 |\n| More | 2 | 8 |\n",
        "The learning rate is 2e-4, for 3 epochs.\n",
    ],
)
def test_other_documents_are_left_alone(tmp_path: Path, text: str) -> None:
    assert _drafted(tmp_path, {"train.ini": INI, "README.md": text}) == []
    assert [binding.file for binding in load(tmp_path).stated.configs] == ["train.ini"]

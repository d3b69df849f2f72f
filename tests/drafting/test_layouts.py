"""Repositories of many layouts: what `framework init` writes of each loads, and holds on its own repository."""

from __future__ import annotations

import json
from pathlib import Path
from typing import NamedTuple

import pytest

from framework.cli.main import run
from framework.manifest.loading import load
from framework.manifest.sections.root import Manifest
from framework.stages.check import check
from tests.drafting.test_init import project

VALUES = "lr: 1e-3\nbatch_size: 32\nepochs: 10\n"
NOISE = {
    "package.json": '{"name": "x", "version": "1.0.0", "lr": 1, "batch_size": 7}',
    "package-lock.json": '{"lockfileVersion": 3, "epochs": 7}',
    "docker-compose.yml": "services: {train: {image: x}}\n",
    ".github/workflows/ci.yml": "on: push\nlr: 7\nepochs: 7\n",
    "tests/config.yaml": VALUES.replace("1e-3", "7"),
    "test_config.yaml": VALUES.replace("1e-3", "7"),
    "results/run1/config.yaml": VALUES.replace("1e-3", "7"),
    "outputs/2024/config.yaml": VALUES.replace("1e-3", "7"),
    "wandb/run/config.yaml": VALUES.replace("1e-3", "7"),
    "runs/a/args.json": '{"lr": 7, "batch_size": 7}',
    "node_modules/x/config.yaml": VALUES.replace("1e-3", "7"),
    "docs/config.yaml": VALUES.replace("1e-3", "7"),
    "site/config.yaml": VALUES.replace("1e-3", "7"),
    "environment.yml": "name: x\ndependencies: [python]\n",
    "pyproject.toml": '[project]\nname = "x"\n[tool.x]\nlr = 7\nepochs = 7\n',
    "poetry.lock": "",
    "setup.py": "from setuptools import setup\n\nsetup(name='x', epochs=7, lr=7)\n",
    "src/model.py": "class Block:\n    def __init__(self, dim=512, heads=8, lr=7):\n        self.dim = dim\n",
}


class Layout(NamedTuple):
    files: dict[str, str]
    rate: float | None = 1e-3
    """The learning rate of the first phase, where one is stated."""
    configs: int = 1
    code: int = 0
    """How the check ends."""


def _program(settings: str) -> dict[str, str]:
    return {"train.py": settings}


LAYOUTS = {
    "yaml": Layout({"config.yaml": VALUES}),
    "json": Layout({"config.json": '{"lr": 0.001, "batch_size": 32, "epochs": 10}'}),
    "toml": Layout({"config.toml": "[train]\nlr = 1e-3\nbatch_size = 32\nepochs = 10\n"}),
    "shell": Layout({"scripts/run.sh": "python train.py --lr 1e-3 --batch_size 32 --epochs 10\n"}),
    "slurm": Layout({"run.slurm": "#!/bin/bash\n#SBATCH --nodes=1\nsrun python train.py --lr 1e-3 --epochs 10\n"}),
    "dataclass": Layout(
        _program(
            "from dataclasses import dataclass\n\n\n@dataclass\nclass Run:\n    lr: float = 1e-3\n    epochs: int = 9\n"
        )
    ),
    "pydantic": Layout(
        _program(
            "from pydantic import BaseModel\n\n\nclass Run(BaseModel):\n    lr: float = 1e-3\n    batch_size: int = 9\n"
        )
    ),
    "attrs": Layout(
        _program("import attr\n\n\n@attr.s(auto_attribs=True)\nclass Run:\n    lr: float = 1e-3\n    epochs: int = 9\n")
    ),
    "namedtuple": Layout(
        _program(
            "from typing import NamedTuple\n\n\nclass Run(NamedTuple):\n    lr: float = 1e-3\n    epochs: int = 9\n"
        )
    ),
    "argparse": Layout(
        _program(
            "import argparse\n\np = argparse.ArgumentParser()\np.add_argument('--lr', type=float, default=1e-3)\n"
            "p.add_argument('--epochs', type=int, default=9)\n"
        )
    ),
    "click": Layout(
        _program(
            "import click\n\n\n@click.command()\n@click.option('--lr', type=float, default=1e-3)\n"
            "@click.option('--epochs', type=int, default=9)\ndef main(lr, epochs):\n    pass\n"
        )
    ),
    "absl": Layout(
        _program(
            "from absl import flags\n\nflags.DEFINE_float('lr', 1e-3, 'x')\nflags.DEFINE_integer('epochs', 9, 'n')\n"
        )
    ),
    "tyro": Layout(
        _program("import tyro\n\n\ndef main(lr: float = 1e-3, epochs: int = 9):\n    pass\n\n\ntyro.cli(main)\n")
    ),
    "dictionary": Layout(_program("config = {'lr': 1e-3, 'batch_size': 32, 'epochs': 9}\n")),
    "attributes": Layout(
        {
            "configs/default.py": "import ml_collections\n\n\ndef get_config():\n"
            "    config = ml_collections.ConfigDict()\n    config.lr = 1e-3\n    config.epochs = 9\n    return config\n"
        }
    ),
    "constants": Layout({"config/train.py": "learning_rate = 1e-3\nmax_iters = 100\nweight_decay = 0.1\n"}),
    "notebook": Layout(
        {
            "train.ipynb": json.dumps(
                {
                    "cells": [
                        {"cell_type": "code", "metadata": {}, "outputs": [], "source": ["config['lr'] = 1e-3\n"]},
                        {"cell_type": "code", "metadata": {}, "outputs": [], "source": "config['epochs'] = 9"},
                    ],
                    "metadata": {},
                    "nbformat": 4,
                    "nbformat_minor": 4,
                },
                indent=1,
            )
        }
    ),
    "transformers": Layout(
        {"args.yaml": "output_dir: o\nlearning_rate: 0.001\nper_device_train_batch_size: 8\nnum_train_epochs: 3\n"}
    ),
    "transformers in a program": Layout(
        _program(
            "from transformers import TrainingArguments\n\nargs = TrainingArguments(\n    learning_rate=1e-3,\n"
            "    output_dir='o', per_device_train_batch_size=8, num_train_epochs=3,\n)\n"
        )
    ),
    "accelerate beside": Layout(
        {
            "args.yaml": "output_dir: o\nlearning_rate: 0.001\nper_device_train_batch_size: 8\nnum_train_epochs: 3\n",
            "accelerate.yaml": "compute_environment: LOCAL_MACHINE\ndistributed_type: MULTI_GPU\nnum_processes: 4\n",
        },
        configs=2,
    ),
    "hydra": Layout(
        {
            "conf/train.yaml": "defaults: [_self_, optim: adamw]\nseed: 3\nepochs: 4\n",
            "conf/optim/adamw.yaml": "_target_: torch.optim.AdamW\nlr: 0.001\n",
            "conf/optim/sgd.yaml": "_target_: torch.optim.SGD\nlr: 0.1\n",
        }
    ),
    "lightning": Layout(
        {"config.yaml": "trainer: {max_epochs: 9, precision: 16}\nmodel: {lr: 1e-3}\ndata: {batch_size: 8}\n"}
    ),
    "phases as sections": Layout(
        {"run.yaml": "pretrain: {lr: 1e-3, max_steps: 9}\nfinetune: {lr: 1e-4, epochs: {sst2: 5, mnli: 10}}\n"}
    ),
    "presets": Layout(
        {"configs.yaml": "defaults: {lr: 1e-3, epochs: 9, kl: {free: 0}}\natari: {lr: 2e-3, epochs: 5}\n"}
    ),
    "several optimizers": Layout({"c.yaml": "g_opt: {lr: 1e-3}\nd_opt: {lr: 2e-3}\nepochs: 9\nbatch_size: 3\n"}, None),
    "one file for each dataset": Layout(
        {f"configs/{name}.yaml": VALUES.replace("10", str(at)) for at, name in enumerate(("mnist", "svhn", "coco"), 1)},
        configs=3,
    ),
    "one file for each model": Layout(
        {
            f"configs/{name}.yaml": VALUES.replace("10", str(at))
            for at, name in enumerate(("small", "base", "large"), 1)
        },
        configs=3,
    ),
    "one script for each task": Layout(
        {
            f"scripts/{name}.sh": f"python run.py --lr 1e-3 --epochs {at}\n"
            for at, name in enumerate(("cola", "rte"), 1)
        },
        configs=2,
    ),
    "files that nothing tells apart": Layout({"a.yaml": VALUES, "b.yaml": VALUES.replace("1e-3", "2e-3")}, None, 2),
    "different lengths": Layout({"x.yaml": "lr: 1e-3\nepochs: 3\n", "y.yaml": "lr: 1e-3\nmax_steps: 30\n"}, configs=2),
    "different lengths of variants": Layout(
        {"quick.yaml": "lr: 1e-3\nepochs: 3\n", "thorough.yaml": "lr: 1e-3\nmax_steps: 30\n"}, configs=2
    ),
    "unlike trainings": Layout(
        {"detection.yaml": VALUES + "anchors: 9\n", "diffusion.yaml": "learning_rate: 0.001\nmax_steps: 5\nnoise: 2\n"},
        configs=2,
    ),
    "a script over a file": Layout(
        {"run.sh": "python t.py --config base.yaml --lr 1e-3\n", "base.yaml": VALUES.replace("1e-3", "9")}, configs=2
    ),
    "a program under a config": Layout(
        {
            "train.py": "import argparse\np = argparse.ArgumentParser()\np.add_argument('--lr', type=int, default=7)\n"
            "p.add_argument('--epochs', type=int, default=9)\np.add_argument('--gamma', type=float, default=0.9)\n",
            "config.yaml": VALUES,
        },
        configs=2,
    ),
    "a setting that is a mapping elsewhere": Layout(
        {"x.yaml": VALUES + "kl: 1\n", "y.yaml": VALUES + "kl: {free: 2}\n"}, configs=2
    ),
    "lora": Layout({"c.yaml": VALUES + "lora_rank: 8\nlora_alpha: 16\nlora_dropout: 0.1\n"}),
    "lora of one of two": Layout(
        {"full.yaml": VALUES, "lora.yaml": VALUES + "lora_rank: 8\nlora_alpha: 16\n"}, configs=2
    ),
    "searched": Layout(
        {
            "config.yaml": VALUES,
            "sweep.yaml": "method: grid\nparameters: {lr: {values: [1e-4, 1e-3]}, dropout: {values: [0, 1]}}\n",
        },
        configs=2,
    ),
    "names with dots and dashes": Layout(
        {"config.yaml": VALUES + '"net.depth": 3\nloss-weight: 2\nLoss: {L-1: 0.5}\n'}
    ),
    "empty and odd values": Layout(
        {"config.yaml": VALUES + "a_weight: .inf\nb_rate: null\nc_dims: []\nd_dims: [[1], [2]]\n"}
    ),
    "two companions that disagree": Layout(
        {
            "args.yaml": "output_dir: o\nlearning_rate: 0.001\nnum_train_epochs: 3\ndeepspeed: ds.json\n",
            "ds.json": '{"train_micro_batch_size_per_gpu": "auto", "zero_optimization": {"stage": 2},'
            ' "optimizer": {"type": "AdamW", "params": {"lr": 0.0003}}}',
        },
        configs=2,
        code=1,
    ),
}


def _rate(made: Manifest) -> float | str | None:
    return next(iter(made.phases.values())).optimizer.learning_rate


@pytest.mark.parametrize("noise", [{}, NOISE], ids=["alone", "among other files"])
@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS)
def test_a_draft_of_any_layout_loads_and_holds(tmp_path: Path, layout: Layout, noise: dict[str, str]) -> None:
    project(tmp_path, {**noise, **layout.files})
    assert run(["init", str(tmp_path)]) == 0
    made = load(tmp_path).stated
    text = (tmp_path / "experiment.yaml").read_text()
    assert "TODO" not in text
    assert _rate(made) == layout.rate
    assert {each.file for each in made.configs} <= set(layout.files)
    assert len({each.file for each in made.configs}) == layout.configs
    assert run(["check", "--manifest", str(tmp_path / "experiment.yaml")]) == layout.code
    assert ("DISAGREES: " in text) is (layout.code == 1)
    assert check(load(tmp_path)).keys > 0


def test_other_files_alone_are_no_start(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    project(tmp_path, NOISE)
    assert run(["init", str(tmp_path)]) == 2
    assert "nothing to start from" in capsys.readouterr().err

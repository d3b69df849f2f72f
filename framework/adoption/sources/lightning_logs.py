"""A version folder of Lightning's CSVLogger or TensorBoardLogger: `hparams.yaml` and `metrics.csv`, or event files.

`hparams.yaml` may hold tags of Python objects where a hyperparameter is no plain value; they stay text, and nothing is
made of them. Checkpoints are pickled (`.ckpt`), and are not opened.
"""

from __future__ import annotations

from pathlib import Path

from framework.adoption.sources.settings_files import settings_of
from framework.adoption.sources.source import Left, Source
from framework.evidence.logs import csv_table, tensorboard
from framework.evidence.logs.log import Reading

_SETTINGS, _METRICS = "hparams.yaml", "metrics.csv"


def matches(path: Path) -> bool:
    return (path / _SETTINGS).is_file() and ((path / _METRICS).is_file() or any(path.glob("events.out.tfevents.*")))


def read(path: Path, reading: Reading) -> Left:
    left = Left()
    if (path / _METRICS).is_file():
        left.files.append(path / _METRICS)
        left.log = csv_table.read([path / _METRICS], reading)
    else:
        left.files += sorted(path.glob("events.out.tfevents.*"))
        left.log = tensorboard.read(left.files, reading)
    if (path / _SETTINGS).read_text("utf-8", errors="replace").strip() not in ("", "{}"):
        left.files.append(path / _SETTINGS)
        left.settings = settings_of(path / _SETTINGS, "pyyaml")
    if pickled := sorted(path.rglob("*.ckpt")):
        left.notes.append(f"{pickled[0].name} is pickled and was not taken: reading it runs code; save safetensors")
    return left


def first_step(path: Path) -> int:
    """Lightning logs the number of steps that were done before (lightning 2.6, logger_connector.py: `log_metrics`)."""
    return 0


SOURCE = Source("lightning", matches, read, first_step)

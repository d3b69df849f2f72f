"""What other programs leave of a finished run, as they write it: small, and of one training of 12 optimizer steps."""

from __future__ import annotations

import json
import struct
import zlib
from pathlib import Path
from typing import Any

import yaml

from tests.support.tensors import save_tensors

STEPS, PEAK = 12, 2e-5
MANIFEST = """
version: 1
paper: {title: A study}
models: {tiny: {family: bert, hub: tiny-bert}}
datasets: {sst2: {hub: glue, name: sst2}, mrpc: {hub: glue, name: mrpc}}
phases:
  finetune:
    objective: classification
    epochs: 3
    batch_size: 8
    optimizer: {name: adamw, learning_rate: 2e-5, weight_decay: 0.01}
    schedule: {name: linear, warmup: none}
    tasks: {sst2: {}, mrpc: {}}
variants:
  dense: {steps: [finetune]}
  lora: {steps: [{finetune: {adapter: {lora: {rank: 8, alpha: 16}}}}]}
seeds: [1, 2]
"""


def project(root: Path, adopted: Any = None, **changed: Any) -> Path:
    """A manifest, with a section `adopted`; ``changed`` are values of the phase."""
    data = yaml.safe_load(MANIFEST.replace("2e-5", "2.0e-5"))
    data["phases"]["finetune"] |= changed
    if adopted is not None:
        data["adopted"] = adopted
    path = root / "experiment.yaml"
    path.write_text(yaml.safe_dump(data, sort_keys=False), "utf-8")
    return path


def rate(step: int) -> float:
    """The learning rate that a step uses: linear to 0, no warmup."""
    return PEAK * (STEPS - (step - 1)) / STEPS


def rows() -> list[dict[str, Any]]:
    """What a loop logs of each step."""
    return [{"step": s, "learning_rate": rate(s), "loss": 2.0 - s / 12, "epoch": s / 4} for s in range(1, STEPS + 1)]


def write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, "utf-8")
    return path


def trainer_output(folder: Path, accuracy: float = 0.9, **state: Any) -> Path:
    """An output folder of transformers' Trainer, without its pickled arguments."""
    history = [*rows(), {"epoch": 3.0, "eval_accuracy": accuracy, "eval_loss": 0.3, "step": STEPS}]
    whole = {"epoch": 3.0, "global_step": STEPS, "max_steps": STEPS, "train_batch_size": 8, "log_history": history}
    write(folder / "trainer_state.json", json.dumps(whole | state))
    write(folder / "all_results.json", json.dumps({"eval_accuracy": accuracy, "eval_loss": 0.3, "train_samples": 32}))
    card = "# A model\n\n### Framework versions\n\n- Transformers 4.44.2\n- Pytorch 2.4.0+cu121\n- Datasets 2.21.0\n"
    write(folder / "README.md", card)
    return folder


def shard(folder: Path, shards: dict[str, dict[str, tuple[str, tuple[int, ...], bytes]]]) -> None:
    """A checkpoint in shards, by the name of each."""
    for name, tensors in shards.items():
        save_tensors(folder / f"{name}.safetensors", tensors)
    placed = {tensor: f"{name}.safetensors" for name, tensors in shards.items() for tensor in tensors}
    write(folder / "model.safetensors.index.json", json.dumps({"weight_map": placed}))
    write(folder / "config.json", json.dumps({"model_type": "bert"}))


def lightning(folder: Path) -> Path:
    lines = ["epoch,lr-AdamW,step,train_loss,val/acc"]
    lines += [f"{(s - 1) // 4},{rate(s)!r},{s - 1},{2 - s / 12}," for s in range(1, STEPS + 1)]
    write(folder / "metrics.csv", "\n".join([*lines, f"2,,{STEPS - 1},,0.9"]) + "\n")
    write(folder / "hparams.yaml", "lr: 2.0e-05\nweight_decay: 0.01\nbatch_size: 8\nmax_epochs: 3\n")
    return folder


def hydra(folder: Path) -> Path:
    write(folder / ".hydra/config.yaml", "seed: 1\noptimizer:\n  name: adamw\n  lr: 2e-5\n  weight_decay: 0.1\n")
    write(folder / ".hydra/overrides.yaml", "- optimizer.weight_decay=0.1\n")
    write(folder / ".hydra/hydra.yaml", "hydra:\n  job: {name: train}\n  runtime: {version: 1.3.8, cwd: /home/me}\n")
    write(folder / "train.log", "[2026-01-01] start\n" + "".join(json.dumps(row) + "\n" for row in rows()))
    return folder


def _field(number: int, content: bytes | int | str) -> bytes:
    """One field of a protobuf message."""
    if isinstance(content, int):
        return _varint(number << 3) + _varint(content)
    data = content.encode() if isinstance(content, str) else content
    return _varint(number << 3 | 2) + _varint(len(data)) + data


def _varint(value: int) -> bytes:
    found = b""
    while value > 0x7F:
        found, value = found + bytes([value & 0x7F | 0x80]), value >> 7
    return found + bytes([value])


def _named(values: dict[str, Any]) -> bytes:
    return b"".join(_field(1, _field(1, name) + _field(16, json.dumps(value))) for name, value in values.items())


def framed(records: list[bytes]) -> bytes:
    """Records in the frame of a `.wandb` file: a record that does not fit a block is in pieces."""
    data = b":W&B\xe1\xbe\0"
    for record in records:
        first = True
        while first or record:
            left = 32_768 - len(data) % 32_768
            if left < 7:
                data += bytes(left)
                continue
            piece, record = record[: left - 7], record[left - 7 :]
            kind = (1 if not record else 2) if first else (4 if not record else 3)
            data += struct.pack("<IHB", zlib.crc32(bytes([kind]) + piece), len(piece), kind) + piece
            first = False
    return data


def wandb_records() -> list[bytes]:
    """The records of an offline run: its settings (one of them long), its history, its summary."""
    config = {"learning_rate": 2e-5, "seed": 2, "notes": "x" * 70_000}
    history = [_field(2, _named({"_step": s, "train/loss": 2 - s / 12, "lr": rate(s)})) for s in range(1, STEPS + 1)]
    run = _field(17, _field(4, _named(config)) + _field(3, b"paper") + _field(6, b"dense") + _field(8, b"first"))
    return [run, *history, _field(3, _named({"eval/accuracy": 0.9})), _field(18, b"")]


def wandb_offline(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "run-abc.wandb").write_bytes(framed(wandb_records()))
    return folder


def wandb(folder: Path) -> Path:
    config = {"wandb_version": 1, "learning_rate": {"desc": None, "value": 2e-5}, "seed": {"value": 2}}
    write(folder / "files/config.yaml", yaml.safe_dump(config).replace("2.0e-05", "2e-05"))  # as its Go core writes it
    write(folder / "files/wandb-summary.json", json.dumps({"_step": 11, "eval/accuracy": 0.9, "eval/loss": 0.3}))
    device = {"name": "NVIDIA A100-SXM4-80GB", "memoryTotal": str(80 * 2**30)}
    metadata = {
        "python": "CPython 3.11.4",
        "gpu": "NVIDIA A100-SXM4-80GB",
        "gpu_nvidia": [device],
        "cudaVersion": "12.1",
    }
    write(folder / "files/wandb-metadata.json", json.dumps(metadata | {"git": {"commit": "0" * 40}}))
    write(folder / "files/requirements.txt", "torch==2.4.0\ntransformers==4.44.2\n")
    return folder


def mlflow(folder: Path) -> Path:
    write(folder / "meta.yaml", "run_id: abc\n")
    for name, value in {"learning_rate": "2e-05", "weight_decay": "0.01", "seed": "1"}.items():
        write(folder / "params" / name, value)
    write(folder / "metrics/lr", "".join(f"1700000000000 {rate(s)!r} {s}\n" for s in range(1, STEPS + 1)))
    write(folder / "metrics/train_loss", "".join(f"1700000000000 {2 - s / 12} {s}\n" for s in range(1, STEPS + 1)))
    write(folder / "metrics/val_accuracy", f"1700000000000 0.9 {STEPS}\n")
    write(folder / "tags/mlflow.source.git.commit", "f" * 40)
    return folder


def dvclive(folder: Path) -> Path:
    write(folder / "metrics.json", json.dumps({"eval": {"accuracy": 0.9}, "step": STEPS}))
    table = "".join(f"{s}\t{rate(s)!r}\n" for s in range(1, STEPS + 1))
    write(folder / "plots/metrics/train/lr.tsv", "step\tlr\n" + table)
    write(folder / "params.yaml", "lr: 2e-5\nseed: 1\n")
    return folder


def printed(folder: Path) -> Path:
    lines = ["loading 3 files", *(f"step {s}/12 | train loss: {2 - s / 12:.4f} | lr {rate(s)!r}" for s in range(1, 13))]
    write(folder / "out.log", "\n".join([*lines, "step 12: val loss 0.30, val accuracy 0.9"]) + "\n")
    return folder


LEFT = {
    "transformers": trainer_output, "lightning": lightning, "hydra": hydra, "wandb": wandb, "mlflow": mlflow,
    "dvclive": dvclive, "log": printed,
}  # fmt: skip
"""By the name of its source: what it leaves."""

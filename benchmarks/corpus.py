"""Projects of many config files, as launchers and people write them: what the benchmarks of `framework check` run on.

The files of a study share their keys and most of their values; they differ in names, folders, seeds and workers, in
how a number is spelled (`2e-4`, `0.0002`), in how a batch is factored, in comments and blank lines (so that no two
files agree in their line numbers), in the order of sections and in indentation.
"""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

BOUND: dict[str, tuple[str, Any]] = {
    "model.layers": ("models.tiny.layers", 2),
    "model.hidden": ("models.tiny.hidden", 64),
    "model.vocabulary": ("models.tiny.vocabulary", 256),
    "optimizer.name": ("optimizer.name", "adamw"),
    "optimizer.learning_rate": ("optimizer.learning_rate", 2e-4),
    "optimizer.weight_decay": ("optimizer.weight_decay", 0.1),
    "optimizer.betas": ("optimizer.betas", [0.9, 0.98]),
    "optimizer.eps": ("optimizer.eps", 1e-6),
    "optimizer.max_grad_norm": ("max_grad_norm", 1.0),
    "schedule.name": ("schedule.name", "cosine"),
    "schedule.warmup_ratio": ("schedule.warmup.ratio", 0.1),
    "schedule.min_learning_rate": ("schedule.min_learning_rate", 2e-5),
    "training.epochs": ("epochs", 20),
    "training.micro_batch_size": ("batch_size.micro", None),
    "training.accumulation": ("batch_size.accumulation", None),
    "training.precision": ("precision", "bf16"),
    "training.early_stopping.metric": ("early_stopping.metric", "loss"),
    "training.early_stopping.patience": ("early_stopping.patience", 3),
    "training.early_stopping.min_delta": ("early_stopping.min_delta", 0.01),
    "data.sequence_length": ("sequence_length", 512),
}
"""A key of the files -> the clause that it states, and the value; None where another key decides it, too."""

MANIFEST = """\
version: 1
paper: {title: Many runs}
hardware: {count: 2}
models:
  tiny: {family: gpt2, weights: random, layers: 2, hidden: 64, vocabulary: 256, tokenizer: bytes}
datasets:
  manual: {builtin: language-reference}
phases:
  pretrain:
    objective: causal_lm
    dataset: manual
    optimizer: {name: adamw, learning_rate: 2e-4, weight_decay: 0.1, betas: [0.9, 0.98], eps: 1e-6}
    schedule: {name: cosine, warmup: 10%, min_learning_rate: 0.1 * learning_rate}
    batch_size: 128
    epochs: 20
    sequence_length: 512
    max_grad_norm: 1.0
    precision: bf16
    early_stopping: {metric: loss, patience: 3, min_delta: 0.01}
variants:
  M_base: {steps: [pretrain]}
  M_sdm: {steps: [{pretrain: {mask: {sdm: {target_sparsity: 0.3}}}}]}
seeds: [42]
configs:
  - file: "runs/*.yaml"
    describes: phases.pretrain
    keys:
KEYS
    ignore: [run, logging, data.workers, data.path, data.shuffle, data.prefetch, checkpoint, environment]
""".replace("KEYS", "\n".join(f"      {key}: {clause}" for key, (clause, _) in BOUND.items()))

HEAD = """\
# run {number}: generated, as launchers write them
run:
  name: run-{number:05d}
  group: ablation-{group}
  notes: "number {number}, nothing else"
  seed: {seed}
  tags: [ablation, small, "{group}"]
"""

SECTIONS = (
    "model:\n  layers: 2\n  hidden: 64\n  vocabulary: 256\n",
    """\
optimizer:
  name: {adamw}
  learning_rate: {learning_rate}
  weight_decay: 0.1
  betas: [0.9, 0.98]
  eps: {eps}
  max_grad_norm: 1.0
""",
    "schedule:\n  name: cosine\n  warmup_ratio: 0.1\n  min_learning_rate: {min_learning_rate}\n",
    """\
training:
  epochs: 20
  # {micro} x {accumulation} x 2 processes = 128 sequences per optimizer step
  micro_batch_size: {micro}
  accumulation: {accumulation}
  precision: bf16
  early_stopping:
    metric: loss
    patience: 3
    min_delta: 0.01
""",
    """\
data:
  path: data/manual/{number}
  sequence_length: 512
  workers: {workers}
  shuffle: true
  prefetch: 2
""",
    "logging:\n  every: {every}\n  wandb:\n    project: many-runs\n    entity: lab\n    mode: offline\n",
    "checkpoint:\n  every: 1000\n  keep: 3\n  path: /scratch/many/run-{number:05d}\n",
    """\
environment:
  NCCL_DEBUG: WARN
  OMP_NUM_THREADS: {workers}
  TOKENIZERS_PARALLELISM: "false"
  CUDA_VISIBLE_DEVICES: "0,1"
""",
)


def config(number: int, learning_rate: str | None = None) -> str:
    """One config file of about 65 lines; ``learning_rate`` as text, else one of the ways to write the declared one."""
    chosen = random.Random(number)
    micro = chosen.choice((8, 16, 32, 64))
    values = {
        "number": number,
        "group": number % 7,
        "seed": chosen.randint(0, 10**6),
        "adamw": chosen.choice(("adamw", "AdamW")),
        "learning_rate": learning_rate or chosen.choice(("2e-4", "0.0002", "2.0e-4")),
        "eps": chosen.choice(("1e-6", "1.0e-06")),
        "min_learning_rate": chosen.choice(("2e-5", "0.00002")),
        "micro": micro,
        "accumulation": 64 // micro,
        "workers": chosen.randint(0, 16),
        "every": chosen.choice((10, 20, 50, 100)),
    }
    sections = list(SECTIONS)
    if number % 5 == 0:
        sections = sections[3:] + sections[:3]
    parts = [HEAD.format(**values)]
    for section in sections:
        notes = chosen.choice(("", "", f"# as launched on day {chosen.randint(1, 300)}\n", "\n# see the paper\n"))
        parts.append(notes + section.format(**values))
    text = "\n".join(parts)
    return text if number % 4 else "\n".join(_wider(line) for line in text.split("\n"))


def _wider(line: str) -> str:
    """The line with twice its indentation."""
    return " " * (len(line) - len(line.lstrip())) + line


def apart(number: int) -> str:
    """As :func:`config`, with a comment of its own on each line: no line stands in two files."""
    chosen = random.Random(number)
    lines = config(number).split("\n")
    return "\n".join(f"{line}  # {chosen.random()}" if line.strip() else line for line in lines)


def project(folder: Path, files: int, text: Any = config) -> Path:
    """A project of so many config files; ``text`` makes each from its number."""
    (folder / "runs").mkdir(parents=True)
    (folder / "experiment.yaml").write_text(MANIFEST)
    for number in range(files):
        (folder / "runs" / f"run-{number:05d}.yaml").write_text(text(number))
    return folder


def schema() -> dict[str, Any]:
    """A JSON schema that holds the files to the same values, for the tools that take one."""
    root: dict[str, Any] = {"type": "object", "properties": {}, "required": []}
    for key, (_, value) in BOUND.items():
        here, (*above, last) = root, key.split(".")
        for name in above:
            empty = {"type": "object", "properties": {}, "required": []}
            here["required"] = sorted({*here["required"], name})
            here = here["properties"].setdefault(name, empty)
        here["required"].append(last)
        allowed = ["adamw", "AdamW"] if key == "optimizer.name" else [value]
        here["properties"][last] = {"type": "integer"} if value is None else {"enum": allowed}
    return root

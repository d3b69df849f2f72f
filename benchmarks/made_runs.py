"""Projects with finished runs that no training made: a few large checkpoints, or very many small ones."""

from __future__ import annotations

import json
import math
import os
import struct
from collections.abc import Callable, Iterator, Mapping
from contextlib import chdir
from pathlib import Path
from typing import Any

import numpy

from framework import api
from framework.evidence.mask_layout import MaskHeader, canonical, digest, packed
from framework.evidence.record import RunRecord, artefacts_below
from framework.manifest.sections.methods import Prune
from framework.planning.steps import Step

HIDDEN, COLUMNS = 1024, 4096
_MANIFEST = """\
version: 1
paper: {title: Runs that nobody trained}
hardware: {accelerator: cpu}
models: {llama: {family: llama, weights: random, layers: 1, hidden: 1024, vocabulary: 256, tokenizer: bytes}}
datasets: {text: {builtin: language-reference, train_examples: 8}}
phases:
  pretrain:
    objective: causal_lm
    dataset: text
    optimizer: {name: adamw, learning_rate: 1e-3}
    schedule: {name: constant}
    batch_size: 8
    max_steps: 2
"""
_PRUNE = "{prune: {score: magnitude, scope: %s, sparsity: %s, tensors: [down_proj]}}"
_SIZES = {"model_type": "llama", "num_hidden_layers": 1, "hidden_size": HIDDEN, "vocab_size": 256}

Weights = Mapping[str, numpy.ndarray[Any, Any]]


def checkpoints(root: Path, mebibytes: int) -> list[Path]:
    """A checkpoint of float32, and two that were pruned to a half: over the model and within each tensor; their files.

    One tensor in eight is not pruned.
    """
    variants = {
        "dense": "[pretrain]",
        **{scope: f"[pretrain, {_PRUNE % (scope, 0.5)}]" for scope in ("model", "layer")},
    }
    count = max(mebibytes // 16, 2)
    names = [f"model.layers.{index:03d}.mlp.{'up' if index % 8 == 7 else 'down'}_proj.weight" for index in range(count)]
    source = numpy.random.default_rng(0)
    weights = {name: source.standard_normal((HIDDEN, COLUMNS), numpy.float32) * (1 + index % 7)
               for index, name in enumerate(names)}  # fmt: skip
    _write(
        root, variants, [1], lambda step: weights if not isinstance(step.work, Prune) else _pruned(weights, step.work)
    )
    return sorted((root / "runs").glob("*/model/model.safetensors"))


def many(root: Path, runs: int, variants: int) -> None:
    """As many small finished runs, each variant pruned from one checkpoint for each seed."""
    levels = {f"p{index:04d}": (index + 1) / (variants + 1) for index in range(variants)}
    weights = {
        "model.layers.0.mlp.down_proj.weight": numpy.random.default_rng(0).standard_normal((8, 16), numpy.float32)
    }
    own = {name: f"[pretrain, {_PRUNE % ('model', level)}]" for name, level in levels.items()}
    _write(root, own, range(1, max(runs // (variants + 1), 1) + 1),
           lambda step: weights if not isinstance(step.work, Prune) else _pruned(weights, step.work))  # fmt: skip


def _pruned(weights: Weights, work: Prune) -> dict[str, Any]:
    own = {name: weight for name, weight in weights.items() if "down_proj" in name}
    assert isinstance(work.sparsity, float)
    groups = [[name] for name in own] if work.scope == "layer" else [list(own)]
    found = dict(weights)
    for group in groups:
        keys = numpy.concatenate([numpy.abs(own[name]).ravel() for name in group])
        asked = round(work.sparsity * keys.size)
        threshold = numpy.partition(keys, asked - 1)[asked - 1]
        gone = keys < threshold
        tied = numpy.flatnonzero(keys == threshold)  # of equal ones the last positions go
        gone[tied[len(tied) - (asked - int(numpy.count_nonzero(gone))) :]] = True
        at = 0
        for name in group:
            size = own[name].size
            found[name] = numpy.where(gone[at : at + size].reshape(own[name].shape), numpy.float32(0), own[name])
            at += size
    return found


def _write(root: Path, variants: Mapping[str, str], seeds: Any, weights: Callable[[Step], Weights]) -> None:
    root.mkdir(parents=True, exist_ok=True)
    stated = "".join(f"  {name}: {{steps: {steps}}}\n" for name, steps in variants.items())
    (root / "experiment.yaml").write_text(f"{_MANIFEST}variants:\n{stated}seeds: {list(seeds)}\n")
    with chdir(root):
        experiment = api.load("experiment.yaml")
        made: dict[Any, Path] = {}
        for step in api.plan(experiment).steps:
            folder = root / experiment.runs / step.folder
            folder.mkdir(parents=True)
            alike = json.dumps(step.work.model_dump(mode="json")) if isinstance(step.work, Prune) else ""
            if alike in made:
                for name in _files(made[alike]):
                    (folder / name).parent.mkdir(exist_ok=True)
                    (folder / name).write_bytes((made[alike] / name).read_bytes())
            else:
                _model(folder, step, weights(step))
                made[alike] = folder
            _record(step, folder)


def _files(folder: Path) -> Iterator[str]:
    for path in folder.rglob("*"):
        if path.is_file() and path.name != "record.json":
            yield path.relative_to(folder).as_posix()


def _model(folder: Path, step: Step, weights: Weights) -> None:
    entries, at = {}, 0
    for name, weight in weights.items():
        entries[name] = {"dtype": "F32", "shape": list(weight.shape), "data_offsets": [at, at + weight.nbytes]}
        at += weight.nbytes
    (folder / "model").mkdir()
    _safetensors(folder / "model" / "model.safetensors", entries, weights.values())
    (folder / "model" / "config.json").write_text(json.dumps(_SIZES))
    if isinstance(step.work, Prune):
        bits = {name: packed(weight != 0) for name, weight in weights.items() if "down_proj" in name}
        shapes = {name: weights[name].shape for name in sorted(bits)}
        sha256 = digest({}, shapes, lambda name: [bits[name]])
        header, at, stored = MaskHeader("packed", shapes, {}, sha256), 0, {}
        for name in shapes:
            stored[name] = {"dtype": "U8", "shape": [len(bits[name])], "data_offsets": [at, at + len(bits[name])]}
            at += len(bits[name])
        _safetensors(folder / "masks.safetensors", {"__metadata__": header.as_metadata(), **stored},
                     [bits[name] for name in shapes])  # fmt: skip
    else:
        lines = [{"step": n, "epoch": 0, "learning_rate": 1e-3, "samples": 8, "tokens": 8, "loss": 1.0} for n in (1, 2)]
        (folder / "steps.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
        (folder / "events.jsonl").write_text("")


def _safetensors(path: Path, entries: Mapping[str, Any], arrays: Any) -> None:
    text = canonical(entries).encode()
    text = text.ljust(-(-len(text) // 8) * 8)
    with path.open("wb") as stream:
        stream.write(struct.pack("<Q", len(text)) + text)
        for array in arrays:
            stream.write(numpy.ascontiguousarray(array).data)


def _record(step: Step, folder: Path) -> None:
    record = RunRecord(
        key=step.key, folder=step.folder, step=step.name, variants=list(step.variants), model=step.model_name,
        task=step.task, seed=step.seed, profile=step.profile, identity=dict(step.identity), parent=step.parent,
        references=dict(step.references), status="done", seconds=1.0,
    )  # fmt: skip
    record.metrics = {"perplexity": 10 + 0.01 * step.seed}
    if isinstance(step.work, Prune):
        from framework.evidence.masks import MaskFile

        masks = MaskFile(folder / "masks.safetensors")
        tensors = {name: [masks.zeros(name), math.prod(tensor.shape)] for name, tensor in masks.tensors.items()}
        record.sparsity = {
            "score": "magnitude",
            "structure": "unstructured",
            "scope": step.work.scope,
            "tensors": tensors,
        }
    else:
        record.observed = {
            "optimizer_steps": 2,
            "planned_steps": 2,
            "train_examples": 8,
            "processes": 1,
            "seed": step.seed,
            "max_grad_norm": None,
            "objective": "causal_lm",
            "stopped_early": False,
            "optimizer": {"class": "AdamW"},
        }
        record.data = {"name": "text", "source": {"builtin": "language-reference", "train_examples": 8}}
    record.artefacts = artefacts_below(folder, *sorted(os.listdir(folder)))
    record.write(folder)

"""Small valid projects, and run folders as a run would leave them, made without torch."""

from __future__ import annotations

import io
import json
import os
import struct
import subprocess
import sys
from collections.abc import Callable, Iterable, Mapping
from contextlib import chdir, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import numpy
from hypothesis import settings

from framework import api
from framework.cli import main as command_line
from framework.conformance import Stage, Status
from framework.errors import InputError
from framework.evidence.record import RunRecord, artefacts_below
from framework.manifest.experiment import Experiment
from framework.manifest.lengths import optimizer_steps, samples_at
from framework.manifest.loading import load
from framework.manifest.sections.methods import LoRA, Permute, Prune, SameAs
from framework.planning.build import Plan, build
from framework.planning.steps import Measure, Step, Training
from framework.stages import verify as verifying
from framework.stages.check import CheckResult, check
from framework.stages.run.recomputed.learning_rate import learning_rate_at
from framework.stages.verify import VerifyResult

settings.register_profile("framework", deadline=None, derandomize=True)
settings.load_profile("framework")

TODAY = date(2026, 6, 1)
"""The day on which the tests look at waivers."""

MANIFEST = """\
version: 1
paper:
  title: A small study
  authors: [A. Researcher]
hardware:
  accelerator: NVIDIA A100
  memory_gb: 80
  count: 2
  cuda: "12.1"
  torch: "2.1"
  packages: {transformers: "5.0"}
models:
  tiny:
    family: gpt2
    weights: random
    layers: 2
    hidden: 4
    vocabulary: 16
    tokenizer: bytes
    parameters: 2608
datasets:
  manual: {builtin: language-reference, train_examples: 10}
  topics: {builtin: reference-topics, labels: 2, train_examples: 6}
phases:
  pretrain:
    objective: causal_lm
    dataset: manual
    metric: perplexity
    optimizer:
      name: adamw
      learning_rate: 2e-4
      weight_decay: 0.1
      betas: [0.9, 0.98]
      eps: 1e-6
    schedule: {name: cosine, warmup: 20%, min_learning_rate: 0.1 * learning_rate}
    batch_size: 4
    epochs: 4
    sequence_length: 8
    max_grad_norm: 1.0
  finetune:
    objective: classification
    tasks:
      topics: {epochs: 2, metric: f1}
    optimizer: {name: adamw, learning_rate: 1e-4}
    schedule: {name: linear, warmup: 1 steps}
    batch_size: 2
    early_stopping: {metric: accuracy, patience: 3}
variants:
  dense:
    description: dense pre-training
    steps: [pretrain]
  masked:
    steps:
      - pretrain:
          mask: {sdm: {target_sparsity: 0.5, tensors: [in_proj]}}
  reordered:
    from: dense
    steps: [{permute: csp}]
  pruned:
    from: dense
    steps:
      - prune: {score: magnitude, sparsity: {same_as: masked}}
      - finetune:
          adapter: {lora: {rank: 2, alpha: 4, dropout: 0.05, targets: [in_proj]}}
rules:
  - iso_sparsity: {variants: [masked, pruned], scope: layer}
  - differ_only_in: {variants: [dense, masked], clauses: [mask]}
seeds: [1, 2, 3]
claims:
  - {id: cost, assert: "perplexity(masked) <= 1.05 * perplexity(dense)", confidence: 0.85}
configs:
  - file: configs/pretrain.yaml
    describes: phases.pretrain
    keys:
      optim.lr: optimizer.learning_rate
      optim.min_lr: schedule.min_learning_rate
      optim.name: optimizer.name
      optim.betas: optimizer.betas
      warmup_ratio: schedule.warmup.ratio
      epochs: epochs
      batch.micro: batch_size.micro
      batch.accumulation: batch_size.accumulation
    knobs:
      batch.micro: micro_batch_size
    ignore: [logging]
"""

CONFIG = """\
# What the trainer reads.
optim:
  name: AdamW
  lr: 2e-4
  min_lr: 2e-5
  betas: [0.9, 0.98]
warmup_ratio: 0.2
epochs: 4
batch: {micro: 1, accumulation: 2}
logging:
  every: 20
"""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a command did: its exit code, and what it wrote to the two streams."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


MARK = "«"
"""In a text that is put into a file: the place right after it is where something is wrong."""


class Project:
    """A project folder with a manifest and a config file that conforms to it.

    ``place`` is `file:line:column` of the last :data:`MARK` that was put into a file, and taken out again.
    """

    place: str

    def __init__(self, root: Path, manifest: str = MANIFEST, config: str = CONFIG):
        self.root = root
        self.write("experiment.yaml", manifest)
        self.write("configs/pretrain.yaml", config)

    def path(self, name: str) -> Path:
        return self.root / name

    def write(self, name: str, content: str | bytes) -> Path:
        path = self.path(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        data = content.encode() if isinstance(content, str) else content
        before, mark, after = data.partition(MARK.encode())
        if mark:
            lines = before.decode("utf-8-sig").split("\n")
            self.place = f"{name}:{len(lines)}:{len(lines[-1]) + 1}"
        path.write_bytes(before + after)
        return path

    def read(self, name: str = "experiment.yaml") -> str:
        return self.path(name).read_bytes().decode()

    def replace(self, old: str, new: str, name: str = "experiment.yaml") -> Project:
        """Put ``new`` in the place of the one ``old`` of a file."""
        text = self.read(name)
        assert text.count(old) == 1, f"{old!r} stands {text.count(old)} times in {name}"
        self.write(name, text.replace(old, new))
        return self

    def config(self, old: str, new: str) -> Project:
        return self.replace(old, new, "configs/pretrain.yaml")

    def append(self, text: str, name: str = "experiment.yaml") -> Project:
        self.write(name, self.read(name) + text)
        return self

    def files(self) -> dict[str, bytes]:
        """Every file below the project, by its path, to tell that nothing was written."""
        return {
            path.relative_to(self.root).as_posix(): path.read_bytes()
            for path in sorted(self.root.rglob("*"))
            if path.is_file()
        }

    def load(self, profile: str | None = None) -> Experiment:
        with chdir(self.root):
            return load("experiment.yaml", profile)

    def check(self, today: date = TODAY) -> CheckResult:
        with chdir(self.root):
            return check(load(), today)

    def plan(self, profile: str | None = None, **selection: Any) -> Plan:
        return build(self.load(profile), **selection)

    def verify(self, profile: str | None = None, plan: Plan | None = None, today: date = TODAY) -> VerifyResult:
        """The verdicts of every stage but the document's, which the reports add."""
        with chdir(self.root):
            experiment = load("experiment.yaml", profile)
            return verifying.verify(experiment, plan or build(experiment), today=today)

    def verify_all(self) -> VerifyResult:
        """The verdicts of every stage."""
        with chdir(self.root):
            return api.verify(load())

    def cli(self, *arguments: str, cwd: str = ".") -> Outcome:
        """Run a command in this process, inside the project's folder; a check without the answers of others."""
        if arguments[:1] == ("check",):
            arguments = (*arguments, "--no-cache")
        out, err = io.StringIO(), io.StringIO()
        with chdir(self.root / cwd), redirect_stdout(out), redirect_stderr(err):
            code = command_line.run(list(arguments))
        return Outcome(code, out.getvalue(), err.getvalue())

    def problems(self, profile: str | None = None) -> list[str]:
        """The refusals of a manifest that cannot be loaded, each as people see it."""
        try:
            self.load(profile)
        except InputError as failure:
            return [str(problem) for problem in failure.problems]
        return []


def process(cwd: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a command in a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "framework", *arguments],
        cwd=cwd,
        env={**os.environ, "FRAMEWORK_CACHE_DIR": str(cwd / ".cache"), **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def status_of(result: VerifyResult | CheckResult, clause: str, stage: Stage) -> Status | None:
    """The cell of the matrix."""
    found = next(each for each in result.matrix.clauses if each.id == clause)
    return result.matrix.status(found, stage)


def codes(result: VerifyResult | CheckResult) -> list[str]:
    """The distinct codes of all findings, sorted."""
    return sorted({finding.code for finding in result.findings})


# Evidence


def save_tensors(
    path: Path, tensors: Mapping[str, tuple[str, tuple[int, ...], bytes]], metadata: Mapping[str, str] | None = None
) -> Path:
    """Write a safetensors file of (dtype, shape, bytes), in the format's own words: a length, JSON, the bytes."""
    header: dict[str, Any] = {"__metadata__": dict(metadata)} if metadata else {}
    body = b""
    for name, (dtype, shape, data) in tensors.items():
        header[name] = {"dtype": dtype, "shape": list(shape), "data_offsets": [len(body), len(body) + len(data)]}
        body += data
    text = json.dumps(header).encode()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(struct.pack("<Q", len(text)) + text + body)
    return path


def stored(values: Any, dtype: str = "F32") -> tuple[str, tuple[int, ...], bytes]:
    """An array as a safetensors entry."""
    array = numpy.asarray(values)
    if dtype == "BF16":
        bits = (array.astype("<f4").view("<u4") >> 16).astype("<u2")
        return dtype, array.shape, bits.tobytes()
    kinds = {
        "F64": "<f8",
        "F32": "<f4",
        "F16": "<f2",
        "BOOL": "|b1",
        "U8": "|u1",
        "I8": "|i1",
        "I32": "<i4",
        "I64": "<i8",
    }
    return dtype, array.shape, array.astype(kinds[dtype]).tobytes()


SHAPES = {
    "h.0.in_proj.weight": (4, 6),
    "h.1.in_proj.weight": (4, 6),
    "transformer.h.0.mlp.c_fc.weight": (4, 6),
    "wte.weight": (16, 4),
}
ORDER = (3, 1, 2, 0, 5, 4)
"""How a permutation reorders the channels."""
ZEROS = {"h.0.in_proj.weight": 12, "h.1.in_proj.weight": 10}
"""The zeros of each masked tensor."""


def kept(name: str, zeros: int | None = None) -> numpy.ndarray[Any, Any]:
    """A mask whose first values are removed."""
    flat = numpy.ones(SHAPES[name], bool).ravel()
    flat[: ZEROS[name] if zeros is None else zeros] = False
    return flat.reshape(SHAPES[name])


class Evidence:
    """Run folders of a plan, all as the manifest demands; then changed one at a time."""

    def __init__(self, project: Project, profile: str | None = None, there: bool = False, **selection: Any):
        """``there`` says that the folders lie there already, copied from another project's."""
        self.project = project
        self.experiment = project.load(profile)
        self.plan = build(self.experiment, **selection)
        self.masked: dict[str, bool] = {}
        for step in self.plan.steps if not there else ():
            self._fabricate(step)

    def step(self, variant: str, name: str, seed: int = 1) -> Step:
        """The step of that name which the variant states itself."""
        found = [step for step in self.plan.of_variant(variant) if step.name == name and step.seed == seed]
        return next(step for step in found if step.variant == variant)

    def folder(self, variant: str, name: str, seed: int = 1) -> Path:
        return self.experiment.runs / self.step(variant, name, seed).folder

    def folders(self) -> Iterable[Path]:
        return sorted(path for path in self.experiment.runs.iterdir())

    def _fabricate(self, step: Step) -> None:
        folder = self.experiment.runs / step.folder
        folder.mkdir(parents=True)
        record = RunRecord(
            key=step.key,
            folder=step.folder,
            step=step.name,
            variants=list(step.variants),
            model=step.model_name,
            task=step.task,
            seed=step.seed,
            profile=step.profile,
            identity=dict(step.identity),
            parent=step.parent,
            references=dict(step.references),
            status="done",
            seconds=1.0,
            environment={
                "hardware": {"accelerator": "NVIDIA A100-SXM4-80GB", "memory_gb": 79.2, "cuda": "12.1"},
                "packages": {"torch": "2.1.2+cu121", "transformers": "5.0.3"},
            },
            parameters={"total": 2608, "trainable": 2608},
            # Far apart enough for the claim, and not the same for every seed.
            metrics={"perplexity": (10.0 if step.variant == "dense" else 10.2) + 0.01 * step.seed, "f1": 0.5},
        )
        if isinstance(step.work, Measure):
            record.measurements = measured(step.work)
        else:
            self._model(step, folder)
        if isinstance(step.work, Training):
            record.observed, record.data = self._training(step, step.work, folder)
            if step.work.mask is not None:
                asked = step.work.mask.chosen[1].target_sparsity
                record.sparsity = {"asked": asked, "channels": {"reached": asked}}
            if step.work.adapter is not None and isinstance(lora := step.work.adapter.chosen[1], LoRA):
                record.adapter = lora.model_dump()
                self._adapter(lora, folder)
        if isinstance(step.work, Prune):
            record.sparsity = step.work.model_dump(mode="json", include={"score", "structure", "scope"})
            if isinstance(step.work.sparsity, SameAs):
                record.sparsity["tensors"] = {name: [count, 24] for name, count in ZEROS.items()}
        record.observed["source"] = step.model.model_dump()
        record.write(folder)
        seal(folder)

    def _training(self, step: Step, work: Training, folder: Path) -> tuple[dict[str, Any], dict[str, Any]]:
        examples = work.dataset.train_examples or 8
        total = optimizer_steps(work.phase, examples)
        lines = [
            {
                "step": number,
                "epoch": 0,
                "learning_rate": learning_rate_at(work.phase, number, total),
                "samples": samples_at(number, examples, work.phase.batch_size),
                "tokens": 8,
                "loss": 1.0,
                "temperature": 5.0 if number == 1 else 0.1,
            }
            for number in range(1, total + 1)
        ]
        write_lines(folder / "steps.jsonl", lines)
        optimizer = work.phase.optimizer
        observed = {
            "optimizer_steps": total,
            "planned_steps": total,
            "train_examples": examples,
            "processes": 2,
            "seed": step.seed,
            "optimizer": {"class": "AdamW", **optimizer.model_dump(include={"weight_decay", "betas", "eps"})},
            "sequence_length": work.phase.sequence_length,
            "max_grad_norm": work.phase.max_grad_norm,
            "objective": work.phase.objective,
            "stopped_early": False,
        }
        evaluations = [{"event": "evaluation", "accuracy": 0.5 + 0.1 * epoch} for epoch in range(2)]
        write_lines(folder / "events.jsonl", [{"event": "start"}, *evaluations])
        data = {
            "name": work.dataset_name,
            "fingerprint": f"{work.dataset_name}-as-published",
            "source": work.dataset.model_dump(),
        }
        return observed, data

    def _model(self, step: Step, folder: Path) -> None:
        makes = isinstance(step.work, Prune) or (isinstance(step.work, Training) and step.work.mask is not None)
        self.masked[step.key] = makes or (step.parent is not None and self.masked[step.parent])
        masks: dict[str, numpy.ndarray[Any, Any]] = {}
        if self.masked[step.key]:
            masks = {name: kept(name) for name in ZEROS}
            if isinstance(step.work, Prune) and not isinstance(step.work.sparsity, SameAs):
                zeros = round(step.work.sparsity * 48)
                masks = {"h.0.in_proj.weight": kept("h.0.in_proj.weight", zeros - 20)}
                masks["h.1.in_proj.weight"] = kept("h.1.in_proj.weight", 20)
        order = range(6)
        if isinstance(step.work, Permute):
            order = ORDER
            write_order(folder, ORDER, method=step.work.method, dimension=step.work.dimension)
        write_model(folder, masks, order)
        sizes = {"model_type": "gpt2", "n_layer": 2, "n_embd": 4, "vocab_size": 16}
        (folder / "model" / "config.json").write_text(json.dumps(sizes))

    def _adapter(self, lora: LoRA, folder: Path) -> None:
        tensors = {
            f"base_model.model.h.0.{target}.lora_A.weight": stored(numpy.ones((lora.rank, 6)))
            for target in lora.targets
        }
        save_tensors(folder / "adapter" / "adapter_model.safetensors", tensors)
        stated = {"r": lora.rank, "lora_alpha": lora.alpha, "lora_dropout": lora.dropout}
        (folder / "adapter" / "adapter_config.json").write_text(json.dumps(stated))


def measured(work: Measure) -> list[dict[str, Any]]:
    """Figures of everything that a measuring step declares, over passes of 1, 2, 3... ms."""
    spec, found = work.measurement, []
    seconds = [number / 1000 for number in range(1, spec.repeats + 1)]
    middle = (seconds[(spec.repeats - 1) // 2] + seconds[spec.repeats // 2]) / 2
    adapted = work.training is not None and work.training.adapter is not None
    for state in spec.adapters if adapted else [None]:
        for quantity in spec.measure:
            fact: dict[str, Any] = {"quantity": quantity, "adapter": state, "value": 100, "unit": "units"}
            if quantity.endswith("parameters"):
                if (quantity, state) != ("nonzero_parameters", "unmerged"):
                    found.append(fact)
                continue
            for length in spec.sequence_lengths:
                if quantity == "flops":
                    found.append({**fact, "sequence_length": length, "precision": spec.precision})
                    continue
                for size in spec.batch_sizes:
                    value = {"latency": 1000 * middle / length, "throughput": size * length / middle}.get(quantity, 100)
                    place = {"batch_size": size, "sequence_length": length, "precision": spec.precision}
                    over = {"warmup": spec.warmup, "seconds": seconds}
                    found.append({**fact, "value": value, **place, **over})
    return found


def write_model(
    folder: Path, masks: Mapping[str, numpy.ndarray[Any, Any]], order: Iterable[int] = range(6), **changes: Any
) -> None:
    """The weights without what is masked: each column of its own value, and rising from the first to the last in
    `in_proj`; and the mask file, where there are masks.

    ``order`` is that of the channels of the feed-forward layer; ``changes`` replace tensors by their name's last word
    but one (`wte`).
    """
    weights = {name: numpy.resize(numpy.arange(1.0, 7.0), shape) for name, shape in SHAPES.items()}
    # The lowest 22 of both together are the first 12 of the one and the first 10 of the other.
    weights |= {f"h.{layer}.in_proj.weight": 1 + 1.5 * layer + numpy.arange(24.0).reshape(4, 6) for layer in (0, 1)}
    weights = {name: weight * masks.get(name, True) for name, weight in weights.items()}
    weights["transformer.h.0.mlp.c_fc.weight"] = weights["transformer.h.0.mlp.c_fc.weight"][:, list(order)]
    weights |= {name: changes[word] for name in weights if (word := name.split(".")[-2]) in changes}
    save_tensors(folder / "model" / "model.safetensors", {name: stored(value) for name, value in weights.items()})
    if masks:
        save_tensors(folder / "masks.safetensors", {name: stored(mask, "BOOL") for name, mask in masks.items()})


def write_lines(path: Path, lines: Iterable[Mapping[str, Any]]) -> None:
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))


def seal(folder: Path) -> None:
    """State the files of a run folder in its record, as they are now."""
    record = RunRecord.read(folder)
    names = ("steps.jsonl", "events.jsonl", "model", "masks.safetensors", "adapter", "permutation.safetensors")
    record.artefacts = artefacts_below(folder, *(name for name in names if (folder / name).exists()))
    record.write(folder)


def write_order(folder: Path, order: Iterable[int], **metadata: str) -> None:
    """The saved order of the channels, as a permutation leaves it."""
    save_tensors(folder / "permutation.safetensors", {"transformer.h.0.mlp": stored(list(order), "I64")}, metadata)


def change_record(folder: Path, change: Callable[[RunRecord], object]) -> None:
    record = RunRecord.read(folder)
    change(record)
    record.write(folder)


def change_lines(path: Path, change: Callable[[list[dict[str, Any]]], object]) -> None:
    """Edit the lines of a JSON-lines file of a run folder in place, and state the file as it is then."""
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    change(lines)
    write_lines(path, lines)
    seal(path.parent)

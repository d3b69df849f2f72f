"""Run folders as runs would leave them, made without torch."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy

from framework.evidence.record import RunRecord
from framework.manifest.lengths import optimizer_steps, samples_at
from framework.manifest.sections.methods import LoRA, Permute, Prune, SameAs
from framework.planning.build import build
from framework.planning.steps import Measure, Step, Training
from framework.stages.run.recomputed.learning_rate import learning_rate_at
from tests.support.project import Project
from tests.support.run_folders import seal, write_lines
from tests.support.saved_models import ORDER, ZEROS, kept, write_model, write_order
from tests.support.tensors import save_tensors, stored


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
            "master_weights": "fp32",
            "loss_normalization": "batch",
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

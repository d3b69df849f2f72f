"""Everything that the optimizer steps to come depend on, beside the data and the seeds: what a checkpoint holds.

The order of the data is a function of the seed and the epoch, and torch's generators are seeded anew at each optimizer
step from the seed and the step. So no generator's state is kept, and none can be shifted by a restart. Gradients are
not kept either: between two optimizer steps there are none.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from runners.training.checkpointing.checkpoint_files import SavedState
from runners.training.evaluating.early_stopping import BestState
from runners.training.figures.divergence import Divergence
from runners.training.methods import Method

WEIGHTS, OPTIMIZER, BEST = "weights", "optimizer", "best"
"""The tensor files: what is trained, the optimizer's state of it (`<name>.exp_avg`), what it was at its best."""


@dataclass(slots=True)
class TrainingState:
    """The parts of a training that change from step to step.

    Args:
        model: Without what distributes or wraps it, for the names of its parameters.
        optimizer: torch's own. Its hyperparameters follow from the manifest; the learning rates are the schedule's.
        scaler: The loss scaler of fp16, else None.
    """

    model: torch.nn.Module
    optimizer: torch.optim.Optimizer
    schedule: torch.optim.lr_scheduler.LRScheduler
    scaler: Any | None
    methods: Sequence[Method]
    best: BestState | None
    divergence: Divergence | None

    @property
    def parameters(self) -> dict[str, Tensor]:
        """All that the optimizer trains, by name, in its order. One outside the model is called by its place."""
        names = {id(parameter): name for name, parameter in self.model.named_parameters()}
        trained = [parameter for group in self.optimizer.param_groups for parameter in group["params"]]
        return {names.get(id(parameter), f"optimizer/{place}"): parameter for place, parameter in enumerate(trained)}

    def tensors(self) -> dict[str, dict[str, Tensor]]:
        """By file, then by name; on the CPU."""
        parameters = self.parameters
        files = {WEIGHTS: parameters, OPTIMIZER: {}}
        for name, parameter in parameters.items():
            for entry, value in self.optimizer.state.get(parameter, {}).items():
                if value is not None:
                    files[OPTIMIZER][f"{name}.{entry}"] = value
        if self.best is not None:
            files[BEST] = dict(zip(parameters, self.best.kept, strict=False))
        return {
            file: {name: value.detach().cpu().contiguous() for name, value in content.items()}
            for file, content in files.items()
        }

    def facts(self) -> dict[str, Any]:
        """What is no tensor, as JSON data."""
        return {
            "schedule": self.schedule.state_dict(),
            "scaler": self.scaler.state_dict() if self.scaler else None,
            "methods": [method.state() for method in self.methods],
            "best": self.best.state() if self.best else None,
            "divergence": self.divergence.state() if self.divergence else None,
        }

    def load(self, saved: SavedState) -> None:
        """Become what was saved; the training was assembled from the same statement."""
        parameters, facts = self.parameters, saved.state["training"]
        with torch.no_grad():
            for name, value in saved.tensors(WEIGHTS).items():
                parameters[name].copy_(value)
        places = {name: place for place, name in enumerate(parameters)}
        entries: dict[int, dict[str, Tensor]] = {}
        for name, value in saved.tensors(OPTIMIZER).items():
            owner, _, entry = name.rpartition(".")
            entries.setdefault(places[owner], {})[entry] = value
        self.optimizer.load_state_dict({**self.optimizer.state_dict(), "state": entries})
        self.schedule.load_state_dict(facts["schedule"])
        for group, rate in zip(self.optimizer.param_groups, self.schedule.get_last_lr(), strict=True):
            group["lr"] = rate
        if self.scaler:
            self.scaler.load_state_dict(facts["scaler"])
        for method, state in zip(self.methods, facts["methods"], strict=True):
            method.load_state(state)
        if self.best:
            kept = saved.tensors(BEST)
            self.best.load_state(facts["best"], [kept[name] for name in parameters] if kept else [])
        if self.divergence:
            self.divergence.load_state(facts["divergence"])

"""Small models, corpora and steps that run in seconds."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from framework.evidence.record import STEPS, RunRecord
from framework.evidence.store import Run, RunStore
from framework.manifest.sections.methods import Adapter, Mask, Permute, Prune
from framework.manifest.sections.models import Dataset, Model
from framework.manifest.sections.phases import Phase
from framework.manifest.sections.root import Manifest
from framework.planning.identity import key_of
from framework.planning.recipes import Recipe, recipe_of
from framework.planning.steps import Knobs, Step, Training
from runners.execute import execute
from runners.progress import Silent

_NOTHING_ELSE = Manifest.model_construct()
"""The manifest around a phase that refers to nothing outside itself."""


@pytest.fixture(autouse=True, scope="session")
def one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def phase() -> Callable[..., Recipe]:
    """A phase from its differences to a small one, as the built-in training executes it; nested sections are given
    whole."""

    def build(objective: str = "causal_lm", **changes: Any) -> Recipe:
        stated: dict[str, Any] = {
            "objective": objective,
            "dataset": "data",
            "optimizer": {"learning_rate": 3e-3},
            "batch_size": 8,
            "sequence_length": 32,
            "max_steps": 4,
        }
        if "epochs" in changes:
            stated.pop("max_steps")
        found = recipe_of(_NOTHING_ELSE, Phase.model_validate(stated | changes))
        assert isinstance(found, Recipe), found
        return found

    return build


class Laboratory:
    """A store of runs, and steps built by hand: what a plan would give."""

    def __init__(self, root: Path):
        self.project = root
        self.store = RunStore(root / "runs")

    model = Model(family="mamba", weights="random", layers=2, hidden=16, state=4, vocabulary=256, tokenizer="bytes")

    @staticmethod
    def text(**changes: Any) -> Dataset:
        return Dataset(**{"builtin": "language-reference", "limit": 64, "validation_limit": 16} | changes)

    @staticmethod
    def topics(**changes: Any) -> Dataset:
        return Dataset(**{"builtin": "reference-topics", "labels": 2, "limit": 48, "validation_limit": 16} | changes)

    def step(
        self,
        work: Training | Prune | Permute,
        *,
        name: str = "pretrain",
        parent: Run | None = None,
        same_as: Run | None = None,
        model: Model | None = None,
        seed: int = 7,
        knobs: Knobs | None = None,
        variant: str = "M_x",
        key: str | None = None,
        **differing: Any,
    ) -> Step:
        model = model or self.model
        references = {"same_as": same_as.record.key} if same_as else {}
        identity = {
            "does": repr(work),
            "model": model.model_dump(mode="json"),
            "seed": seed,
            "parent": parent.record.key if parent else None,
            "references": references,
            "knobs": repr(knobs),
            **differing,
        }
        return Step(
            key=key or key_of(identity),
            name=name,
            index=0,
            variants=(variant,),
            model_name="tiny",
            model=model,
            task=None,
            seed=seed,
            work=work,
            identity=identity,
            parent=identity["parent"],
            references=references,
            knobs=knobs or Knobs(),
        )

    def run(self, work: Training | Prune | Permute, **how: Any) -> Run:
        return self.execute(self.step(work, **how))

    def execute(self, step: Step) -> Run:
        execute(step, self.store, self.project, Silent())
        run = self.store.done(step.key)
        assert run is not None
        return run

    def pretrain(self, phase: Phase, mask: Mask | None = None, dataset: Dataset | None = None, **how: Any) -> Run:
        return self.run(Training(phase, "data", dataset or self.text(), mask, None), **how)

    def finetune(self, phase: Phase, adapter: Adapter | None = None, dataset: Dataset | None = None, **how: Any) -> Run:
        work = Training(phase, "data", dataset or self.topics(), None, adapter)
        return self.run(work, **{"name": "finetune"} | how)

    def record(self, step: Step) -> RunRecord:
        return RunRecord.read(self.store.folder(step.folder))


@pytest.fixture
def laboratory(tmp_path: Path) -> Laboratory:
    return Laboratory(tmp_path)


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Laboratory:
    """One store for all tests of a module, for runs that several of them start from."""
    return Laboratory(tmp_path_factory.mktemp("shared"))


@pytest.fixture
def trace() -> Callable[[Run], list[dict[str, Any]]]:
    """The lines of a run's `steps.jsonl`."""

    def read(run: Run) -> list[dict[str, Any]]:
        return [json.loads(line) for line in (run.folder / STEPS).read_text().splitlines()]

    return read

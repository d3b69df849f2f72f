"""What a training starts from, in Model Zoo's words: a checkpoint, and the masks that hold over its weights."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from framework.dialects.families import model_zoo
from framework.errors import Problem
from framework.evidence.record import MODEL
from framework.evidence.store import RunStore
from framework.exporters.sparse import Inherited, ancestors, heads_of, inherited
from framework.manifest.experiment import Experiment
from framework.planning.build import Plan
from framework.planning.steps import Step


@dataclass
class Start:
    """How a step starts: what it needs of `trainer.init`, with what that cannot say and what stands against it."""

    experiment: Experiment
    plan: Plan
    step: Step
    notes: list[str] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)

    def write(self, init: dict[str, Any]) -> None:
        """Where the weights come from, and the masks that hold over them."""
        store = RunStore(self.experiment.runs)
        if self.step.parent is None and self.step.model.weights == "random":
            return
        init.setdefault("callbacks", []).append({"LoadCheckpointStates": {"load_checkpoint_states": "model"}})
        init["checkpoint"]["disable_strict_checkpoint_loading"] = True
        origin = self.step.model.hub or self.step.model.path or "the model's folder"
        if self.step.parent is not None:
            before = next(ancestors(self.plan, self.step))
            run = store.done(before.key)
            origin = f"{before.label} ({self._relative(run.folder / MODEL) if run else 'not run yet'})"
        how = "convert it (cszoo checkpoint convert), and name it as fit.ckpt_path"
        self.notes.append(f"starts from the checkpoint of {origin}: {how}")
        if (masks := inherited(self.plan, self.step, store)) is not None:
            self._sparsity(init, masks)

    def _sparsity(self, init: dict[str, Any], masks: Inherited) -> None:
        """Static sparsity: the weights that are zero in the checkpoint stay zero."""
        share, modules = masks.sparsity, masks.modules
        if share is None or modules is None:
            message = f"how sparse it is, and where, only the run of {masks.maker.label} says: there is none yet"
            where = self.experiment.location(masks.maker.places[0])
            self.problems.append(Problem(message, where, f"framework run --variant {masks.maker.variant}"))
            return
        patterns = model_zoo.filters_of(self.step.model.family, modules)
        if patterns is None:
            message = f"{', '.join(modules)} are masked, and Model Zoo's names of them are not known here"
            known = ", ".join(model_zoo.PROJECTIONS[self.step.model.family])
            where = self.experiment.location(masks.maker.places[0])
            self.problems.append(Problem(message, where, f"known for {self.step.model.family}: {known}"))
            return
        static = {"algorithm": "static", "sparsity": share, "init_method": "from_zeros", "param_filter": patterns}
        init["sparsity"] = static
        if masks.file is None:
            self.notes.append(f"masks: {masks.maker.label} has not run; run it and export again to name its mask file")
            return
        file, zeros = self._relative(masks.file), masks.zeros
        reached = f", {zeros[0]} of {zeros[1]} weights zero" if zeros else ""
        assert masks.run is not None
        sha256 = masks.run.record.artefacts.get(masks.file.name, {}).get("sha256", "not recorded")
        self.notes.append(f"masks: {file}{reached}, SHA-256 {sha256}")
        heads = heads_of(self.step, masks)
        if heads is None:
            self.notes.append("no ReapplyMasks callback: how many heads the model has is stated nowhere")
            return
        counts = {"heads": heads[0], "key_value_heads": heads[1]}
        init["callbacks"].append({"ReapplyMasks": {"masks": file, "family": self.step.model.family, **counts}})
        self.notes.append("ReapplyMasks is of runners.cerebras: import that before the trainer reads this file")

    def _relative(self, path: Path) -> str:
        root = self.experiment.root
        return str(path.relative_to(root)) if path.is_relative_to(root) else str(path)

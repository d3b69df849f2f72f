"""Cerebras Model Zoo's trainer YAML (release 2.10), one file for each training of the selected runs.

What the dialect `cerebras` can say is written by its own writer, and so is read back by its reader; added here is what
belongs to a whole file: the model as far as its sizes are stated, the data's places, the masks of a step before. What
would make the trainer train something else than what is declared is an error; the rest that it cannot be told is a
comment at the head of the file.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from framework.dialects.families import model_zoo
from framework.dialects.registry import dialect
from framework.dialects.rendering.file_texts import text_of
from framework.dialects.rendering.registry import written
from framework.dialects.rendering.sheet import Sheet
from framework.dialects.rendering.writers.cerebras import UNKNOWN_LENGTH
from framework.errors import InputError, Problem
from framework.exporters.cerebras_sections import SETTINGS, UNDECLARED, data_sections, model_section, saving, tidy
from framework.exporters.exported import Exported
from framework.exporters.sparse import ancestors
from framework.exporters.start import Start
from framework.locations import Location
from framework.manifest.clauses import shown
from framework.manifest.experiment import Experiment
from framework.manifest.sections.bindings import Binding
from framework.manifest.sections.methods import LoRA
from framework.names import format_path
from framework.planning.build import Plan
from framework.planning.commands.step_facts import Situation, facts_of
from framework.planning.steps import Measure, Step, Training
from framework.stages.config.meaning.dialect_targets import read

RELEASE = "2.10"
_UNSTATED: dict[str, dict[str, Any]] = {
    "AdamW": {"betas": [0.9, 0.999], "eps": 1e-8, "weight_decay": 0.01},
    "Adam": {"betas": [0.9, 0.999], "eps": 1e-8, "weight_decay": 0.0},
    "SGD": {"momentum": 0.0, "weight_decay": 0.0},
}
"""What PyTorch's optimizers take where nothing is stated, and so the trainings here: Cerebras' take other values."""
_SMALL_EPS = 1e-6
_ELSEWHERE = ("objective", "hardware", "model", "dataset", "batch_size", "adapter.lora.mode", "seed")
"""Facts that other sections say, or that :class:`_File` looks at by itself."""


def export(experiment: Experiment, plan: Plan, variants: list[str]) -> list[Exported]:
    """A file for every training that the variants' checkpoints go back to.

    Raises:
        InputError: with every clause that would be trained otherwise than it is declared.
    """
    problems: dict[str, Problem] = {}
    found = []
    for step in _trainings(plan, variants):
        try:
            found.append(_File(experiment, plan, step).exported())
        except InputError as failure:
            problems.update({str(problem): problem for problem in failure.problems})
    if problems:
        raise InputError(list(problems.values()))
    return found


def _trainings(plan: Plan, variants: list[str]) -> Iterator[Step]:
    """The trainings of the variants, and those that they start from; not what is only referred to or measured."""
    own = [step for step in plan.steps if set(step.variants) & set(variants) and not isinstance(step.work, Measure)]
    wanted = {step.key for step in own}
    wanted.update(before.key for step in own for before in ancestors(plan, step))
    yield from (step for step in plan.steps if step.key in wanted and isinstance(step.work, Training))


@dataclass
class _File:
    """The file of one training step."""

    experiment: Experiment
    plan: Plan
    step: Step
    notes: list[str] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)

    def __post_init__(self) -> None:
        step, work = self.step, self.step.work
        assert isinstance(work, Training)
        self.work = work
        variant, index, continues = step.variant, step.index, step.parent is not None
        self.situation = Situation(
            self.experiment, variant, index, step.name, step.task, step.seed, step.model_name, step.model, work,
            continues, step.knobs,
        )  # fmt: skip

    def exported(self) -> Exported:
        facts = facts_of(self.situation)
        if self.step.model.family not in model_zoo.PROJECTIONS:
            known = ", ".join(model_zoo.PROJECTIONS)
            message = f"the family {self.step.model.family!r} has no export to Model Zoo: known are {known}"
            raise InputError.at(self._at("model.family"), message)
        if facts["objective"] == "classification":
            message = f"Model Zoo's {self.step.model.family} has no head for classes: only language models are exported"
            raise InputError.at(self._at("objective"), message)
        sheet = written("cerebras", facts)
        self._refused(sheet)
        data = sheet.data
        init = data["trainer"]["init"]
        init["model"], missing = model_section(self.step.model, facts)
        self.notes += missing
        init["backend"] = {"backend_type": "CSX", **init.get("backend", {})}
        init["checkpoint"], init["logging"] = saving(self.step.knobs, facts.steps)
        if "optimizer" in init:
            self.notes += _complete(init["optimizer"])
        start = Start(self.experiment, self.plan, self.step)
        start.write(init)
        self.notes += start.notes
        self.problems += start.problems
        data_sections(data["trainer"], self.step, self.notes)
        if facts.get("precision") == "fp32":
            self.notes.append("precision fp32: a CSX turns mixed precision on all the same, and says so")
        elif "precision" not in facts:
            init["precision"] = {**init.get("precision", {}), "enabled": True, "fp16_type": "bfloat16"}
            self.notes.append("precision, which is not stated: bfloat16, where the trainer would take float16")
        if self.problems:
            raise InputError(self.problems)
        return self._finished(tidy(data, self.name))

    @property
    def name(self) -> str:
        """The run folder's, without the key, which changes with every value."""
        return self.step.folder.removesuffix(f".{self.step.key[:10]}")

    def _at(self, fact: str) -> Location | None:
        clause = self.situation.clause(fact)
        return clause.location if clause else None

    def _refused(self, sheet: Sheet) -> None:
        """What is stated and not said: an error where the training would be another, else a note."""
        for fact, value in sheet.facts.values.items():
            if fact in sheet.said or (fact.startswith(_ELSEWHERE) and not _unknown_setting(fact)):
                continue
            clause = self.situation.clause(fact)
            if clause is None and fact.startswith(("adapter.", "mask.")):
                continue  # a default of a method: what is stated of it says that it is there
            spelled = f"{clause.id if clause else fact} = {shown(value)}"
            if fact.startswith("early_stopping."):
                self.notes.append(f"{spelled}: the trainer stops for no metric; it runs to its full length")
                continue
            why = sheet.refused.get(fact) or "Model Zoo has nothing that does this"
            where = self._at(fact) or self.experiment.location(("phases", self.step.name))
            self.problems.append(Problem(f"{spelled} cannot be exported: {why}", where, _advice(why)))
        lora = self.work.adapter.chosen[1] if self.work.adapter else None
        if isinstance(lora, LoRA) and lora.mode == "sparse_to_sparse":
            message = "sparse_to_sparse cannot be exported: Model Zoo's LoRA adds an update that no mask holds"
            self.problems.append(Problem(message, self._at("adapter.lora.mode")))

    def _finished(self, data: Mapping[str, Any]) -> Exported:
        step = self.step
        task = f".tasks.{step.task}" if step.task else ""
        binding: dict[str, Any] = {"dialect": "cerebras", "describes": f"phases.{step.name}{task}"}
        binding |= {"variant": step.variant, "model": step.model_name}
        reading = read(self.experiment, Binding(file="", **binding), dialect("cerebras"), data)
        written_here = [f"trainer.init.model.{key}" for key in UNDECLARED if key in data["trainer"]["init"]["model"]]
        unstated = sorted({*(format_path(path) for path in reading.unstated), *written_here})
        if unstated:
            binding["ignore"] = unstated
        text = _head(step, self.notes) + text_of(dict(data), ".yaml")
        return Exported(f"{self.name}.yaml", step.label, text, tuple(self.notes), binding)


def _head(step: Step, notes: list[str]) -> str:
    also = f" (also {', '.join(step.variants[1:])})" if len(step.variants) > 1 else ""
    lines = [f"{step.label}{also}", f"Written by framework export cerebras, for Model Zoo {RELEASE}."]
    if notes:
        lines += ["What this file does not say:", *(f"- {note}" for note in notes)]
    return "".join(f"# {' '.join(line.split())}\n" for line in lines)


def _complete(chosen: dict[str, dict[str, Any]]) -> list[str]:
    """Write the hyperparameters that the manifest does not state, as a run here would have them; what is then another.

    Adam's epsilon is added before the second moment's bias is corrected (cerebras_pytorch 2.10.0, `optim/AdamBase.py`):
    300 updates come out 2e-5 apart at 1e-8, and 7 % of their way at 1e-3 (`benchmarks/model_zoo.py`).
    Weight decay reaches the same weights as here: Model Zoo leaves out biases, which these families do not have, and
    torch's norms, of which its RMSNorm is none (`common/optim_utils.py`, `layers/RMSNorm.py`).
    """
    ((name, arguments),) = chosen.items()
    chosen[name] = {**_UNSTATED[name], **arguments}
    eps = chosen[name].get("eps", 0.0)
    if eps <= _SMALL_EPS:
        return []
    return [f"eps {eps:g}: the trainer adds it before the bias correction, as eps / sqrt(1 - beta2 ** step)"]


def _unknown_setting(fact: str) -> bool:
    """Whether a fact is a setting of the model's that has no place in Model Zoo's section."""
    return fact.startswith("model.settings.") and fact.removeprefix("model.settings.") not in SETTINGS


def _advice(why: str) -> str | None:
    if why == UNKNOWN_LENGTH:
        return "declare the dataset's `train_examples`, or `max_steps` in the place of `epochs`"
    return None

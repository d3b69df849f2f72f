"""Whether what a command is passed says what the manifest says: read back, and held as `framework check` holds it.

The arguments are written as a command line of a shell script, the configs as files, and beside them a manifest of this
one step; then `check` reads them with the readers and dialects that it would read them with in a project.
"""

from __future__ import annotations

import shlex
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from framework.conformance import Finding, Severity, Stage, Status
from framework.conformance.finding import place_order
from framework.conformance.matrix import Matrix
from framework.conformance.waivers import Judge
from framework.errors import InputError
from framework.manifest.lengths import examples_in, optimizer_steps
from framework.manifest.loading import load
from framework.manifest.sections.methods import SGH
from framework.planning.commands.command import Command, filled
from framework.planning.steps import Step, Training
from framework.stages.config.verdicts import hold

_SCRIPT = "command.sh"


def contradictions(step: Step, command: Command) -> list[str]:
    """What the command is passed that does not say what the manifest says, one line each; empty where all does."""
    bindings = list(_bindings(step, command))
    if not bindings:
        return []
    with tempfile.TemporaryDirectory(prefix="framework-") as folder:
        root = Path(folder)
        try:
            _write(root, step, command, bindings)
            experiment = load(root / "experiment.yaml")
            matrix = Matrix(experiment.clauses)
            held = hold(experiment, Judge(experiment), matrix)
        except InputError as failure:
            return [str(problem).replace(f"{folder}/", "") for problem in failure.problems]
        seen = sorted([*matrix.findings(), *matrix.unsettled(), *held.findings], key=place_order)
        found = [each for each in seen if each.severity is Severity.ERROR and not _by_itself(command, each)]
        lines = [f"{each.location}: {each.message}" if each.location else each.message for each in found]
        return [line.replace(f"{folder}/", "") for line in lines or _unproven(command, matrix)]


def _bindings(step: Step, command: Command) -> Iterator[dict[str, Any]]:
    work = step.work
    assert isinstance(work, Training)
    places = [(name, passed) for name, passed in command.files.items() if command.configs[name]]
    for name, passed in ([(_SCRIPT, command.flags)] if command.flags else []) + places:
        binding: dict[str, Any] = {"file": name, "describes": f"phases.{step.name}", "variant": step.variant}
        if passed.dialect is not None:
            binding["dialect"] = passed.dialect
        if name == _SCRIPT:
            binding["reader"] = "shell"
        binding["keys"] = {key: clause_named(step, work, fact) for key, fact in passed.keys.items()}
        yield binding


def _by_itself(command: Command, finding: Finding) -> bool:
    """Whether a default of the trainer's is about what the script is said to do without being told."""
    clause = finding.clause or ""
    return finding.code == "C131" and any(f".{fact}." in f"{clause}." for fact in command.unpassed)


def clause_named(step: Step, work: Training, fact: str) -> str:
    """The clause of a fact, as a binding of the step's phase names it."""
    section, _, name = fact.partition(".")
    owners = {"model": f"models.{step.model_name}", "dataset": f"datasets.{work.dataset_name}"}
    if section in owners:
        return f"{owners[section]}.{name}"
    return "seeds[0]" if fact == "seed" else fact


def _write(root: Path, step: Step, command: Command, bindings: list[dict[str, Any]]) -> None:
    from framework.dialects.rendering.file_texts import text_of

    places = {name: name for name in ("output", "folder", "project", "model", "dataset", *command.configs)}
    manifest = {**_manifest(step, command), "configs": bindings}
    (root / "experiment.yaml").write_text(text_of(manifest, ".yaml"), "utf-8")
    for name in command.configs:
        (root / name).write_text(command.text(name, places), "utf-8")
    (root / _SCRIPT).write_text(shlex.join(filled(command.argv, places)) + "\n", "utf-8")


def _manifest(step: Step, command: Command) -> dict[str, Any]:
    """A manifest that states this step, and every value of it."""
    work = step.work
    assert isinstance(work, Training)
    phase = work.phase.model_dump(mode="json", exclude_none=True, exclude={"tasks"})
    phase |= {"dataset": work.dataset_name}
    phase["schedule"] |= {
        "min_learning_rate": work.phase.schedule.min_learning_rate,
        "warmup": _warmup(work, command),
    }
    if "precision" in command.facts:
        phase["precision"] = command.facts["precision"]
    methods = {
        name: method.model_dump(mode="json", exclude_none=True)
        for name, method in (("mask", work.mask), ("adapter", work.adapter))
        if method is not None
    }
    steps: list[Any] = [{step.name: methods}]
    if work.adapter is not None and isinstance(spec := work.adapter.chosen[1], SGH) and spec.importance == "mask":
        steps.insert(0, {"prune": {"sparsity": 0.0, "tensors": ["any"]}})
    model = step.model.model_dump(mode="json", exclude_none=True)
    return {
        "version": 1,
        "paper": {"title": step.label},
        "hardware": {"count": command.processes},
        "models": {step.model_name: model},
        "datasets": {work.dataset_name: work.dataset.model_dump(mode="json", exclude_none=True)},
        "phases": {step.name: phase},
        "variants": {step.variant: {"steps": steps}},
        "seeds": [step.seed],
    }


def _warmup(work: Training, command: Command) -> str | dict[str, Any]:
    """The warmup as one text; with its parts where it states more than a length, in the unit that is passed."""
    warmup = work.phase.schedule.warmup
    stated = warmup.model_dump(mode="json", by_alias=True, exclude_none=True)
    if len(stated) == 1:
        return f"{100 * warmup.ratio:.12f}%" if warmup.ratio is not None else stated
    passed = [each for each in (command.flags, *command.files.values()) if each is not None]
    total = optimizer_steps(work.phase, examples_in(work.dataset))
    if total is not None and any("schedule.warmup.steps" in each.keys.values() for each in passed):
        return {name: stated[name] for name in ("from", "factor", "shape") if name in stated} | {
            "steps": warmup.in_steps(total)
        }
    return stated


def _unproven(command: Command, matrix: Matrix) -> Iterator[str]:
    """Values that are passed, and that reading back did not find to be the declared ones."""
    for fact in command.passed:
        whole = fact.rpartition(".")[0] if fact.startswith("batch_size.") else fact.partition("[")[0]
        clause = next((each for each in matrix.clauses if each.id.endswith(f".{whole}")), None)
        looks = matrix.looks(clause, Stage.CONFIG) if clause else []
        if looks and not any(look.status is Status.CONFORMS for look in looks):
            yield f"{whole} could not be read back: {looks[0].reason}"

"""From variants to the graph of steps: what is shared is one node, whatever variant asks for it."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache, partial
from typing import TYPE_CHECKING

from framework.errors import InputError
from framework.manifest.experiment import Experiment
from framework.manifest.formulas.language import resolved
from framework.manifest.overrides import phase_for
from framework.manifest.own.own_models import model_for
from framework.manifest.own_scripts import runner_of
from framework.manifest.references import needs
from framework.manifest.sections.methods import Prune, SameAs
from framework.manifest.sections.models import Model
from framework.manifest.sections.phases import Phase
from framework.manifest.sections.root import Manifest
from framework.manifest.sections.variants import PermuteStep, PhaseUse, PruneStep, phase_of
from framework.planning.calibration_data import calibration_of
from framework.planning.chosen_variants import known, matching_variants
from framework.planning.contents.digested import Contents
from framework.planning.contents.local_places import files_of
from framework.planning.contents.recorded import RecordedContents
from framework.planning.identity import contents_in, identity_of, key_of, masks_keep_all
from framework.planning.knobs import knobs_for
from framework.planning.measured_before import training_before
from framework.planning.measured_checkpoints import measured
from framework.planning.method_targets import with_targets
from framework.planning.recipes import Recipe, recipe_of
from framework.planning.refusing.missing import UNSTATED_DATA, missing_for, models_of
from framework.planning.steps import Knobs, Measure, Step, Training, Work
from framework.planning.tuned.awaiting import awaited, decided
from framework.planning.tuned.found_batch_sizes import found_for, read_found
from framework.planning.tuned.tuning import Tuning

if TYPE_CHECKING:
    from framework.planning.commands.command import Command


@dataclass(frozen=True, slots=True)
class Plan:
    """The steps in an order in which each comes after those it reads."""

    steps: tuple[Step, ...]

    def step(self, key: str) -> Step:
        return next(step for step in self.steps if step.key == key)

    def of_variant(self, variant: str) -> list[Step]:
        return [step for step in self.steps if variant in step.variants]

    def final(self, variant: str) -> list[Step]:
        """The steps whose checkpoints are the variant: one for each model, task and seed."""
        own = [step for step in self.of_variant(variant) if not isinstance(step.work, Measure)]
        last: dict[tuple[str, int], int] = {}
        for step in own:
            place = (step.model_name, step.seed)
            last[place] = max(last.get(place, 0), step.depth)
        return [step for step in own if step.depth == last[step.model_name, step.seed]]


def build(
    experiment: Experiment,
    variants: Sequence[str] = (),
    models: Sequence[str] = (),
    tasks: Sequence[str] = (),
    seeds: Sequence[int] = (),
    read: bool = True,
    tuning: Tuning | None = None,
) -> Plan:
    """The plan for a selection; an empty choice means all that the manifest states. Without ``read`` no local model or
    dataset is read, and the keys are not those of runs where there are such. ``tuning`` puts other values into searched
    steps than those that the searches chose.

    Raises:
        UsageError: the selection names what the manifest does not state.
        InputError: a batch or a setting that cannot be.
    """
    manifest = experiment.manifest
    variants = matching_variants(experiment, variants)
    known("model", models, manifest.models)
    all_tasks = {task for phase in manifest.phases.values() for task in phase.tasks}
    known("task", tasks, all_tasks)
    chosen_seeds = list(seeds) or manifest.seeds
    builder = _Builder(experiment, set(tasks), read, tuning or Tuning(experiment))
    for variant in variants or manifest.variants:
        for model in models or models_of(manifest):
            for seed in chosen_seeds:
                builder.variant(variant, model, seed)
    builder.measurements(list(variants or manifest.variants))
    return Plan(tuple(builder.nodes.values()))


def complete(plan: Plan) -> Plan:
    """The plan, if every step of it can be executed.

    Raises:
        InputError: what is not stated, what no runner here has, and what a search or a grid has to decide first; all of
            it at once, each with its place.
    """
    problems = dict.fromkeys(problem for step in plan.steps for problem in step.awaits or step.unswept or step.missing)
    if problems:
        raise InputError(list(problems))
    return plan


class _Builder:
    def __init__(self, experiment: Experiment, tasks: set[str], read: bool, tuning: Tuning):
        self.experiment, self.tuning = experiment, tuning
        self.contents = Contents(experiment.root, read)
        self.recorded = RecordedContents(experiment.runs)
        self.found = read_found(experiment.root)
        self._set = tuple(
            {"kind": "set", "path": path, "value": value, "profile": experiment.named_profile}
            for path, value in experiment.set_values.items()
        )
        self.manifest: Manifest = experiment.manifest
        self.model: Callable[[str, str], Model] = cache(partial(model_for, experiment))
        self.tasks = tasks
        self.nodes: dict[str, Step] = {}
        self._ends: dict[tuple[str, str, int], dict[str | None, str | None]] = {}

    def variant(self, name: str, model: str, seed: int) -> dict[str | None, str | None]:
        """Add a variant's steps; the key of its last step, by task (None for all tasks alike)."""
        if (name, model, seed) in self._ends:
            return self._ends[name, model, seed]
        for other in needs(self.manifest, name):
            self.variant(other, model, seed)
        spec = self.manifest.variants[name]
        ends: dict[str | None, str | None] = {None: None}
        if spec.from_ is not None:
            ends = dict(self._ends[spec.from_, model, seed])
        for index, step in enumerate(spec.steps):
            place = ("variants", name, "steps", index)
            following: dict[str | None, str | None] = {}
            for task, parent in ends.items():
                phase = phase_of(step)
                if phase is not None:
                    for own, work in self._training(name, index, *phase, task, model).items():
                        following[own] = self._add(name, index, phase[0], model, own, seed, work, parent, {})
                elif isinstance(step, PruneStep):
                    references = self._references(step.prune, model, seed, task, place)
                    data = None
                    if step.prune.calibrated:
                        data = calibration_of(self.manifest, self.nodes, step.prune, parent)
                    key = self._add(name, index, "prune", model, task, seed, step.prune, parent, references, data)
                    following[task] = key
                elif isinstance(step, PermuteStep):
                    data = calibration_of(self.manifest, self.nodes, step.permute, parent)
                    key = self._add(name, index, "permute", model, task, seed, step.permute, parent, {}, data)
                    following[task] = key
            ends = following
        self._ends[name, model, seed] = ends
        return ends

    def measurements(self, variants: Sequence[str]) -> None:
        """Add what is measured of the chosen variants."""
        for each in list(measured(self.manifest, self.nodes, self._ends, variants)):
            of = each.step
            self._add(
                each.variant, each.index, each.name, of.model_name, of.task, of.seed, each.work, of.key, each.references
            )

    def _training(
        self, variant: str, index: int, name: str, use: PhaseUse, task: str | None, model: str
    ) -> dict[str | None, Training]:
        """The work of a phase step, one for each of its tasks (or for the task that came before)."""
        stated, use = phase_for(self.experiment, name, use, variant, index, model)
        spec = self.model(variant, model)
        if not stated.tasks:
            return {task: self._work(*self.tuning.tuned(variant, index, name, task, model, stated, use), spec)}
        chosen = [own for own in stated.tasks if (not self.tasks or own in self.tasks) and task in (None, own)]
        tuned = (
            (own, self.tuning.tuned(variant, index, name, own, model, stated.for_task(own), use)) for own in chosen
        )
        return {own: self._work(*phase, spec) for own, phase in tuned}

    def _work(self, phase: Phase, use: PhaseUse, model: Model) -> Training:
        name = phase.dataset or ""
        closed = recipe_of(self.manifest, phase, model)
        if isinstance(closed, Recipe):
            phase = closed
        else:
            with contextlib.suppress(ValueError):
                phase = resolved(self.manifest, phase, model)
        return Training(phase, name, self.manifest.datasets.get(name, UNSTATED_DATA), use.mask, use.adapter)

    def _references(
        self, prune: Prune, model: str, seed: int, task: str | None, place: tuple[str | int, ...]
    ) -> dict[str, str]:
        if not isinstance(prune.sparsity, SameAs):
            return {}
        other = prune.sparsity.same_as
        ends = self._ends[other, model, seed]
        key = ends.get(task, ends.get(None))
        if key is None:
            where = self.experiment.location((*place, "prune", "sparsity", "same_as"))
            raise InputError.at(
                where,
                f"{other!r} ends in one checkpoint for each task, and this step has {task or 'no'} task",
                "refer to a variant that ends before its tasks part",
            )
        return {"same_as": key}

    def _add(
        self,
        variant: str,
        index: int,
        name: str,
        model: str,
        task: str | None,
        seed: int,
        work: Work,
        parent: str | None,
        references: Mapping[str, str],
        calibration: Training | None = None,
    ) -> str:
        spec = self.model(variant, model)
        if isinstance(work, Training):
            work = with_targets(work, spec.family)
        knobs = knobs_for(self.experiment, variant, name)
        keeps_all = masks_keep_all(self.nodes, parent)
        command = None
        if self.manifest.runners and isinstance(work, Training):
            command = self._command(variant, index, name, model, task, seed, work, parent, knobs)
        root, read = self.experiment.root, work if isinstance(work, Training) else calibration
        data = None if read is None else (read.dataset_name, read.dataset)
        reads = tuple(files_of(root, None if parent else (model, spec), data, command is not None))
        own = (knobs, calibration, keeps_all, command, self.contents.of(reads))
        identity = identity_of(name, work, model, spec, seed, parent, references, *own)
        if awaits := tuple(awaited(self.experiment, variant)):  # there is no run of what nobody knows
            identity["open"] = [each.message for each in awaits]
        absent = tuple(each for each, digest in contents_in(identity).items() if digest is None)
        if absent and self.contents.read:
            identity = self.recorded.completed(identity)
        if self.found and isinstance(work, Training) and knobs.micro_batch_size is None:
            knobs = replace(knobs, micro_batch_size=found_for(self.found, identity))
        key = key_of(identity)
        depth = self.nodes[parent].depth + 1 if parent else 0
        known = self.nodes.get(key)
        if known is None:
            self.nodes[key] = Step(
                key=key,
                name=name,
                index=index,
                indices=(index,),
                depth=depth,
                variants=(variant,),
                model_name=model,
                model=spec,
                task=task,
                seed=seed,
                work=work,
                identity=identity,
                parent=parent,
                references=references,
                calibration=calibration,
                measured_as=training_before(self.nodes, work, parent),
                knobs=knobs,
                profile=self.experiment.profile,
                command=command,
                reads=reads,
                absent=absent,
                missing=tuple(missing_for(self.experiment, name, (model, spec), task, work, command)),
                deviations=self._set,
                unswept=tuple(self.tuning.waiting(variant, index, name, task, model)),
                awaits=awaits,
                chosen=tuple(decided(self.experiment, variant)),
            )
        elif variant not in known.variants:
            variants, indices = (*known.variants, variant), (*known.indices, index)
            self.nodes[key] = replace(known, variants=variants, indices=indices)
        return key

    def _command(
        self,
        variant: str,
        index: int,
        phase: str,
        model: str,
        task: str | None,
        seed: int,
        work: Training,
        parent: str | None,
        knobs: Knobs,
    ) -> Command | None:
        """What trains the step, where the manifest names a runner for it."""
        from framework.planning.commands.making import command_for
        from framework.planning.commands.step_facts import Situation

        found = runner_of(self.manifest, phase, variant)
        if found is None:
            return None
        stated = (self.model(variant, model), work, parent is not None, knobs)
        place = Situation(self.experiment, variant, index, phase, task, seed, model, *stated)
        return command_for(place, *found, self.contents)

"""Names within the manifest that must name something: variants, phases, datasets, clauses."""

from __future__ import annotations

import fnmatch
from collections.abc import Iterator
from typing import Any

from framework.manifest.formulas.language import faults
from framework.manifest.own.own_models import foreign_parts
from framework.manifest.sections.base import dumped
from framework.manifest.sections.bindings import Binding, captured_in
from framework.manifest.sections.methods import Permute, Prune, SameAs
from framework.manifest.sections.phases import Phase
from framework.manifest.sections.root import Manifest
from framework.manifest.sections.statements import BUDGETS, Equal
from framework.manifest.sections.variants import TRANSFORMS, PermuteStep, PhaseUse, PruneStep, phase_of
from framework.names import Path, did_you_mean, find_path, paths_in

Dangling = tuple[Path, str, str]
"""Where, what is wrong, and advice."""


def dangling(manifest: Manifest, data: dict[str, Any]) -> Iterator[Dangling]:
    """Every name that names nothing. ``data`` is the raw manifest, for paths to clauses."""
    yield from _phases(manifest)
    for path, message in dict(faults(manifest)).items():
        yield path, message, ""
    yield from _variants(manifest)
    if manifest.searches:
        from framework.manifest.searched.references_of_searches import dangling_in_searches

        yield from dangling_in_searches(manifest)
    yield from _measurements(manifest)
    yield from _statements(manifest, data)
    yield from _configs(manifest, data)
    yield from _runners(manifest)
    yield from _adopted(manifest)


def _unknown(path: Path, kind: str, name: str, known: Any) -> Iterator[Dangling]:
    if name not in known and (known or kind != "dataset"):  # a paper may merely name its datasets
        yield path, f"unknown {kind} {name!r}", did_you_mean(name, known)


def _phases(manifest: Manifest) -> Iterator[Dangling]:
    for name, phase in manifest.phases.items():
        if name in TRANSFORMS:
            yield ("phases", name), f"a phase cannot be called {name!r}: that is a transform", "choose another name"
        if phase.dataset is not None and not phase.tasks:
            yield from _unknown(("phases", name, "dataset"), "dataset", phase.dataset, manifest.datasets)
        for task, own in phase.tasks.items():
            place: Path = ("phases", name, "tasks", task)
            yield from _unknown(
                (*place, "dataset") if own.dataset else place, "dataset", own.dataset or task, manifest.datasets
            )
        yield from _prompted(manifest, name, phase)


def _prompted(manifest: Manifest, name: str, phase: Phase) -> Iterator[Dangling]:
    """A phase that trains on answers needs to know what they answer."""
    if phase.objective != "completion":
        return
    used = [own.dataset or task for task, own in phase.tasks.items()] or [phase.dataset or ""]
    for dataset in used:
        if dataset in manifest.datasets and manifest.datasets[dataset].prompt is None:
            message = f"phases.{name} trains on answers, and this dataset states no prompt"
            yield ("datasets", dataset), message, "state its `prompt`, and `choices` or `answer`"


def _variants(manifest: Manifest) -> Iterator[Dangling]:
    known = [*manifest.phases, *TRANSFORMS]
    for name, variant in manifest.variants.items():
        if variant.from_ is not None:
            yield from _unknown(("variants", name, "from"), "variant", variant.from_, manifest.variants)
            yield from foreign_parts(name, variant)
        for index, step in enumerate(variant.steps):
            place: Path = ("variants", name, "steps", index)
            phase = phase_of(step)
            if phase is not None:
                yield from _unknown(place, "step", phase[0], known)
                yield from _masked(manifest, name, index, phase[1], (*place, phase[0]))
            if isinstance(step, PruneStep) and isinstance(step.prune.sparsity, SameAs):
                other = step.prune.sparsity.same_as
                yield from _unknown((*place, "prune", "sparsity", "same_as"), "variant", other, manifest.variants)
            if isinstance(step, PruneStep) and step.prune.calibrated:
                yield from _calibrated(manifest, name, index, step.prune, (*place, "prune"))
            if isinstance(step, PermuteStep):
                yield from _calibrated(manifest, name, index, step.permute, (*place, "permute"))
    for name in manifest.variants:
        chain = _circle(manifest, name)
        if chain:
            yield ("variants", name), f"the variant builds on itself: {' -> '.join(chain)}", "break the circle"


def _is_whole(manifest: Manifest, variant: str) -> bool:
    """Whether all that a variant starts from is there; else what comes before its steps is not known."""
    return all(manifest.variants[name].from_ in (None, *manifest.variants) for name in _line(manifest, variant))


def _calibrated(
    manifest: Manifest, variant: str, index: int, measured: Permute | Prune, place: Path
) -> Iterator[Dangling]:
    """What is measured on data needs a dataset: its own, or that of a phase before it."""
    if measured.dataset is not None:
        yield from _unknown((*place, "dataset"), "dataset", measured.dataset, manifest.datasets)
    elif _is_whole(manifest, variant) and not any(phase_of(step) for step in _before(manifest, variant, index)):
        what = "permutation" if isinstance(measured, Permute) else "pruning"
        message = f"no phase before this {what} says what data it is measured on"
        yield place, message, "name the `dataset` to draw the calibration examples from"


def _masked(manifest: Manifest, variant: str, index: int, use: PhaseUse, place: Path) -> Iterator[Dangling]:
    """Masks can only be the importance of modules, or hold their updates, where a step before leaves some."""
    if use.adapter is None:
        return
    lora, sgh = use.adapter.lora, use.adapter.sgh
    if sgh is not None and sgh.importance == "mask":
        where: Path = ("sgh", "importance")
        message = "no step before this one leaves the masks that are to be the importance"
        remedy = "start from a masked or pruned variant, or say `magnitude`"
    elif lora is not None and lora.mode is not None and lora.mode != "dense":
        where = ("lora", "mode")
        message = f"no step before this one leaves the masks that `{lora.mode}` is about"
        remedy = "start from a masked or pruned variant, or say `dense`"
    else:
        return
    for step in _before(manifest, variant, index):
        phase = phase_of(step)
        if isinstance(step, PruneStep) or (phase is not None and phase[1].mask is not None):
            return
    yield (*place, "adapter", *where), message, remedy


def _before(manifest: Manifest, variant: str, index: int) -> Iterator[Any]:
    """The steps before one, nearest first, through the variants that its own builds on."""
    for name in _line(manifest, variant):
        spec = manifest.variants[name]
        yield from reversed(spec.steps[:index] if name == variant else spec.steps)


def _circle(manifest: Manifest, start: str) -> list[str] | None:
    trail = [start]
    todo = [(start, trail)]
    while todo:
        name, trail = todo.pop()
        for other in needs(manifest, name):
            if other == start:
                return [*trail, other]
            if other in manifest.variants and other not in trail:
                todo.append((other, [*trail, other]))
    return None


def needs(manifest: Manifest, variant: str) -> list[str]:
    """The variants that one reads: the one it starts from, and those whose sparsity it takes."""
    spec = manifest.variants[variant]
    found = [spec.from_] if spec.from_ else []
    for step in spec.steps:
        if isinstance(step, PruneStep):
            prune: Prune = step.prune
            if isinstance(prune.sparsity, SameAs):
                found.append(prune.sparsity.same_as)
    return found


def _measurements(manifest: Manifest) -> Iterator[Dangling]:
    for name, each in manifest.measurements.items():
        place: Path = ("measurements", name)
        if set(name) & set("/\\\0"):
            yield place, f"{name!r} cannot be a part of a folder's name", "choose another name"
        if each.phase is not None:
            yield from _unknown((*place, "phase"), "phase", each.phase, manifest.phases)
        for position, variant in enumerate(each.variants):
            if not fnmatch.filter(manifest.variants, variant):
                yield from _unknown((*place, "variants", position), "variant", variant, manifest.variants)
            known = each.phase in manifest.phases and variant in manifest.variants
            if known and each.phase not in _runs(manifest, variant):
                message = f"{variant!r} does not run the phase {each.phase!r}"
                yield (*place, "variants", position), message, "leave the variant out, or measure what it runs"


def _runs(manifest: Manifest, variant: str) -> set[str]:
    """The phases of a variant, those of the variants that it starts from included."""
    spec = manifest.variants[variant]
    steps = (*spec.steps, *_before(manifest, variant, 0))
    return {phase[0] for step in steps if (phase := phase_of(step))}


def _statements(manifest: Manifest, data: dict[str, Any]) -> Iterator[Dangling]:
    for index, rule in enumerate(manifest.rules):
        kind, spec = rule.chosen
        for position, name in enumerate(spec.variants):
            yield from _unknown(("rules", index, kind, "variants", position), "variant", name, manifest.variants)
        if isinstance(spec, Equal):
            yield from _equal(manifest, spec, ("rules", index, kind, "of"))
    named: list[tuple[Path, str]] = [(("paper", "sources", clause), clause) for clause in manifest.paper.sources]
    named += [(("paper", "why", clause), clause) for clause in manifest.paper.why]
    named += [(("frozen", index), clause) for index, clause in enumerate(manifest.frozen)]
    named += [(("waivers", index, "clause"), waiver.clause) for index, waiver in enumerate(manifest.waivers)]
    for place, clause in named:
        if not find_path(data, clause):
            yield place, f"no clause {clause!r}", did_you_mean(clause, paths_in(data))
    for name, profile in manifest.profiles.items():
        if name in (".", "..") or set(name) & set("/\\\0"):
            yield ("profiles", name), f"{name!r} cannot name the folder of its documents", "choose another name"
        for position, variant in enumerate(profile.variants):
            yield from _unknown(("profiles", name, "variants", position), "variant", variant, manifest.variants)


def _equal(manifest: Manifest, spec: Equal, place: Path) -> Iterator[Dangling]:
    """What variants are equal in is a budget, or stated of one of them."""
    names = {each for name in spec.variants if name in manifest.variants for each in _line(manifest, name)}
    stated = [{**dumped(manifest.variants[name]), "steps": None} for name in names]
    for step in (step for name in names for step in manifest.variants[name].steps):
        found = phase_of(step)
        if found is None:
            stated.append(dumped(step))
        elif found[0] in manifest.phases:
            phase = manifest.phases[found[0]]
            stated += [dumped(part) for part in (found[1], phase, *phase.tasks.values())] + [found[1].set]
    for position, name in enumerate(spec.of):
        if name not in BUDGETS and not any(find_path(data, name) for data in stated):
            near = did_you_mean(name, [*BUDGETS, *(path for data in stated for path in paths_in(data))])
            yield (*place, position), f"{name!r} is no budget, and no clause of these variants", near


def _line(manifest: Manifest, variant: str) -> Iterator[str]:
    """A variant and those that it starts from, as far as they exist and end."""
    seen: list[str] = []
    name: str | None = variant
    while name in manifest.variants and name not in seen:
        seen.append(name)
        name = manifest.variants[name].from_
    yield from seen


def _configs(manifest: Manifest, data: dict[str, Any]) -> Iterator[Dangling]:
    for index, binding in enumerate(manifest.configs):
        if not captured_in(binding.file):  # else the names of its files say what is meant
            for path, message, advice in unknown_in_binding(manifest, data, binding):
                yield ("configs", index, *path), message, advice


def unknown_in_binding(manifest: Manifest, data: dict[str, Any], binding: Binding) -> Iterator[Dangling]:
    """What a binding is said to be about, and is not in the manifest; the places are seen from the binding."""
    if binding.variant is not None:
        yield from _unknown(("variant",), "variant", binding.variant, manifest.variants)
    if binding.model is not None:
        yield from _unknown(("model",), "model", binding.model, manifest.models)
    if binding.describes is not None and not find_path(data, binding.describes):
        yield (
            ("describes",),
            f"no clause {binding.describes!r}",
            did_you_mean(binding.describes, paths_in(data)),
        )


def _runners(manifest: Manifest) -> Iterator[Dangling]:
    """A runner trains a phase that exists, and no two train the same step."""
    for name, runner in manifest.runners.items():
        place: Path = ("runners", name)
        phase = runner.phase or name
        yield from _unknown((*place, "phase") if runner.phase else place, "phase", phase, manifest.phases)
        for position, variant in enumerate(runner.variants):
            yield from _unknown((*place, "variants", position), "variant", variant, manifest.variants)
        for other, earlier in manifest.runners.items():
            if other == name:
                break
            both = set(runner.variants or manifest.variants) & set(earlier.variants or manifest.variants)
            if (earlier.phase or other) == phase and both:
                message = f"runners.{other} and runners.{name} both train {phase!r} of {min(both)!r}"
                yield place, message, "say under `variants` which of them trains which"


def _adopted(manifest: Manifest) -> Iterator[Dangling]:
    """What adopted runs are said to be of."""
    tasks = {task for phase in manifest.phases.values() for task in phase.tasks}
    known = {"phase": manifest.phases, "variant": manifest.variants, "model": manifest.models, "task": tasks}
    for index, adopted in enumerate(manifest.adopted):
        for kind, names in known.items():
            if (name := getattr(adopted, kind)) is not None:
                yield from _unknown(("adopted", index, kind), kind, name, names)
        if adopted.seed is not None and adopted.seed not in manifest.seeds:
            stated = ", ".join(map(str, manifest.seeds))
            yield ("adopted", index, "seed"), f"unknown seed {adopted.seed}", f"the manifest states {stated}"

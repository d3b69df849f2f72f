"""What a variant does, resolved: its own settings put in, flat, so that two variants can be compared."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from framework.manifest.experiment import Experiment
from framework.manifest.formulas.language import resolved
from framework.manifest.overrides import with_settings
from framework.manifest.own_models import model_for
from framework.manifest.own_scripts import script_of
from framework.manifest.sections.base import dumped
from framework.manifest.sections.methods import SDM, SameAs
from framework.manifest.sections.phases import Phase
from framework.manifest.sections.root import Manifest
from framework.manifest.sections.values.quantities import Formula
from framework.manifest.sections.values.switches import Switches
from framework.manifest.sections.variants import PruneStep, phase_of
from framework.names import Path, parse_path


def flat(experiment: Experiment, variant: str, manifest: Manifest | None = None) -> dict[Path, Any]:
    """All that a variant does, by (step number, phase or transform, path within it); in ``manifest``, which may be
    the experiment's under a profile."""
    manifest = manifest or experiment.stated
    spec = manifest.variants[variant]
    found: dict[Path, Any] = {("from", "variant"): spec.from_} if spec.from_ else {}
    found |= _models(experiment, variant, manifest)
    for index, step in enumerate(spec.steps):
        phase = phase_of(step)
        if phase is None:
            data: dict[str, Any] = dumped(step)
            found.update(_leaves(data, (index,)))
            continue
        name, use = phase
        place: Path = ("variants", variant, "steps", index, name, "set")
        phase_of_variant = _evaluated(manifest, with_settings(manifest.phases[name], use.set, experiment, place))
        data = {**dumped(phase_of_variant), "mask": dumped(use.mask), "adapter": dumped(use.adapter)}
        found.update(_leaves(data, (index, name)))
    return found


def _models(experiment: Experiment, variant: str, manifest: Manifest) -> dict[Path, Any]:
    """What a variant's models are, `model.architecture.norm`, where variants of the manifest say something of it."""
    stated = {parse_path(entry)[0] for each in manifest.variants.values() for entry in each.model}
    found: dict[Path, Any] = {}
    for name in manifest.models if stated else ():
        own = model_for(experiment, variant, name, manifest)
        parts = own.architecture or (Switches.model_construct() if own.family == "gpt" else None)
        data = {key: value for key, value in {**dumped(own), "architecture": dumped(parts)}.items() if key in stated}
        found.update(_leaves(data, ("model",) if len(manifest.models) == 1 else ("models", name)))
    return found


def _evaluated(manifest: Manifest, phase: Phase) -> Phase:
    """With its derived values put in, as far as they have any."""
    try:
        return resolved(manifest, phase)
    except ValueError:
        return phase


def follows(experiment: Experiment, one: str, other: str, manifest: Manifest | None = None) -> set[Path]:
    """Where two variants state the same derivation, `0.1 * learning_rate`: its values differ only as what it follows
    does."""
    manifest = manifest or experiment.stated
    first, second = _derived(experiment, one, manifest), _derived(experiment, other, manifest)
    return {path for path, text in first.items() if second.get(path) == text}


def _derived(experiment: Experiment, variant: str, manifest: Manifest) -> dict[Path, str]:
    found: dict[Path, str] = {}
    for index, step in enumerate(manifest.variants[variant].steps):
        if (phase := phase_of(step)) is not None:
            name, use = phase
            place: Path = ("variants", variant, "steps", index, name, "set")
            stated = with_settings(manifest.phases[name], use.set, experiment, place)
            found |= {path: text for path, text in _leaves(dumped(stated), (index, name)) if isinstance(text, Formula)}
    return found


def _leaves(data: Any, path: Path) -> Iterator[tuple[Path, Any]]:
    if isinstance(data, dict):
        for key, value in data.items():
            yield from _leaves(value, (*path, key))
    elif data is not None:
        yield path, data


def identity(experiment: Experiment, variant: str) -> tuple[str, ...]:
    """What a variant does from scratch to its end, one text for each step; where it takes another variant's
    sparsity, that variant's identity stands for its name, and a script of its own is a part of what it does. Equal
    identities are the same run."""
    spec = experiment.stated.variants[variant]
    before = identity(experiment, spec.from_) if spec.from_ else ()
    steps: list[dict[str, Any]] = [{} for _ in spec.steps]
    for path, value in flat(experiment, variant).items():
        if path[0] in ("model", "models"):
            before = (*before, repr((path, value)))
        elif path[0] != "from":
            assert isinstance(path[0], int)
            if path[-1] == "same_as":
                value = identity(experiment, str(value))
            steps[path[0]][repr(path[1:])] = value
    for step, stated in zip(steps, spec.steps, strict=True):
        use = phase_of(stated)
        if use is not None and (script := script_of(experiment.stated, use[0], variant)) is not None:
            step["script"] = script
    return (*before, *(repr(sorted(step.items())) for step in steps))


def sparsity_of(manifest: Manifest, variant: str) -> tuple[float, Path] | None:
    """The sparsity that a variant's last mask or pruning states as a number, and where; None without a number."""
    spec = manifest.variants[variant]
    for index in range(len(spec.steps) - 1, -1, -1):
        step, place = spec.steps[index], ("variants", variant, "steps", index)
        if isinstance(step, PruneStep):
            if isinstance(step.prune.sparsity, SameAs):
                return sparsity_of(manifest, step.prune.sparsity.same_as)
            return step.prune.sparsity, (*place, "prune", "sparsity")
        use = phase_of(step)
        if use is not None and use[1].mask is not None and isinstance(sdm := use[1].mask.chosen[1], SDM):
            return sdm.target_sparsity, (*place, use[0], "mask", "sdm", "target_sparsity")
    return sparsity_of(manifest, spec.from_) if spec.from_ else None

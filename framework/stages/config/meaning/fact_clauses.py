"""Which clause of a manifest a fact is: below the phase, task and variant that a binding, or the key's place, names."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from framework.dialects.sections import rough
from framework.dialects.terms import Surrounding
from framework.dialects.values import folded
from framework.manifest.architectures import is_mixture
from framework.manifest.experiment import Experiment
from framework.manifest.lengths import described
from framework.manifest.sections.bindings import Binding
from framework.manifest.sections.models import Model
from framework.manifest.sections.variants import lineage, phase_of, uses_of
from framework.names import Path, find_path
from framework.stages.config.meaning.as_used import as_used
from framework.stages.config.meaning.clause_targets import Target, below

_OUTSIDE = ("seed", "seeds", "hardware", "model", "dataset", "prune")
"""The first parts of facts that are not a phase's."""
_METHODS = ("adapter", "mask")
"""Facts of a phase that variants state."""


@dataclass(frozen=True, slots=True)
class Place:
    """What keys are about, as far as it is known."""

    phase: str | None = None
    task: str | None = None
    variant: str | None = None
    model: str | None = None
    optimizer: str | None = None
    """Which of several optimizers of the phase."""


def place_of(experiment: Experiment, binding: Binding) -> Place:
    """What a binding says that its keys are about."""
    place = Place(variant=binding.variant, model=binding.model)
    if (found := described(experiment, binding)) is not None:
        return replace(place, phase=found[0], task=found[1])
    path = find_path(experiment.raw, binding.describes) if binding.describes else None
    if path and path[0] == "models" and len(path) > 1:
        return replace(place, model=str(path[1]))
    return place


def within(experiment: Experiment, place: Place, names: Iterable[str]) -> Place:
    """A place made narrower by the names above a key that are a phase's, a task's, a variant's or an optimizer's."""
    manifest = experiment.stated
    for name in names:
        if (optimizer := _optimizer(experiment, place, name)) is not None:
            place = replace(place, optimizer=optimizer)
        if phase := _named(name, manifest.phases) or _in_words(name, manifest.phases):
            place = replace(place, phase=phase, task=place.task if phase == place.phase else None)
        elif variant := _named(name, manifest.variants):
            place = replace(place, variant=variant)
        elif model := _named(name, manifest.models):
            place = replace(place, model=model)
        else:
            phases = [place.phase] if place.phase else list(manifest.phases)
            found = [(phase, task) for phase in phases if (task := _named(name, manifest.phases[phase].tasks))]
            if len(found) == 1:
                place = replace(place, phase=found[0][0], task=found[0][1])
    return place


def _optimizer(experiment: Experiment, place: Place, name: str) -> str | None:
    """Which of a phase's optimizers a name says: `generator`, `generator_optimizer`, `opt_generator`."""
    phases = [place.phase] if place.phase else list(experiment.stated.phases)
    known = {key for phase in phases for key in experiment.stated.phases[phase].optimizers or ()}
    bare = re.sub(r"^(?:optimizer|optim|opt)_|_(?:optimizer|optim|opt)$", "", name.casefold())
    return (_named(name, known) or _named(bare, known)) if known else None


def _named(name: str, known: Iterable[str]) -> str | None:
    return next((each for each in known if folded(each) == folded(name)), None)


def _in_words(heading: str, phases: Iterable[str]) -> str | None:
    """The one phase that a heading is about: `Fine-tuning details` is about `finetune`."""
    if heading.islower() and " " not in heading:
        return None  # a key of a program
    words = [word for word in heading.split() if rough((word,))]
    said = {_stem(" ".join(words[at : at + length])) for at in range(len(words)) for length in (1, 2)}
    found = [phase for phase in phases if _stem(phase) in said]
    return found[0] if len(found) == 1 else None


def _stem(name: str) -> str:
    return folded(name).removesuffix("ing").rstrip("e")


def is_named(experiment: Experiment, name: str) -> bool:
    """Whether a name is a phase's, a task's, a variant's or an optimizer's."""
    phases = experiment.stated.phases
    inner = [key for phase in phases.values() for key in (*phase.tasks, *(phase.optimizers or ()))]
    return _named(name, [*phases, *experiment.stated.variants, *inner]) is not None or bool(_in_words(name, phases))


def targets_of(experiment: Experiment, place: Place, fact: str) -> list[Target]:
    """The clauses that a fact could be: none where the manifest does not state it, several where it is not certain. Of
    settings, see :mod:`framework.stages.config.meaning.stated_settings`."""
    for alternative in fact.split("|"):
        found = list(_found(experiment, place, alternative))
        if found:
            return list({(target.clause.id, target.facet): target for target in found}.values())
    return []


def _found(experiment: Experiment, place: Place, fact: str) -> Iterator[Target]:
    kind, _, rest = fact.partition(".")
    if kind in ("seed", "seeds", "hardware"):
        yield from _some(below(experiment, (), "seeds" if kind == "seed" else fact))
    elif kind == "model":
        yield from _each(experiment, "models", place.model, rest)
    elif kind == "dataset":
        yield from _each(experiment, "datasets", _dataset(experiment, place), rest)
    elif kind == "prune":
        for variant in _lineage(experiment, place):
            steps = range(len(experiment.stated.variants[variant].steps))
            found = [target for i in steps if (target := below(experiment, ("variants", variant, "steps", i), fact))]
            yield from found
            if found and place.variant:
                return
    else:
        for phase in [place.phase] if place.phase else phases_about(experiment, place):
            yield from _in_phase(experiment, replace(place, phase=phase), fact)


def _some(target: Target | None) -> Iterator[Target]:
    if target is not None:
        yield target


def _each(experiment: Experiment, section: str, name: str | None, rest: str) -> Iterator[Target]:
    known = [name] if name else list(experiment.raw.get(section) or ())
    for each in known:
        yield from _some(below(experiment, (section, each), rest))


def datasets_about(experiment: Experiment, place: Place) -> list[str]:
    """The dataset of a place's phase and task, else all."""
    name = _dataset(experiment, place)
    return [name] if name else list(experiment.stated.datasets)


def _dataset(experiment: Experiment, place: Place) -> str | None:
    phase = experiment.stated.phases.get(place.phase or "")
    if phase is None:
        return None
    if place.task:
        return phase.tasks[place.task].dataset or place.task
    return phase.dataset


def surrounding(experiment: Experiment, place: Place) -> Surrounding:
    """What the manifest says of the training at a place."""
    stated = experiment.stated
    phase, model = stated.phases.get(place.phase or ""), _model(experiment, place)
    return Surrounding(
        None if phase is None else phase.objective,
        stated.hardware.count,
        None if model is None else model.family,
        model is not None and is_mixture(model.family, model.experts),
    )


def _model(experiment: Experiment, place: Place) -> Model | None:
    """The model of a place, or the only one."""
    models = experiment.stated.models
    names = [place.model] if place.model else list(models)
    return models.get(names[0]) if len(names) == 1 else None


def phases_about(experiment: Experiment, place: Place) -> list[str]:
    """The phases that a key without a phase can be about: those that its variant runs, else all."""
    if place.variant is None:
        return list(experiment.stated.phases)
    used = [phase_of(step) for step in experiment.stated.variants[place.variant].steps]
    return list(dict.fromkeys(use[0] for use in used if use)) or list(experiment.stated.phases)


def _variants(experiment: Experiment, place: Place) -> list[str]:
    return [place.variant] if place.variant else list(experiment.stated.variants)


def _lineage(experiment: Experiment, place: Place) -> list[str]:
    """The variants of a place; of one variant, also those that it starts from: their pruning holds in it."""
    return lineage(experiment.stated.variants, place.variant) if place.variant else _variants(experiment, place)


def _in_phase(experiment: Experiment, place: Place, fact: str) -> Iterator[Target]:
    """The clause of one phase, or those of its tasks: what a task has of its own comes before what a variant sets for
    the phase, and that before the phase's."""
    assert place.phase is not None
    whole: Path = ("phases", place.phase)
    if place.optimizer is not None and fact.startswith("optimizer."):
        fact = f"optimizers.{place.optimizer}.{fact.removeprefix('optimizer.')}"
    if fact.startswith(_METHODS):
        for variant in _variants(experiment, place):
            for base in uses(experiment, variant, place.phase):
                yield from _some(below(experiment, base, fact))
        return
    settings = [(*base, "set") for base in uses(experiment, place.variant, place.phase)] if place.variant else []
    short = fact.removeprefix("optimizer.")
    stated = [(base, fact) for base in settings]
    if place.task:
        own = [(base, f"tasks.{place.task}.{short}") for base in settings]
        inner: Path = (*whole, "tasks", place.task)
        stated = [*own, (inner, short), (inner, fact), *stated]
    found = next((target for base, name in stated if (target := below(experiment, base, name))), None)
    if found is not None:
        yield found
    elif (found := below(experiment, whole, fact)) is not None:
        yield found._replace(clause=as_used(experiment, found.clause, place.variant, place.task))
    elif not place.task:
        for task in experiment.stated.phases[place.phase].tasks:
            yield from _some(below(experiment, (*whole, "tasks", task), short))


def uses(experiment: Experiment, variant: str, phase: str) -> list[Path]:
    """Where a variant, or one that it starts from, states how it runs a phase."""
    return [base for name, _, base in uses_of(experiment.stated.variants, variant) if name == phase]

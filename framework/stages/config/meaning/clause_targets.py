"""Which clause a binding's key is about."""

from __future__ import annotations

import re
from typing import Any, NamedTuple

from framework.errors import InputError
from framework.manifest.clauses import Clause
from framework.manifest.experiment import Experiment
from framework.manifest.lengths import dataset_of, described
from framework.manifest.sections.bindings import Binding
from framework.manifest.sections.values.batch_sizes import Batch
from framework.manifest.sections.values.durations import UNITS, Duration
from framework.manifest.sections.variants import uses_of
from framework.names import Path, did_you_mean, find_path
from framework.stages.config.meaning.as_used import as_used

BATCH_PARTS = ("micro", "accumulation", "processes")
"""The factors of a global batch; a key may state one of them."""


_ITEM = re.compile(r"\[(\d+)\]")


class Translation(NamedTuple):
    """What a file's word means in the manifest's terms; with a ``reason``, why that is not known."""

    word: Any
    value: Any = None
    reason: str = ""
    inherent: bool = False
    """Whether nothing in a config file could settle it: a parameter that is searched."""


class Target(NamedTuple):
    """A clause, or one facet of it: a unit of a duration, a factor of the batch, an item of a list (`[1]`).

    ``translation`` is what the key's value means where a dialect had to translate it; it then goes before the value.
    """

    clause: Clause
    facet: str | None = None
    translation: Translation | None = None

    @property
    def declared(self) -> Any:
        """What the manifest states for the facet."""
        item = _ITEM.fullmatch(self.facet or "")
        return self.clause.value[int(item[1])] if item else self.clause.value

    @property
    def name(self) -> str:
        """The clause's id, with the item of its list."""
        return f"{self.clause.id}{self.facet}" if _ITEM.fullmatch(self.facet or "") else self.clause.id

    @property
    def key(self) -> str:
        """How a binding names it."""
        return self.name if self.unit is None else f"{self.clause.id}.{self.unit}"

    @property
    def unit(self) -> str | None:
        """The facet, where it is a unit or a factor and no item."""
        return None if _ITEM.fullmatch(self.facet or "") else self.facet


def target_of(experiment: Experiment, binding: Binding, text: str, place: Path) -> Target:
    """The clause that ``text`` names, seen from the binding: in the variant's own step first, then below
    `describes`, then in the whole manifest. What follows from other values (`0.1 * learning_rate`) follows from what
    the variant and the task have in their place.

    Raises:
        InputError: it names no clause, or several; ``place`` is where the binding says so.
    """
    candidates = [*_bases(experiment, binding), ()]
    for base in candidates:
        found = below(experiment, base, text) or _set(experiment, base, text)
        if found is not None:
            _, task = described(experiment, binding) or (None, None)
            return found._replace(clause=as_used(experiment, found.clause, binding.variant, task))
    for base in candidates:
        inner = find_path(_raw(experiment, base), text)
        if inner:
            several = experiment.below((*base, *inner))
            raise InputError.at(
                experiment.location(place),
                f"{text!r} names {len(several)} clauses, not one",
                f"name one of them, such as {several[0].id}" if several else None,
            )
    known = [clause.id.removeprefix(f"{binding.describes}.") for clause in experiment.clauses]
    raise InputError.at(experiment.location(place), f"no clause {text!r}", did_you_mean(text, known))


def targets_below(experiment: Experiment, binding: Binding, text: str, place: Path) -> list[Target]:
    """The clause that ``text`` names as :func:`target_of` finds it, or those of the section that it names.

    Raises:
        InputError: it names neither; ``place`` is where the binding says so.
    """
    for base in (*_bases(experiment, binding), ()):
        if below(experiment, base, text) or _set(experiment, base, text):
            break
        inner = find_path(_raw(experiment, base), text)
        if inner and (several := experiment.below((*base, *inner))):
            return [target_of(experiment, binding, clause.id, place) for clause in several]
    return [target_of(experiment, binding, text, place)]


def _set(experiment: Experiment, base: Path, text: str) -> Target | None:
    """What a variant sets in the place of the phase's clause that ``text`` names as a whole."""
    if base[:1] != ("variants",) or base[-1] != "set" or not text.startswith(whole := f"phases.{base[-2]}."):
        return None
    return below(experiment, base, text.removeprefix(whole))


def _bases(experiment: Experiment, binding: Binding) -> list[Path]:
    described = find_path(experiment.raw, binding.describes) if binding.describes else None
    bases: list[Path] = []
    if binding.variant is not None:
        for phase, _, place in uses_of(experiment.stated.variants, binding.variant):
            if described is None or described[:2] == ("phases", phase):
                bases += [(*place, "set"), place]
    if described is not None and described[0] == "phases":
        data = dataset_of(experiment, binding)
        for section, name in (("models", binding.model), ("datasets", data)):
            if name is not None and name in experiment.raw.get(section, ()):
                bases.append((section, name, "set"))
    if described is None:
        return bases
    # what a task does not state for itself is its phase's
    return [*bases, described, *([described[:2]] if described[:1] == ("phases",) and described[2:] else [])]


def _raw(experiment: Experiment, base: Path) -> object:
    value: object = experiment.raw
    for part in base:
        try:
            value = value[part]  # type: ignore[index]
        except (LookupError, TypeError):  # a step that is a phase's bare name has nothing below it
            return {}
    return value


def _counts(value: Any, unit: str) -> bool:
    """Whether a batch is stated in a unit: `1M tokens`."""
    return isinstance(value, Batch) and value.unit == unit


def below(experiment: Experiment, base: Path, text: str) -> Target | None:
    """The clause, or the facet of one, that ``text`` names below ``base``; None where nothing is stated there."""
    tree = _raw(experiment, base)
    inner = find_path(tree, text)
    if inner is not None:
        clause = experiment.by_path.get((*base, *inner))
        if clause is None and inner[-1] == "metric":  # stated with its direction: the name is what files state
            clause = experiment.by_path.get((*base, *inner, "name"))
        if clause is None and isinstance(inner[-1], int):
            whole = experiment.by_path.get((*base, *inner[:-1]))
            return Target(whole, f"[{inner[-1]}]") if whole else None
        return Target(clause) if clause else None
    head, _, facet = text.rpartition(".")
    inner = find_path(tree, head) if head else None
    clause = experiment.by_path.get((*base, *inner)) if inner else None
    if clause is None:
        return None
    if isinstance(clause.value, Duration) and facet in ("ratio", *UNITS):
        return Target(clause, facet)
    if clause.path[-1] == "batch_size" and (facet in BATCH_PARTS or _counts(clause.value, facet)):
        return Target(clause, facet)
    return None

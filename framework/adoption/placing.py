"""Which planned step a run is: by what its path, its row, its own settings and the manifest say of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from framework.adoption.naming import columns_of, spelled
from framework.manifest.sections.adopted import PARTS, Adopted
from framework.planning.build import Plan
from framework.planning.steps import Step, Training

_MOST_SHOWN = 4


class Place(NamedTuple):
    """A planned step, and the variants that it is adopted for: those that use it, or the one that was named.
    ``position`` is its place in the variant's list, where the same phase stands there more than once."""

    step: Step
    variants: tuple[str, ...]
    position: int | None = None


class Placing:
    """The steps of a plan, for runs to be put at."""

    def __init__(self, plan: Plan, variants: Sequence[str]):
        self.trainings = [step for step in plan.steps if isinstance(step.work, Training)]
        self.by_variant: dict[str, list[Step]] = {}
        for step in self.trainings:
            for name in step.variants:
                self.by_variant.setdefault(name, []).append(step)
        self.last = {
            name: {step.key for step in plan.final(name) if isinstance(step.work, Training)} for name in variants
        }

    def place(self, adopted: Adopted, words: Mapping[str, str], seed: int | None) -> Place | str:
        """The step, or why there is none: no planned one is meant, or several are. ``seed`` is what the run's own
        settings say, for where nothing else does."""
        wanted = self._wanted(adopted, words)
        near = self.by_variant.get(wanted["variant"], ()) if "variant" in wanted else self.trainings
        found = [step for step in near if all(_is(step, part, word) for part, word in wanted.items())]
        if len(found) > 1 and seed is not None and "seed" not in wanted:
            wanted["seed"] = str(seed)
            found = [step for step in found if step.seed == seed]
        if "phase" not in wanted:
            last = [step for step in found if any(step.key in self.last[name] for name in self._of(step, wanted))]
            found = last or found
        if len(found) == 1:
            named = (wanted["variant"],) if "variant" in wanted else found[0].variants
            return Place(found[0], named, self._position(found[0], named[0]))
        spelled = ", ".join(f"{part} {word}" for part, word in wanted.items()) or "nothing"
        if not found:
            return f"no training is planned with {spelled}{self._near(wanted)}"
        labels = "; ".join(step.label for step in found[:_MOST_SHOWN])
        more = f" and {len(found) - _MOST_SHOWN} more" if len(found) > _MOST_SHOWN else ""
        return f"{spelled} is said of it, which is any of {labels}{more}: say {_differing(found)} of it"

    @staticmethod
    def _wanted(adopted: Adopted, words: Mapping[str, str]) -> dict[str, str]:
        found: dict[str, str] = {}
        for part in PARTS:
            stated = getattr(adopted, part)
            word = words.get(part, None if stated is None else str(stated))
            if word is not None:
                found[part] = _translated(adopted, part, word)
        return found

    def known_words(self, adopted: Adopted, names: Mapping[str, Any]) -> dict[str, str]:
        """What a run says of itself under the usual names, as far as the plan has it: a `model` that is none of the
        manifest's is a setting like others, and tells nothing."""
        usual = {part: name for part, name in columns_of(adopted, names).items() if part not in adopted.columns}
        said = {part: spelled(names[name]) for part, name in usual.items()}
        return {part: word for part, word in said.items() if _translated(adopted, part, word) in self.words(part)}

    def unsaid(self, adopted: Adopted, words: Mapping[str, str]) -> list[str]:
        """The parts that tell planned runs apart, and that nothing says of a run."""
        known = {*words, *(part for part in PARTS if getattr(adopted, part) is not None)}
        return [part for part in PARTS if part not in known and len(self.words(part)) > 1]

    def words(self, part: str) -> list[str]:
        """What the plan has of a part, as words."""
        return list(dict.fromkeys(str(each) for step in self.trainings for each in _values(step, part)))

    def _position(self, step: Step, variant: str) -> int | None:
        here = (step.name, step.model_name, step.task, step.seed)
        alike = [
            each for each in self.by_variant[variant] if (each.name, each.model_name, each.task, each.seed) == here
        ]
        return None if len(alike) == 1 else step.of((variant,)).index

    @staticmethod
    def _of(step: Step, wanted: Mapping[str, str]) -> Sequence[str]:
        return [wanted["variant"]] if "variant" in wanted else step.variants

    def _near(self, wanted: Mapping[str, str]) -> str:
        """The part of what was said that the plan does not have."""
        for part, word in wanted.items():
            known = self.words(part)
            if word not in known:
                shown = ", ".join(known[:_MOST_SHOWN])
                return f": the plan has no {part} {word!r} ({shown})"
        return ""


def _values(step: Step, part: str) -> Sequence[Any]:
    if part == "variant":
        return step.variants
    return [{"phase": step.name, "model": step.model_name, "task": step.task, "seed": step.seed}[part]]


def _translated(adopted: Adopted, part: str, word: str) -> str:
    """The manifest's word for what a name says."""
    return {str(named): words for named, words in adopted.captures.items()}.get(part, {}).get(word, word)


def _is(step: Step, part: str, word: str) -> bool:
    return any(str(value) == word for value in _values(step, part))


def _differing(steps: Sequence[Step]) -> str:
    """What tells the steps apart."""
    parts = [part for part in PARTS if len({tuple(map(str, _values(step, part))) for step in steps}) > 1]
    return " and ".join(f"its {part}" for part in parts) or "which"

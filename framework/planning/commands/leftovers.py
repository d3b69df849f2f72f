"""What the manifest says and a command is not told: an error where it is stated, else a note."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from framework.dialects.rendering.sheet import Facts
from framework.errors import InputError, Problem
from framework.locations import Location
from framework.manifest.clauses import shown
from framework.names import did_you_mean
from framework.planning.commands.explicit_names import known_facts, own_facts
from framework.planning.commands.step_facts import Situation

_TOLD_OTHERWISE = re.compile(
    r"objective|hardware\..*|model(\..*)?|dataset(\.(?!limit|validation_limit).*)?|batch_size\..*"
)
"""Facts that are no hyperparameters: a script is written for them, or takes them by `{model}` and `{dataset}`."""
_PARTS = {
    "batch_size": {"batch_size.micro", "batch_size.accumulation"},
    "optimizer.betas": {"optimizer.betas[0]", "optimizer.betas[1]"},
}
"""Facts that are said where their parts are; how many processes there are, the launcher is told."""
_NOTHING = (None, False, 0, "constant", "0 steps")
"""Defaults that do nothing, and need no note."""


def completed(said: Collection[str]) -> set[str]:
    """The facts that are said, with those of which all parts are."""
    return {*said, *(whole for whole, parts in _PARTS.items() if parts <= set(said))}


@dataclass(frozen=True)
class Leftovers:
    """The facts of a step that a runner does not pass.

    ``said`` are those that it does, ``refused`` those that a dialect has no word for, with the reason, ``unpassed``
    what the script is said to do by itself, and ``sinks`` the flags and files that values are passed in.
    """

    situation: Situation
    runner: str
    facts: Facts
    said: Collection[str]
    refused: Mapping[str, str]
    unpassed: Collection[str]
    sinks: Collection[str]
    at: Callable[[str], Location]

    def notes(self) -> tuple[str, ...]:
        """What is not passed, and may be left out.

        Raises:
            InputError: something is stated, and nothing says that the script does it by itself.
        """
        known = [*known_facts(), *own_facts(self.situation)]
        for text in self.unpassed:
            if not any(covers_fact(text, name) for name in known) and not self._states(text):
                message = f"no clause {text!r} of a training step"
                raise InputError.at(self.at("unpassed"), message, did_you_mean(text, known))
        looked = [self._look(fact, value) for fact, value in self._missing()]
        problems = [*(each for each in looked if isinstance(each, Problem)), *self._parent()]
        if problems:
            raise InputError(problems)
        return (*(each for each in looked if isinstance(each, str)), *self._origins())

    def _states(self, text: str) -> bool:
        """Whether an entry is a clause that is a part of a fact: `schedule.decay.length`."""
        parts = [part for fact in self.facts.values for part in self.situation.parts(fact)]
        return any(covers_fact(text, part) for part in parts)

    def _by_itself(self, name: str) -> bool:
        return any(covers_fact(text, name) for text in self.unpassed)

    def _missing(self) -> Iterator[tuple[str, Any]]:
        for fact, value in self.facts.values.items():
            if fact not in self.said and not _TOLD_OTHERWISE.fullmatch(fact):
                yield fact, value

    def _look(self, fact: str, value: Any) -> str | Problem | None:
        clause, parts = self.situation.clause(fact), self.situation.parts(fact)
        left = [each for name, each in parts.items() if not self._by_itself(name)]
        if 0 < len(left) < len(parts):
            clause, value = left[0], left[0].effective
        spelled = f"{clause.id if clause else fact} = {shown(value)}"
        if self._by_itself(fact) or (parts and not left):
            return f"not passed: {spelled}; the script does it by itself, as `unpassed` says"
        if clause is None or clause.effective is None:
            needless = value in _NOTHING or str(value) in _NOTHING
            return None if needless else f"not passed, and not stated: {fact} = {shown(value)} by default"
        why = self.refused.get(fact) or f"{' and '.join(self.sinks) or 'the command'} has no key for it"
        message = f"{spelled} is passed nowhere by runners.{self.runner}: {why}"
        advice = f"name its key under `keys: {{NAME: {fact}}}`, or list it under `unpassed`"
        return Problem(message, clause.location, advice)

    def _parent(self) -> Iterator[Problem]:
        if self.situation.continues and "model" not in self.said:
            message = "the step starts from the checkpoint of another, which the command does not take: write {model}"
            yield Problem(message, self.at("command"))

    def _origins(self) -> Iterator[str]:
        for name in ("model", "dataset"):
            if not any(covers_fact(name, fact) for fact in self.said):
                yield f"not passed: the {name}; the script has its own"


def covers_fact(text: str, fact: str) -> bool:
    """Whether an entry of `unpassed` is about a fact: it, or the section or list that it is in."""
    return fact == text or fact.startswith((f"{text}.", f"{text}["))

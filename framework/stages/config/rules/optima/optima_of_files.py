"""Files that state what a search chose: the same in all of them, of the search's space, and what was chosen."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from framework.conformance import Finding, Rule, Stage, Verdict
from framework.conformance.meaning import said
from framework.errors import InputError
from framework.locations import Location
from framework.manifest.clauses import Clause
from framework.manifest.searched.value_sets import can_come, same_value
from framework.manifest.sections.searching.stated_optima import StatedOptima
from framework.reading.formats import read
from framework.reading.nodes import Document, Opaque
from framework.searching.foreign.foreign_rows import number_in
from framework.searching.optimum import Optimum, optimum_of, path_of, read_optima
from framework.searching.studies import Study, all_studies
from framework.stages.config.context import ConfigContext
from framework.stages.config.rules.optima.optima_rules import APART, OTHER_OPTIMUM


@dataclass(frozen=True, slots=True)
class _Stated:
    """A value of a searched key, and where it stands."""

    value: Any
    where: Location


def held(context: ConfigContext) -> Iterator[Verdict | Finding]:
    """What the files of all searches state, held to each other and to what was chosen."""
    experiment = context.experiment
    try:
        chosen = read_optima(path_of(experiment.root, experiment.declared_profile))
    except InputError:
        chosen = []  # R150 to R154 look at what we wrote
    documents: dict[str, Document | InputError] = {}
    for study in all_studies(experiment):
        yield from _Held(context, study, optimum_of(study, chosen), documents).all()


class _Held:
    """What files state of one study."""

    def __init__(
        self,
        context: ConfigContext,
        study: Study,
        optimum: Optimum | None,
        documents: dict[str, Document | InputError],
    ):
        self.context, self.study, self.optimum, self.documents = context, study, optimum, documents
        self.stated: dict[str, list[_Stated]] = {}

    def all(self) -> Iterator[Verdict | Finding]:
        for file in self.study.search.optima:
            yield from self._gathered(file)
        for key, places in self.stated.items():
            if not (wrong := [*self._wrong(key, places)]):
                yield self._right(key, places)
            yield from wrong

    def _gathered(self, file: StatedOptima) -> Iterator[Verdict]:
        name = _filled(file.file, self.study)
        document = self._document(name, file.reader)
        for written, key in file.keys.items():
            clause = self._clause(key)
            if isinstance(document, InputError):
                problem = document.problems[0]
                where = problem.location or Location(name, 1, 1)
                yield self._violated(OTHER_OPTIMUM, clause, f"{name}: {problem.message}", None, where, "")
                return
            own = _filled(written, self.study)
            node = document.node((own,)) or document.node(tuple(own.split(".")))
            value = None if node is None else document.value(node)
            if node is None or isinstance(value, Opaque):
                absent = f" ({document.absent[own]})" if own in document.absent else ""
                why = f"{name} states no {own}{absent}" if node is None else f"{own} is not known here: {said(value)}"
                yield self.context.judge.unverified(clause, Stage.CONFIG, f"{self.study.label}: {why}", name)
                continue
            where = document.location(node, (own,))
            self.stated.setdefault(key, []).append(_Stated(number_in(value), where))

    def _document(self, name: str, reader: str | None) -> Document | InputError:
        if name not in self.documents:
            try:
                self.documents[name] = read(self.context.experiment.root / name, name, reader)
            except InputError as problem:
                self.documents[name] = problem
        return self.documents[name]

    def _wrong(self, key: str, places: list[_Stated]) -> Iterator[Verdict]:
        clause, label = self._clause(key), self.study.label
        values = self.study.search.dimensions[key]
        first = places[0]
        for each in places:
            spelled = f"{each.where.key} is {said(each.value)}"
            if not can_come(values, each.value):
                message = f"{spelled}, which cannot come from the space of {label}"
                yield self._violated(
                    OTHER_OPTIMUM, clause, message, None, each.where, "state a value that was searched"
                )
            elif self.optimum is not None and key in self.optimum.values:
                chosen = self.optimum.values[key]
                if not same_value(each.value, chosen):
                    message = f"{spelled}, and {label} chose {said(chosen)} ({self.optimum.location})"
                    yield self._violated(OTHER_OPTIMUM, clause, message, chosen, each.where, f"write {chosen!r}")
            if not same_value(first.value, each.value):
                message = f"{spelled}; {first.where.key} at {first.where} says {said(first.value)} of the same {label}"
                yield self._violated(APART, clause, message, first.value, each.where, "keep one of the two")

    def _right(self, key: str, places: list[_Stated]) -> Verdict:
        clause, judge = self._clause(key), self.context.judge
        if self.optimum is not None and key in self.optimum.values:
            reason = f"{self.study.label}: {key} as it was chosen ({self.optimum.location})"
            return judge.conforms(clause, Stage.CONFIG, reason, str(places[0].where))
        reason = f"{self.study.label}: {key} can come from the space; nothing was chosen here yet"
        return judge.unverified(clause, Stage.CONFIG, reason, str(places[0].where))

    def _clause(self, key: str) -> Clause:
        section = "space" if self.study.search.space is not None else "best_of"
        return self.context.experiment.below(("searches", self.study.name, section, key))[0]

    def _violated(
        self, rule: Rule, clause: Clause, message: str, expected: object, where: Location, advice: str
    ) -> Verdict:
        finding = Finding(rule, message, clause.id, expected, None, where, clause.location, advice)
        return self.context.judge.violated(clause, finding, str(where))


def _filled(text: str, study: Study) -> str:
    for name, value in (("variant", study.variant), ("task", study.task or ""), ("model", study.model)):
        capitals = re.sub(r"[^A-Z0-9]", "", value.upper())
        text = text.replace(f"{{{name}}}", value).replace(f"{{{name.upper()}}}", capitals)
    return text

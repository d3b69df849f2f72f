"""The author's own documents: each number that is bound, held to the statement and to the results."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

from framework.conformance import Finding, Rule, Severity, Stage, Verdict
from framework.conformance.waivers import Judge
from framework.errors import InputError
from framework.locations import Location
from framework.manifest.assertions.sides import Unsupported
from framework.manifest.clauses import Clause, shown
from framework.manifest.experiment import Experiment
from framework.manifest.sections.bindings import Binding, BoundDocument
from framework.reading.nodes import Document
from framework.stages.config.matching import bound_names, read_bound
from framework.stages.document.bound_numbers import BoundNumber, bound_numbers
from framework.stages.document.named_values import amount, measured, named_in
from framework.stages.document.rounding import respelled, says
from framework.stages.document.table_coverage import coverage

if TYPE_CHECKING:
    from framework.stages.run.observed import Observed

WRONG = Rule("D102", "wrong-number", Severity.ERROR, Stage.DOCUMENT, "a bound number of a document says something else")
UNBOUND = Rule("D103", "unbound-number", Severity.WARNING, Stage.DOCUMENT, "numbers of a results table are not bound")
UNHELD = Rule("D104", "unheld-number", Severity.WARNING, Stage.DOCUMENT, "a bound number has nothing to be held to")
GONE = Rule("D105", "unknown-number", Severity.ERROR, Stage.DOCUMENT, "what a document binds is not there")
_LISTED = 8


@dataclass(slots=True)
class DocumentCounts:
    """How many numbers of the author's documents are bound, how many of these say what they should, and how many stand
    unbound in their tables of results."""

    bound: int = 0
    held: int = 0
    unbound: int = 0


def bound_document_verdicts(
    experiment: Experiment, steps: Sequence[Observed], judge: Judge, counts: DocumentCounts
) -> Iterator[Verdict | Finding]:
    """A verdict for each number that is a clause, a finding for each other that is wrong or cannot be held.

    Raises:
        InputError: a binding matches no file, or one that cannot be read.
    """
    for document, binding in bound_documents(experiment):
        found = bound_numbers(document, binding)
        counts.bound += len(found.numbers) + len(found.gone) + len(found.unread)
        for where, message in found.gone:
            yield Finding(GONE, message, location=where, advice="bind what is there, or remove the binding")
        for where, message in found.unread:
            yield Finding(UNHELD, message, location=where)
        for number in found.numbers:
            yield from _held(experiment, steps, judge, binding, number, counts)
        results = [each.written.start for each in found.numbers if "(" in each.what]
        for table in coverage(document, results):
            counts.unbound += len(table.unbound)
            if table.unbound:
                yield _unbound(table.bound, table.unbound)


def bound_documents(experiment: Experiment) -> Iterator[tuple[Document, BoundDocument]]:
    """The documents under each binding of them, as they are read.

    Raises:
        InputError: it matches no document, or one that cannot be read.
    """
    here = os.getcwd()
    for index, each in enumerate(experiment.stated.documents.bound):
        declared = experiment.location(("documents", "bound", index, "file"))
        binding = Binding(file=each.file)
        for name in bound_names(experiment.root, here, binding, declared):
            document = read_bound(name, here, binding)
            if not document.is_prose:
                raise InputError.at(declared, f"{name} is no Markdown and no LaTeX", "bind it under `configs:`")
            yield document, each


def misnamed(experiment: Experiment) -> Iterator[InputError]:
    """What bindings of documents name that is not there, as far as the manifest tells."""
    for index, each in enumerate(experiment.stated.documents.bound):
        place = ("documents", "bound", index)
        if each.model is not None and each.model not in experiment.stated.models:
            yield InputError.at(experiment.location((*place, "model")), f"unknown model {each.model!r}")
        for section, what in (("keys", each.keys), ("patterns", each.patterns)):
            for key, text in what.items():
                try:
                    if "{" not in text:
                        named_in(experiment, text, experiment.location((*place, section, key)))
                except InputError as problem:
                    yield problem


def _held(
    experiment: Experiment,
    steps: Sequence[Observed],
    judge: Judge,
    binding: BoundDocument,
    number: BoundNumber,
    counts: DocumentCounts,
) -> Iterator[Verdict | Finding]:
    try:
        named = named_in(experiment, number.what, number.where)
    except InputError as failure:
        problem = failure.problems[0]
        yield Finding(GONE, problem.message, location=number.where, advice=problem.advice)
        return
    if isinstance(named, Clause):
        value = amount(named.value)
        assert value is not None
        if says(number.written, value, exact=True):
            counts.held += 1
            yield judge.conforms(named, Stage.DOCUMENT, evidence=str(number.where))
            return
        said = f"the manifest states {named.id} = {shown(named.value)}"
        if number.reserved:
            yield judge.unverified(named, Stage.DOCUMENT, _about(number, said), str(number.where))
            yield Finding(UNHELD, _about(number, said), location=number.where)
            return
        yield judge.violated(named, _wrong(number, value, said, named), str(number.where))
        return
    if experiment.profile is not None:
        return  # what a profile's runs came to is nothing that a paper reports
    try:
        value = measured(experiment, named, steps, binding.model)
    except Unsupported as reason:
        yield Finding(UNHELD, f"{number.text} is said to be {number.what}: {reason}", location=number.where)
        return
    if says(number.written, value, exact=False):
        counts.held += 1
        return
    said = f"{number.what} is {value:.6g}, the mean over runs"
    if number.reserved:
        yield Finding(UNHELD, _about(number, said), location=number.where)
    else:
        yield _wrong(number, value, said, None)


def _about(number: BoundNumber, said: str) -> str:
    return f"the document says about {number.text}, or a bound; {said}"


def _wrong(number: BoundNumber, value: float, said: str, clause: Clause | None) -> Finding:
    text = respelled(number.written, value, clause is not None)
    first = f"write {text}" if text is not None else f"write {value:.6g} in another form"
    declared: Location | None = clause.location if clause is not None else None
    actual = float(number.written.value / (Decimal(100) if number.written.percent else Decimal(1)))
    message = f"the document says {number.text}; {said}"
    advice = f"{first}, or bind what it really is"
    name = clause.id if clause is not None else None
    return Finding(WRONG, message, name, value, actual, number.where, declared, advice, text is not None)


def _unbound(bound: int, unbound: list[tuple[Location, str]]) -> Finding:
    listed = ", ".join(f"{text} ({where.line}:{where.column})" for where, text in unbound[:_LISTED])
    more = f", and {len(unbound) - _LISTED} more" if len(unbound) > _LISTED else ""
    message = f"{bound} of {bound + len(unbound)} numbers of this table are bound; not {listed}{more}"
    advice = "bind them by their cells, by a pattern, or by a comment behind each"
    return Finding(UNBOUND, message, location=unbound[0][0], advice=advice)

"""Which findings can be repaired with certainty, and how; nothing is written here."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from framework.conformance import Finding
from framework.conformance.finding import plain
from framework.conformance.meaning import same
from framework.errors import InputError
from framework.manifest.experiment import Experiment
from framework.names import Path as KeyPath
from framework.names import parse_path
from framework.reading.nodes import AnyNode, Document, ScalarNode, SequenceNode
from framework.repair.changeable_places import node_to_change
from framework.repair.config_files import Source, read_source
from framework.repair.lists import list_splices
from framework.repair.proof import Change, Read, Reader, prove
from framework.repair.spelled_values import spelled, value_start
from framework.repair.splices import Splice, Uncertain, spliced

REPAIRABLE = ("C101", "C103")
"""Drift, and a number that its reader takes for a string: what must be there instead is known."""

_OWN_WORDS = ("name", "precision", "objective", "metric", "family", "score")
"""Clauses whose words each program has of its own: `adam` is AdamW to some, and `adamw` refused."""


@dataclass(frozen=True)
class Patch:
    """One file's repairs, proven on its text: each finding with the value's text before and after."""

    source: Source
    shown: str
    text: str
    repairs: list[tuple[Finding, str, str]]


@dataclass
class Proposal:
    """What can be repaired, and why the rest is left as it is."""

    patches: list[Patch] = field(default_factory=list)
    refused: list[tuple[Finding, str]] = field(default_factory=list)


def propose(experiment: Experiment, findings: Iterable[Finding]) -> Proposal:
    """The repairs of all findings that have a certain one, file by file; findings of other rules have none."""
    proposal = Proposal()
    by_file: dict[str, list[Finding]] = {}
    for finding in findings:
        if finding.code not in REPAIRABLE:
            continue
        if not finding.repairable:
            proposal.refused.append((finding, "what it should say is not certain"))
        elif finding.location is None or finding.location.key is None:
            proposal.refused.append((finding, "it names no key"))
        else:
            by_file.setdefault(finding.location.file, []).append(finding)
    with tempfile.TemporaryDirectory(prefix="framework-fix-") as folder:
        reader = Reader(experiment, folder)
        for shown, wanted in by_file.items():
            try:
                source = read_source(reader.places.absolute(shown), experiment.root)
                patch = _patch(source, shown, wanted, reader, proposal)
            except (Uncertain, InputError, OSError, UnicodeDecodeError) as reason:
                proposal.refused += [(finding, str(reason)) for finding in wanted]
            else:
                proposal.patches += [patch] if patch else []
    return proposal


def _patch(source: Source, shown: str, wanted: list[Finding], reader: Reader, proposal: Proposal) -> Patch | None:
    documents = reader.read(shown)
    if not documents:
        raise Uncertain("no binding reads the file by this name")
    for _, document in documents:
        if document.text != source.text:
            raise Uncertain("the file was changed by something else meanwhile")
        if document.homes:
            raise Uncertain("the file is composed of several")
        if document.format == "latex":
            raise Uncertain("LaTeX is only read: what a source says is what TeX makes of it")
    changes: list[Change] = []
    for finding in wanted:
        try:
            changes.append(_change(finding, documents))
        except Uncertain as reason:
            proposal.refused.append((finding, str(reason)))
    accepted = _agreed(changes, proposal)
    try:
        prove(source, shown, accepted, documents, reader)
    except Uncertain:
        accepted = _one_by_one(source, shown, accepted, documents, reader, proposal)
    if not accepted:
        return None
    repairs = []
    for change in accepted:
        first, last = min(change.splices), max(change.splices)
        span = source.text[first.start : last.stop]
        moved = [Splice(s.start - first.start, s.stop - first.start, s.text) for s in change.splices]
        repairs.append((change.finding, span, spliced(span, moved)))
    text = spliced(source.text, (splice for change in accepted for splice in change.splices))
    return Patch(source, shown, text, repairs)


def _change(finding: Finding, documents: list[Read]) -> Change:
    """How one value is changed, the same for every binding that reads the file."""
    assert finding.location is not None
    assert finding.location.key is not None
    path = parse_path(finding.location.key)
    value = plain(finding.expected)
    found: set[tuple[Splice, ...]] = set()
    for binding, document in documents:
        node = node_to_change(document, path)
        if (node.line, node.column) != (finding.location.line, finding.location.column):
            raise Uncertain("the value is stated in another place than where it is used")
        if isinstance(value, str) and not document.is_prose and (finding.clause or "").rpartition(".")[2] in _OWN_WORDS:
            raise Uncertain("what its program calls it is not known")
        dialect = getattr(binding, "dialect", None)
        if dialect not in (None, "generic") and isinstance(value, str):
            raise Uncertain(f"how {dialect} spells it is not certain")
        found.add(tuple(_splices(document, node, value)))
    if len(found) != 1:
        raise Uncertain("the bindings of this file read it in different ways")
    (splices,) = found
    if not splices:
        raise Uncertain("its text says that already")
    return Change(finding, path, splices, documents[0][1].text)


def _splices(document: Document, node: AnyNode, value: Any) -> Iterator[Splice]:
    one = partial(_scalar_splices, document)
    if isinstance(node, SequenceNode) and isinstance(value, (list, tuple)):
        if not all(isinstance(item, ScalarNode) for item in node.items):
            raise Uncertain("a list of more than plain values")
        yield from list_splices(document.text, node, value, lambda wanted, item: one(item, wanted))
    elif isinstance(node, ScalarNode) and not isinstance(value, (list, tuple, dict)):
        yield from one(node, value)
    else:
        raise Uncertain("the manifest states a value of another kind")


def _scalar_splices(document: Document, node: AnyNode, value: Any) -> Iterator[Splice]:
    if not document.editable(node):
        raise Uncertain("its own program computes it")
    old = document.value(node)
    if type(old) is not bool and type(value) is not bool and same(value, old):
        return
    source = document.text[node.start : node.stop]
    skip = value_start(source)
    text = spelled(value, old, source[skip:], document.rules, _is_json(document))
    if document.format == "shell" and source[skip] in "\"'" and text[0] != source[skip]:
        text = source[skip] + text + source[skip]  # to a shell quotes are no part of a value, nor of its type
    if text != source[skip:]:
        yield Splice(node.start + skip, node.stop, text)


def _is_json(document: Document) -> bool:
    return document.format == "json" or document.file.endswith(".json")


def _agreed(changes: list[Change], proposal: Proposal) -> list[Change]:
    """The changes without those that ask for two values of one key."""
    wanted: dict[KeyPath, set[tuple[Splice, ...]]] = {}
    for change in changes:
        wanted.setdefault(change.path, set()).add(change.splices)
    for change in changes:
        if len(wanted[change.path]) > 1:
            proposal.refused.append((change.finding, "two clauses state different values for it"))
    return [change for change in changes if len(wanted[change.path]) == 1]


def _one_by_one(
    source: Source, shown: str, changes: list[Change], documents: list[Read], reader: Reader, proposal: Proposal
) -> list[Change]:
    accepted: list[Change] = []
    for change in changes:
        try:
            prove(source, shown, [*accepted, change], documents, reader)
        except Uncertain as reason:
            proposal.refused.append((change.finding, str(reason)))
        else:
            accepted.append(change)
    return accepted

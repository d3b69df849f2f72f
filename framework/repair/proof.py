"""The proof of a repair: the changed text is read again, and says what it should, and nothing else differently."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from framework.conformance import Finding
from framework.conformance.finding import plain
from framework.conformance.meaning import same
from framework.errors import InputError
from framework.manifest.experiment import Experiment
from framework.manifest.sections.bindings import Binding
from framework.names import Path as KeyPath
from framework.names import format_path
from framework.output.file_places import Places
from framework.reading.formats import read
from framework.reading.nodes import Document
from framework.reading.yaml.lines import RowRoot
from framework.repair.config_files import Source
from framework.repair.splices import Splice, Uncertain, spliced
from framework.stages.config.matching import matching, reader_of

if TYPE_CHECKING:
    from framework.dialects.terms import Said


@dataclass(frozen=True, slots=True)
class Change:
    """How one finding would be repaired."""

    finding: Finding
    path: KeyPath
    splices: tuple[Splice, ...]
    before: str


Read = tuple[Binding, Document]


class Reader:
    """Reads a file as each binding that matches it does, from its place or from other bytes.

    ``folder`` is an empty one for the other bytes: a reader may go by the file's name.
    """

    def __init__(self, experiment: Experiment, folder: str):
        self.places = Places(experiment.root)
        self.folder = folder
        bindings = experiment.stated.configs
        self._matched = [(binding, set(matching(experiment.root, binding.file))) for binding in bindings]

    def bindings(self, path: Path) -> list[Binding]:
        return [binding for binding, paths in self._matched if path in paths]

    def read(self, shown: str) -> list[Read]:
        path = self.places.absolute(shown)
        return [(binding, read(path, shown, reader_of(binding, path.name))) for binding in self.bindings(path)]

    def read_bytes(self, shown: str, data: bytes) -> list[Read]:
        """As :meth:`read`, as if the file held ``data``."""
        path = self.places.absolute(shown)
        copy = Path(self.folder) / path.name
        copy.write_bytes(data)
        try:
            return [(binding, read(copy, shown, reader_of(binding, path.name))) for binding in self.bindings(path)]
        finally:
            copy.unlink()


def prove(source: Source, shown: str, changes: list[Change], documents: list[Read], reader: Reader) -> None:
    """Read the changed text again: the values are the expected ones, and every other one is what it was."""
    if not changes:
        return
    text = spliced(source.text, (splice for change in changes for splice in change.splices))
    try:
        again = reader.read_bytes(shown, source.with_text(text))
    except InputError:
        raise Uncertain("the repaired file could not be read any more") from None
    paths = [change.path for change in changes]
    for (binding, old), (_, new) in zip(documents, again, strict=True):
        if not _agree_elsewhere(old, new, _of_one_value(binding, old, paths)) or len(old.duplicates) != len(
            new.duplicates
        ):
            raise Uncertain("the repair would change other values too")
        _same_facts(binding, old, new)
        for change in changes:
            found = new.walk(change.path)
            if found is None or not same(plain(change.finding.expected), new.value(found[1])):
                raise Uncertain(f"{format_path(change.path)} would still not say the same")


def _same_facts(binding: Binding, old: Document, new: Document) -> None:
    """To the file's dialect each key still states its fact: a number that crosses 1 may have become a share.

    Raises:
        Uncertain: it does not.
    """
    if binding.dialect is None:
        return
    readings = []
    for document in (old, new):
        found = _said(binding, document)
        # not their values: a minimum that is stated as a share of the peak moves with it
        facts = [(each.path, each.fact) for each in found.statements]
        readings.append((facts, [each.fact for each in found.defaults], found.silent))
    if readings[0] != readings[1]:
        raise Uncertain("to its trainer the value, or another one, would then state something else")


def _agree_elsewhere(old: Document, new: Document, tops: set[KeyPath]) -> bool:
    """Whether every leaf outside the changed values says what it did, as its reader takes it; types count."""
    shape = old.shape()
    if new.shape() is shape and new.rules == old.rules:
        differing = [path for path, was, is_ in zip(shape, old.words(), new.words(), strict=True) if was != is_]
        if all(_within(path, tops) for path in differing):
            return True
    return _others(old, tops) == _others(new, tops)


def _of_one_value(binding: Binding, document: Document, changed: list[KeyPath]) -> set[KeyPath]:
    """The changed places, and those that have these very values from there: parameters that a program's calls give
    them, and what only passes on the same fact."""
    if isinstance(document.root, RowRoot):  # plain lines share nothing
        return set(changed)
    nodes = [node for path in changed if (node := document.node(path)) is not None]
    places = {document.origin(node).start for node in nodes}
    shared = {path for path, node in document.leaves() if document.origin(node).start in places}
    if set(changed) & document.replaced.keys():
        calls = {path for path, node in document.leaves() if any(node.start < place < node.stop for place in places)}
        return {*changed, *shared, *calls}
    silent: set[KeyPath] = set()
    if binding.dialect is not None and not shared <= set(changed):
        from framework.dialects.components import passed_on

        silent = passed_on(document, _said(binding, document).statements)[1]
    return {*changed, *(shared & (silent | document.replaced.keys()))}


def _said(binding: Binding, document: Document) -> Said:
    from framework.dialects.flags import said
    from framework.dialects.registry import dialect

    assert binding.dialect is not None
    assert document.root is not None
    return said(dialect(binding.dialect), document.value(document.root), document)


def _others(document: Document, changed: set[KeyPath]) -> list[tuple[KeyPath, str]]:
    return [(path, repr(document.value(node))) for path, node in document.leaves() if not _within(path, changed)]


def _within(path: KeyPath, tops: set[KeyPath]) -> bool:
    return any(path[:length] in tops for length in range(1, len(path) + 1))

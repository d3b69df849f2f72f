"""`framework verify --fix`: numbers of the author's own documents, put right where they stand."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Sequence
from pathlib import Path

from framework.conformance import Finding
from framework.errors import InputError
from framework.manifest.experiment import Experiment
from framework.manifest.sections.bindings import BoundDocument
from framework.reading.formats import read
from framework.reading.nodes import Document
from framework.repair.config_files import Source, read_source, replace
from framework.repair.proposal import Patch, Proposal
from framework.repair.splices import Splice, Uncertain, spliced
from framework.stages.document.bound_numbers import BoundNumber, bound_numbers
from framework.stages.document.bound_verdicts import WRONG, bound_documents
from framework.stages.document.rounding import respelled, says

_Read = tuple[Document, BoundDocument]


def fix_numbers(experiment: Experiment, findings: Sequence[Finding]) -> Proposal:
    """Write the right digits, and nothing else, in the places of wrong numbers; each file wholly or not at all. Its
    patches are those that were written.

    Raises:
        InputError: a document cannot be read.
    """
    wanted: dict[str, list[Finding]] = {}
    for finding in findings:
        if finding.rule == WRONG and finding.location is not None:
            wanted.setdefault(finding.location.file, []).append(finding)
    done = Proposal()
    files: dict[str, list[_Read]] = {}
    for document, binding in bound_documents(experiment) if wanted else ():
        files.setdefault(document.file, []).append((document, binding))
    for shown, own in wanted.items():
        try:
            source = read_source(Path(os.getcwd(), shown), experiment.root)
            patch = _patch(source, shown, own, files[shown], done)
            if patch is not None:
                replace(source, source.with_text(patch.text))
                done.patches.append(patch)
        except (Uncertain, InputError, OSError, UnicodeDecodeError) as reason:
            done.refused += [(finding, str(reason)) for finding in own]
    return done


def _patch(source: Source, shown: str, own: list[Finding], read_as: list[_Read], done: Proposal) -> Patch | None:
    """The text with the right digits, proven: read again, each of these numbers says its value."""
    if any(document.text != source.text for document, _ in read_as):
        raise Uncertain("the file was changed by something else meanwhile")
    numbers = [each for document, binding in read_as for each in bound_numbers(document, binding).numbers]
    splices, repairs = [], []
    for finding in own:
        number = next(each for each in numbers if each.where == finding.location)
        digits = respelled(number.written, finding.expected, finding.clause is not None)
        if digits is None:
            done.refused.append((finding, "in the form in which it is written it cannot say the value"))
            continue
        splices.append(Splice(*number.written.digits_at, digits))
        repairs.append((finding, number.text, digits + number.text[_length(number) :]))
    if not splices:
        return None
    text = spliced(source.text, splices)
    _prove(source, shown, text, [finding for finding, _, _ in repairs], numbers, read_as)
    return Patch(source, shown, text, repairs)


def _length(number: BoundNumber) -> int:
    start, stop = number.written.digits_at
    return stop - start


def _prove(
    source: Source, shown: str, text: str, own: list[Finding], before: list[BoundNumber], read_as: list[_Read]
) -> None:
    """Raises Uncertain where the new text, read again, says something else than it should at any place."""
    with tempfile.TemporaryDirectory(prefix="framework-fix-") as folder:
        copy = Path(folder, source.path.name)
        copy.write_bytes(source.with_text(text))
        document = read(copy, shown, None, ())
    after = [each for _, binding in read_as for each in bound_numbers(document, binding).numbers]
    repaired = {finding.location: finding for finding in own}
    if [each.what for each in after] != [each.what for each in before]:
        raise Uncertain("with the right numbers other places would be bound")
    for old, new in zip(before, after, strict=True):
        finding = repaired.get(old.where)
        if finding is None and old.text != new.text:
            raise Uncertain("another number would change with it")
        if finding is not None and not says(new.written, finding.expected, finding.clause is not None):
            raise Uncertain("it would still say something else")

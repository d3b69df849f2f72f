"""What an editor shows at a key: what the manifest states, where the paper says it, how it stands, whence the value."""

from __future__ import annotations

import os
from collections.abc import Iterator

from framework.conformance import Stage
from framework.conformance.matrix import file_of
from framework.conformance.meaning import said
from framework.editor.both_sides import Side, stating
from framework.editor.judged import Judged
from framework.errors import FrameworkError
from framework.manifest.clauses import Clause
from framework.stages.config.layers.chain import chains


def told(judged: Judged, side: Side) -> str:
    """The text of a hover, in Markdown."""
    return "\n".join([*_of_clause(judged, side.clause), *_of_file(judged, side)])


def _of_clause(judged: Judged, clause: Clause | None) -> Iterator[str]:
    if clause is None:
        yield "It states no clause of the manifest.\n"
        return
    assert judged.experiment is not None
    paper = judged.experiment.stated.paper
    yield f"**{clause.id}** = `{said(clause.value)}`\n"
    yield f"- stated at {clause.location.file}:{clause.location.line}"
    if source := paper.source_of(clause.id):
        yield f"- in the paper: {source}"
    if why := paper.why_of(clause.id):
        yield f"- why: {why}"


def _of_file(judged: Judged, side: Side) -> Iterator[str]:
    assert judged.experiment is not None
    if not side.key:
        assert side.clause is not None
        if judged.matrix is not None:
            status = judged.matrix.status(side.clause, Stage.CONFIG)
            yield f"- in the config files: {status or 'not held to them'}"
        yield from (f"    - {place}" for place in stating(judged.experiment, side.clause))
        return
    if side.clause is not None and judged.matrix is not None:
        looks = judged.matrix.looks(side.clause, Stage.CONFIG)
        here = [each for each in looks if _same(judged, file_of(each), side.location.file)]
        for status, reason in dict.fromkeys((each.status, each.reason) for each in here):
            yield f"- here: {status}" + (f" ({reason})" if reason else "")
        if not here:
            yield "- here: unverified (no rule looked at it in this file)"
    try:
        found = chains(judged.experiment, str(judged.places.absolute(side.location.file)), side.key)
    except FrameworkError:  # a composed file's key has its value from where it is used
        return
    for chain in found:
        yield "\nThe value, the last counts:\n"
        for number, layer in enumerate(chain.layers, 1):
            note = f" ({layer.note})" if layer.note else ""
            yield f"{number}. {layer.kind}: `{layer.text}`, {layer.place}{note}"
        if chain.meaning:
            yield f"\n{chain.meaning}"


def _same(judged: Judged, one: str, other: str) -> bool:
    places = judged.places
    return bool(one) and os.path.realpath(places.absolute(one)) == os.path.realpath(places.absolute(other))

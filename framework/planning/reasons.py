"""Why a step would be made anew: what differs between its identity and that of the nearest run on disk."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property
from typing import Any

from framework.evidence.record import ADOPTED, RECORDED, RunRecord
from framework.evidence.store import RunStore
from framework.manifest.clauses import shown
from framework.planning.contents.digested import changes
from framework.planning.identity import CONTENT, contents_in, stated_alone
from framework.planning.steps import Step


class Reasons:
    """Why steps would be made anew; the runs are read once, when the first step asks for those of its place."""

    def __init__(self, store: RunStore):
        self._store = store

    def of(self, step: Step) -> str:
        """One line about a step without a run: what changed since the last run of it, or `new`."""
        place = (step.name, step.model_name, step.task, step.seed, step.profile)
        earlier = [record for record in self._by_place.get(place, ()) if shares(record, step)]
        return why_anew([record.identity for record in earlier], [step.identity]) or "new"

    @cached_property
    def _by_place(self) -> dict[tuple[object, ...], list[RunRecord]]:
        """The records by step, model, task, seed and profile; a run that others made was not made by any identity."""
        found: dict[tuple[object, ...], list[RunRecord]] = {}
        for run in self._store.readable():
            if not {ADOPTED, RECORDED} & run.record.identity.keys():
                found.setdefault(place_of(run.record), []).append(run.record)
        return found


def place_of(record: RunRecord) -> tuple[object, ...]:
    """What a run is of, beside its variant."""
    return record.step, record.model, record.task, record.seed, record.profile


def shares(record: RunRecord, step: Step) -> bool:
    """Whether a run was made for a variant that the step belongs to."""
    return not set(record.variants).isdisjoint(step.variants)


def why_anew(old: Iterable[Mapping[str, Any]], new: Iterable[Mapping[str, Any]]) -> str:
    """What differs between the nearest two of some old and some new identities; empty where there are not both."""
    found = min((list(_changed(one, other)) for one in old for other in new), key=len, default=None)
    if found is None:
        return ""
    own = [change for change in found if not change.startswith(_BEFORE)]
    if not own:
        return "what it starts from is made anew"
    more = f" (and {len(own) - 1} more)" if len(own) > 1 else ""
    return f"changed: {own[0]}{more}"


_BEFORE = ("parent", "references")
"""Where an identity says what it builds on."""


def _changed(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[str]:
    """What differs between two identities: files whose content does, what is stated, files that came and went."""
    then, now = contents_in(old), contents_in(new)
    unknown = list(new.get(CONTENT, ())) if CONTENT not in old else []
    files = changes(then, {name: digest for name, digest in now.items() if name not in unknown})
    yield from (each for each in files if each in now)
    yield from differences(_as_recorded(stated_alone(old)), _as_recorded(stated_alone(new)))
    yield from (each for each in files if each not in now)
    if unknown:
        more = f" and {len(unknown) - 1} more" if len(unknown) > 1 else ""
        yield f"the content of {unknown[0]}{more}, which was not recorded"


def _as_recorded(identity: Mapping[str, Any]) -> dict[str, Any]:
    """An identity as a record has it, which knows no tuples."""
    found: dict[str, Any] = json.loads(json.dumps(identity))
    return found


def differences(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[str]:
    """What differs between two nested mappings, as `path: old -> new`."""
    from deepdiff import DeepDiff

    found = DeepDiff(dict(old), dict(new), ignore_order=False, verbose_level=2, view="tree")
    for kind in ("values_changed", "type_changes", "dictionary_item_added", "dictionary_item_removed"):
        for change in found.get(kind, ()):
            path = ".".join(str(part) for part in change.path(output_format="list"))
            before = "nothing" if "added" in kind else shown(change.t1)
            after = "nothing" if "removed" in kind else shown(change.t2)
            yield f"{path.removeprefix('does.')}: {before} -> {after}"
    for kind in ("iterable_item_added", "iterable_item_removed"):
        for change in found.get(kind, ()):
            path = ".".join(str(part) for part in change.path(output_format="list"))
            yield f"{path.removeprefix('does.')}: {kind.rsplit('_', 1)[-1]}"

"""Why a step would be made anew: what differs between its identity and that of the nearest run on disk."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import Any

from framework.evidence.record import ADOPTED, CHECKPOINTS, RECORDED, RunRecord
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
        """One line for a table: `done`, what came of an earlier attempt, or what changed since the last run of it."""
        if self._store.done(step.key):
            return "done"
        attempt = self._store.find(step.key)
        if attempt is not None:
            if attempt.record.status == "done":
                return "its files are missing or changed in size"
            end = "it failed before" if attempt.record.status == "failed" else "it was cut off before"
            return f"{end}; goes on from a checkpoint" if any((attempt.folder / CHECKPOINTS).glob("step-*")) else end
        earlier = [
            record
            for record in self._by_place.get((step.name, step.model_name, step.task, step.seed, step.profile), ())
            if not set(record.variants).isdisjoint(step.variants)
        ]
        if not earlier:
            return "new"
        found = min((list(_changed(record.identity, step.identity)) for record in earlier), key=len)
        own = [change for change in found if not change.startswith(_BEFORE)]
        if not own:
            return "what it starts from is made anew"
        more = f" (and {len(own) - 1} more)" if len(own) > 1 else ""
        return f"changed: {own[0]}{more}"

    @cached_property
    def _by_place(self) -> dict[tuple[object, ...], list[RunRecord]]:
        """The records by step, model, task, seed and profile; a run that others made was not made by any identity."""
        found: dict[tuple[object, ...], list[RunRecord]] = {}
        for run in self._store.readable():
            record = run.record
            if not {ADOPTED, RECORDED} & record.identity.keys():
                place = (record.step, record.model, record.task, record.seed, record.profile)
                found.setdefault(place, []).append(record)
        return found


_BEFORE = ("parent", "references")
"""Where an identity says what it builds on."""


def _changed(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[str]:
    """What differs between two identities: files whose content does, what is stated, files that came and went."""
    then, now = contents_in(old), contents_in(new)
    unknown = list(new.get(CONTENT, ())) if CONTENT not in old else []
    files = changes(then, {name: digest for name, digest in now.items() if name not in unknown})
    yield from (each for each in files if each in now)
    yield from differences(stated_alone(old), stated_alone(new))
    yield from (each for each in files if each not in now)
    if unknown:
        more = f" and {len(unknown) - 1} more" if len(unknown) > 1 else ""
        yield f"the content of {unknown[0]}{more}, which was not recorded"


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

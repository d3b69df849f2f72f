"""Why a step would be made anew: what differs between its identity and that of the nearest run on disk."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import Any

from framework.evidence.record import ADOPTED, CHECKPOINTS, RunRecord
from framework.evidence.store import RunStore
from framework.manifest.clauses import shown
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
        nearest = min(earlier, key=lambda record: len(list(differences(record.identity, step.identity))))
        changes = [
            change
            for change in differences(nearest.identity, step.identity)
            if not change.startswith(("parent", "references"))
        ]
        if not changes:
            return "what it starts from is made anew"
        more = f" (and {len(changes) - 1} more)" if len(changes) > 1 else ""
        return f"changed: {changes[0]}{more}"

    @cached_property
    def _by_place(self) -> dict[tuple[object, ...], list[RunRecord]]:
        """The records by step, model, task, seed and profile; an adopted run was not made by any identity."""
        found: dict[tuple[object, ...], list[RunRecord]] = {}
        for run in self._store.readable():
            record = run.record
            if ADOPTED not in record.identity:
                place = (record.step, record.model, record.task, record.seed, record.profile)
                found.setdefault(place, []).append(record)
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

"""Why a step would be made anew: what differs between its identity and that of the nearest run on disk."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from framework.evidence.record import ADOPTED, CHECKPOINTS, RunRecord
from framework.evidence.store import RunStore
from framework.manifest.clauses import shown
from framework.planning.steps import Step


def reason(step: Step, store: RunStore) -> str:
    """One line for a table: `done`, what came of an earlier attempt, or what changed since the last run of it."""
    if store.done(step.key):
        return "done"
    attempt = store.find(step.key)
    if attempt is not None:
        if attempt.record.status == "done":
            return "its files are missing or changed in size"
        end = "it failed before" if attempt.record.status == "failed" else "it was cut off before"
        return f"{end}; goes on from a checkpoint" if any((attempt.folder / CHECKPOINTS).glob("step-*")) else end
    earlier = [run.record for run in store.runs() if _same_place(run.record, step)]
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


def _same_place(record: RunRecord, step: Step) -> bool:
    here = (step.name, step.model_name, step.task, step.seed, step.profile)
    if ADOPTED in record.identity:
        return False
    return (record.step, record.model, record.task, record.seed, record.profile) == here and bool(
        set(record.variants) & set(step.variants)
    )


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

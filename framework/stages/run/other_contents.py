"""Finished runs of what is planned, but of local files that hold something else now."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from framework.evidence.store import Run, RunStore
from framework.planning.build import Plan
from framework.planning.contents.digested import changes
from framework.planning.identity import CONTENT, contents_in, key_of, stated_alone
from framework.planning.steps import Step
from framework.stages.run.observed import Observed, Other


def with_others(steps: Sequence[Observed], plan: Plan, store: RunStore) -> list[Observed]:
    """The steps; of one without a run, the last finished one that all that is stated is the same of."""
    by_key = {step.key: step for step in plan.steps}
    waiting = [each for each in steps if each.run is None and each.damage is None and _reads(each.step, by_key)]
    if not waiting:
        return list(steps)
    finished = {run.record.key: run for run in store.readable() if run.record.status == "done"}
    planned = _Stated({key: step.identity for key, step in by_key.items()})
    recorded = _Stated({key: run.record.identity for key, run in finished.items()})
    runs: dict[str, Run] = {}
    for key, run in sorted(finished.items(), key=lambda item: item[1].record.finished or ""):
        runs[recorded.key(key)] = run
    others: dict[str, Other] = {}
    for each in waiting:
        found = runs.get(planned.key(each.step.key))
        if found is not None:
            others[each.step.key] = _other(each.step, found)
    return [replace(each, other=others.get(each.step.key)) for each in steps]


def _reads(step: Step, by_key: Mapping[str, Step]) -> bool:
    """Whether local files decide a step, or one that it builds on."""
    before = [key for key in (step.parent, *step.references.values()) if key is not None]
    return bool(contents_in(step.identity)) or any(_reads(by_key[key], by_key) for key in before if key in by_key)


@dataclass
class _Stated:
    """Keys of what is stated alone: the same for steps that differ in the contents of files, theirs or those of steps
    before. Of steps that read no file they are their keys."""

    identities: Mapping[str, Mapping[str, Any]]

    def __post_init__(self) -> None:
        self._known: dict[str, str] = {}

    def key(self, key: str) -> str:
        if key not in self.identities:
            return key
        if key not in self._known:
            self._known[key] = key  # a record that names itself as its parent leads nowhere
            stated = stated_alone(self.identities[key])
            parent, references = stated.get("parent"), stated.get("references")
            if isinstance(parent, str):
                stated["parent"] = self.key(parent)
            if isinstance(references, Mapping):
                stated["references"] = {role: self.key(str(each)) for role, each in references.items()}
            self._known[key] = key_of(stated)
        return self._known[key]


def _other(step: Step, run: Run) -> Other:
    then, now = contents_in(run.record.identity), contents_in(step.identity)
    unknown = [name for name in step.identity.get(CONTENT, ()) if CONTENT not in run.record.identity]
    found = changes(then, {name: digest for name, digest in now.items() if name not in unknown})
    return Other(run, tuple(found), tuple(unknown))

"""Files that are not here: what a finished run of the same step says that they were.

That a file was left behind on another machine makes its run no other one. Whoever looks at the run there has the
same identity, and is told what could not be looked at.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

from framework.evidence.record import RunRecord
from framework.evidence.store import RunStore
from framework.planning.contents.digested import changes
from framework.planning.identity import contents_in, stated_alone


class RecordedContents:
    """The contents that finished runs recorded; their records are read when the first one is asked for."""

    def __init__(self, runs: Path):
        self._runs = runs

    def completed(self, identity: dict[str, Any]) -> dict[str, Any]:
        """An identity with what was recorded in the place of what cannot be read here, where there is a finished run
        that differs in nothing else; of several the last."""
        now = contents_in(identity)
        if None not in now.values():
            return identity
        stated = stated_alone(identity)
        same = [
            record
            for record in self._finished.get(_place(identity), ())
            if stated_alone(record.identity) == stated and not changes(contents_in(record.identity), now)
        ]
        if not same:
            return identity
        return dict(max(same, key=lambda record: record.finished or "").identity)

    @cached_property
    def _finished(self) -> Mapping[tuple[Any, ...], list[RunRecord]]:
        found: dict[tuple[Any, ...], list[RunRecord]] = {}
        for run in RunStore(self._runs).readable():
            if run.record.status == "done":
                found.setdefault(_place(run.record.identity), []).append(run.record)
        return found


def _place(identity: Mapping[str, Any]) -> tuple[Any, ...]:
    return tuple(str(identity.get(name)) for name in ("step", "seed", "parent"))

"""Whether the files that a planned step reads are still those that it was planned with."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from framework.planning.contents.digested import changes, content_of
from framework.planning.contents.local_places import Local
from framework.planning.identity import contents_in
from framework.planning.steps import Step


def changed_before(step: Step, root: Path) -> list[str]:
    """What is otherwise than when the plan was made, a script's own files included, each as a few words."""
    scripts = [Local(("runners",), name) for name, digest in _scripts(step).items() if digest is not None]
    return changes(contents_in(step.identity), _now([*step.reads, *scripts], root))


def changed_while_running(step: Step, root: Path) -> list[str]:
    """What of a step's data and model is otherwise than when the plan was made; what came to it was not read."""
    then, now = contents_in(step.identity), _now(step.reads, root)
    kept = {name: digest for name, digest in now.items() if digest is None or name in then}
    return changes(then, kept | _scripts(step))


def _scripts(step: Step) -> dict[str, str | None]:
    return dict(step.command.sources) if step.command is not None else {}


def _now(places: Iterable[Local], root: Path) -> dict[str, str | None]:
    found: dict[str, str | None] = {}
    for place in places:
        found |= content_of(place, root)
    return found

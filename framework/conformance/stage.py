"""The stages at which a clause is held, and which clause can be held at which."""

from __future__ import annotations

from enum import StrEnum

from framework.manifest.clauses import Clause
from framework.manifest.sections.statements import BUDGETS


class Stage(StrEnum):
    """Where a clause is held."""

    MANIFEST = "manifest"
    CONFIG = "config"
    PLAN = "plan"
    RUN = "run"
    CHECKPOINT = "checkpoint"
    DOCUMENT = "document"
    CLAIM = "claim"


UNDER_PROFILE = {Stage.PLAN, Stage.RUN, Stage.CHECKPOINT}
"""The stages that look at what was done under a profile; the others look at what the paper states."""
_GENERAL = {Stage.MANIFEST, Stage.CONFIG, Stage.DOCUMENT}
_APPLIES: dict[str, set[Stage]] = {
    "paper": {Stage.MANIFEST, Stage.DOCUMENT},
    "hardware": _GENERAL | {Stage.RUN},
    "settings": _GENERAL | {Stage.PLAN, Stage.RUN},
    "models": _GENERAL | {Stage.PLAN, Stage.CHECKPOINT},
    "datasets": _GENERAL | {Stage.PLAN, Stage.RUN},
    "phases": _GENERAL | {Stage.PLAN, Stage.RUN},
    "variants": _GENERAL | {Stage.PLAN, Stage.RUN, Stage.CHECKPOINT},
    "rules": {Stage.MANIFEST, Stage.DOCUMENT, Stage.CHECKPOINT},
    "seeds": _GENERAL | {Stage.PLAN, Stage.RUN},
    "measurements": {Stage.MANIFEST, Stage.PLAN, Stage.RUN, Stage.DOCUMENT},
    "claims": {Stage.MANIFEST, Stage.DOCUMENT, Stage.CLAIM},
}


_ORIGIN = {"hub", "name", "revision", "path", "builtin", "weights", "tokenizer"}
"""What says where a model comes from: the run knows it, its tensors do not."""


def applies(clause: Clause, stage: Stage) -> bool:
    """Whether a clause can be held at a stage at all: a title is not held by a checkpoint."""
    path = clause.path
    if clause.added and stage not in UNDER_PROFILE | {Stage.DOCUMENT}:
        return False
    if clause.section == "variants":
        if path[-1] == "description":
            return stage in (Stage.MANIFEST, Stage.DOCUMENT)
        if path[2:3] == ("model",):
            return stage in _APPLIES["models"]
        tensors = {"mask", "adapter", "prune", "permute"} & set(path)
        without = Stage.RUN if {"prune", "permute"} & set(path) else None if tensors else Stage.CHECKPOINT
        return stage in _APPLIES["variants"] - {without}
    if clause.section == "models" and "settings" in path:
        return stage in _APPLIES["settings"]
    if clause.section == "models" and path[2:3] == ("set",):
        return stage in _GENERAL | {Stage.PLAN}
    if clause.section == "models" and path[-1] in _ORIGIN:
        return stage in (_APPLIES["models"] - {Stage.CHECKPOINT}) | {Stage.RUN}
    if clause.section == "rules" and "differ_only_in" in path:
        return stage in (Stage.MANIFEST, Stage.DOCUMENT)
    if clause.section == "rules" and "equal" in path:
        return stage in (Stage.MANIFEST, Stage.DOCUMENT) or (path[-1] == "of" and stage in _held_of(clause.value))
    return stage in _APPLIES[clause.section]


def _held_of(budgets: list[str]) -> set[Stage]:
    """The stages that see in what variants are equal: a clause that both state is held as each one's own."""
    seen = {Stage.RUN} if set(budgets) & set(BUDGETS) - {"parameters"} else set()
    return seen | ({Stage.CHECKPOINT} if "parameters" in budgets else set())

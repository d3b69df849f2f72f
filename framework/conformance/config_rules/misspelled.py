"""Keys that are spelled nearly as a known one. (A bound key that is absent is held with its clause, in `drift`.)"""

from __future__ import annotations

from collections.abc import Iterator

from framework.conformance.check import ConfigContext
from framework.conformance.facts import telling_leaves
from framework.conformance.hyperparameters import SLIPS
from framework.conformance.misspelled import MISSPELLED, covered, within
from framework.conformance.model import Finding, Rule, Severity, Stage, Verdict
from framework.names import format_path

UNKNOWN = Rule(
    "C108", "unknown-key", Severity.WARNING, Stage.CONFIG, "an unbound key is one letter away from a well-known one"
)
__all__ = ["MISSPELLED", "UNKNOWN", "check"]


def check(context: ConfigContext) -> Iterator[Verdict | Finding]:
    seen: set[str] = set()
    for bound in context.files:
        if bound.document.file in seen:
            continue
        seen.add(bound.document.file)
        for path, node in telling_leaves(context, bound):
            if (known := SLIPS[path[-1]]) is None or within(path, covered(context, bound)):
                continue
            where = bound.document.location(node, path)
            if ("misspelled", where) in context.cache:
                continue
            yield Finding(
                UNKNOWN,
                f"{format_path(path)} is bound to nothing, and one letter away from {known!r}",
                expected=known,
                actual=path[-1],
                location=where,
                advice=f"write `{known}`; or list `{format_path(path)}` under `ignore:` if it is another knob",
            )

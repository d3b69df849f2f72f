"""Keys that are spelled nearly as a known one. (A bound key that is absent is held with its clause, in `drift`.)"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from framework.conformance import Finding, Rule, Severity, Stage, Verdict
from framework.manifest.hyperparameters import SLIPS
from framework.names import Path, format_path
from framework.stages.config.bound import BoundFile
from framework.stages.config.context import ConfigContext
from framework.stages.config.near_keys import MISSPELLED, covered, within
from framework.stages.config.training_facts import telling_paths

UNKNOWN = Rule(
    "C108", "unknown-key", Severity.WARNING, Stage.CONFIG, "an unbound key is one letter away from a well-known one"
)
__all__ = ["MISSPELLED", "UNKNOWN", "check_file"]


def check_file(context: ConfigContext, bounds: Sequence[BoundFile]) -> Iterator[Verdict | Finding]:
    bound = bounds[0]
    for path, known in bound.by_keys("slips", lambda: _slips(bound)):
        node = bound.document.node(path)
        assert node is not None
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


def _slips(bound: BoundFile) -> list[tuple[Path, str]]:
    """The unbound keys that are a slip away from a well-known one, and which."""
    found = ((path, SLIPS[path[-1]]) for path in telling_paths(bound))
    return [(path, known) for path, known in found if known is not None and not within(path, covered(bound))]

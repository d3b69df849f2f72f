"""Files for two variants that claim to differ, and say the same in every key."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from framework.conformance.check import BoundFile, ConfigContext
from framework.conformance.lengths import described
from framework.conformance.model import Finding, Rule, Severity, Stage, Verdict
from framework.manifest.variants import phase_of

IDENTICAL = Rule(
    "C150", "identical-files", Severity.ERROR, Stage.CONFIG, "files for two variants that differ say the same"
)


def check(context: ConfigContext) -> Iterator[Verdict | Finding]:
    groups: dict[str | None, list[BoundFile]] = {}
    for bound in context.files:
        if bound.binding.variant is not None and bound.data:
            groups.setdefault(bound.binding.describes, []).append(bound)
    for files in groups.values():
        if len({bound.binding.variant for bound in files}) < 2:
            continue
        first: dict[str, list[BoundFile]] = {}
        for bound in files:
            alike = first.setdefault(_content(bound.data), [])
            other = next((one for one in alike if _must_differ(context, one, bound)), None)
            alike.append(bound)
            if other is not None:
                yield _finding(context, other, bound)


def _content(data: Any) -> str:
    """The data without the order of its keys."""
    if isinstance(data, dict):
        return "{" + ",".join(f"{key!r}:{_content(data[key])}" for key in sorted(data, key=str)) + "}"
    if isinstance(data, list):
        return "[" + ",".join(map(_content, data)) + "]"
    return repr(data)


def _must_differ(context: ConfigContext, one: BoundFile, two: BoundFile) -> bool:
    """Whether the manifest has the two variants do what the files describe in two ways. Variants that differ in
    another step, such as a pruning before it, rightly share a fine-tuning."""
    first, second = one.binding.variant, two.binding.variant
    if first == second or one.document.file == two.document.file or first is None or second is None:
        return False
    found = described(context.experiment, one.binding)
    if found is None:
        return one.binding.describes is None
    uses = [_use(context, variant, found[0]) for variant in (first, second)]
    return None not in uses and uses[0] != uses[1]


def _use(context: ConfigContext, variant: str, phase: str) -> Any:
    steps = context.experiment.stated.variants[variant].steps
    return next((use[1] for step in steps if (use := phase_of(step)) and use[0] == phase), None)


def _finding(context: ConfigContext, one: BoundFile, two: BoundFile) -> Finding:
    assert two.document.root is not None
    return Finding(
        IDENTICAL,
        f"{two.document.file} is for {two.binding.variant}, and says in every key what {one.document.file} says "
        f"for {one.binding.variant}",
        f"variants.{two.binding.variant}",
        expected="a file that states what makes the variant another one",
        actual=f"equal to {one.document.file}",
        location=two.document.location(two.document.root),
        declared=context.experiment.location(("variants", two.binding.variant or "")),
        advice=f"state in {two.document.file} what {two.binding.variant} does otherwise, and bind those keys; "
        f"or bind one file for both, without `variant`",
    )

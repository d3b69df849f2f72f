"""Files for two variants that claim to differ, and say the same in every key."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from framework.conformance import Finding, Rule, Severity, Stage
from framework.manifest.lengths import described
from framework.manifest.sections.variants import phase_of
from framework.names import Path
from framework.stages.config.bound import BoundFile
from framework.stages.config.context import ConfigContext

IDENTICAL = Rule(
    "C150", "identical-files", Severity.ERROR, Stage.CONFIG, "files for two variants that differ say the same"
)


def check_file(context: ConfigContext, bounds: Sequence[BoundFile]) -> Iterator[Finding]:
    """A file that says what one before it says; of each file only a digest is kept."""
    for bound in bounds:
        describes = bound.binding.describes
        if bound.binding.variant is None or len(_variants(context, describes)) < 2 or not bound.data:
            continue
        said: dict[bytes, list[BoundFile]] = context.cache.setdefault(("said", describes), {})
        alike = said.setdefault(_content(bound), [])
        other = next((one for one in alike if _must_differ(context, one, bound)), None)
        alike.append(bound)
        if other is not None:
            yield _finding(context, other, bound)


def _variants(context: ConfigContext, describes: str | None) -> set[str]:
    """The variants that bindings about one training are for."""
    configs = context.bindings
    return {each.variant for each in configs if each.variant is not None and each.describes == describes}


def _content(bound: BoundFile) -> bytes:
    """A digest of all values with their places, in whatever order the keys stand."""
    from hashlib import blake2b

    document = bound.document
    order = bound.by_keys("order", lambda: _order(document.shape()))
    values = document.leaf_values()
    said = "\0".join([f"{path}\1{values[place]!r}" for path, place in order])
    return blake2b(said.encode("utf-8", "surrogatepass"), digest_size=16).digest()


def _order(shape: Sequence[Path]) -> list[tuple[str, int]]:
    return sorted((repr(path), place) for place, path in enumerate(shape))


def _must_differ(context: ConfigContext, one: BoundFile, two: BoundFile) -> bool:
    """Whether the manifest has the two variants do what the files describe in two ways. Variants that differ in
    another step, such as a pruning before it, rightly share a fine-tuning."""
    first, second = one.binding.variant, two.binding.variant
    if first == second or one.file == two.file or first is None or second is None:
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
        f"{two.file} is for {two.binding.variant}, and says in every key what {one.file} says "
        f"for {one.binding.variant}",
        f"variants.{two.binding.variant}",
        expected="a file that states what makes the variant another one",
        actual=f"equal to {one.file}",
        location=two.document.location(two.document.root),
        declared=context.experiment.location(("variants", two.binding.variant or "")),
        advice=f"state in {two.file} what {two.binding.variant} does otherwise, and bind those keys; "
        f"or bind one file for both, without `variant`",
    )

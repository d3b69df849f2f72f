"""Keys that nothing covers, and keys that are stated twice."""

from __future__ import annotations

from collections.abc import Iterator

from framework.conformance.check import ConfigContext
from framework.conformance.model import Finding, Rule, Severity, Stage, Verdict
from framework.names import Path, did_you_mean, find_path, format_path

UNBOUND = Rule("C120", "unbound-key", Severity.WARNING, Stage.CONFIG, "a key that no clause, knob or `ignore` covers")
DUPLICATE = Rule("C121", "duplicate-key", Severity.ERROR, Stage.CONFIG, "a key that stands twice in one mapping")


def check(context: ConfigContext) -> Iterator[Verdict | Finding]:
    covered: dict[str, set[Path]] = {}
    for bound in context.files:
        names = [*bound.binding.keys, *bound.binding.knobs, *bound.binding.ignore]
        paths = (find_path(bound.data, name) for name in names)
        covered.setdefault(bound.document.file, set()).update(path for path in paths if path)
    for document in {bound.document.file: bound.document for bound in context.files}.values():
        known = covered[document.file]
        for path, node in document.leaves():
            if path and not any(path[:length] in known for length in range(1, len(path) + 1)):
                name = format_path(path)
                bound_names = [format_path(other) for other in known]
                near = did_you_mean(name, bound_names)
                advice = f"bind `{name}` to a clause under `keys:`, or list it under `ignore:`"
                yield Finding(
                    UNBOUND,
                    f"no clause, knob or `ignore` covers {name}",
                    actual=document.value(node),
                    location=document.location(node, path),
                    advice=f"{advice} ({near})" if near.startswith("did") else advice,
                )
        for duplicate in document.duplicates:
            first = document.location(duplicate.first)
            yield Finding(
                DUPLICATE,
                f"{format_path(duplicate.path)} is stated twice, first at {first}; some readers refuse that",
                location=document.location(duplicate.second, duplicate.path),
                declared=first,
                advice="keep one",
            )

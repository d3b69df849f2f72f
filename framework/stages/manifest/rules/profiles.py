"""What a profile may change: sizes, lengths, data, hardware and the number of seeds; never what is compared.

A profile makes an experiment small. Under it the same comparison must run: the same variants with the same methods,
held to the same rules and claims, and every controlled comparison still controlled.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from framework.conformance import Finding, Rule, Severity, Stage, Verdict
from framework.conformance.meaning import said, same
from framework.errors import InputError
from framework.locations import Location
from framework.manifest.clauses import leaves_of
from framework.manifest.experiment import Experiment
from framework.manifest.loading import under
from framework.manifest.profiles import Overlay, overlay
from framework.manifest.sections.statements import DifferOnlyIn, Equal, IsoSparsity
from framework.names import Path, format_path
from framework.stages.manifest.context import ManifestContext
from framework.stages.manifest.resolved_variants import flat, follows, sparsity_of
from framework.stages.manifest.rules.controlled import compared
from framework.stages.manifest.rules.equal import apart

FORBIDDEN = Rule(
    "M190",
    "profile-changes-the-statement",
    Severity.ERROR,
    Stage.MANIFEST,
    "a profile changes a clause that it may not: a rule, a claim, a method",
)
BREAKS = Rule(
    "M191",
    "profile-breaks-comparison",
    Severity.ERROR,
    Stage.MANIFEST,
    "under a profile, compared variants differ otherwise than their rule admits",
)
INVALID = Rule("M192", "profile-invalid", Severity.ERROR, Stage.MANIFEST, "a profile makes an invalid manifest")
WITHOUT_EFFECT = Rule(
    "M193", "profile-without-effect", Severity.WARNING, Stage.MANIFEST, "a profile sets what the manifest states anyway"
)

_FIXED = ("version", "paper", "rules", "claims", "configs", "waivers", "profiles")
_SIZES = {
    "rank", "high_rank", "low_rank", "alpha", "calibration_examples", "tensors", "targets", "dataset", "description",
}  # fmt: skip
"""What a profile may change within a variant's steps: sizes, data, and names of modules, which differ by model."""


def check(context: ManifestContext) -> Iterator[Verdict | Finding]:
    for name in context.experiment.stated.profiles:
        try:
            profiled = under(context.experiment, name)
        except InputError as failure:
            for problem in failure.problems:
                place = problem.location or context.experiment.location(("profiles", name))
                message = f"under the profile {name}: {problem.message}"
                advice = problem.advice or "correct the entry: what the profile makes of the manifest must be valid"
                yield Finding(INVALID, message, location=place, advice=advice)
            continue
        yield from _forbidden(context.experiment, name)
        yield from _comparisons(context.experiment, profiled, name)


def _entry(experiment: Experiment, profile: str, changed: Overlay, path: Path) -> Location:
    """The profile's entry that sets a path, or something below it."""
    found = changed.origin(path)
    entry = found[0] if found else next((text for prefix, text in changed.origins if prefix[: len(path)] == path), "")
    rest = found[1] if found else ()
    return experiment.location(("profiles", profile, "set", entry, *rest))


def _forbidden(experiment: Experiment, profile: str) -> Iterator[Finding]:
    changed = overlay(experiment.raw, experiment.stated.profiles[profile].set)
    stated = dict(_flat(experiment.raw))
    deviating = dict(_flat(changed.data))
    for path in dict.fromkeys((*stated, *deviating)):
        if stated.get(path) == deviating.get(path) or _may(path, changed.data):
            continue
        place = _entry(experiment, profile, changed, path)
        yield Finding(
            FORBIDDEN,
            f"the profile {profile} changes {format_path(path)}: {said(stated.get(path))} becomes "
            f"{said(deviating.get(path))}. A profile may make the experiment small, not another one",
            format_path(path),
            stated.get(path),
            deviating.get(path),
            place,
            experiment.location(path),
            advice="take the entry out of the profile; state another method as a variant of its own",
        )
    for path, entry in changed.origins:
        if path and _value(experiment.raw, path) == _value(changed.data, path):
            yield Finding(
                WITHOUT_EFFECT,
                f"the profile {profile} sets {entry} to what the manifest states anyway",
                location=experiment.location(("profiles", profile, "set", entry)),
                declared=experiment.location(path),
                advice="remove the entry",
            )


def _flat(data: dict[str, Any]) -> Iterator[tuple[Path, Any]]:
    for path in leaves_of({key: value for key, value in data.items() if key in (*_FIXED, "variants")}):
        yield path, _value(data, path)


def _value(data: Any, path: Path) -> Any:
    for part in path:
        try:
            data = data[part]
        except (LookupError, TypeError):
            return None
    return data


def _may(path: Path, changed: dict[str, Any]) -> bool:
    """Whether a profile may change this path of a variant: a size, a setting of a phase, or the whole variant away."""
    if path[0] != "variants":
        return False
    if path[1] not in changed.get("variants", {}):
        return True
    return path[-1] in _SIZES or "set" in path


def _comparisons(experiment: Experiment, profiled: Experiment, profile: str) -> Iterator[Finding]:
    for index, rule in enumerate(experiment.stated.rules):
        kind, spec = rule.chosen
        first, *others = spec.variants
        for other in others:
            if not {first, other} <= set(profiled.manifest.variants):
                continue
            problem = None
            if isinstance(spec, DifferOnlyIn):
                problem = _uncontrolled(experiment, profiled, spec, first, other)
            elif isinstance(spec, IsoSparsity):
                problem = _unequal(experiment, profiled, first, other)
            elif isinstance(spec, Equal):
                problem = _apart(experiment, profiled, spec, first, other)
            if problem is not None:
                yield Finding(
                    BREAKS,
                    f"under the profile {profile}, {first} and {other} {problem}",
                    location=experiment.location(("profiles", profile)),
                    declared=experiment.location(("rules", index, kind, "variants")),
                    advice="let the profile change both variants alike: set the phase, not one variant",
                )


def _uncontrolled(
    experiment: Experiment, profiled: Experiment, spec: DifferOnlyIn, first: str, other: str
) -> str | None:
    """What the profile adds to the differences of a pair; None where it adds nothing that the rule forbids."""
    manifest = profiled.manifest
    one, two = flat(profiled, first, manifest), flat(profiled, other, manifest)
    apart, beyond = compared(one, two, spec, follows(profiled, first, other, manifest))
    one, two = flat(experiment, first), flat(experiment, other)
    before, stated_beyond = compared(one, two, spec, follows(experiment, first, other))
    if beyond and not stated_beyond:
        return f"also differ in {format_path(beyond[0])}"
    return "are the same run" if before and not apart else None


def _unequal(experiment: Experiment, profiled: Experiment, first: str, other: str) -> str | None:
    stated = [sparsity_of(experiment.stated, name) for name in (first, other)]
    under_it = [sparsity_of(profiled.manifest, name) for name in (first, other)]
    numbers = [found[0] for found in under_it if found]
    already = [found[0] for found in stated if found]
    if len(numbers) < 2 or same(numbers[0], numbers[1]) or (len(already) == 2 and not same(already[0], already[1])):
        return None
    return f"must be equally sparse, and state {numbers[0]} and {numbers[1]}"


def _apart(experiment: Experiment, profiled: Experiment, spec: Equal, first: str, other: str) -> str | None:
    """In what the profile alone makes a pair unequal."""
    from framework.stages.manifest.courses import Courses

    before = apart(Courses(experiment.as_stated), spec, first, other)
    more = [of for of in apart(Courses(profiled), spec, first, other) if of not in before]
    return f"must be equal in {more[0]}, and are not" if more else None

"""Where it ran, and with what: seeds, accelerator, versions, data."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from framework.conformance.meaning import said
from framework.conformance.model import Finding, Rule, Severity, Stage, Verdict
from framework.conformance.observing import EvidenceContext, NotRecorded, Observed
from framework.manifest.clauses import Clause

SEED = Rule("R130", "seed", Severity.ERROR, Stage.RUN, "a run used another seed than it was planned with")
HARDWARE = Rule("R131", "hardware", Severity.ERROR, Stage.RUN, "a run used other hardware than declared")
VERSION = Rule("R132", "version", Severity.ERROR, Stage.RUN, "a run used another version of a package than declared")
DATA = Rule("R133", "data", Severity.ERROR, Stage.RUN, "runs on one declared dataset saw different data")


def check(context: EvidenceContext) -> Iterator[Verdict | Finding]:
    yield from _seeds(context)
    for observed, _ in context.trainings():
        yield from _hardware(context, observed)
    yield from _data(context)


def _seeds(context: EvidenceContext) -> Iterator[Verdict]:
    clause = context.experiment.by_path.get(("seeds",))
    if clause is None:
        return
    for observed, _ in context.trainings():
        planned = observed.step.seed
        yield from context.hold(
            SEED, observed, clause, planned, lambda observed=observed: observed.recorded("observed", "seed"), "the seed"
        )


def _hardware(context: EvidenceContext, observed: Observed) -> Iterator[Verdict]:
    declared = context.experiment.manifest.hardware
    facts: list[tuple[str, Any, Any]] = [
        ("accelerator", declared.accelerator, _accelerator),
        ("count", declared.count, lambda found, _: found("environment", "hardware", "count")),
        ("memory_gb", declared.memory_gb, lambda found, wanted: _at_least(found, wanted)),
        ("cuda", declared.cuda, lambda found, wanted: _prefix(found("environment", "hardware", "cuda"), wanted)),
    ]
    for name, wanted, observe in facts:
        clause = context.experiment.by_path.get(("hardware", name))
        if wanted is not None:
            yield from context.hold(
                HARDWARE, observed, clause, wanted, lambda observe=observe, wanted=wanted: observe(observed.recorded, wanted), name
            )
    versions: list[tuple[Clause | None, str, str | None]] = [
        (context.experiment.by_path.get(("hardware", "torch")), "torch", declared.torch)
    ]
    for package, version in declared.packages.items():
        versions.append((context.experiment.by_path.get(("hardware", "packages", package)), package, version))
    for clause, package, version in versions:
        if version is not None:

            def found(package: str = package, version: str = version) -> str:
                return _prefix(observed.recorded("environment", "packages", package), version)

            yield from context.hold(VERSION, observed, clause, version, found, package)


def _accelerator(recorded: Any, wanted: str) -> str:
    """The accelerator's name; the declared one where it is a part of it (`NVIDIA A100` of `NVIDIA A100-SXM4-80GB`)."""
    found = str(recorded("environment", "hardware", "accelerator"))
    return wanted if set(wanted.casefold().split()) <= set(found.casefold().replace("-", " ").split()) else found


def _at_least(recorded: Any, wanted: float) -> float:
    """The memory; the declared figure where it is met within what vendors round off."""
    found = recorded("environment", "hardware", "memory_gb")
    if found is None:
        raise NotRecorded("the run recorded no memory of an accelerator")
    return wanted if found >= 0.9 * wanted else float(found)


def _prefix(found: str | None, wanted: str) -> str:
    """A version; the declared one where that is its beginning (`2.1` of `2.1.3+cu121`)."""
    if found is None:
        raise NotRecorded("the run recorded no version")
    public = found.split("+")[0]
    return wanted if public == wanted or public.startswith(f"{wanted}.") else found


def _data(context: EvidenceContext) -> Iterator[Verdict]:
    """Runs of one dataset, one model and one length must have seen the same examples, whatever the variant."""
    groups: dict[tuple[str, str, int], list[Observed]] = {}
    for observed, work in context.trainings():
        groups.setdefault((work.dataset_name, observed.step.model_name, work.phase.sequence_length), []).append(observed)
    for (name, _, _), members in groups.items():
        clauses = context.experiment.below(("datasets", name))
        prints: dict[str, Observed] = {}
        reason = ""
        for member in members:
            try:
                if member.run is None:
                    raise NotRecorded(f"not run: {member.step.label}")
                prints.setdefault(str(member.recorded("data", "train", "fingerprint")), member)
            except NotRecorded as missing:
                reason = str(missing)
        for clause in clauses:
            if clause.path[-1] == "train_examples":
                continue
            if len(prints) > 1:
                one, two = list(prints.values())[:2]
                message = f"{one.step.label} and {two.step.label} saw different training data of {said(name)}"
                yield context.violated(DATA, clause, message, next(iter(prints)), list(prints)[1], two.place())
            elif reason:
                yield context.judge.unverified(clause, context.stage, reason)
            else:
                fingerprint = next(iter(prints))
                yield context.judge.conforms(clause, context.stage, f"data fingerprint {fingerprint[:12]} in {len(members)} runs")

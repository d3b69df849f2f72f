"""Where it ran, and with what: seeds, accelerator, versions."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from framework.conformance import Finding, Rule, Severity, Stage, Verdict
from framework.conformance.devices import memory_stated, same_device, same_memory
from framework.conformance.meaning import said
from framework.stages.run.observed import EvidenceContext, NotRecorded, Observed, recorded

SEED = Rule("R130", "seed", Severity.ERROR, Stage.RUN, "a run used another seed than it was planned with")
HARDWARE = Rule("R131", "hardware", Severity.ERROR, Stage.RUN, "a run used other hardware than declared")
VERSION = Rule("R132", "version", Severity.ERROR, Stage.RUN, "a run used another version of a package than declared")


def check(context: EvidenceContext) -> Iterator[Verdict | Finding]:
    yield from _seeds(context)
    for observed, _ in context.trainings():
        yield from _hardware(context, observed)
    for observed in context.measures:
        yield from _hardware(context, observed, without="count")


def _seeds(context: EvidenceContext) -> Iterator[Verdict]:
    clause = context.experiment.by_path.get(("seeds",))
    declared = clause.effective if clause is not None and isinstance(clause.effective, list) else None
    for observed, _ in context.trainings():
        seed = observed.step.seed
        if clause is not None and declared is not None and seed not in declared and observed.run is not None:
            message = f"{observed.step.label}: {seed} is none of the declared seeds {said(declared)}"
            yield context.violated(SEED, clause, message, declared, seed, observed.place())
            continue
        yield from context.hold(SEED, observed, clause, seed, recorded("observed", "seed"), "the seed")


def _hardware(context: EvidenceContext, observed: Observed, without: str | None = None) -> Iterator[Verdict]:
    declared = context.experiment.manifest.hardware
    for name, observe in _HARDWARE.items():
        if name != without and (wanted := getattr(declared, name)) is not None:
            clause = context.experiment.by_path.get(("hardware", name))
            yield from context.hold(HARDWARE, observed, clause, wanted, partial(observe, wanted), name)
    versions: dict[tuple[str, ...], str | None] = {
        ("torch",): declared.torch,
        **{("packages", name): stated for name, stated in declared.packages.items()},
    }
    for path, version in versions.items():
        if version is not None:
            clause = context.experiment.by_path.get(("hardware", *path))
            yield from context.hold(VERSION, observed, clause, version, partial(_package, path[-1], version), path[-1])


def _accelerator(wanted: str, observed: Observed) -> str:
    """The accelerator's name; the declared one where that means it (`A100-80GB` of `NVIDIA A100 80GB PCIe`)."""
    found = str(observed.recorded("environment", "hardware", "accelerator"))
    if not same_device(wanted, found):
        return found
    stated, named = memory_stated(wanted), memory_stated(found)
    if stated is None or named is not None:
        return wanted
    held = observed.recorded("environment", "hardware", "memory_gb")
    if held is None:
        raise NotRecorded(f"{found} does not say its memory, and the run recorded none")
    return wanted if same_memory(stated, held) else f"{found} of {held:g} GB"


def _count(wanted: int, observed: Observed) -> int:
    return int(observed.recorded("observed", "processes"))


def _memory(wanted: float, observed: Observed) -> float:
    """The memory; the declared figure where it is that, within what vendors round off."""
    found = observed.recorded("environment", "hardware", "memory_gb")
    if found is None:
        raise NotRecorded("the run recorded no memory of an accelerator")
    return wanted if same_memory(wanted, found) else float(found)


def _cuda(wanted: str, observed: Observed) -> str:
    return _as_declared(observed.recorded("environment", "hardware", "cuda"), wanted)


def _package(name: str, wanted: str, observed: Observed) -> str:
    return _as_declared(observed.recorded("environment", "packages", name), wanted)


def _as_declared(found: str | None, wanted: str) -> str:
    """A version; the declared one where that is its beginning (`2.1` of `2.1.3+cu121`)."""
    if found is None:
        raise NotRecorded("the run recorded no version")
    public = found.split("+")[0]
    return wanted if public == wanted or public.startswith(f"{wanted}.") else found


_HARDWARE: dict[str, Callable[[Any, Observed], Any]] = {
    "accelerator": _accelerator,
    "count": _count,
    "memory_gb": _memory,
    "cuda": _cuda,
}

"""What lies on disk is what the run wrote."""

from __future__ import annotations

from collections.abc import Iterator

from framework.conformance import Finding, Rule, Severity, Stage, Verdict
from framework.stages.checkpoint.reading_once import changed_files
from framework.stages.run.observed import EvidenceContext

CHANGED = Rule(
    "T120",
    "artefact-changed",
    Severity.ERROR,
    Stage.CHECKPOINT,
    "a file of a run is gone, or is not what the run wrote",
)


def check(context: EvidenceContext) -> Iterator[Verdict | Finding]:
    for observed in context.steps:
        if observed.run is None:
            continue
        for name in changed_files(observed):
            facts = observed.run.record.artefacts[name]
            yield Finding(
                CHANGED,
                f"{observed.step.label}: {name} is not what the run wrote (SHA-256 {facts['sha256'][:12]}...)",
                location=observed.place(name),
                advice=f"restore the file, or delete {observed.place().file.rsplit('/', 1)[0]} and run the step again",
            )

"""The document stage: does the setup document on disk state each clause as the manifest does?"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from framework.conformance import Finding, Rule, Severity, Stage, Verdict
from framework.conformance.waivers import Judge
from framework.locations import Location
from framework.manifest.clauses import Clause, shown
from framework.manifest.experiment import Experiment

STALE = Rule(
    "D101",
    "stale-document",
    Severity.ERROR,
    Stage.DOCUMENT,
    "a rendered document says something else than the manifest",
)


def document_verdicts(
    experiment: Experiment, file: str, text: str | None, row_of: Callable[[Clause], str]
) -> Iterator[Verdict]:
    """One verdict for each clause, by whether the document has the row that would be rendered for it.

    Args:
        file: The document, as messages name it.
        text: What it says; None where it was never rendered.
        row_of: The line of the document that states a clause.
    """
    judge = Judge(experiment)
    rows = set((text or "").splitlines())
    for clause in experiment.clauses:
        if text is None:
            yield judge.unverified(clause, Stage.DOCUMENT, f"{file} is not rendered")
        elif row_of(clause) in rows:
            yield judge.conforms(clause, Stage.DOCUMENT, evidence=file)
        else:
            message = f"{file} does not state {clause.id} = {shown(clause.effective)}: it is stale"
            advice = "render it again: framework docs"
            where = Location(file, 1, 1)
            finding = Finding(STALE, message, clause.id, clause.effective, None, where, clause.location, advice)
            yield judge.violated(clause, finding, file)

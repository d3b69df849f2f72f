"""How values were chosen, point by point, with the evidence of each: a section of the compliance report."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from framework.conformance import Stage, Status
from framework.conformance.verdict import Verdict
from framework.stages.verify import VerifyResult

_NO_POINT = "valid"
"""What the manifest stage says of a clause that no rule looks at."""


def methodology_rows(result: VerifyResult, below: Callable[[str], str]) -> Iterator[dict[str, str]]:
    """A row for each thing that was found of each search, once: the search, the status, what, and where it is seen."""
    for name in result.experiment.manifest.searches:
        told: set[tuple[str, str]] = set()
        for clause in result.experiment.below(("searches", name)):
            for stage in (Stage.MANIFEST, Stage.RUN):
                for verdict in result.matrix.looks(clause, stage):
                    said = (str(verdict.status), _text(verdict))
                    if said[1] != _NO_POINT and said not in told:
                        told.add(said)
                        yield {
                            "search": name,
                            "status": said[0],
                            "what": below(said[1]),
                            "where": below(_where(verdict)),
                        }


def _text(verdict: Verdict) -> str:
    if verdict.finding is not None and verdict.status is Status.VIOLATED:
        return f"{verdict.finding.code} {verdict.finding.message}"
    return verdict.reason


def _where(verdict: Verdict) -> str:
    if verdict.finding is not None and verdict.finding.location is not None:
        return str(verdict.finding.location)
    return str(verdict.evidence) if verdict.evidence is not None else "the manifest"

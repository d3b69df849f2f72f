"""What the page says: the verdict, the matrix, the findings with both places, claims, results, runs."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from markupsafe import Markup

from framework.conformance import Finding, Severity, Stage, Status
from framework.evidence.record import sha256_of
from framework.stages.verify import VerifyResult
from framework.version import installed_version
from reports.compliance import MARKS, compliance_context, from_root
from reports.figures.all_figures import figures_of
from reports.figures.drawn_figures import unique
from reports.page.cells import looks, sections
from reports.page.lineage import drawing
from reports.page.result_tables import result_tables
from reports.page.snippets import snippet
from reports.setup_story import edges, story_context

MARK = {str(status): mark for status, mark in MARKS.items() if status} | {"": MARKS[None]}
_MEANING = {
    "conforms": "it was looked at, and says the same",
    "violated": "it was looked at, and says something else",
    "waived": "a declared deviation",
    "unverified": "nobody could look",
    "": "this stage does not apply",
}


def page_context(result: VerifyResult) -> dict[str, Any]:
    """The template's context."""
    data = page_data(result)
    return {**data, "embedded": embedded(data["looks"]), "mark": MARK, "meaning": _MEANING}


def page_facts(result: VerifyResult) -> dict[str, Any]:
    """What the page says, as plain data, for other programs."""
    return {name: value for name, value in page_data(result).items() if name not in ("figures", "lineage")}


def page_data(result: VerifyResult) -> dict[str, Any]:
    """All that the page says, as JSON data but for the figures' markup."""
    experiment, named = result.experiment, from_root(result)
    known = compliance_context(result)
    paper, story = experiment.manifest.paper, story_context(result)
    return {
        "title": paper.title,
        "authors": list(paper.authors or ()),
        "source": experiment.path.name,
        "digest": sha256_of(experiment.path),
        "version": installed_version() or "from a checkout",
        "profile": known["profile"],
        "profile_reason": known["profile_reason"],
        "verdict": verdict_line(result),
        "stages": known["stages"],
        "statuses": known["statuses"],
        "counts": [
            {
                "stage": each["stage"],
                "total": sum(each["counts"]),
                **dict(zip(known["statuses"], each["counts"], strict=True)),
            }
            for each in known["counts"]
        ],
        "sections": sections(result, named),
        "looks": looks(result, named),
        "findings": [_finding(result, each, named) for each in result.findings],
        "claims": known["claims"],
        "statistics": known["statistics"],
        "waived": known["waived"],
        "sparse": known["sparse"],
        "measurements": known["measurements"],
        "runs": known["runs"],
        "tables": result_tables(result),
        "coverage": result.checked.summary() if result.checked else None,
        "machines": _machines(result),
        "summary": story["summary"],
        "reasons": story["reasons"],
        "failures": story["failures"],
        "lineage": drawing(edges(experiment)),
        "figures": _figures(result),
    }


def _figures(result: VerifyResult) -> list[dict[str, Any]]:
    drawn = [
        {"title": each.title, "note": each.note, "wide": each.wide, "svg": each.svg()} for each in figures_of(result)
    ]
    return [{**each, "svg": Markup(each["svg"])} for each in unique(drawn)]


def embedded(data: Any) -> Markup:
    """JSON that may stand in a script element: nothing in it ends the element, or begins a comment."""
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"), sort_keys=True)
    for sign, written in (
        ("<", "\\u003c"),
        (">", "\\u003e"),
        ("&", "\\u0026"),
        ("\u2028", "\\u2028"),
        ("\u2029", "\\u2029"),
    ):
        text = text.replace(sign, written)
    return Markup(text)


_EVIDENCE = (Stage.CONFIG, Stage.RUN, Stage.CHECKPOINT, Stage.CLAIM)
"""The stages that look at something else than the statement, what follows from it, and what was rendered of it."""


def verdict_line(result: VerifyResult) -> dict[str, str]:
    """One sentence that says no more than the evidence does, and its kind: `violated`, `unverified` or `conforms`."""
    violated = sum(finding.severity is Severity.ERROR for finding in result.findings)
    finished, planned = result.finished, len(result.steps)
    seen = [
        [status for stage in _EVIDENCE if (status := result.matrix.status(clause, stage)) is not None]
        for clause in result.matrix.clauses
    ]
    clauses = [statuses for statuses in seen if statuses]
    unseen = sum(set(statuses) == {Status.UNVERIFIED} for statuses in clauses)
    looked = f"{finished} of {planned} planned runs have evidence"
    if result.adopted:
        looked += f", {result.adopted} of them adopted"
    if unseen:
        looked += f"; {unseen} of {len(clauses)} clauses that configs, runs or checkpoints can show were seen in none"
    if violated:
        return {"kind": "violated", "text": f"{violated} violation{'s' * (violated != 1)} found. {looked}."}
    if finished < planned or unseen or not clauses:
        return {"kind": "unverified", "text": f"No violation in what was looked at. {looked}."}
    return {"kind": "conforms", "text": f"No violation, and each of {len(clauses)} clauses was seen to hold. {looked}."}


def _finding(result: VerifyResult, finding: Finding, named: Any) -> dict[str, Any]:
    root = result.experiment.root
    places = [("found", finding.location), ("stated", finding.declared)]
    shown = [(label, snippet(root, place and replace(place, file=named(place.file)))) for label, place in places]
    return {
        "code": finding.code,
        "name": finding.rule.name,
        "severity": str(finding.severity),
        "stage": str(finding.rule.stage),
        "summary": finding.rule.summary,
        "message": named(finding.message),
        "advice": named(finding.advice or ""),
        "clause": finding.clause or "",
        "places": [{"label": label, **place} for label, place in shown if place],
    }


def _machines(result: VerifyResult) -> list[dict[str, Any]]:
    """Where runs were made, by what they recorded: platform, accelerator, versions, commit, and how many runs."""
    found: dict[tuple[str, ...], int] = {}
    for observed in result.steps:
        if observed.run is None:
            continue
        record = observed.run.record
        environment = record.environment
        git = (record.attempts[-1].get("git") if record.attempts else None) or {}
        commit = str(git.get("commit", ""))[:10] + (" (changed since)" if git.get("dirty") else "")
        versions = ", ".join(
            f"{name} {version}" for name, version in sorted((environment.get("packages") or {}).items())
        )
        place = (
            str((environment.get("hardware") or {}).get("accelerator") or "-"),
            str(environment.get("platform") or "-"),
            versions or "-",
            commit or "-",
        )
        found[place] = found.get(place, 0) + 1
    return [
        {"accelerator": place[0], "platform": place[1], "packages": place[2], "commit": place[3], "runs": count}
        for place, count in found.items()
    ]

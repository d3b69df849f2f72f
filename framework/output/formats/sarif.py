"""SARIF 2.1.0, as GitHub code scanning shows it: the drift as the location, the statement as the related one."""

from __future__ import annotations

import json
from typing import Any

from framework.conformance import Finding, Rule, Severity
from framework.conformance.finding import plain
from framework.locations import Location
from framework.output.file_places import Places
from framework.output.fingerprint import numbered
from framework.output.report import Report, jsonable

DESCRIPTION = "SARIF 2.1.0 for code scanning"

SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"


def render(report: Report) -> str:
    return json.dumps(_log(report), indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def _log(report: Report) -> dict[str, Any]:
    found = list(report.findings)
    rules = sorted({finding.rule.code: finding.rule for finding in found}.values(), key=lambda rule: rule.code)
    index = {rule.code: position for position, rule in enumerate(rules)}
    names = numbered(found, report.places)
    return {
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [
            {
                "tool": {"driver": driver([_rule(rule, report) for rule in rules])},
                "automationDetails": {"id": f"framework-check/{report.places.in_repository(_manifest(report))}"},
                "originalUriBaseIds": {"%SRCROOT%": {"description": {"text": "The root of the repository."}}},
                "columnKind": "unicodeCodePoints",
                "results": [_result(finding, report, index, name) for finding, name in zip(found, names, strict=True)],
            }
        ],
    }


def driver(rules: list[dict[str, Any]]) -> dict[str, Any]:
    """The tool, with the rules that it speaks of."""
    from framework.version import installed_version

    return {"name": "framework check", "semanticVersion": installed_version() or "0.0.0", "rules": rules}


def _manifest(report: Report) -> str:
    return report.result.experiment.document.file


def _rule(rule: Rule, report: Report) -> dict[str, Any]:
    text, markdown = _help(rule)
    return {
        "id": rule.code,
        "name": "".join(part.capitalize() for part in rule.name.split("-")),
        "shortDescription": {"text": _sentence(rule.name.replace("-", " "))},
        "fullDescription": {"text": _sentence(rule.summary)},
        "help": {"text": text, "markdown": markdown},
        "defaultConfiguration": {"level": _level(rule.severity)},
        "properties": {
            "tags": ["drift", str(rule.stage)],
            "precision": "very-high",
            "problem.severity": str(rule.severity),
        },
    }


def _help(rule: Rule) -> tuple[str, str]:
    """What a rule is about: in a sentence, and its whole page."""
    from framework.stages.catalogue import explanation

    text = f"{_sentence(rule.summary)} See: framework explain {rule.code}"
    return text, f"**{rule.code} {rule.name}**: {explanation(rule)}\n"


def _result(finding: Finding, report: Report, index: dict[str, int], name: str) -> dict[str, Any]:
    where = finding.location or finding.declared or Location(_manifest(report), 1, 1)
    message = finding.message
    related = []
    if finding.location and finding.declared:
        related.append({"id": 1, "message": {"text": "stated here"}, **place(finding.declared, report.places)})
        message = f"{literal(message)} ([stated here](1))"
    else:
        message = literal(message)
    if finding.advice:
        message += f"\nFix: {literal(finding.advice)}"
    result: dict[str, Any] = {
        "ruleId": finding.code,
        "ruleIndex": index[finding.code],
        "level": "error" if report.fails(finding) else "warning",
        "message": {"text": message},
        "locations": [place(where, report.places)],
        "partialFingerprints": {"primaryLocationLineHash": name},
    }
    if related:
        result["relatedLocations"] = related
    result["properties"] = {
        "clause": finding.clause,
        "expected": jsonable(plain(finding.expected)),
        "actual": jsonable(plain(finding.actual)),
    }
    return result


def place(where: Location, places: Places) -> dict[str, Any]:
    """Where something is, as a location of SARIF."""
    return {
        "physicalLocation": {
            "artifactLocation": {"uri": places.uri(where.file), "uriBaseId": "%SRCROOT%"},
            "region": {
                "startLine": where.line,
                "startColumn": where.column,
                "endLine": where.line,
                "endColumn": where.column + max(1, where.width),
            },
        }
    }


def _level(severity: Severity) -> str:
    return "error" if severity is Severity.ERROR else "warning"


def literal(text: str) -> str:
    """Text without links: in a SARIF message, `[...](...)` is one."""
    return text.replace("\\", "\\\\").replace("[", "\\[").replace("]", "\\]")


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:].rstrip(".") + "."

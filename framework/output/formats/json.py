"""For programs: one JSON document with `findings` and `summary`."""

from __future__ import annotations

import json

from framework.output.report import Report

DESCRIPTION = "for programs"


def render(report: Report) -> str:
    return json.dumps(report.as_dict(), indent=2, ensure_ascii=False, allow_nan=False) + "\n"

"""For programs: one JSON document with `findings`, `summary`, `unverified` and `unbound_files`."""

from __future__ import annotations

import json

from framework.output.report import Report, jsonable
from framework.output.unverified import unverified

DESCRIPTION = "for programs"


def render(report: Report) -> str:
    data = report.as_dict()
    data["unverified"] = jsonable([each.as_dict() for each in unverified(report)])
    data["unbound_files"] = report.unbound_files
    return json.dumps(data, indent=2, ensure_ascii=False, allow_nan=False) + "\n"

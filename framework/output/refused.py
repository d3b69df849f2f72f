"""What programs are told when the question could not be asked: exit code 2, in the format that they wait for.

None of them reads like an answer: there is no list of findings that could be taken for an empty one.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from framework.errors import FrameworkError, InputError, Problem

if TYPE_CHECKING:
    from framework.locations import Location
    from framework.output.file_places import Places


def refusal(name: str, problem: FrameworkError, places: Places) -> str | None:
    """All problems in a format; None where it has no words for them: `text`, whose words go to standard error."""
    say = _FORMATS.get(name)
    problems = problem.problems if isinstance(problem, InputError) else [Problem(str(problem))]
    return None if say is None else say(problems, places)


def _json(problems: list[Problem], places: Places) -> str:
    return _dumped(
        {
            "refused": [
                {
                    "message": each.message,
                    "location": each.location.as_dict() if each.location else None,
                    "advice": each.advice,
                }
                for each in problems
            ]
        }
    )


def _sarif(problems: list[Problem], places: Places) -> str:
    """A run that did not succeed (SARIF 2.1.0, 3.20.14 and 3.20.21), so that no result is no all-clear."""
    from framework.output.formats.sarif import SCHEMA, driver, literal, place

    notifications = [
        {
            "level": "error",
            "message": {"text": literal(_text(each))},
            **({"locations": [place(each.location, places)]} if each.location else {}),
        }
        for each in problems
    ]
    invocation = {"executionSuccessful": False, "exitCode": 2, "toolConfigurationNotifications": notifications}
    run = {"tool": {"driver": driver([])}, "invocations": [invocation], "results": []}
    return _dumped({"$schema": SCHEMA, "version": "2.1.0", "runs": [run]})


def _junit(problems: list[Problem], places: Places) -> str:
    from framework.output.formats.junit import attribute, document, escaped

    cases = []
    for each in problems:
        name = places.in_project(each.location.file) if each.location else "the question"
        inner = f'<error message="{attribute(each.message)}" type="refused">{escaped(str(each))}</error>'
        cases.append(f'    <testcase classname="refused" name="{attribute(name)}" time="0">{inner}</testcase>')
    return document("refused", cases, errors=len(cases))


def _github(problems: list[Problem], places: Places) -> str:
    from framework.output.formats.github import command

    return "".join(f"{command('error', each.location, 'refused', _text(each), places)}\n" for each in problems)


def _gitlab(problems: list[Problem], places: Places) -> str:
    """Blockers: an empty report would be shown as one without issues."""
    from framework.manifest.experiment import MANIFEST
    from framework.output.formats.gitlab import issue

    issues = []
    for number, each in enumerate(problems):
        path = places.in_repository(each.location.file) if each.location else MANIFEST
        line = each.location.line if each.location else 1
        text = f"the question could not be asked: {_text(each)}"
        issues.append(issue(text, "framework/refused", f"refused {path} {text} {number}", "blocker", path, line))
    return _dumped(issues)


def _markdown(problems: list[Problem], places: Places) -> str:
    from framework.output.formats.markdown import MARK, cell, code

    lines = []
    for each in problems:
        where = f"{code(_place(each.location, places))}: " if each.location else ""
        lines.append(f"- {where}{cell(each.message)}" + (f"<br>{cell(each.advice)}" if each.advice else ""))
    head = "### framework check: could not be asked"
    return "\n\n".join([MARK, head, "Nothing was compared.", "\n".join(lines)]) + "\n"


_FORMATS: dict[str, Callable[[list[Problem], Places], str]] = {
    "json": _json,
    "sarif": _sarif,
    "junit": _junit,
    "github": _github,
    "gitlab": _gitlab,
    "markdown": _markdown,
}


def _text(problem: Problem) -> str:
    return problem.message + (f"\nFix: {problem.advice}" if problem.advice else "")


def _place(where: Location, places: Places) -> str:
    return f"{places.in_repository(where.file)}:{where.line}:{where.column}"


def _dumped(data: Any) -> str:
    import json

    return json.dumps(data, indent=2, ensure_ascii=False, allow_nan=False) + "\n"

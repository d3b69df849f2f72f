"""What the user says is the statement: the values of a table in Markdown, or of a YAML, JSON or TOML file."""

from __future__ import annotations

import re
from pathlib import Path as FilePath

from framework.dialects.synonyms import meaning
from framework.dialects.terms import leaves
from framework.dialects.values import number
from framework.drafting.clauses_of_trainings import Clauses
from framework.drafting.finding.own_names import ALSO, alike, is_value
from framework.drafting.fitting_values import COUNTS, KNOWN, fits
from framework.drafting.stated import Evidence
from framework.errors import InputError, UsageError
from framework.names import format_path, parse_path
from framework.reading.formats import read

_RULE = re.compile(r"\|?[\s:|-]*-[\s:|-]*")
_VALUES = frozenset(("value", "values", "paper", "setting", "default"))


def statement_of(path: FilePath, name: str) -> list[Evidence]:
    """The named values of a file, each with its line; the key is the name.

    Raises:
        UsageError: it cannot be read, or has none.
    """
    try:
        found = _rows(path, name) if path.suffix.lower() in (".md", ".markdown") else _leaves(path, name)
    except (OSError, UnicodeDecodeError, InputError) as failure:
        raise UsageError(f"{path} cannot be read: {failure}") from failure
    if not found:
        raise UsageError(f"{path} states no values: a table with names and values, or a mapping, is needed")
    return found


def _rows(path: FilePath, name: str) -> list[Evidence]:
    """The rows of all tables: a name, and what stands in the column of values."""
    lines = path.read_text(encoding="utf-8").splitlines()
    found: list[Evidence] = []
    column = 0
    for index, line in enumerate(lines):
        cells = _cells(line)
        if len(cells) < 2:
            column = 0
        elif column and not _RULE.fullmatch(line.strip()):
            if column < len(cells):
                found += _stated(cells[0], cells[column], name, index + 1)
        elif index + 1 < len(lines) and "|" in lines[index + 1] and _RULE.fullmatch(lines[index + 1].strip()):
            titles = [cell.casefold() for cell in cells]
            column = next((at for at, title in enumerate(titles) if at and title in _VALUES), 1)
    return found


def _cells(line: str) -> list[str]:
    if "|" not in line:
        return []
    return [re.sub(r"[`*$]", "", cell).strip() for cell in line.strip().strip("|").split("|")]


def _stated(title: str, text: str, name: str, line: int) -> list[Evidence]:
    value = number(text, {}) if text else None
    if isinstance(value, float) and value.is_integer() and text.isdigit():
        value = int(value)
    return [Evidence(value, name, line, (title,))] if title and is_value(value) else []


def _leaves(path: FilePath, name: str) -> list[Evidence]:
    document = read(path, name)
    data = document.value(document.root) if document.root is not None else None
    found = []
    for place, value in leaves(data):
        node = document.walk(place)
        if place and is_value(value):
            found.append(Evidence(value, name, node[1].line if node else 1, place))
    return found


def held_to(statement: list[Evidence], clauses: dict[str, Clauses]) -> list[Evidence]:
    """Put the values of a statement before those of files; what no file has is stated by the only phase.

    Returns:
        What has no place in the draft: of several phases none has it, or no clause takes such a value.
    """
    left = []
    for each in statement:
        name = re.sub(r"[\s-]+", "_", str(each.path[-1]).strip())
        known = meaning(name.casefold(), None)
        fact = known.fact if known is not None else ALSO.get(name.casefold(), "")
        places = [
            (phase, clause) for phase in clauses for clause in clauses[phase] if _is(clause, fact, name, clauses[phase])
        ]
        if not places and len(clauses) == 1:
            phase = next(iter(clauses))
            places = [(phase, _alone(fact, name, clauses[phase]))]
        taken = False
        for phase, clause in places:
            value = each.value
            if isinstance(value, float) and clause in COUNTS and value.is_integer():
                value = int(value)
            if clause.startswith("settings.") or fits(clause, value):
                stated = Evidence(value, each.file, each.line, each.path)
                clauses[phase][clause] = [stated, *clauses[phase].get(clause, [])]
                taken = True
        if not taken:
            left.append(each)
    return left


def _alone(fact: str, name: str, clauses: Clauses) -> str:
    """The clause of what no file states: a fact's own, unless it is a part of one or excluded by another."""
    lengths = {"epochs", "max_steps"}
    excluded = fact in lengths and bool(lengths & clauses.keys())
    part = fact.startswith(("batch_size.", "schedule.warmup.", "optimizer.betas[", "adapter."))
    return fact if fact in KNOWN and not part and not excluded else format_path(("settings", name))


def _is(clause: str, fact: str, name: str, clauses: Clauses) -> bool:
    """Whether a clause is what a name says: by its fact, by its own name, or by that of a key that states it."""
    if clause == fact:
        return True
    names = [str(parse_path(clause)[-1]), *(str(each.path[-1]) for each in clauses[clause] if each.path)]
    return not fact and any(alike(name, each) for each in names)

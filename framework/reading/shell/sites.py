"""Where a script's variables are set: what loops and functions must not take for certain before they are read."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise

from framework.reading.shell.tokens import DECLARING, PREFIXES, Operator, Word

_ARITHMETIC = re.compile(r"\(\((.{0,400}?)\)\)|\blet\s+([^\n;&|]{0,400})", re.DOTALL)
_SETS = re.compile(r"([A-Za-z_]\w*)\s*(?:(?:[-+*/%&|^]|<<|>>)?=(?!=)|\+\+|--)|(?:\+\+|--)\s*([A-Za-z_]\w*)")
_NAMED_ANEW = re.compile(r"\b(?:declare|typeset|local)\s+-\w*n\w*\s+(\w+)=[\"']?(\w+)")


@dataclass(slots=True)
class Site:
    """The names that are set, by the constructs in which they are."""

    every: list[tuple[int, str]] = field(default_factory=list)
    """Each assignment's place and name, in the order of the script."""
    in_loops: dict[int, set[str]] = field(default_factory=dict)
    """By the start of a loop, what is set in it."""
    in_functions: dict[int, set[str]] = field(default_factory=dict)
    """By the start of a function's body, what it sets beyond itself."""
    cut: set[int] = field(default_factory=set)
    """The starts of loops that something may end, or a turn of them, before their time."""
    aside: dict[str, str] = field(default_factory=dict)
    """Names that are set in another way than by `NAME=value`, and how: nowhere is their value certain."""

    def later(self, start: int) -> set[str]:
        """What is set behind a place."""
        return {name for place, name in self.every if place > start}


def sites(tokens: list[Word | Operator], text: str) -> Site:
    """All assignments of a script, without those of single programs (`NAME=value program`)."""
    found = Site(aside=dict(_set_aside(text)))
    functions: set[str | None] = set()
    given: list[tuple[str, str]] = []
    opened: list[tuple[str, int]] = []
    command: list[Word] = []
    function = False
    for index, token in enumerate([*tokens, Operator("\n", 0)]):
        if isinstance(token, Word):
            command.append(token)
            continue
        if token.text == "(" and _is_operator(tokens, index + 1, ")"):
            functions |= {word.literal for word in command[-1:]}
        functions |= {word.literal for before, word in pairwise(command) if before.literal == "function"}
        given += _given(command)
        function = _settle(found, opened, command, function)
        command = []
        function = function or (token.text == ")" and _is_operator(tokens, index - 1, "("))
    found.aside |= {name: f"a call of {program} sets it" for program, name in given if program in functions}
    return found


def _given(words: list[Word]) -> Iterator[tuple[str, str]]:
    """What a command is given in front of it, by its program: of a function of the script each name is a variable."""
    names = []
    for word in words:
        if (assigned := word.assignment) is not None:
            names.append(assigned[0])
        elif word.literal not in PREFIXES:
            yield from ((word.literal, name) for name in names if word.literal)
            return


def _set_aside(text: str) -> Iterator[tuple[str, str]]:
    """What arithmetic sets (`((LR = 1))`, `let N++`), and what has another name (`declare -n`)."""
    for match in _ARITHMETIC.finditer(text) if "((" in text or "let" in text else ():
        for one, other in _SETS.findall(match[1] or match[2] or ""):
            yield one or other, "arithmetic sets it"
    for names in _NAMED_ANEW.findall(text):
        yield from ((name, "it has another name, which may set it") for name in names)


def _is_operator(tokens: list[Word | Operator], index: int, text: str) -> bool:
    there = tokens[index] if 0 <= index < len(tokens) else None
    return isinstance(there, Operator) and there.text == text


def _settle(found: Site, opened: list[tuple[str, int]], words: list[Word], function: bool) -> bool:
    """One command's part; whether the signature of a function still waits for its body."""
    while words:
        literal = words[0].literal
        if literal in ("for", "while", "until", "select"):
            opened.append(("loop", words[0].start))
            found.in_loops.setdefault(words[0].start, set())
        elif literal == "{":
            opened.append(("function" if function else "group", words[0].start))
            function = False
        elif literal == "function":
            function, words = True, words[1:]
        elif literal in ("done", "}"):
            del opened[-1:]
        elif literal not in PREFIXES:
            break
        words = words[1:]
    if not words:
        return function
    literal = words[0].literal
    if literal in ("break", "continue", "exit", "return"):
        found.cut.update(start for kind, start in opened if kind == "loop")
    declares = literal in DECLARING
    if not declares and any(word.assignment is None for word in words):
        return False
    for word in words[declares:]:
        if (assigned := word.assignment) is None:
            continue
        found.every.append((word.start, assigned[0]))
        for kind, start in reversed(opened):
            if kind == "loop":
                found.in_loops[start].add(assigned[0])
            elif kind == "function":
                if not declares or literal == "export":
                    found.in_functions.setdefault(start, set()).add(assigned[0])
                break
    return False

"""Where a script's variables are set: what loops and functions must not take for certain before they are read."""

from __future__ import annotations

from dataclasses import dataclass, field

from framework.reading.shell.tokens import DECLARING, PREFIXES, Operator, Word


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

    def later(self, start: int) -> set[str]:
        """What is set behind a place."""
        return {name for place, name in self.every if place > start}


def sites(tokens: list[Word | Operator]) -> Site:
    """All assignments of a script, without those of single commands (`NAME=value program`)."""
    found = Site()
    opened: list[tuple[str, int]] = []
    command: list[Word] = []
    function = False
    for index, token in enumerate([*tokens, Operator("\n", 0)]):
        if isinstance(token, Word):
            command.append(token)
            continue
        function = _settle(found, opened, command, function)
        command = []
        function = function or (token.text == ")" and _is_operator(tokens, index - 1, "("))
    return found


def _is_operator(tokens: list[Word | Operator], index: int, text: str) -> bool:
    before = tokens[index] if index >= 0 else None
    return isinstance(before, Operator) and before.text == text


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

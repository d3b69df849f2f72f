"""The simple commands of a script, in order, and what is certain about each of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from framework.reading.shell.tokens import Operator, Piece, Word
from framework.reading.shell.variables import Field, Variables

_PREFIXES = {"if", "while", "until", "elif", "then", "else", "do", "!", "{", "time"}
_OPENING = {"if": "if", "while": "loop", "until": "loop", "for": "loop", "select": "loop", "case": "case", "{": "group"}
_CLOSING = {"fi": "if", "done": "loop", "esac": "case", "}": "group"}
_DECLARING = {"export", "declare", "local", "typeset", "readonly"}
_HARMLESS = ("activate", "bashrc", "profile", "zshrc", "conda.sh", "setvars.sh", "modules.sh", "/init/bash")
"""Ends of files whose sourcing sets up a shell and assigns no hyperparameter."""


_LOOPED = "a loop or a function sets it"


@dataclass(slots=True)
class Assignment:
    name: str
    word: Word
    value: Field | None
    """None for an array."""
    certain: bool
    exported: bool = False
    """Whether programs see it without an argument."""


@dataclass(slots=True)
class Command:
    fields: list[Field]
    start: int
    conditional: str | None
    """The construct by which it may not run: `if`, `case`."""
    assignments: list[Assignment] = field(default_factory=list)


def commands(tokens: list[Word | Operator], shown: str) -> Iterator[Command]:
    """Each command with its arguments expanded, and the assignments before it (or alone, without arguments)."""
    return _Reader(tokens, shown).run()


class _Reader:
    def __init__(self, tokens: list[Word | Operator], shown: str):
        self.tokens = tokens
        self.variables = Variables(shown)
        self.blocks: list[str] = []
        self.after: str = "\n"
        """The operator before the command."""
        self.function = False
        self.cut: set[int] = set()
        """The starts of loops that something may end, or a turn of them, before their time."""
        self.looped = self._assigned_in_loops()

    def _assigned_in_loops(self) -> dict[int, set[str]]:
        """By the start of each outermost loop or function, the names that are assigned in it."""
        found: dict[int, set[str]] = {}
        depth, start, first = 0, 0, True
        open_loops: list[int] = []
        for token in self.tokens:
            if isinstance(token, Operator):
                first = True
                continue
            literal = token.literal
            if first and literal in ("for", "while", "until", "select", "{"):
                start = token.start if not depth else start
                depth += 1
                found.setdefault(start, set())
                open_loops.append(token.start)
            elif first and literal in ("done", "}"):
                depth = max(0, depth - 1)
                del open_loops[-1:]
            elif first and literal in ("break", "continue", "exit", "return"):
                self.cut.update(open_loops)
            elif depth and (assigned := token.assignment) is not None:
                found[start].add(assigned[0])
            first = first and (literal in _PREFIXES or token.assignment is not None)
        return found

    def run(self) -> Iterator[Command]:
        words: list[Word] = []
        for token in [*self.tokens, Operator("\n", 0)]:
            if isinstance(token, Word):
                words.append(token)
                continue
            operator = token.text
            if operator == "(" and not words:
                self.blocks.append("subshell")
            elif operator == "(":
                self.function = len(words) == 1 or (words[0].literal == "function")
                if not self.function:
                    words.clear()  # `for ((...` and the like
                    self.blocks.append("subshell")
                else:
                    words.clear()
                    self.blocks.append("signature")
            elif operator == ")" and self.blocks and self.blocks[-1] in ("subshell", "signature"):
                if words:
                    yield from self._command(words, operator)
                    words = []
                self.blocks.pop()
            elif operator == ")":
                if words and words[0].literal == "case":
                    self.blocks.append("case")
                words.clear()  # a pattern of `case`
            elif words:
                yield from self._command(words, operator)
                words = []
            self.after = operator

    def _command(self, words: list[Word], operator: str) -> Iterator[Command]:
        while words:
            literal = words[0].literal if not any(piece.quoted for piece in words[0].pieces) else None
            if literal in _OPENING:
                assert literal is not None
                for name in self.looped.get(words[0].start, ()):
                    self.variables.spoiled[name] = _LOOPED
                kind = _OPENING[literal]
                self.blocks.append("function" if literal == "{" and self.function else kind)
                self.function = False
                if literal in ("for", "select") and len(words) > 1 and words[1].literal:
                    self._loop(words)
                if literal in ("for", "select", "case"):
                    return
                words = words[1:]
            elif literal in _CLOSING:
                if self.blocks and self.blocks[-1] in (_CLOSING[literal], "function"):
                    self.blocks.pop()
                return
            elif literal == "function":
                self.function = True
                words = words[2:]
            elif literal in _PREFIXES:
                words = words[1:]
            else:
                break
        if words:
            yield self._simple(words, operator)

    @property
    def _conditional(self) -> str | None:
        return next((block for block in self.blocks if block in ("if", "case")), None)

    def _loop(self, words: list[Word]) -> None:
        """The head of a loop: `for seed in 1 2 3`."""
        name = words[1].literal
        assert name is not None
        if words[0].literal == "for" and len(words) > 2 and words[2].literal == "in":
            outer = self.looped.get(words[0].start)
            if name not in (outer or ()):
                self.variables.loop(name, words[3:], words[0].start not in self.cut)
                return
        self.variables.spoiled[name] = "a loop gives it its values"

    def _simple(self, words: list[Word], operator: str) -> Command:
        certain = not self.blocks and self.after not in ("&&", "||", "|", "|&") and operator not in ("|", "|&", "&")
        command = Command([], words[0].start, self._conditional)
        while words and (assigned := words[0].assignment) is not None:
            alone = all(word.assignment is not None for word in words)
            given = self._assign(assigned, words[0], certain or not alone, alone)
            given.exported = not alone
            command.assignments.append(given)
            words = words[1:]
        if words and words[0].literal in _DECLARING:
            for word in words[1:]:
                if (assigned := word.assignment) is not None:
                    given = self._assign(assigned, word, certain, True)
                    given.exported = words[0].literal == "export"
                    command.assignments.append(given)
            return command
        for piece in [piece for word in words for piece in word.pieces if piece.assigns]:
            command.assignments += self._assume(piece, certain)
        command.fields = [item for word in words for item in self.variables.expand(word)]
        self._effects(words)
        return command

    def _assign(self, assigned: tuple[str, bool], word: Word, certain: bool, kept: bool) -> Assignment:
        name, append = assigned
        variables = self.variables
        if not kept:
            before = dict(variables.known)
            value = variables.assign(name, word, append)
            variables.known = before
            return Assignment(name, word, value, certain)
        value = variables.assign(name, word, append)
        if not certain:
            variables.spoiled.setdefault(name, "it is set where that may not happen")
        elif variables.spoiled.get(name) != _LOOPED:
            variables.spoiled.pop(name, None)
        return Assignment(name, word, value, certain)

    def _assume(self, piece: Piece, certain: bool) -> list[Assignment]:
        """What `${NAME:=200}` assigns; nothing where the variable is set before."""
        variables, name = self.variables, piece.text
        if name in variables.known or name in variables.spoiled:
            return []
        return [Assignment(name, Word(piece.start + 2, piece.stop), variables.assume(name, piece), certain)]

    def _effects(self, words: list[Word]) -> None:
        """What a command does to variables besides assigning them."""
        name = words[0].literal if words else None
        others = [word.literal for word in words[1:]]
        if name in ("read", "unset", "mapfile", "readarray", "getopts", "printf", "let"):
            for other in others:
                if other and other.isidentifier():
                    self.variables.spoiled[other] = f"`{name}` sets it"
        elif name == "eval" or (name in ("source", ".") and not (others and (others[0] or "").endswith(_HARMLESS))):
            for known in self.variables.known:
                self.variables.spoiled.setdefault(known, f"`{name}` may set it")

"""The simple commands of a script, in order, and what is certain about each of them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from framework.reading.shell.branches import LOOPED, MAY_NOT, Block, close, end_of_way, join, restore, state
from framework.reading.shell.fields import Field, Value
from framework.reading.shell.files.heredocs import word_of
from framework.reading.shell.files.sourced import Home, Sources
from framework.reading.shell.files.written import Written, written
from framework.reading.shell.sites import Site, sites
from framework.reading.shell.tokens import DECLARING, PREFIXES, Operator, Piece, Word
from framework.reading.shell.variables import Variables
from framework.reading.shell.words import Lexer

_OPENING = {"if": "if", "while": "loop", "until": "loop", "for": "loop", "select": "loop", "case": "case", "{": "group"}
_CLOSING = {"fi": "if", "done": "loop", "esac": "case", "}": "group"}
_ELEMENT = re.compile(r"([A-Za-z_]\w*)\[[^]]*\]\+?=", re.ASCII)
_HARMLESS = ("activate", "bashrc", "profile", "zshrc", "conda.sh", "setvars.sh", "modules.sh", "/init/bash")
"""Ends of files whose sourcing sets up a shell and assigns no hyperparameter."""


@dataclass(slots=True)
class Assignment:
    name: str
    word: Word
    value: Field | None
    """None for an array."""
    certain: bool
    exported: bool = False
    """Whether programs see it without an argument."""
    home: Home | None = None
    """The script in which it stands, where that is one that the script takes in."""


@dataclass(slots=True)
class Command:
    fields: list[Field]
    start: int
    conditional: str | None
    """The construct by which it may not run: `if`, `case`."""
    assignments: list[Assignment] = field(default_factory=list)
    written: Written | None = None


def commands(lexer: Lexer, given: dict[str, Value], sources: Sources) -> tuple[list[Command], Variables]:
    """Each command with its arguments expanded, and the assignments before it (or alone, without arguments); and the
    variables as they are in the end. ``given`` is what variables hold before the script starts."""
    reader = _Reader(lexer, Variables(lexer.text, lexer.shown), sources)
    reader.variables.known.update(given)
    return list(reader.run()), reader.variables


class _Reader:
    def __init__(self, lexer: Lexer, variables: Variables, sources: Sources):
        self.lexer, self.text, self.shown = lexer, lexer.text, lexer.shown
        self.tokens = lexer.tokens()
        self.variables = variables
        self.sources = sources
        self.blocks: list[Block] = []
        self.after: str = "\n"
        """The operator before the command."""
        self.function = False
        self.pattern = False
        """Whether a pattern of a `case` is next."""
        self.sites: Site = sites(self.tokens, self.text)
        self.variables.spoiled.update(self.sites.aside)
        self.variables.lasting |= self.sites.aside.keys()

    def run(self) -> Iterator[Command]:
        words: list[Word] = []
        for token in [*self.tokens, Operator("\n", 0)]:
            if self.pattern:
                self._in_pattern(token, words)
                continue
            if isinstance(token, Word):
                words.append(token)
                if len(words) > 2 and words[-3].literal == "case" and token.literal == "in":
                    yield from self._command(words[:-3], "\n")
                    self._open("case", token.start)
                    self.pattern = True
                    words = []
                continue
            operator = token.text
            if operator == "(":
                if words and (len(words) == 1 or words[0].literal == "function"):
                    self.function = True
                    self._open("signature", token.start)
                else:  # a subshell, or `for ((...` and the like
                    self._open("subshell", token.start)
                words.clear()
            elif operator == ")":
                if words:
                    yield from self._command(words, operator)
                    words = []
                if self.blocks and self.blocks[-1].kind in ("subshell", "signature"):
                    self._close()
            elif words:
                yield from self._command(words, operator)
                words = []
            if operator in (";;", ";;&", ";&") and self.blocks and self.blocks[-1].kind == "case":
                block, fallen = self.blocks[-1], state(self.variables)
                end_of_way(block, self.variables)
                if operator == ";&":
                    join(self.variables, [block.before, fallen])
                self.pattern = True
            self.after = operator

    def _in_pattern(self, token: Word | Operator, words: list[Word]) -> None:
        """A pattern ends at its bracket, and the `case` at its `esac`."""
        if isinstance(token, Word):
            if not words and token.literal == "esac":
                self.pattern = False
                self.blocks[-1].left = True  # its last way has ended
                self._close()
                return
            words.append(token)
        elif token.text == ")":
            self.blocks[-1].total |= any(word.literal == "*" for word in words)
            words.clear()
            self.pattern = False
            self.after = token.text

    def _open(self, kind: str, start: int) -> None:
        optional = self.after in ("&&", "||", "|", "|&")
        self.blocks.append(Block(kind, state(self.variables), optional, start))

    def _close(self) -> None:
        block = self.blocks.pop()
        close(block, self.variables, self.sites.in_functions.get(block.start, set()))

    def _command(self, words: list[Word], operator: str) -> Iterator[Command]:
        while words:
            literal = words[0].literal if not any(piece.quoted for piece in words[0].pieces) else None
            if literal in _OPENING:
                assert literal is not None
                if literal in ("for", "select", "while", "until", "{", "if"):
                    self._enter(literal, words)
                self.function = False
                if literal in ("for", "select"):
                    return
                words = words[1:]
                self.after = "\n"
            elif literal in _CLOSING:
                if self.blocks and self.blocks[-1].kind in (_CLOSING[literal], "function"):
                    self._close()
                return
            elif literal == "function":
                self.function = True
                words = words[2:]
            elif literal in PREFIXES:
                self._way(literal)
                words = words[1:]
            else:
                break
        if words:
            yield self._simple(words, operator)

    def _enter(self, literal: str, words: list[Word]) -> None:
        start = words[0].start
        kind = "function" if literal == "{" and self.function else _OPENING[literal]
        self._open(kind, start)
        if kind == "function":
            for name in self.sites.later(start):
                self.variables.spoiled[name] = LOOPED
        for name in self.sites.in_loops.get(start, ()):
            self.variables.spoiled[name] = LOOPED
        if literal in ("for", "select") and len(words) > 1 and words[1].literal:
            self._loop(words)

    def _way(self, literal: str | None) -> None:
        """A new way through an `if`."""
        block = self.blocks[-1] if self.blocks else None
        if block is not None and block.kind == "if":
            if literal == "then" and not block.ends:
                block.before = state(self.variables)
            elif literal in ("elif", "else"):
                end_of_way(block, self.variables)
                block.total |= literal == "else"
            self.after = "\n"

    @property
    def _conditional(self) -> str | None:
        return next((block.kind for block in self.blocks if block.kind in ("if", "case")), None)

    def _loop(self, words: list[Word]) -> None:
        """The head of a loop: `for seed in 1 2 3`."""
        name, start = words[1].literal, words[0].start
        assert name is not None
        over = words[0].literal == "for" and len(words) > 2 and words[2].literal == "in"
        if over and name not in self.sites.in_loops.get(start, ()):
            self.variables.loop(name, words[3:], start not in self.sites.cut)
            return
        self.variables.spoiled[name] = "a loop gives it its values"

    def _simple(self, words: list[Word], operator: str) -> Command:
        sure = self.after not in ("&&", "||", "|", "|&") and operator not in ("|", "|&", "&")
        certain = sure and all(block.kind == "group" and not block.optional for block in self.blocks)
        command = Command([], words[0].start, self._conditional)
        if words[0].literal == "env":
            words = self._environment(words, command)
        while words and (assigned := words[0].assignment) is not None:
            alone = all(word.assignment is not None for word in words)
            given = self._assign(assigned, words[0], certain or not alone, sure, alone)
            given.exported = not alone
            command.assignments.append(given)
            words = words[1:]
        if words and words[0].literal in DECLARING:
            for word in words[1:]:
                if (assigned := word.assignment) is not None:
                    given = self._assign(assigned, word, certain, sure, True)
                    given.exported = words[0].literal == "export"
                    command.assignments.append(given)
            return command
        if words and (element := _ELEMENT.match(words[0].literal or "")) is not None:
            self.variables.spoiled[element[1]] = "its elements are set one by one"
            return command
        for piece in [piece for word in words for piece in word.pieces if piece.assigns]:
            command.assignments += self._assume(piece, certain)
        command.fields = [item for word in words for item in self.variables.expand(word)]
        command.written = written(words, self.text, self.shown, self.variables, certain)
        if (taken := self._take_in(words, certain, sure)) is None:
            self._effects(words, sure)
        command.assignments += taken or []
        return command

    def _take_in(self, words: list[Word], certain: bool, sure: bool) -> list[Assignment] | None:
        """What the script of `source env.sh` assigns; None for another command, and where it is not followed."""
        variables, named = self.variables, len(words) > 1 and words[0].literal in ("source", ".")
        if not named or (home := self.sources.open(words[1], self.lexer)) is None:
            return None
        before, around = state(variables), (variables.text, variables.shown, variables.home)
        self.sources.enter(home)
        variables.text, variables.shown, variables.home = home.lexer.text, home.lexer.shown, home
        found = [each for command in _Reader(home.lexer, variables, self.sources).run() for each in command.assignments]
        self.sources.leave()
        variables.text, variables.shown, variables.home = around
        if not sure:
            join(variables, [state(variables), before])
        for each in found:
            each.home, each.certain = each.home or home, each.certain and certain
        return found

    def _environment(self, words: list[Word], command: Command) -> list[Word]:
        """The program of `env NAME=value program`; what it is given is told as that of `NAME=value program`."""
        rest = words[1:]
        while rest and (rest[0].literal or "").startswith("-"):
            rest = rest[2 if rest[0].literal in ("-u", "-C", "--unset", "--chdir") else 1 :]
        while rest and (assigned := rest[0].assignment) is not None:
            given = self._assign(assigned, rest[0], True, True, False)
            given.exported = True
            command.assignments.append(given)
            rest = rest[1:]
        return rest

    def _assign(self, assigned: tuple[str, bool], word: Word, certain: bool, sure: bool, kept: bool) -> Assignment:
        """``certain`` is whether it happens in any run, ``sure`` whether it does where its construct runs, and
        ``kept`` whether the variable keeps the value after the command."""
        name, append = assigned
        variables = self.variables
        before = state(variables)
        value = variables.assign(name, word, append)
        if not kept:
            restore(variables, before)
        elif name not in variables.lasting:
            variables.spoiled.pop(name, None)
            if not sure:
                join(variables, [state(variables), before])
                if name in variables.spoiled:
                    variables.spoiled[name] = MAY_NOT
        return Assignment(name, word, value, certain)

    def _assume(self, piece: Piece, certain: bool) -> list[Assignment]:
        """What `${NAME:=200}` assigns; nothing where the variable is set before."""
        variables, name = self.variables, piece.text
        if name in variables.known or name in variables.spoiled:
            return []
        return [Assignment(name, Word(piece.start + 2, piece.stop), variables.assume(name, piece), certain)]

    def _effects(self, words: list[Word], sure: bool) -> None:
        """What a command does to variables besides assigning them, and to what follows."""
        name = words[0].literal if words else None
        others = [word.literal for word in words[1:]]
        heredoc = words[-1].heredoc if words else None
        if name == "read" and heredoc is not None and heredoc.stop and "-d" in others and others[-1]:
            self.variables.hold(others[-1], word_of(self.text, self.shown, heredoc))
        elif name in ("read", "unset", "mapfile", "readarray", "getopts", "printf"):
            for other in others:
                if other and other.isidentifier():
                    self.variables.spoiled[other] = f"`{name}` sets it"
        elif name == "eval" or (name in ("source", ".") and not (others and (others[0] or "").endswith(_HARMLESS))):
            if name != "eval":
                self.variables.sourced = f"`{name} {others[0]}`" if others and others[0] else f"`{name}`"
            for known in self.variables.known:
                self.variables.spoiled.setdefault(known, f"`{name}` may set it")
        elif name in ("exit", "return") and sure and self.blocks:
            self.blocks[-1].left = True

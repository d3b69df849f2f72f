"""The tokens of gin: those of Python, of which its statements and values are made."""

from __future__ import annotations

import ast
import io
import re
import tokenize
from collections.abc import Iterator, Sequence

from framework.errors import InputError
from framework.locations import Location
from framework.reading.marks import Lines
from framework.reading.nodes import AnyNode, ComputedNode, Document, MappingNode, Opaque, ScalarNode, SequenceNode

_CLOSING = {"[": "]", "(": ")", "{": "}"}
_BLANK = (tokenize.COMMENT, tokenize.NL)
_NAME = re.compile(r"[A-Za-z_][\w./]*")


class Reference(Opaque):
    """A macro, `%LR`, as long as it is not known what it stands for."""

    __slots__ = ("macro",)

    def __init__(self, tag: str, macro: str):
        super().__init__(tag, f"no file sets the macro {macro}")
        self.macro = macro


def tokens_of(document: Document) -> list[tokenize.TokenInfo]:
    """The tokens of a file.

    Raises:
        InputError: a bracket or a text is not closed, a line is indented as no other, or Python makes no value of a
            text or a number.
    """
    tokens: list[tokenize.TokenInfo] = []
    opened: list[tuple[int, int]] = []
    try:
        for token in tokenize.generate_tokens(io.StringIO(document.text).readline):
            tokens.append(token)
            if (why := _no_literal(token)) is not None:
                where = Location(document.file, token.start[0], token.start[1] + 1)
                raise InputError.at(where, f"not gin: {why}")
            if token.type == tokenize.OP and token.string in _CLOSING:
                opened.append(token.start)
            elif token.type == tokenize.OP and token.string in _CLOSING.values():
                del opened[-1:]
    except tokenize.TokenError as problem:
        line, column = opened[0] if opened else problem.args[1]
        raise InputError.at(Location(document.file, line, column + 1), "not gin: it is not closed") from None
    except SyntaxError as problem:
        raise InputError.at(Location(document.file, problem.lineno or 1, 1), f"not gin: {problem.msg}") from None
    return tokens


def _no_literal(token: tokenize.TokenInfo) -> str | None:
    """Why Python makes no value of a text or a number; None of one that it makes, and of other tokens."""
    if "\0" in token.string:
        return "it holds a null byte"
    if token.type not in (tokenize.STRING, tokenize.NUMBER):
        return None
    try:
        ast.literal_eval(token.string)
    except SyntaxError as problem:
        return problem.msg
    except ValueError as problem:
        return str(problem)
    return None


class Cursor:
    """A place among the tokens."""

    def __init__(self, tokens: Sequence[tokenize.TokenInfo], document: Document, lines: Lines):
        self.tokens = tokens
        self.document = document
        self.lines = lines
        self.at = 0
        self.depth = 0

    @property
    def token(self) -> tokenize.TokenInfo:
        return self.tokens[min(self.at, len(self.tokens) - 1)]

    def selector(self) -> ScalarNode | None:
        """The next statement's first words, `scope/module.name`; None at the end."""
        self._skip(*_BLANK, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT)
        return None if self.token.type == tokenize.ENDMARKER else self._name()

    def _name(self) -> ScalarNode:
        start = self._offset(self.token.start)
        match = _NAME.match(self.document.text, start)
        if match is None or self.token.type != tokenize.NAME:
            raise self.error("a statement begins with a name")
        while self.token.type != tokenize.ENDMARKER and self._offset(self.token.start) < match.end():
            self.at += 1
        return self._scalar(start, match.end(), match[0])

    def value(self) -> AnyNode:
        """One value."""
        self.depth += 1
        if self.depth > 100:
            raise self.error("nested too deeply")
        start, head = self._offset(self.token.start), self.token.string
        if head in _CLOSING:
            node: AnyNode = self._container(start, head)
        elif head in ("@", "%"):
            self._next()
            name = self._name()
            if head == "@" and self.takes("("):
                self.expects(")")
            stop = self._stop(start)
            text = self.document.text[start:stop]
            reason = "what it gives, only its program knows"
            unknown = Reference(text, name.text) if head == "%" else Opaque(text, reason)
            node = ComputedNode(self.lines.node(start, stop), text, unknown)
        else:
            node = self._basic(start)
        self.depth -= 1
        return node

    def _basic(self, start: int) -> ScalarNode:
        if self.token.string == "-":
            self._next()
        if self.token.type not in (tokenize.NAME, tokenize.NUMBER, tokenize.STRING):
            raise self.error("a value is expected")
        while True:
            was_text = self.token.type == tokenize.STRING
            if self.token.type == tokenize.NAME and self.token.string not in ("True", "False", "None"):
                raise self.error(f"{self.token.string!r} is no value: a text stands in quotes")
            self.at += 1
            stop = self._stop(start)
            if self.depth > 1:
                self._skip(*_BLANK)
            if not was_text or self.token.type != tokenize.STRING:
                return self._scalar(start, stop, self.document.text[start:stop])

    def _container(self, start: int, head: str) -> AnyNode:
        self._next()
        at = self.lines.node(start, start)
        pairs = MappingNode(at.line, at.column, start, start)
        items: list[AnyNode] = []
        comma = False
        while self.token.string != _CLOSING[head]:
            item = self.value()
            if head == "{":
                self._skip(*_BLANK)
                self.expects(":")
                self._skip(*_BLANK)
                name = str(self.document.value(item))
                pairs.add(ScalarNode(item.line, item.column, item.start, item.stop, None, name, False), self.value())
            items.append(item)
            self._skip(*_BLANK)
            if self.token.string == ",":
                comma = True
                self._next()
            elif self.token.string != _CLOSING[head]:
                raise self.error(f"`,` or `{_CLOSING[head]}` is expected")
        self.at += 1
        pairs.stop = self._stop(start)
        if head == "{":
            return pairs
        if head == "(" and len(items) == 1 and not comma:
            return items[0]
        return SequenceNode(at.line, at.column, start, pairs.stop, None, items)

    def block(self) -> Iterator[tuple[ScalarNode, AnyNode]]:
        """The indented bindings after `name:`."""
        self._skip(*_BLANK, tokenize.NEWLINE)
        if self.token.type != tokenize.INDENT:
            raise self.error("an indented line is expected after `:`")
        self.at += 1
        while self.token.type not in (tokenize.DEDENT, tokenize.ENDMARKER):
            key = self._name()
            self.expects("=")
            yield key, self.value()
            self.end()
            self._skip(*_BLANK)

    def takes(self, text: str) -> bool:
        """Whether that is the next token, which is then passed."""
        found = self.token.string == text
        self.at += found
        return found

    def expects(self, text: str) -> None:
        """Pass this token.

        Raises:
            InputError: another one stands there.
        """
        if not self.takes(text):
            raise self.error(f"`{text}` is expected")

    def end(self) -> None:
        """Pass the end of a line.

        Raises:
            InputError: more stands there.
        """
        self._skip(tokenize.COMMENT)
        if self.token.type not in (tokenize.NEWLINE, tokenize.NL, tokenize.DEDENT, tokenize.ENDMARKER):
            raise self.error("a new line is expected")
        self.at += self.token.type == tokenize.NEWLINE

    def skip_line(self) -> None:
        """Pass the rest of the line."""
        while self.token.type not in (tokenize.NEWLINE, tokenize.ENDMARKER):
            self.at += 1

    def error(self, message: str) -> InputError:
        line, column = self.token.start
        return InputError.at(Location(self.document.file, line, column + 1), f"not gin: {message}")

    def _next(self) -> None:
        self.at += 1
        self._skip(*_BLANK)

    def _skip(self, *kinds: int) -> None:
        while self.token.type in kinds:
            self.at += 1

    def _offset(self, place: tuple[int, int]) -> int:
        starts = self.lines.starts
        return starts[place[0] - 1] + place[1] if place[0] <= len(starts) else len(self.document.text)

    def _stop(self, start: int) -> int:
        """The end of the last token that was passed."""
        return max(start, self._offset(self.tokens[self.at - 1].end)) if self.at else start

    def _scalar(self, start: int, stop: int, text: str) -> ScalarNode:
        at = self.lines.node(start, stop)
        return ScalarNode(at.line, at.column, start, stop, None, text, True)

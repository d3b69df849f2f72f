"""The words and operators of a shell script, each with its place; nothing is run and nothing is looked up."""

from __future__ import annotations

import re

from framework.errors import InputError
from framework.reading.marks import Lines
from framework.reading.shell.tokens import Heredoc, Operator, Piece, Word, end_of_heredoc, printed

DEEPEST = 20

_GAP = re.compile(r"(?:[ \t\r]++|\\\r?\n)*+")
_TEXT = re.compile(r"""[^ \t\r\n\\'"$`;&|<>()#]++|#""")
_DOUBLE = re.compile(r"""[^"\\$`]++""")
_BACKTICKS = re.compile(r"(?:[^`\\]++|\\.)*+`", re.DOTALL)
_ANSI = re.compile(r"(?:[^'\\]++|\\.)*+'", re.DOTALL)
_NAME = re.compile(r"[A-Za-z_]\w*", re.ASCII)
_ELEMENT = re.compile(r"([A-Za-z_]\w*)\[((?:[^\[\]{}\"'`]|\$\{\w+\})+)\]\}", re.ASCII)
_BRACED = re.compile(r"([A-Za-z_]\w*|[0-9]+)(\[[@*]\])?(:?[-=])?", re.ASCII)
_OPERATOR = re.compile(r"\n|;;&|;;|;&|;|&&|&>>|&>|&|\|\||\|&|\||<<<|<<-|<<|<\(|>\(|<>|<&|>&|>>|>\||<|>|\(|\)")


class Lexer:
    """Takes a script apart, once, from its beginning to its end."""

    def __init__(self, text: str, shown: str):
        self.text = text
        self.shown = shown
        self.lines = Lines(text)
        self.position = 0

    def tokens(self) -> list[Word | Operator]:
        """All words and operators; comments, redirections' targets and here-documents are left out.

        Raises:
            InputError: a quote or a bracket is not closed.
        """
        found: list[Word | Operator] = []
        heredocs: list[tuple[str, bool, Word | None]] = []
        text = self.text
        while True:
            self._gap()
            if self.position >= len(text):
                return found
            if text[self.position] == "#":
                self._comment()
                continue
            match = _OPERATOR.match(text, self.position)
            if match is None:
                found.append(self._word())
                continue
            operator, start = match[0], self.position
            self.position = match.end()
            if operator == "\n":
                found.append(Operator(operator, start))
                for delimiter, stripped, reader in heredocs:
                    begin = self.position
                    stop, self.position = end_of_heredoc(text, begin, delimiter, stripped)
                    if reader is not None and reader.heredoc is not None:
                        reader.heredoc.start, reader.heredoc.stop = begin, stop
                heredocs.clear()
            elif operator in ("<<", "<<-"):
                self._gap()
                word = self._word()
                reader = found[-1] if found and isinstance(found[-1], Word) else None
                if reader is not None:
                    reader.heredoc = Heredoc(0, 0, any(each.quoted for each in word.pieces), operator == "<<-")
                heredocs.append(("".join(piece.text for piece in word.pieces), operator == "<<-", reader))
            elif operator in ("<(", ">("):
                self._skip_to(")", start)
                found.append(Word(start, self.position, [Piece("unknown", "", start, self.position)]))
            elif operator[0] in "<>" or operator in ("&>", "&>>"):
                last = found[-1] if found else None
                if isinstance(last, Word) and last.stop == start and (last.literal or "x").isdecimal():
                    found.pop()
                self._gap()
                if self.position < len(text) and _OPERATOR.match(text, self.position) is None:
                    target = self._word()
                    if found and isinstance(found[-1], Word) and operator in (">", ">|", ">>"):
                        found[-1].output, found[-1].appends = target, operator == ">>"
            else:
                found.append(Operator(operator, start))

    def _gap(self) -> None:
        self.position = _GAP.match(self.text, self.position).end()  # type: ignore[union-attr]

    def _comment(self) -> None:
        end = self.text.find("\n", self.position)
        self.position = len(self.text) if end < 0 else end

    def _word(self) -> Word:
        text, word = self.text, Word(self.position, self.position)
        while self.position < len(text):
            start, character = self.position, text[self.position]
            match = _TEXT.match(text, start)
            if match is not None:
                self.position = match.end()
                word.pieces.append(Piece("text", match[0], start, self.position, inner=start))
            elif character == "\\":
                self.escape(word.pieces)
            elif character == "'":
                word.pieces.append(self._single(start))
            elif character == '"':
                self._double(word.pieces)
            elif character in "$`":
                word.pieces.append(self.dollar(False, 0))
            elif character == "(" and self._opens_array(word):
                word.array = self._array(start)
            else:
                break
        word.stop = self.position
        return word

    def _opens_array(self, word: Word) -> bool:
        return (found := word.assignment) is not None and word.literal == found[0] + ("+=" if found[1] else "=")

    def _array(self, start: int) -> list[Word]:
        words: list[Word] = []
        self.position += 1
        while True:
            self._gap()
            if self.position >= len(self.text):
                raise self._unclosed(start, "(")
            character = self.text[self.position]
            if character == ")":
                self.position += 1
                return words
            if character == "#":
                self._comment()
            elif character in "\n;&|<>(":
                self.position += 1
            else:
                words.append(self._word())

    def escape(self, pieces: list[Piece]) -> None:
        start = self.position
        for ending in ("\\\r\n", "\\\n"):
            if self.text.startswith(ending, start):
                self.position += len(ending)
                return
        self.position = min(start + 2, len(self.text))
        pieces.append(Piece("text", self.text[start + 1 : start + 2], start, self.position, True, start + 1))

    def _single(self, start: int) -> Piece:
        end = self.text.find("'", start + 1)
        if end < 0:
            raise self._unclosed(start, "'")
        self.position = end + 1
        return Piece("text", self.text[start + 1 : end], start, end + 1, True, start + 1)

    def _double(self, pieces: list[Piece]) -> None:
        start = self.position
        self.position += 1
        first = len(pieces)
        while True:
            if self.position >= len(self.text):
                raise self._unclosed(start, '"')
            at, character = self.position, self.text[self.position]
            match = _DOUBLE.match(self.text, at)
            if match is not None:
                self.position = match.end()
                pieces.append(Piece("text", match[0], at, self.position, True, at))
            elif character == '"':
                self.position += 1
                break
            elif character == "\\":
                if self.text[at + 1 : at + 2] in ("$", "`", '"', "\\", "\n") or self.text.startswith("\r\n", at + 1):
                    self.escape(pieces)
                else:
                    self.position += 1
                    pieces.append(Piece("text", "\\", at, self.position, True, at))
            else:
                pieces.append(self.dollar(True, 0))
        if len(pieces) == first:
            pieces.append(Piece("text", "", start, self.position, True, start + 1))
        elif len(pieces) == first + 1:
            pieces[first].start, pieces[first].stop = start, self.position

    def dollar(self, quoted: bool, depth: int) -> Piece:
        text, start = self.text, self.position
        if depth > DEEPEST:
            raise InputError.at(self.lines.location(self.shown, start), f"nested deeper than {DEEPEST} levels")
        if text[start] == "`":
            self._closed(_BACKTICKS, start + 1, "`")
        elif text.startswith("$(", start):
            if (found := printed(text, start)) is not None:
                heredoc, self.position = found
                return Piece("unknown", text[start : self.position], start, self.position, quoted, heredoc=heredoc)
            self.position += 2
            self._skip_to(")", start)
        elif text.startswith("$'", start) and not quoted:
            inner = self._closed(_ANSI, start + 2, "'")
            if "\\" not in inner:
                return Piece("text", inner[:-1], start, self.position, True, start + 2)
        elif text.startswith("${", start):
            return self._braced(start, quoted, depth)
        elif (name := _NAME.match(text, start + 1)) is not None:
            self.position = name.end()
            return Piece("variable", name[0], start, self.position, quoted)
        elif start + 1 < len(text) and text[start + 1] in "0123456789@*#?$!-":
            self.position += 2
        else:
            self.position += 1
            return Piece("text", "$", start, self.position, quoted, start)
        return Piece("unknown", text[start : self.position], start, self.position, quoted)

    def _closed(self, body: re.Pattern[str], begin: int, what: str) -> str:
        """Past what is quoted, with its end."""
        if (end := body.match(self.text, begin)) is None:
            raise self._unclosed(self.position, what)
        self.position = end.end()
        return end[0]

    def _braced(self, start: int, quoted: bool, depth: int) -> Piece:
        match = _BRACED.match(self.text, start + 2)
        if (element := _ELEMENT.match(self.text, start + 2)) is not None and element[2] not in ("@", "*"):
            self.position = element.end()
            return Piece("variable", element[1], start, self.position, quoted, index=element[2])
        after = match.end() if match else start + 2
        if match is not None and not match[3] and self.text.startswith("}", after):
            self.position = after + 1
            return Piece("variable", match[1], start, self.position, quoted, every=bool(match[2]))
        if match is None or not match[3] or match[2]:
            self.position = start + 2
            self._skip_to("}", start)
            return Piece("unknown", self.text[start : self.position], start, self.position, quoted)
        self.position = after
        default = self._default(start, quoted, depth)
        assigns = match[3].endswith("=")
        return Piece("variable", match[1], start, self.position, quoted, default=default, assigns=assigns)

    def _default(self, start: int, quoted: bool, depth: int) -> list[Piece]:
        """The pieces up to the closing brace."""
        pieces: list[Piece] = []
        while self.position < len(self.text):
            at, character = self.position, self.text[self.position]
            if character == "}":
                self.position += 1
                return pieces
            if character == "\\":
                self.escape(pieces)
            elif character == '"' and not quoted:
                self._double(pieces)
            elif character == "'" and not quoted:
                pieces.append(self._single(at))
            elif character in "$`":
                pieces.append(self.dollar(quoted, depth + 1))
            else:
                end = at + 1
                while end < len(self.text) and self.text[end] not in "}\\\"'$`":
                    end += 1
                self.position = end
                pieces.append(Piece("text", self.text[at:end], at, end, quoted, at))
        raise self._unclosed(start, "${")

    def _skip_to(self, closing: str, start: int, depth: int = 0) -> None:
        """Past a substitution, with what it nests; quotes in it are passed over whole."""
        if depth > DEEPEST:
            raise InputError.at(self.lines.location(self.shown, start), f"nested deeper than {DEEPEST} levels")
        text, expected, pairs = self.text, [closing], {"(": ")", "{": "}"}
        while self.position < len(text):
            character = text[self.position]
            if character == "\\":
                self.position += 2
            elif character == "'":
                self._single(self.position)
            elif character == '"':
                self._quoted_part(self.position, depth)
            else:
                self.position += 1
                if character == expected[-1]:
                    expected.pop()
                    if not expected:
                        return
                elif character in pairs and (character == "(" or text[self.position - 2] == "$"):
                    expected.append(pairs[character])
        raise self._unclosed(start, "$(" if closing == ")" else "${")

    def _quoted_part(self, start: int, depth: int) -> None:
        """Past a double-quoted string; substitutions inside it may hold quotes of their own."""
        text = self.text
        self.position = start + 1
        while self.position < len(text):
            character = text[self.position]
            if character == "\\":
                self.position += 2
            elif text.startswith("$(", self.position):
                self.position += 2
                self._skip_to(")", start, depth + 1)
            else:
                self.position += 1
                if character == '"':
                    return
        raise self._unclosed(start, '"')

    def _unclosed(self, start: int, what: str) -> InputError:
        return InputError.at(
            self.lines.location(self.shown, start), f"not a shell script that can be read: this {what} is not closed"
        )

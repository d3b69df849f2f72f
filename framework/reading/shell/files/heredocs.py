"""Here-documents: the text that a script gives a command to read, with what is expanded in it."""

from __future__ import annotations

import re

from framework.reading.shell.tokens import Heredoc, Piece, Word
from framework.reading.shell.words import Lexer

_PLAIN = re.compile(r"[^\\$`]++")
_LINE = re.compile(r"[^\\$`\n]*+\n|[^\\$`\n]++")
_TABS = re.compile(r"\t*+")


def word_of(text: str, shown: str, heredoc: Heredoc) -> Word:
    """The text as a word in quotes: variables and ends of lines behind a backslash count as the shell takes them.

    Raises:
        InputError: a substitution in it is not closed.
    """
    start, stop = heredoc.start, heredoc.stop
    whole = Word(start, stop)
    if heredoc.literal and not heredoc.stripped:
        whole.pieces.append(Piece("text", text[start:stop], start, stop, True, start))
        return whole
    lexer = Lexer(text[:stop], shown)
    lexer.position = start
    while lexer.position < stop:
        at = lexer.position
        if heredoc.stripped and text[at - 1] == "\n" and (tabs := _TABS.match(text, at, stop)) and tabs[0]:
            lexer.position = tabs.end()
            continue
        match = (_LINE if heredoc.stripped else _PLAIN).match(text, at, stop)
        if match is not None:
            lexer.position = match.end()
            whole.pieces.append(Piece("text", match[0], at, match.end(), True, at))
        elif heredoc.literal:
            lexer.position += 1
            whole.pieces.append(Piece("text", text[at], at, at + 1, True, at))
        elif text[at] == "\\":
            if text[at + 1 : at + 2] in ("$", "`", "\\", "\n") or text.startswith("\r\n", at + 1):
                lexer.escape(whole.pieces)
            else:
                lexer.position += 1
                whole.pieces.append(Piece("text", "\\", at, at + 1, True, at))
        else:
            whole.pieces.append(lexer.dollar(True, 0))
    return whole

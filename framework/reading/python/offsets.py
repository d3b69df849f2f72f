"""Where pieces of Python stand in the text."""

from __future__ import annotations

import ast

from framework.reading.marks import Lines


class Marks:
    """Offsets of syntax nodes: `ast` counts columns in bytes."""

    def __init__(self, text: str, lines: Lines):
        self.text = text
        self.lines = lines
        self._ascii = text.isascii()

    def span(self, node: ast.expr | ast.stmt | ast.arg) -> tuple[int, int]:
        assert node.end_lineno is not None
        assert node.end_col_offset is not None
        return self._offset(node.lineno, node.col_offset), self._offset(node.end_lineno, node.end_col_offset)

    def _offset(self, line: int, column: int) -> int:
        start = self.lines.starts[line - 1]
        if self._ascii:
            return start + column
        end = self.lines.starts[line] if line < len(self.lines.starts) else len(self.text)
        return start + len(self.text[start:end].encode("utf-8")[:column].decode("utf-8", "ignore"))


def keyword_span(marks: Marks, keyword: ast.keyword) -> tuple[int, int]:
    """The name of a keyword argument."""
    assert keyword.arg is not None
    start = marks._offset(keyword.lineno, keyword.col_offset)
    return start, start + len(keyword.arg)

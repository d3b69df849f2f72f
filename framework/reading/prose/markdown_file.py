"""Markdown to nodes: what its lists, tables and lines of `label: value` state, and the blocks of code in it.

Keys are the labels as people see them, below the headings they stand under: `Pretraining.Learning rate`; of a table
`Model A.lr` (row, then column), or the row alone where it has two columns. A binding may leave out what stands above a
label that the document has once. ```` ```bash ```` blocks are read as one script (`--lr`, `train.py.--lr`), blocks of
YAML, JSON, TOML, INI and Python as such files, below their heading.

The grammar is that of CommonMark 0.31 (headings, lists, fences, comments) and of GitHub's tables, as far as it decides
which line is what. Running text states nothing.
"""

from __future__ import annotations

import re
from itertools import pairwise
from pathlib import Path as FilePath

from framework.reading.decoding import read_text
from framework.reading.nodes import AnyNode, Document
from framework.reading.prose.code_blocks import Block, Commands, config_entries, is_shell
from framework.reading.prose.html_cells import ends_of, html_table
from framework.reading.prose.inline_marks import LONGEST_LINE, Span, inner, label_of, pair
from framework.reading.prose.label_values import stated
from framework.reading.prose.outline import Entry, Outline
from framework.reading.prose.table_cells import Cell, table_entries
from framework.reading.scalars import Rules

SUFFIXES = (".md", ".markdown", ".mdx", ".qmd", ".rmd")
READERS = ("markdown",)

_FENCE = re.compile(r"([ \t>]*(?:(?:[-*+]|\d+[.)])[ \t]+)?)(`{3,}|~{3,})[ \t]*([^`\n]*)$")
_HEADING = re.compile(r" {0,3}(#{1,6})(?=[ \t]|$)")
_UNDERLINE = re.compile(r" {0,3}(=+|-+)[ \t]*$")
_ITEM = re.compile(r"([ \t>]*)(?:[-*+•]|\d{1,9}[.)])[ \t]+(?:\[[ xX]\][ \t]+)?(?=\S)")
_DELIMITER = re.compile(r"[ \t>]*+\|?(?:[ \t]*+:?-++:?[ \t]*+\|)*+(?:[ \t]*+:?-++:?[ \t]*+)?+$")
_BAR = re.compile(r"(?<!\\)\|")
_CAPTION = re.compile(r"\W*(Table\s+[\w.]{1,8}?)(?:[.:]|\W*$)", re.IGNORECASE)
_LANGUAGE = re.compile(r"\{?\.?([\w+#-]*)")
_BOLD = re.compile(r"(\*\*|__).{1,80}\1")
MOST_WORDS_OF_A_LEAD = 5
"""Words above which a line that introduces a list is a sentence, and no name of a section."""
_MATTER = re.compile(r"---[ \t]*$")


def read(path: FilePath, shown: str, reader: Rules) -> Document:
    """The format's entry.

    Raises:
        InputError: it cannot be read.
    """
    return parse_markdown(read_text(path, shown), shown, reader)


def parse_markdown(text: str, shown: str, reader: Rules = "markdown") -> Document:
    """As :func:`read`, for text."""
    document = Document(shown, text, None, reader, format="markdown")
    _Lines(document).run()
    return document


class _Lines:
    """Goes through the lines once."""

    def __init__(self, document: Document):
        self.document = document
        self.text = document.text
        self.outline = Outline(document)
        self.commands = Commands(document, self.outline.lines)
        self.items: list[tuple[int, Entry]] = []
        """The list items that are open, with their indentation."""
        self.lead: Entry | None = None
        """What introduces the list, table or block that follows."""
        self.table_ends: list[int] | None = None
        self.spans: list[Span] = []
        start = 0
        for line in self.text.split("\n"):
            self.spans.append(Span(start, start + len(line) - line.endswith("\r")))
            start += len(line) + 1

    def run(self) -> None:
        row = self._front_matter()
        while row < len(self.spans):
            row = self._line(row)
        self.outline.finish(self.commands.entries() if self.commands.parts else None)

    def _at(self, row: int) -> str:
        span = self.spans[row]
        return self.text[span.start : span.stop]

    def _front_matter(self) -> int:
        if len(self.spans) < 2 or not _MATTER.match(self._at(0)):
            return 0
        for row in range(1, len(self.spans)):
            if _MATTER.match(self._at(row)):
                self._block("yaml", [(self._at(each), self.spans[each].start) for each in range(1, row)])
                return row + 1
        return 0

    def _line(self, row: int) -> int:
        """Read what begins at a line; the line after it."""
        line, span = self._at(row), self.spans[row]
        if not line.strip():
            return row + 1
        if fence := _FENCE.match(line):
            return self._fence(row, fence)
        if "<table" in line and (after := self._html(row)) is not None:
            return after
        if (comment := line.find("<!--")) >= 0:
            return self._comment(row, comment)
        if heading := _HEADING.match(line):
            stop = span.start + len(line.rstrip().rstrip("#"))
            self._heading(len(heading[1]), Span(span.start + heading.end(), max(stop, span.start + heading.end())))
            return row + 1
        if "|" in line and self._is_table(row):
            return self._table(row)
        if item := _ITEM.match(line):
            self._item(_width(item[1]), Span(span.start + item.end(), span.stop))
            return row + 1
        apart = not self.items or (line[0] not in " \t" and not self._at(row - 1).strip())
        if apart and row + 1 < len(self.spans) and (under := _UNDERLINE.match(self._at(row + 1))):
            self._heading(1 if under[1][0] == "=" else 2, span)
            return row + 2
        if self.items and line[0] in " \t":
            return row + 1  # an item's further text
        self._paragraph(span)
        return row + 1

    def _heading(self, level: int, span: Span) -> None:
        self.items, self.lead = [], None
        label = label_of(self.text[span.start : span.stop])
        if label:
            self.outline.heading(level, label, span.start, span.stop)

    def _fence(self, row: int, fence: re.Match[str]) -> int:
        if not fence[1]:
            self.items = []
        mark, margin = fence[2], _width(fence[1])
        closing = re.compile(rf"[ \t>]*{re.escape(mark[0])}{{{len(mark)},}}[ \t]*$")
        lines: list[tuple[str, int]] = []
        row += 1
        while row < len(self.spans) and not closing.match(self._at(row)):
            line = self._at(row)
            cut = min(margin, len(line) - len(line.lstrip(" \t>")))
            lines.append((line[cut:], self.spans[row].start + cut))
            row += 1
        language = _LANGUAGE.match(fence[3].strip())
        self._block(language[1].casefold() if language else "", lines)
        self.lead = None
        return row + 1

    def _block(self, language: str, lines: list[tuple[str, int]]) -> None:
        block = Block(language, lines)
        if is_shell(block):
            self.commands.add(block)
        elif lines:
            self._target().below += config_entries(self.document, self.outline.lines, block)

    def _comment(self, row: int, column: int) -> int:
        """What stands before a comment in its line; the line after the comment."""
        start, stop = self.spans[row]
        end = self.text.find("-->", start + column)
        last = row
        while last < len(self.spans) and (end < 0 or self.spans[last].stop < end):
            last += 1
        if self.text[start : start + column].strip():
            self.spans[row] = Span(start, start + column)
            self._line(row)
        elif last == row and self.text[end + 3 : stop].strip():
            self.spans[row] = Span(end + 3, stop)
            self._line(row)
        return last + 1

    def _is_table(self, row: int) -> bool:
        if row + 1 >= len(self.spans) or "-" not in (below := self._at(row + 1)) or not _DELIMITER.match(below):
            return False
        return len(self._cells(row)) == len(self._cells(row + 1))

    def _target(self) -> Entry:
        """Where a table or a block belongs: the item it stands in, what introduces it, or the section."""
        if self.items:
            return self.items[-1][1]
        return self.lead or self.outline.section

    def _item(self, indent: int, span: Span) -> None:
        while self.items and self.items[-1][0] >= indent:
            self.items.pop()
        parent = self.items[-1][1] if self.items else self.lead or self.outline.section
        entry = parent.add(self._labelled(span))
        entry.is_row = entry.node is None  # what stands below it is about what it names
        self.items.append((indent, entry))

    def _labelled(self, span: Span) -> Entry:
        """A line's label with what it states; one without a value may introduce what follows."""
        found = pair(self.text, span)
        if found is None:
            short = Span(span.start, min(span.stop, span.start + LONGEST_LINE))
            label = label_of(self.text[short.start : short.stop]).rstrip(".")
            return Entry(label or "item", span.start, span.stop)
        name, value = found
        node, below = stated(self.text, value, self.outline.lines)
        name = inner(self.text, name)
        return Entry(label_of(self.text[name.start : name.stop]), name.start, name.stop, node, below)

    def _paragraph(self, span: Span) -> None:
        self.items = []
        line = self.text[span.start : min(span.stop, span.start + LONGEST_LINE)].strip()
        caption = _CAPTION.match(line)
        if caption is not None:
            self.lead = self.outline.section.add(Entry(" ".join(caption[1].split()), span.start, span.stop))
            return
        entry = self._labelled(span)
        if entry.node is not None or entry.below:
            (self.lead or self.outline.section).add(entry)
            return
        short = len(entry.label.split()) <= MOST_WORDS_OF_A_LEAD
        introduces = short and (line.rstrip("*_ ").endswith(":") or _BOLD.fullmatch(line) is not None)
        self.lead = self.outline.section.add(entry) if introduces else None

    def _table(self, row: int) -> int:
        if not self._at(row)[:1].isspace():
            self.items = []
        header = self._cells(row)
        rows: list[list[Cell]] = []
        row += 2
        while row < len(self.spans) and "|" in (line := self._at(row)) and not _FENCE.match(line):
            rows.append(self._cells(row))
            row += 1
        self._target().below += table_entries(header, rows, self._values)
        self.lead = None
        return row

    def _html(self, row: int) -> int | None:
        """Read a table in HTML; the line after it, None where it does not end."""
        if self.table_ends is None:
            self.table_ends = ends_of(self.text)
        found = html_table(self.text, self.spans[row], self.table_ends)
        if found is None:
            return None
        rows, end = found
        if rows:
            self._target().below += table_entries(rows[0], rows[1:], self._values)
        self.lead = None
        while row < len(self.spans) and self.spans[row].stop < end:
            row += 1
        return row + 1

    def _cells(self, row: int) -> list[Cell]:
        start, stop = self.spans[row]
        line = self.text[start:stop]
        left = len(line) - len(line.lstrip(" \t>"))
        right = len(line.rstrip())
        bars = [match.start() for match in _BAR.finditer(line, left, right)]
        edges = [left - 1, *bars, right]
        if bars and bars[0] == left:
            edges.pop(0)
        if bars and bars[-1] == right - 1 and len(edges) > 1:
            edges.pop()
        cells = []
        for one, other in pairwise(edges):
            span = inner(self.text, Span(start + one + 1, start + other))
            cells.append(Cell(label_of(self.text[span.start : span.stop]), span.start, span.stop))
        return cells

    def _values(self, cell: Cell) -> tuple[AnyNode | None, list[Entry]]:
        return stated(self.text, Span(cell.start, cell.stop), self.outline.lines)


def _width(margin: str) -> int:
    return len(margin.expandtabs(4))

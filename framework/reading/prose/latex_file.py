"""LaTeX to nodes: what tables, lists and `\\newcommand` of a paper's source state. Nothing is repaired in it.

Keys are a macro's own name (`\\lr`), the `\\label` of a table (`tab:hyper`) or its number in the file (`Table 1`), and
below it rows and columns as in Markdown; sections stand above them. A macro in a cell says what its definition says.
What is certain of the grammar is read: `tabular`, `tabular*`, `tabularx`, `tabulary`, `longtable`, `&` and `\\\\`,
rules, `\\multicolumn`, `\\multirow`, comments. Nothing is executed, and running text states nothing.
"""

from __future__ import annotations

import re
from itertools import pairwise
from pathlib import Path as FilePath

from framework.reading.decoding import read_text
from framework.reading.nodes import AnyNode, ComputedNode, Document, SequenceNode
from framework.reading.prose.inline_marks import LONGEST_LABEL, LONGEST_LINE, Span, pair
from framework.reading.prose.label_values import stated
from framework.reading.prose.outline import Entry, Outline
from framework.reading.prose.table_cells import Cell, table_entries
from framework.reading.prose.written_values import resolve_prose
from framework.reading.scalars import Rules

SUFFIXES = (".tex", ".ltx")
READERS = ("latex",)

_COMMENT = re.compile(r"(?<!\\)((?:\\\\)*)%[^\n]*")
MACRO = re.compile(
    r"\\(?:(?:re)?newcommand|providecommand)\*?\s*\{?\s*(\\[A-Za-z@]+)\s*\}?(?!\s*\[)\s*\{|\\def\s*(\\[A-Za-z@]+)\s*\{"
)
_PLACES = re.compile(
    r"\\(?P<level>chapter|section|subsection|subsubsection|paragraph)\*?\s*(?:\[[^\]\n]*\])?\s*\{"
    r"|\\begin\s*\{(?P<table>tabular[*xy]?|longtable|tabu)\}"
    r"|\\(?P<float>begin|end)\s*\{(?:side|wrap)?table\*?\}"
    r"|\\label\s*\{(?P<label>[^{}\n]*)\}"
    r"|\\item\b\s*(?P<item>)"
)
_LEVELS = {"chapter": 1, "section": 2, "subsection": 3, "subsubsection": 4, "paragraph": 5}
_CELLS = re.compile(r"\\\\(?:\s*\[[^\]\n]*\])?|\\tabularnewline\b|(?<!\\)&")
_RULES = re.compile(
    r"\\(?:top|mid|bottom)rule(?:\[[^\]]*\])?|\\hline|\\(?:cmidrule|cline|specialrule)\s*(?:\([^)]*\))?\s*(?:\{[^{}]*\})+"
    r"|\\(?:rowcolor|cellcolor|addlinespace|noalign|rule)\s*(?:\[[^\]]*\])?(?:\{[^{}]*\})*|\\end(?:first|last|)(?:head|foot)\b"
)
_SPANNING = re.compile(r"\\multicolumn\s*\{\s*(\d{1,2})\s*\}\s*\{[^{}]*(?:\{[^{}]*\}[^{}]*)*\}")
_TALL = re.compile(r"\\multirow\s*(?:\[[^\]]*\])?\s*\{[^{}]*\}\s*(?:\[[^\]]*\])?\s*\{[^{}]*\}")
_STYLES = re.compile(
    r"\\(?:text(?:bf|it|tt|sc|rm|sf|normal)|emph|underline|mbox|makecell|thead|shortstack|code|texttt|mathbf|bm|ensuremath)\s*(?:\[[^\]]*\])?"
    r"(?=\{)|\\footnotemark\b(?:\[\d*\])?|\\xspace\b|\\[,;:!]|\\(?:bf|it|tt|sc|small|footnotesize|scriptsize|tiny|normalsize|large|centering|bfseries|itshape|ttfamily)\b"
)
_NAMED = re.compile(r"\\[A-Za-z@]+")
_INNER = re.compile(r"\{([^{}]*)\}")
_LINE_END = re.compile(r"\n\s*\n|\\item\b|\\end\s*\{|\\begin\s*\{")
_BRACES = re.compile(r"(?<!\\)[{}]")
_ROW_END = re.compile(r"\\\\(?:\s*\[[^\]\n]*\])?")
_BLANK = re.compile(r"\s+")
_NUMERAL = re.compile(r"\\(?:num|numprint)\s*\{([^{}]*)\}")
_BOLD_LABEL = re.compile(r"\s*\\(?:textbf|textit|emph)\s*\{([^{}]{1,80}?)\s*:\s*\}\s*")
MOST_DEFINITION, MOST_CELL = 500, 2_000


def read(path: FilePath, shown: str, reader: Rules) -> Document:
    """The format's entry.

    Raises:
        InputError: it cannot be read.
    """
    return parse_latex(read_text(path, shown), shown, reader)


def parse_latex(text: str, shown: str, reader: Rules = "latex") -> Document:
    """As :func:`read`, for text."""
    document = Document(shown, text, None, reader, format="latex")
    LatexSource(document).run()
    return document


class LatexSource:
    """Goes through the source once; comments are blanks of the same length."""

    def __init__(self, document: Document):
        self.document = document
        self.text = _COMMENT.sub(lambda match: match[1] + " " * (len(match[0]) - len(match[1])), document.text)
        self.outline = Outline(document)
        self.macros: dict[str, AnyNode] = {}
        self.float: Entry | None = None
        """The table environment that is open."""
        self.tables = 0
        self.unclosed: set[str] = set()

    def run(self) -> None:
        self._definitions()
        position = 0
        while (found := _PLACES.search(self.text, position)) is not None:
            position = found.end()
            if found["level"] is not None:
                stop = self._closing(position, LONGEST_LINE)
                title = self.shown(position, stop)[:LONGEST_LABEL]
                if title:
                    self.outline.heading(_LEVELS[found["level"]], title, position, stop)
            elif found["float"] == "begin":
                self.tables += 1
                self.float = self.outline.section.add(Entry(f"Table {self.tables}", found.start(), found.end()))
            elif found["float"] == "end":
                self.float = None
            elif found["label"] is not None:
                if self.float is not None:
                    self.float.label, self.float.start, self.float.stop = found["label"], *found.span("label")
            elif found["table"] is not None:
                position = self._table(found["table"], position)
            else:
                position = self._item(position)
        self.outline.finish()

    def _definitions(self) -> None:
        for found in MACRO.finditer(self.text):
            name = found[1] or found[2]
            stop = self._closing(found.end(), MOST_DEFINITION)
            body = self.text[found.end() : stop]
            if "#" in body or not body.strip():
                continue
            node = self._node(Span(found.end(), stop))
            at = found.start(1) if found[1] else found.start(2)
            self.outline.root.add(Entry(name, at, at + len(name), node))
            self.macros[name] = node if name not in self.macros else self._several(node, name)

    def _several(self, node: AnyNode, name: str) -> AnyNode:
        from framework.reading.tree import Opaque

        return ComputedNode(node, name, Opaque(name, "it is defined several times"))

    def _closing(self, position: int, most: int) -> int:
        """The end of a group that has been opened."""
        depth = 1
        for at in range(position, min(len(self.text), position + most)):
            letter = self.text[at]
            if letter in "{}" and self.text[at - 1] != "\\":
                depth += 1 if letter == "{" else -1
                if not depth:
                    return at
        return min(len(self.text), position + most)

    def _table(self, kind: str, position: int) -> int:
        ending = f"\\end{{{kind}}}"
        stop = -1 if kind in self.unclosed else self.text.find(ending, position)
        if stop < 0:
            self.unclosed.add(kind)
            return position
        rows: list[list[Cell]] = [[]]
        start = self._columns(position, stop)
        for mark in [*self._marks(start, stop), None]:
            end = mark.start() if mark is not None else stop
            self._cell(rows[-1], start, end)
            start = mark.end() if mark is not None else stop
            if mark is not None and mark[0] != "&":
                rows.append([])
        self._tabular([row for row in rows if any(cell.text for cell in row)], position)
        return stop + len(ending)

    def _tabular(self, rows: list[list[Cell]], position: int) -> None:
        """A table's rows, put where the table stands."""
        target = self.float
        if target is None:
            self.tables += 1
            target = self.outline.section.add(Entry(f"Table {self.tables}", position, position))
        if rows:
            target.below += table_entries(titles_of(rows), rows, self._values)

    def _marks(self, start: int, stop: int) -> list[re.Match[str]]:
        """The ends of cells and rows; what lies in braces that close is of one cell (`\\makecell{SST-2 \\\\ 2}`)."""
        found, outside, depth, at = [], [], 0, start
        for mark in _CELLS.finditer(self.text, start, stop):
            depth += self._opened(at, mark.start())
            at = mark.start()
            found.append(mark)
            if depth <= 0:
                outside.append(mark)
        return outside if depth + self._opened(at, stop) == 0 else found

    def _opened(self, start: int, stop: int) -> int:
        """How many more braces are opened than closed."""
        return sum(1 if brace[0] == "{" else -1 for brace in _BRACES.finditer(self.text, start, stop))

    def _columns(self, position: int, stop: int) -> int:
        """Past the arguments of the environment: its width, its columns."""
        while position < stop:
            while position < stop and self.text[position].isspace():
                position += 1
            if position < stop and self.text[position] == "{":
                position = self._closing(position + 1, MOST_CELL) + 1
            elif position < stop and self.text[position] == "[":
                position = max(position, self.text.find("]", position, stop)) + 1
            else:
                break
        return position

    def _cell(self, row: list[Cell], start: int, stop: int) -> None:
        """One more cell; a wide one stands in all of its columns."""
        while match := _RULES.match(self.text, start, stop) or _BLANK.match(self.text, start, stop):
            start = match.end()
        while stop > start and self.text[stop - 1].isspace():
            stop -= 1
        wide = _SPANNING.match(self.text, start, stop)
        cell = Cell(self.shown(start, stop), start, stop)
        row += [cell] * min(int(wide[1]) if wide else 1, 30)

    def _item(self, position: int) -> int:
        end = _LINE_END.search(self.text, position, min(len(self.text), position + LONGEST_LINE))
        stop = end.start() if end is not None else min(len(self.text), position + LONGEST_LINE)
        bold = _BOLD_LABEL.match(self.text, position, stop)
        found = pair(self.text, Span(position, stop))
        if bold is not None:
            found = Span(*bold.span(1)), Span(bold.end(), stop)
        if found is not None and self.text[found[1].start : found[1].stop].strip():
            name, value = found
            label = self.shown(*name).strip(" :")
            if label:
                node, below = self._values(Cell(self.shown(*value), *value))
                self.outline.section.add(Entry(label, name.start, name.stop, node, below))
        return stop

    def shown(self, start: int, stop: int) -> str:
        """A text without what only sets it: `\\textbf{2e-4}` is `2e-4`, and math stays."""
        return self.plain(self.text[start : min(stop, start + MOST_CELL)])

    def plain(self, text: str) -> str:
        """As :meth:`shown`, of a text."""
        text = _ROW_END.sub(" ", text).replace("\\(", "$").replace("\\)", "$")
        text = _RULES.sub(" ", _TALL.sub("", _SPANNING.sub("", text)))
        text = _NUMERAL.sub(r"\1", _STYLES.sub("", text))
        if "$" not in text:
            before = ""
            while before != text:
                before, text = text, _INNER.sub(r"\1", text)
        elif text.startswith("{") and text.endswith("}"):
            text = text[1:-1]
        text = text.replace("~", " ").replace("\\&", "&").replace("\\#", "#").replace("\\_", "_").replace("\\%", "%")
        return " ".join(text.split())

    def _values(self, cell: Cell) -> tuple[AnyNode | None, list[Entry]]:
        return self._node(Span(cell.start, cell.stop)), []

    def _node(self, span: Span) -> AnyNode:
        """What a span states; never to be changed, since its text is what TeX makes of it."""
        shown = self.shown(*span)
        while span.stop > span.start and self.text[span.stop - 1].isspace():
            span = Span(span.start, span.stop - 1)
        while span.start < span.stop and self.text[span.start].isspace():
            span = Span(span.start + 1, span.stop)
        name = shown.strip("$ ").removesuffix("{}")
        if _NAMED.fullmatch(name) and name in self.macros:
            macro = self.macros[name]
            at, _ = stated(self.text, span, self.outline.lines, shown)
            assert at is not None
            return ComputedNode(at, shown, self.document.value(macro), origin=macro)
        items = _as_list(shown)
        node, _ = stated(self.text, span, self.outline.lines, shown)
        if node is None:
            node, _ = stated(self.text, Span(span.start, span.start + 1), self.outline.lines, shown)
        assert node is not None
        if items is not None:
            made = SequenceNode(*self.outline.lines.at(span.start), span.start, span.stop)
            made.items = [ComputedNode(node, item, resolve_prose(item)) for item in items]
            return made
        return ComputedNode(node, shown, resolve_prose(shown))


def titles_of(rows: list[list[Cell]]) -> list[Cell]:
    """The titles of the columns, taken off the rows; titles over several columns stand before those below them."""
    if all(len(row) == 2 for row in rows) and _is_value(rows[0][1].text):
        return [Cell("", 0, 0), Cell("", 0, 0)]  # names and values without titles
    header = rows.pop(0)
    if not rows or not any(one is other for one, other in pairwise(header)):
        return header
    groups, titles = header, rows.pop(0)
    several = len({cell.text for cell in groups if cell.text}) > 1
    return [
        Cell(f"{group.text} / {title.text}", title.start, title.stop)
        if several and group.text and title.text
        else (title if title.text else group)
        for group, title in zip(groups, titles, strict=False)
    ]


def _is_value(text: str) -> bool:
    """Whether a cell is no title: a number, or a macro that stands for something."""
    return resolve_prose(text) != text or _NAMED.fullmatch(text.strip("$ ").removesuffix("{}")) is not None


_ITEMS = re.compile(r"[(\[]?\s*([-+\d.eE]+(?:\s*[,;]\s*[-+\d.eE]+)+)\s*[)\]]?")


def _as_list(shown: str) -> list[str] | None:
    """The numbers that a text lists."""
    match = _ITEMS.fullmatch(shown.strip("$ "))
    if match is None or re.fullmatch(r"\d{1,3}(?:,\d{3})+", shown.strip("$ ")):
        return None
    items = re.split(r"\s*[,;]\s*", match[1])
    return items if all(isinstance(resolve_prose(item), (int, float)) for item in items) else None

"""JSON to nodes, by its own rules: no comments, `1e5` is a number, a key that stands twice is seen.

The standard library's reader decides what is JSON; a scan of the same text says where each value stands.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path as FilePath

from framework.errors import InputError
from framework.locations import Location
from framework.reading.decoding import read_text
from framework.reading.marks import LazyLines, SpanMapping, SpanScalar, SpanSequence
from framework.reading.nodes import Document
from framework.reading.repeats import repeated_keys
from framework.reading.scalars import Rules

SUFFIXES = (".json",)
READERS = ("json",)
DEEPEST = 100

_STRING = r'"(?:[^"\\]++|\\.)*+"'
_ENTRY = re.compile(
    rf'[\s,]*+(?:({_STRING})\s*+:\s*+)?(?:({_STRING})|([^\s{{}}\[\],:"]++)|([{{\[])|([}}\]])|\Z)', re.DOTALL
)


def read(path: FilePath, shown: str, reader: Rules, bases: Sequence[str] = ()) -> Document:
    """The format's entry; ``bases`` are the keys under which such a file names others that it is laid over.

    Raises:
        InputError: it cannot be read, is not JSON, or is nested too deeply.
    """
    document = parse_json(read_text(path, shown), shown, reader)
    if any(key in document.text for key in bases):
        from framework.reading.layers.base_files import over_bases

        return over_bases(document, path, bases, lambda base, name: parse_json(read_text(base, name), name, reader))
    return document


def parse_json(text: str, shown: str, reader: Rules = "json") -> Document:
    """As :func:`read`, for text."""
    document = Document(shown, text, None, reader, format="json")
    if not text.strip():
        return document
    try:
        json.loads(text)
    except json.JSONDecodeError as problem:
        where = Location(shown, problem.lineno, problem.colno)
        raise InputError.at(where, f"not JSON: {problem.msg[0].lower()}{problem.msg[1:]}", _advice(problem)) from None
    except RecursionError:
        raise _too_deep(Location(shown, 1, 1)) from None
    except ValueError as problem:  # an integer of thousands of digits
        raise InputError.at(Location(shown, 1, 1), f"not JSON that can be read: {problem}") from None
    _scan(document)
    return document


def _too_deep(where: Location) -> InputError:
    return InputError.at(where, f"nested deeper than {DEEPEST} levels")


def _advice(problem: json.JSONDecodeError) -> str | None:
    rest = problem.doc[problem.pos : problem.pos + 2]
    before = problem.doc[: problem.pos].rstrip()
    if rest[:1] == "#" or rest in ("//", "/*"):
        return "JSON has no comments: remove it"
    if rest[:1] == "'":
        return "JSON strings stand in double quotes"
    if (rest[:1] in ("}", "]") and before.endswith(",")) or problem.msg.startswith("Illegal trailing comma"):
        return "remove the comma before it"
    return None


def _scan(document: Document) -> None:
    """Nodes for a text that is known to be JSON."""
    text = document.text
    lines = LazyLines(text)
    here: SpanMapping | SpanSequence | None = None
    name: SpanScalar | None = None
    stack: list[tuple[SpanMapping | SpanSequence | None, SpanScalar | None]] = []
    repeated = False
    for found in _ENTRY.finditer(text):
        key, string, plain, opening, closing = found.groups()
        if key is not None:
            start = found.start(1)
            content = json.loads(key) if "\\" in key else key[1:-1]
            name = SpanScalar(lines, start, start + len(key), content, False)
        stop = found.end()
        node: SpanScalar | SpanMapping | SpanSequence
        if string is not None:
            content = json.loads(string) if "\\" in string else string[1:-1]
            node = SpanScalar(lines, stop - len(string), stop, content, False)
        elif plain is not None:
            node = SpanScalar(lines, stop - len(plain), stop, plain, True)
        elif opening is not None:
            if len(stack) >= DEEPEST:
                raise _too_deep(Location(document.file, *lines.at(stop - 1)))
            stack.append((here, name))
            here, name = (SpanMapping if opening == "{" else SpanSequence)(lines, stop - 1), None
            continue
        elif closing is not None:
            assert here is not None
            here.stop = stop
            if type(here) is SpanMapping and len(here.pairs()) < len(here.items):
                repeated = True
            node = here
            here, name = stack.pop()
        else:
            break  # the end
        if type(here) is SpanMapping:
            assert name is not None
            here.items.append((name, node))
        elif here is not None:
            here.items.append(node)  # type: ignore[arg-type]
        else:
            document.root = node
    if repeated:
        assert document.root is not None
        document.duplicates = repeated_keys(document.root)

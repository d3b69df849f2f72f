"""What `#SBATCH` lines state: comments to the shell, arguments to Slurm's `sbatch`.

sbatch(1) of Slurm 24.05: `--array=0-6:2,9%4` starts the script once for each of its numbers, which it finds in
`SLURM_ARRAY_TASK_ID`; `--export=ALL,NAME=value` sets variables for it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from framework.reading.marks import Lines
from framework.reading.shell.fields import MOST_TURNS, Chunk, Field, Value
from framework.reading.tree import AnyNode, ComputedNode, ScalarNode

_DIRECTIVE = re.compile(r"^#SBATCH[ \t]+(--?[\w-]+)(?:[ \t]*=[ \t]*|[ \t]+)?([^\s#]+)?", re.MULTILINE)
_RANGE = re.compile(r"(\d{1,9})(?:-(\d{1,9})(?::([1-9]\d{0,8}))?)?")
_EXPORTED = re.compile(r"(?:^|(?<=,))([A-Za-z_]\w*)=([^,]*)", re.ASCII)
_TASK = "SLURM_ARRAY_TASK_ID"


def directives(text: str, lines: Lines) -> Iterator[tuple[ScalarNode, AnyNode]]:
    """The options with their values; an option without one is true."""
    for match in _DIRECTIVE.finditer(text):
        key = _scalar(lines, match.start(1), match.end(1), match[1])
        if match[2] is None:
            yield key, ComputedNode(key, match[1], True)
        else:
            yield key, _scalar(lines, match.start(2), match.end(2), match[2])


def environment(text: str) -> dict[str, Value]:
    """The variables that Slurm sets for the script, as far as its directives say."""
    found: dict[str, Value] = {}
    for match in _DIRECTIVE.finditer(text):
        if match[2] is None:
            continue
        if match[1] in ("--array", "-a"):
            numbers = _numbers(match[2])
            task = Field(match.start(2), match.end(2))
            if len(numbers) == 1:
                task.chunks.append(Chunk(numbers[0], match.start(2), match.start(2), match.end(2), computed=True))
            else:
                task.unknown, task.each = "Slurm gives each task of the array its own", tuple(numbers)
            found[_TASK] = Value([task])
        elif match[1] == "--export":
            for name in _EXPORTED.finditer(match[2]):
                start, stop = match.start(2) + name.start(2), match.start(2) + name.end(2)
                found[name[1]] = Value([Field(start, stop, [Chunk(name[2], start, start, stop)])])
    return found


def _numbers(text: str) -> list[str]:
    """What an array's range counts; empty where it is not one, or is very long."""
    found: list[str] = []
    for part in text.partition("%")[0].split(","):
        match = _RANGE.fullmatch(part)
        if match is None:
            return []
        first, last = int(match[1]), int(match[2] or match[1])
        if (last - first) // int(match[3] or 1) + len(found) >= MOST_TURNS:
            return []
        found += map(str, range(first, last + 1, int(match[3] or 1)))
    return found


def _scalar(lines: Lines, start: int, stop: int, text: str) -> ScalarNode:
    at = lines.node(start, stop)
    return ScalarNode(at.line, at.column, start, stop, None, text, True)

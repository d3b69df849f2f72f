"""What a project's requirement and lock files ask for: lines with their places, read as text and not resolved."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from framework.errors import InputError
from framework.locations import Location
from framework.reading.decoding import read_text

_PATTERNS = ("requirements*.txt", "constraints*.txt", "requirements/*.txt", "environment*.y*ml", "conda*.y*ml")
_FILES = ("pyproject.toml", "poetry.lock", "uv.lock", "Pipfile.lock", "pdm.lock", ".python-version")
_CONDA = {"torch": ("pytorch", "torch", "pytorch-gpu", "pytorch-cpu"), "cuda": ("pytorch-cuda", "cudatoolkit", "cuda")}
"""Distribution on the package index -> its names in conda."""


@dataclass(frozen=True, slots=True)
class Requirement:
    """One line: which versions of a distribution are wanted. ``bare`` is what a version without operator means;
    ``locked`` tells the one version that a lock file chose."""

    name: str
    specifiers: str
    location: Location
    bare: str = "=="
    locked: bool = False

    @property
    def local(self) -> str | None:
        """The build that is asked for: `cu118` of `==2.1.0+cu118`."""
        match = re.search(r"\+([\w.]+)", self.specifiers)
        return match[1] if match else None


def normal(name: str) -> str:
    """A distribution's name as the index compares it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def requirements(root: Path, names: set[str]) -> Iterator[Requirement]:
    """Every requirement on one of the distributions (`python` and `cuda` among them) in the files of a project's
    folder. A requirement that holds only on some machines (an environment marker) is left out."""
    wanted = {normal(name) for name in names}
    for path in _paths(root):
        shown = _shown(path)
        try:
            text = read_text(path, shown)
        except InputError:
            continue
        if any(name in text.lower() for name in ("python", *(alias for name in wanted for alias in _aliases(name)))):
            reader = _reader(path.name)
            yield from (found for found in reader(text, shown, wanted) if normal(found.name) in wanted)


def _aliases(name: str) -> tuple[str, ...]:
    return (name, name.replace("-", "_"), *_CONDA.get(name, ()))


def _paths(root: Path) -> list[Path]:
    found = [root / name for name in _FILES]
    return sorted({path for path in found if path.is_file()} | {p for each in _PATTERNS for p in root.glob(each)})


def _shown(path: Path) -> str:
    try:
        return path.relative_to(Path.cwd()).as_posix()
    except ValueError:
        return str(path)


Reader = Callable[[str, str, set[str]], Iterator[Requirement]]


def _reader(name: str) -> Reader:
    if name.endswith((".yml", ".yaml")):
        return _conda
    if name == "pyproject.toml":
        return _pyproject
    if name == "Pipfile.lock":
        return _pipfile_lock
    if name.endswith(".lock"):
        return _lock
    return _python_version if name == ".python-version" else _requirements_txt


def _at(shown: str, text: str, start: int, width: int) -> Location:
    line = text.count("\n", 0, start) + 1
    return Location(shown, line, start - (text.rfind("\n", 0, start) + 1) + 1, None, max(1, width))


_PIP = re.compile(
    r"^[ \t]*(?:-[ \t]+)?([A-Za-z0-9][\w.-]*)[ \t]*(?:\[[^\]\n]*\])?[ \t]*((?:===|==|~=|!=|<=|>=|<|>)[^;#\\\n]*)"
    r"(?P<marker>;[^#\n]*)?",
    re.MULTILINE,
)


def _requirements_txt(text: str, shown: str, wanted: set[str]) -> Iterator[Requirement]:
    for match in _PIP.finditer(text):
        if not match["marker"]:
            specifiers = re.sub(r"\s--\S.*", "", match[2]).strip()
            yield Requirement(match[1], specifiers, _at(shown, text, match.start(1), _width(match, 1, 2)))


def _width(match: re.Match[str], first: int, last: int) -> int:
    return len(match.string[match.start(first) : match.end(last)].rstrip())


_QUOTED = re.compile(r"""(["'])([A-Za-z0-9][\w.-]*)\s*(?:\[[^\]\n]*\])?\s*((?:===|==|~=|!=|<=|>=|<|>)[^;"'\n]*)\1""")
_TABLE = re.compile(r"^\s*\[+([^\]]+)\]+", re.MULTILINE)
_ENTRY = re.compile(
    r"""^\s*["']?([A-Za-z0-9][\w.-]*)["']?\s*=\s*(?:\{[^}\n]*?version\s*=\s*)?(["'])([^"'\n]+)\2""", re.MULTILINE
)
_PYTHON = re.compile(r"""^\s*(requires-python)\s*=\s*(["'])([^"'\n]+)\2""", re.MULTILINE)


def _pyproject(text: str, shown: str, wanted: set[str]) -> Iterator[Requirement]:
    body = re.sub(r"(?m)^[ \t]*#.*$", lambda match: " " * len(match[0]), text)
    for match in _QUOTED.finditer(body):
        yield Requirement(match[2], match[3].strip(), _at(shown, text, match.start(2), _width(match, 2, 3)))
    for match in _PYTHON.finditer(body):
        yield Requirement("python", match[3], _at(shown, text, match.start(1), _width(match, 1, 2)))
    tables = [(match.start(), match[1].strip()) for match in _TABLE.finditer(body)]
    for index, (start, name) in enumerate(tables):
        if re.fullmatch(r"tool\.poetry(\.group\.[^.]+)?\.(dev-)?dependencies", name):
            end = tables[index + 1][0] if index + 1 < len(tables) else len(body)
            for match in _ENTRY.finditer(body, start, end):
                if "markers" not in match[0]:
                    yield Requirement(match[1], match[3], _at(shown, text, match.start(1), _width(match, 1, 2)))


_LOCKED = re.compile(r"""^name = "([^"]+)"\s*\nversion = "([^"]+)\"""", re.MULTILINE)


def _lock(text: str, shown: str, wanted: set[str]) -> Iterator[Requirement]:
    found = [match for match in _LOCKED.finditer(text) if normal(match[1]) in wanted]
    once = [match for match in found if sum(normal(other[1]) == normal(match[1]) for other in found) == 1]
    for match in once:  # a lock with several versions chooses among them by the machine
        place = _at(shown, text, match.start(2), len(match[2]))
        yield Requirement(match[1], f"=={match[2]}", place, locked=True)


_PIPFILE = re.compile(r'"([\w.-]+)"\s*:\s*\{[^{}]*?"version"\s*:\s*"(==[^"]+)"')


def _pipfile_lock(text: str, shown: str, wanted: set[str]) -> Iterator[Requirement]:
    for match in _PIPFILE.finditer(text):
        if "markers" not in match[0] or normal(match[1]) in wanted:
            yield Requirement(match[1], match[2], _at(shown, text, match.start(2), len(match[2])), locked=True)


def _python_version(text: str, shown: str, wanted: set[str]) -> Iterator[Requirement]:
    version = text.strip().splitlines()[0].strip() if text.strip() else ""
    if re.fullmatch(r"\d+(\.\d+)*", version):
        yield Requirement("python", f"={version}", Location(shown, 1, 1, None, len(version)), bare="=")


_CONDA_LINE = re.compile(r"""^\s*-\s+["']?(?:[\w.-]+::)?([A-Za-z0-9][\w.-]*)\s*([<>=!~][^"'#\n]*)""", re.MULTILINE)


def _conda(text: str, shown: str, wanted: set[str]) -> Iterator[Requirement]:
    names = {alias: name for name, aliases in _CONDA.items() for alias in aliases}
    for match in _CONDA_LINE.finditer(text):
        specifiers = match[2].strip()
        if ";" in specifiers:
            continue
        if build := re.fullmatch(r"(=\s*[\w.*]+)=[\w.*]+", specifiers):
            specifiers = build[1]  # name=version=build
        place = _at(shown, text, match.start(1), _width(match, 1, 2))
        yield Requirement(names.get(match[1].lower(), match[1]), specifiers, place, bare="=")

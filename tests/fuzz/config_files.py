"""Config files that are nearly right: texts of every language, data in every dialect's words, and bound files of every
dialect that are checked and repaired, and manifests. Each ends in an answer or in an error with its place."""

from __future__ import annotations

import ast
import random
import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from copy import deepcopy
from functools import cache
from inspect import getsource
from pathlib import Path
from sys import modules
from typing import Any

from framework.dialects.flags import recognised, said
from framework.dialects.registry import dialect, names, recognise
from framework.dialects.terms import Surrounding
from framework.errors import InputError
from framework.manifest.experiment import Experiment
from framework.manifest.loading import load
from framework.output import registry as formats
from framework.output.report import Report
from framework.planning.build import build
from framework.reading.scalars import within_floats
from framework.repair.fixing import diff, fix
from framework.repair.proposal import propose
from framework.stages.check import check
from tests.dialects.examples import EXAMPLES, MANIFEST, Example
from tests.fuzz.spoiling import VALUES
from tests.reading.fragments import FRAGMENTS
from tests.reading.parsers import PARSERS, looked_at
from tests.support.project import MANIFEST as STUDY
from tests.support.texts import replaced

Case = tuple[str, Callable[[], object]]
"""What is tried, for messages, and the trial."""
DEEP = "[" * 500 + "]" * 500
LONG: tuple[str, ...] = (
    "x" * 300,
    "a." * 500 + "a",
    "é\ud800",
    "\0",
    "1_0",
    "0x10",
    "1e-4",
    ".inf",
    "-.nan",
    "${a}",
    "*a",
)
WORDS: tuple[Any, ...] = (
    *(None, True, False, 0, 1, -1, 2.5, 1e308, -1e308, float("inf"), float("nan"), 10**400, -(10**30), 1 << 64),
    *("", "auto", "adamw", "cosine", "1e-4", "10%", "3 epochs", "none", "${x}", "$X", "???", "a/b", "1,2", *LONG[:4]),
    *([], {}, [[]], [None], [1, "a"], {"a": None}, {"name": {}}, [{"lr": 1}], {"lr": []}, [0.9, 0.999]),
)
"""What is put in the place of a value, as data."""
_VALUE = re.compile(r"[-+]?\d[\w.+-]*|\b(?:true|false|null|None|True|False)\b|'[^'\n]*'|\"[^\"\n]*\"|\b[a-z][a-z_]*\b")
_KINDS = sorted(PARSERS)


def texts(chance: random.Random) -> Iterator[Case]:
    """Texts that are made of a language's fragments."""
    while True:
        kind = chance.choice(_KINDS)
        text = "".join(chance.choices(FRAGMENTS[kind], k=chance.randint(1, 40)))
        yield f"{kind}: {text!r}", lambda kind=kind, text=text: looked_at(PARSERS[kind](text, "file"))  # type: ignore[misc]


@cache
def vocabulary(name: str) -> list[str]:
    """The names that a dialect speaks of: its keys, and what is quoted in its module and in those that it uses."""
    own = dialect(name)
    first = modules[own.read.__module__]
    used = {getattr(value, "__module__", getattr(value, "__name__", None)) for value in vars(first).values()}
    sources = {first.__name__, *(found for found in used if str(found).startswith("framework.dialects.families"))}
    quoted = (
        node.value
        for source in sorted(sources)
        for node in ast.walk(ast.parse(getsource(modules[source])))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    )
    found = {word for text in (*own.keys, *quoted) for word in text.split() if re.fullmatch(r"[\w.*/-]{1,60}", word)}
    return sorted(found)


def data_of(name: str, chance: random.Random) -> Any:
    """Data in a dialect's words, each with a value of any kind."""
    words, found = vocabulary(name), {}
    for _ in range(chance.randint(1, 12)):
        here: dict[Any, Any] = found
        *above, last = chance.choice(words).replace("*", "0").split(".")
        for part in above:
            if not isinstance(here.get(part), dict):
                here[part] = {}
            here = here[part]
        here[f"--{last}" if chance.random() < 0.1 else last] = _value_of(words, chance)
    wrapped = chance.random()
    return [found, found] if wrapped < 0.02 else {chance.choice(words): found} if wrapped < 0.1 else found


def _value_of(words: list[str], chance: random.Random) -> Any:
    """A value of any kind, also a mapping or a list of mappings with the dialect's own names."""
    if chance.random() < 0.75:
        return deepcopy(chance.choice(WORDS))
    found = {word: deepcopy(chance.choice((*WORDS, *words))) for word in chance.choices(words, k=chance.randint(1, 5))}
    return [found] if chance.random() < 0.3 else found


def dialects(chance: random.Random) -> Iterator[Case]:
    """Data of every dialect, as it would be read."""
    known = names()
    while True:
        name = chance.choice(known)
        data = within_floats(data_of(name, chance))  # as every document gives it

        def one(name: str = name, data: Any = data, devices: int = chance.choice((1, 8))) -> None:
            own = dialect(name)
            recognised(own, data)
            found = said(own, data)
            if own.judge is not None:
                own.judge(found, Surrounding(chance.choice((None, "causal_lm", "classification")), devices))

        yield f"{name}: {str(data)[:300]}", one
        if chance.random() < 0.05:
            yield f"of no dialect: {str(data)[:300]}", lambda data=data: recognise(data)  # type: ignore[misc]


def bound(root: Path, chance: random.Random) -> Iterator[Case]:
    """A file of a dialect, bound, with some of its text changed: checked, and what can be repaired is."""
    known: dict[str, Experiment] = {}
    while True:
        example = chance.choice(EXAMPLES)
        folder = root / example.dialect
        if example.dialect not in known:
            known[example.dialect] = project_of(folder, example)
        text, fixes, shown = _changed(example.text, chance), chance.random() < 0.2, chance.choice(formats.names())

        def one(
            path: Path = folder / example.file,
            text: str = text,
            name: str = example.dialect,
            fixes: bool = fixes,
            shown: str = shown,
        ) -> None:
            path.write_text(text, "utf-8", "surrogatepass")
            result = check(known[name])
            proposal = propose(result.experiment, result.findings)
            list(diff(proposal))
            formats.format_named(shown).render(Report(result, result.findings))
            if proposal.patches and fixes:
                fix(result, result.findings, lambda: check(known[name]))

        yield f"bound {example.dialect}: {text!r}", one


def manifests(root: Path, chance: random.Random) -> Iterator[Case]:
    """Manifests with some of their text changed: loaded, checked and planned."""
    root.mkdir(exist_ok=True)
    path = root / "experiment.yaml"
    whole = STUDY.partition("configs:\n")[0]
    while True:
        text = _changed(whole, chance)

        def one(text: str = text) -> None:
            path.write_text(text, "utf-8", "surrogatepass")
            experiment = load(path)
            with suppress(InputError):
                check(experiment)
            build(experiment)

        yield f"manifest: {text!r}", one


def project_of(folder: Path, example: Example) -> Experiment:
    """A project whose manifest binds a file of a dialect, which is still to be written."""
    binding = f"configs:\n  - file: {example.file}\n    dialect: {example.dialect}\n"
    binding += f"    describes: {example.describes}\n" if example.describes else ""
    binding += f"    variant: {example.variant}\n" if example.variant else ""
    (folder / example.file).parent.mkdir(parents=True, exist_ok=True)
    (folder / "experiment.yaml").write_text(replaced(MANIFEST, *example.manifest) + binding)
    return load(folder / "experiment.yaml")


def _changed(text: str, chance: random.Random) -> str:
    """A text with some of its values, words and lines replaced, left out, doubled or put into each other."""
    for _ in range(chance.choice((1, 1, 1, 2, 3))):
        way = chance.random()
        if way < 0.7 and (found := list(_VALUE.finditer(text))):
            at = chance.choice(found)
            value = chance.choice((*VALUES, *LONG, DEEP, chance.choice(found).group()))
            text = text[: at.start()] + value + text[at.end() :]
            continue
        lines = text.splitlines(keepends=True) or [""]
        at_line, other = chance.randrange(len(lines)), chance.randrange(len(lines))
        if way < 0.8:
            lines[at_line] = ""
        elif way < 0.9:
            lines.insert(other, lines[at_line])
        else:
            lines[at_line] = chance.choice(("  ", "- ", "\t", "&a ", "'", "{")) + lines[at_line]
        text = "".join(lines)
    return text

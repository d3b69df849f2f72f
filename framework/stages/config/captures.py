"""Bindings whose `file` captures parts of names: `configs/{model}/{task}_{mode}.yaml` is one binding for each model,
task and mode that a file is named by."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from fnmatch import translate
from itertools import product
from typing import NamedTuple

from framework.errors import InputError, Problem
from framework.manifest.experiment import Experiment
from framework.manifest.references import unknown_in_binding
from framework.manifest.sections.bindings import Binding, captured_in
from framework.names import Path, format_path
from framework.stages.config.matching import bound_names

_WRITTEN = re.compile(r"\{(\w+)\}")
_MOST_SHOWN = 5


class Concrete(NamedTuple):
    """A binding with what its file's name says put in, and its files."""

    binding: Binding
    stated: int
    """Its place under `configs:`."""
    files: list[str]


def concrete(experiment: Experiment, index: int, here: str) -> list[Concrete]:
    """The bindings that one under `configs:` stands for; itself where its `file` captures nothing.

    Raises:
        InputError: it matches no file, or files whose names say what the manifest does not have.
    """
    binding = experiment.stated.configs[index]
    declared = experiment.location(("configs", index, "file"))
    names = bound_names(experiment.root, here, binding, declared)
    if not captured_in(binding.file):
        return [Concrete(binding, index, names)]
    found: dict[tuple[object, ...], Concrete] = {}
    problems: list[Problem] = []
    readings = ways_to_read(binding.file)
    for name in names:
        one, wrong = _of_file(experiment, binding, readings, os.path.relpath(os.path.join(here, name), experiment.root))
        if wrong is not None:
            where, message, advice = wrong
            at = experiment.location(("configs", index, *where))
            problems.append(Problem(f"{name} is bound, and {message}", at, advice))
        elif one is not None:
            found.setdefault(_said(one), Concrete(one, index, [])).files.append(name)
    if problems:
        rest = len(problems) - _MOST_SHOWN
        more = [Problem(f"and {rest} more files of the same binding", declared)] if rest > 0 else []
        raise InputError([*problems[:_MOST_SHOWN], *more])
    if not found:
        raise InputError.at(declared, f"the binding {binding.file!r} matches no file with these `captures`")
    return list(found.values())


def all_concrete(experiment: Experiment) -> list[Concrete]:
    """Those of all bindings.

    Raises:
        InputError: as :func:`concrete`.
    """
    here = os.getcwd()
    return [each for index in range(len(experiment.stated.configs)) for each in concrete(experiment, index, here)]


_Wrong = tuple[Path, str, str]


def _of_file(
    experiment: Experiment, binding: Binding, readings: list[re.Pattern[str]], name: str
) -> tuple[Binding | None, _Wrong | None]:
    """The binding for one file. A name that can be taken apart in several ways (`sst_2_lora`) is taken apart so that
    the manifest has what it says."""
    first: _Wrong | None = None
    for captures in _captured(binding, readings, name):
        one = _filled(binding, captures)
        wrong = next(unknown_in_binding(experiment.stated, experiment.raw, one), None)
        if wrong is None:
            return one, None
        first = first or wrong
    if first is None:
        return None, None
    advice = f"{first[2]}; `captures` translates what a file's name says, or lists what it may say"
    return None, (first[0], first[1], advice)


def _captured(binding: Binding, readings: list[re.Pattern[str]], name: str) -> Iterator[dict[str, str]]:
    """What a file's name says for each `{name}`, in the manifest's words; nothing where it says what is left out."""
    seen: list[dict[str, str]] = []
    for reading in readings:
        match = reading.fullmatch(name)
        if match is None:
            return
        said = match.groupdict()
        if said in seen:
            continue
        seen.append(said)
        allowed = [(key, values) for key, values in binding.captures.items() if isinstance(values, list)]
        if all(said[key] in values for key, values in allowed):
            yield {key: _translated(binding, key, text) for key, text in said.items()}


def _translated(binding: Binding, key: str, text: str) -> str:
    words = binding.captures.get(key)
    return words.get(text, text) if isinstance(words, dict) else text


def ways_to_read(pattern: str) -> list[re.Pattern[str]]:
    """The pattern as regular expressions: each capture as short as it can be first, then the other ways."""
    parts = _WRITTEN.split(pattern)
    names = list(dict.fromkeys(parts[1::2]))
    found = []
    for lazy in product(("?", ""), repeat=len(names)):
        text, seen = "", set()
        for place, part in enumerate(parts):
            if place % 2 == 0:
                text += _wildcards(part)
            elif part in seen:
                text += f"(?P={part})"
            else:
                seen.add(part)
                text += f"(?P<{part}>[^/]+{lazy[names.index(part)]})"
        found.append(re.compile(text))
    return found


def _wildcards(text: str) -> str:
    """A pattern of files as a regular expression, in which only `**` leads through folders."""
    body = translate(text.replace("**/", "\0").replace("**", "\1")).removeprefix("(?s:").removesuffix(r")\Z")
    return re.sub(r"(?<!\\)\.\*", "[^/]*", body).replace("\0", "(?:.*/)?").replace("\1", ".*")


def _filled(binding: Binding, captures: dict[str, str]) -> Binding:
    """The binding with what was captured in the place of each `{name}`; in a path, as a path is written."""

    def plain(text: str | None) -> str | None:
        return None if text is None else _WRITTEN.sub(lambda match: captures.get(match[1], match[0]), text)

    def path(text: str) -> str:
        quoted = {key: format_path((word,)) for key, word in captures.items()}
        return _WRITTEN.sub(lambda match: quoted.get(match[1], match[0]), text)

    return binding.model_copy(
        update={
            "describes": None if binding.describes is None else path(binding.describes),
            "variant": plain(binding.variant),
            "model": plain(binding.model),
            "keys": {key: path(text) for key, text in binding.keys.items()},
            "states": [path(text) for text in binding.states],
        }
    )


def _said(binding: Binding) -> tuple[object, ...]:
    keys = tuple(binding.keys.values())
    return binding.describes, binding.variant, binding.model, keys, tuple(binding.states)

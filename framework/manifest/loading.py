"""Reading experiment.yaml: to validated sections, with the place of everything that is wrong."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from os.path import isfile
from pathlib import Path as FilePath
from typing import Any

from pydantic import BaseModel, ValidationError

from framework.errors import InputError, Problem, UsageError
from framework.locations import Location
from framework.manifest.clauses import Clause, Deviation, clauses_of, fact_of, leaves_of, meaning_at
from framework.manifest.grids import expanded
from framework.manifest.profiles import Overlay, overlay
from framework.manifest.references import dangling
from framework.manifest.root import CLAUSE_SECTIONS, Manifest
from framework.names import Path, did_you_mean, format_path
from framework.reading.nodes import AnyNode, Document, MappingNode, Opaque, ScalarNode, SequenceNode
from framework.reading.yaml_file import read_yaml

MANIFEST = "experiment.yaml"


@dataclass(frozen=True)
class Experiment:
    """A loaded manifest.

    ``stated`` is what the paper says; ``manifest`` is that under the chosen profile, and the same without one.
    """

    path: FilePath
    document: Document
    stated: Manifest
    manifest: Manifest
    profile: str | None
    clauses: tuple[Clause, ...]

    @property
    def root(self) -> FilePath:
        """The project's folder: paths in the manifest are relative to it."""
        return self.path.parent

    @property
    def runs(self) -> FilePath:
        """The folder of runs."""
        return self.root / "runs"

    @cached_property
    def raw(self) -> dict[str, Any]:
        """The manifest as plain data, as stated."""
        assert self.document.root is not None
        data = self.document.value(self.document.root)
        assert isinstance(data, dict)
        return data

    @cached_property
    def by_path(self) -> dict[Path, Clause]:
        return {clause.path: clause for clause in self.clauses}

    @cached_property
    def settings(self) -> dict[Path, Clause]:
        """The variants' own settings, by their step and the path within its phase, however they are written."""
        found = ((clause, fact_of(self.manifest, clause.path)) for clause in self.clauses if not clause.added)
        return {(*clause.path[:5], *fact): clause for clause, fact in found if fact is not None}

    @cached_property
    def as_stated(self) -> Experiment:
        """The same experiment without its profile: what the paper says."""
        clauses = tuple(clause._replace(deviation=None) for clause in self.clauses if not clause.added)
        return Experiment(self.path, self.document, self.stated, self.stated, None, clauses)

    def below(self, path: Path) -> list[Clause]:
        """The clauses at a path and below it, in file order."""
        return [clause for clause in self.clauses if clause.path[: len(path)] == path]

    def location(self, path: Path) -> Location:
        """Where the path, or the nearest one above it that the file holds, is stated."""
        return _place(self.document, path)


def load(path: str | FilePath = MANIFEST, profile: str | None = None) -> Experiment:
    """Load a manifest, under a profile if one is named.

    Raises:
        InputError: it cannot be read, or is not a valid manifest; every problem with its place.
        UsageError: there is no such profile.
    """
    path = FilePath(path)
    if isfile(path / MANIFEST):
        path = path / MANIFEST
    experiment = experiment_of(path, read_yaml(path, _shown(path), "manifest"))
    return experiment if profile is None else under(experiment, profile)


def experiment_of(path: FilePath, document: Document) -> Experiment:
    """The experiment that a parsed manifest states; ``path`` is where it lies, or would lie.

    Raises:
        InputError: it is not a valid manifest; every problem with its place.
    """
    _check(document)
    document = expanded(document)
    assert document.root is not None
    data = document.value(document.root)
    stated = _validated(data, document, None, None)
    return Experiment(path.absolute(), document, stated, stated, None, tuple(clauses_of(document, data, stated)))


def under(experiment: Experiment, profile: str) -> Experiment:
    """The experiment under one of its profiles.

    Raises:
        InputError: what the profile makes of the manifest is not valid; every problem with its place.
        UsageError: there is no such profile.
    """
    document, stated = experiment.document, experiment.stated
    if profile not in stated.profiles:
        raise UsageError(f"{document.file} has no profile {profile!r}: {did_you_mean(profile, stated.profiles)}")
    changed = _overlaid(experiment.raw, document, stated, profile)
    manifest = _validated(changed.data, document, changed, profile)
    deviating = tuple(_deviating(experiment.clauses, stated, manifest, changed, document, profile))
    return Experiment(experiment.path, document, stated, manifest, profile, deviating)


def _shown(path: FilePath) -> str:
    """The path as messages show it: relative to the current folder where it lies below."""
    try:
        return path.absolute().relative_to(FilePath.cwd()).as_posix()
    except ValueError:
        return str(path)


def _check(document: Document) -> None:
    """Refuse what no manifest may hold."""
    where = Location(document.file, 1, 1)
    root = document.root
    if root is None or (isinstance(root, ScalarNode) and not root.text):
        raise InputError.at(where, "the manifest is empty", "start with `version: 1`")
    if not isinstance(root, MappingNode):
        raise InputError.at(document.location(root), "a manifest is a mapping of sections", "start with `version: 1`")
    problems = [
        Problem(
            f"the key {duplicate.second.text!r} stands twice in one mapping",
            document.location(duplicate.second),
            f"it is first stated at {document.location(duplicate.first)}; keep one",
        )
        for duplicate in document.duplicates
    ]
    problems += [
        Problem(f"a tag that a manifest cannot hold: {opaque.tag}", document.location(node), "write plain data")
        for node, opaque in _tags(document, root)
    ]
    if problems:
        raise InputError(problems)


def _tags(document: Document, node: AnyNode) -> Iterator[tuple[AnyNode, Opaque]]:
    if node.tag is not None and isinstance(opaque := document.value(node), Opaque):
        yield node, opaque
    elif isinstance(node, MappingNode):
        for key, value in node.items:
            yield from _tags(document, key)
            yield from _tags(document, value)
    elif isinstance(node, SequenceNode):
        for item in node.items:
            yield from _tags(document, item)


def _validated(data: dict[str, Any], document: Document, changed: Overlay | None, profile: str | None) -> Manifest:
    try:
        manifest = Manifest.model_validate(data)
    except ValidationError as failure:
        problems = [_problem(error, data, document, changed, profile) for error in failure.errors(include_url=False)]
        raise InputError(_unique(problems)) from None
    problems = []
    for path, message, advice in dangling(manifest, data):
        if changed is None or path[0] in ("phases", "variants", "runners", "measurements"):
            problems.append(Problem(message, _origin(path, document, changed, profile), advice))
    if problems:
        raise InputError(problems)
    return manifest


def _unique(problems: Iterable[Problem]) -> list[Problem]:
    return list(dict.fromkeys(sorted(problems, key=lambda problem: problem.location or Location("", 0, 0))))


def _problem(error: Any, data: Any, document: Document, changed: Overlay | None, profile: str | None) -> Problem:
    """A pydantic error in the words of the manifest, at its place in the file."""
    path = _raw_path(error["loc"], data)
    kind, named = error["type"], format_path(path) or "the manifest"
    advice = None
    if kind == "extra_forbidden":
        fields = [item for model in _models_at(path[:-1]) for item in model.model_fields.items()]
        known = [field.alias or name for name, field in fields]
        message = f"unknown key {str(path[-1])!r} in {format_path(path[:-1]) or 'the manifest'}"
        advice = did_you_mean(str(path[-1]), known) if known else None
        return Problem(message, _origin(path, document, changed, profile, key=True), advice)
    if kind == "missing":
        missing = error["loc"][-1]
        message = f"{format_path(path) or 'the manifest'} lacks {missing!r}"
    elif kind == "value_error":
        message = f"{named}: {error['ctx']['error']!s}"
    elif kind in ("tuple_type", "list_type", "dict_type", "model_type") and error["input"] is None:
        message = f"{named} is empty"
    else:
        message = f"{named}: {error['msg'][0].lower() + error['msg'][1:]}"
        if not kind.startswith("too_"):
            message += f", not {_said(error['input'])}"
    return Problem(message, _origin(path, document, changed, profile), advice)


def _said(value: Any) -> str:
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, list):
        return "a list"
    return "empty" if value is None else repr(value)


def _raw_path(loc: tuple[str | int, ...], data: Any) -> Path:
    """The part of pydantic's location that is a path of the raw manifest: union tags and unset keys are left out."""
    path: list[str | int] = []
    for position, part in enumerate(loc):
        if position == 4 and loc[0] == "variants" and loc[2] == "steps":
            continue  # which kind of step it is: a tag, also where a key of the step is called the same
        within: Any = data
        held = part in within if isinstance(within, dict) else isinstance(within, list) and isinstance(part, int)
        if held and (isinstance(within, dict) or part < len(within)):  # type: ignore[operator]
            path.append(part)
            data = within[part]
    return tuple(path)


def _models_at(path: Path) -> list[type[BaseModel]]:
    """The section classes that may stand at a path of the manifest, found by its annotations."""
    from framework.manifest.annotations import sections_at

    return sections_at(Manifest, path)


def _place(document: Document, path: Path, key: bool = False) -> Location:
    for length in range(len(path), 0, -1):
        found = document.walk(path[:length])
        if found is not None:
            node: AnyNode = found[0] if key and found[0] is not None and length == len(path) else found[1]
            if isinstance(node, (MappingNode, SequenceNode)) and found[0] is not None:
                node = found[0]
            return document.location(node, path)
    return Location(document.file, 1, 1, format_path(path) or None)


def _origin(
    path: Path, document: Document, changed: Overlay | None, profile: str | None, key: bool = False
) -> Location:
    """Where the value at a path comes from: the profile's entry, if one set it."""
    found = changed.origin(path) if changed else None
    if found is None or profile is None:
        return _place(document, path, key)
    entry, rest = found
    return _place(document, ("profiles", profile, "set", entry, *rest), key)


def _overlaid(data: dict[str, Any], document: Document, stated: Manifest, profile: str) -> Overlay:
    settings = stated.profiles[profile].set
    try:
        return overlay(data, settings)
    except ValueError as together:
        problems = []
        for entry in settings:
            try:
                overlay(data, {entry: settings[entry]})
            except ValueError as problem:
                place = _place(document, ("profiles", profile, "set", entry), key=True)
                problems.append(Problem(f"profile {profile}: {problem}", place))
        # Each by itself may be in order, and one take away what the next one sets.
        whole = Problem(f"profile {profile}: {together}", _place(document, ("profiles", profile, "set")))
        raise InputError(problems or [whole]) from None


def _deviating(
    clauses: tuple[Clause, ...],
    stated: Manifest,
    manifest: Manifest,
    changed: Overlay,
    document: Document,
    profile: str,
) -> Iterator[Clause]:
    """The clauses under a profile: those that it changes say so, and those that only it states come last."""
    reason = stated.profiles[profile].reason
    for clause in clauses:
        try:
            value = meaning_at(manifest, clause.path)
        except LookupError:
            value = None
        if value == clause.value:
            yield clause
            continue
        origin = _origin(clause.path, document, changed, profile)
        yield clause._replace(deviation=Deviation(profile, reason, value, origin))
    known = {clause.path for clause in clauses}
    for prefix, _ in changed.origins:
        if prefix[0] not in CLAUSE_SECTIONS or not _holds(changed.data, prefix):
            continue
        for path in leaves_of(_value(changed.data, prefix), prefix):
            if path not in known and not _covered(path, known):
                known.add(path)
                where = _origin(path, document, changed, profile)
                deviation = Deviation(profile, reason, meaning_at(manifest, path), where)
                yield Clause(format_path(path), path, None, where, deviation, added=True)


def _covered(path: Path, known: set[Path]) -> bool:
    """Whether a clause stands above the path: a value that became a mapping is that clause's deviation."""
    return any(path[:length] in known for length in range(1, len(path)))


def _value(data: Any, path: Path) -> Any:
    for part in path:
        data = data[part]
    return data


def _holds(data: Any, path: Path) -> bool:
    try:
        _value(data, path)
    except LookupError:
        return False
    return True

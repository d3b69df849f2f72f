"""What a bound file of a known dialect states about a manifest: targets for its keys, without a line of `keys:`.

Only what is certain is bound. What is not is listed as ambiguous, with the line to write; what the manifest does not
state is left unbound; what the trainer does where a key is absent is kept beside, for the rules to compare.
"""

from __future__ import annotations

from collections.abc import Iterator, Set
from dataclasses import dataclass, field, replace
from typing import Any

from framework.conformance.meaning import same
from framework.dialects.components import passed_on
from framework.dialects.families.weight_formats import implied
from framework.dialects.flags import said, used
from framework.dialects.key_tables import at
from framework.dialects.sections import rough
from framework.dialects.terms import DEVICES, Default, Dialect, OfEpochs, Said, Statement, leaves
from framework.dialects.well_known.keys import SETTINGS
from framework.manifest.experiment import Experiment
from framework.manifest.lengths import described
from framework.manifest.sections.bindings import Binding
from framework.names import Path, find_path, format_path
from framework.reading.nodes import Document
from framework.stages.config.meaning.by_version import depends, settle
from framework.stages.config.meaning.clause_targets import Target, Translation
from framework.stages.config.meaning.fact_clauses import Place, is_named, place_of, surrounding, targets_of, within
from framework.stages.config.meaning.heard_keys import heard, of_another
from framework.stages.config.meaning.possible_clauses import names_none, possible
from framework.stages.config.meaning.stated_settings import StatedSettings
from framework.stages.config.meaning.word_meanings import is_repository, other_length, translated

_OTHER_UNIT = {
    "schedule.warmup.steps": "schedule.warmup.ratio",
    "schedule.warmup.ratio": "schedule.warmup.steps",
}


@dataclass(frozen=True, slots=True)
class Ambiguous:
    """A key that could state one of several clauses, or none for certain."""

    path: Path
    word: Any
    why: str
    lines: tuple[str, ...]
    """What to write into `keys:`, one of these."""
    foreign: bool = False
    """Whether it names a repository, and none of those that the manifest states."""
    among: tuple[Target, ...] = ()
    """The clauses that it must be about one of, where that much is certain."""


@dataclass(frozen=True, slots=True)
class Assumed:
    """What the trainer does about a clause, since no key of the file states it."""

    target: Target
    default: Default


@dataclass(slots=True)
class DialectReading:
    """What a dialect makes of one bound file."""

    dialect: Dialect
    settings: StatedSettings
    targets: dict[str, Target] = field(default_factory=dict)
    ambiguous: list[Ambiguous] = field(default_factory=list)
    assumed: list[Assumed] = field(default_factory=list)
    silent: set[Path] = field(default_factory=set)
    """Places that, with all below them, state nothing about the paper."""
    trainer: str = ""
    """Whose defaults are assumed, for messages."""
    both_lengths: bool = False
    """Whether it states epochs and steps."""
    unstated: dict[Path, str] = field(default_factory=dict)
    """Places that state a fact of which the manifest says nothing."""

    def covered(self, data: Any) -> set[Path]:
        """The places of which nothing is left to say: bound, silent, or reported as ambiguous."""
        bound = {
            path for key in self.targets if (path := find_path(data, key)) and not isinstance(at(data, *path), dict)
        }
        return bound | self.silent | {each.path for each in self.ambiguous}


def read(
    experiment: Experiment,
    binding: Binding,
    dialect: Dialect,
    data: Any,
    document: Document | None = None,
    handed: Set[Path] = frozenset(),
) -> DialectReading:
    """Bind what is certain; explicit `keys:`, `knobs:` and `ignore:` of the binding go before. ``document`` tells
    which variables of a script stand only for the flags that use them; ``handed`` are places of a script that go
    before a file's values, and are judged there."""
    reading = DialectReading(dialect, StatedSettings(experiment))
    found = said(dialect, data if document is None else heard(binding, data, document), document)
    passed: set[Path] = set()
    if document is not None:
        found.statements, passed = passed_on(document, found.statements)
    place = place_of(experiment, binding)
    if dialect.judge is not None:
        dialect.judge(found, surrounding(experiment, place))
    if depends(found):
        settle(experiment, found)
    found.defaults += implied(found)
    reading.trainer = found.trainer or dialect.trainer
    names = [*binding.keys, *binding.knobs, *binding.ignore]
    called = (find_path(data, name) if document is None else document.called(name, data) for name in names)
    taken = {path for path in called if path}
    silent = {each.path for each in found.statements if not each.fact.startswith(SETTINGS)}
    reading.silent = {path for path in found.silent if path not in silent}
    reading.silent |= handed
    reading.silent |= passed | (used(document) if document is not None else set())
    if document is not None and document.rows:
        found.statements = [each for each in found.statements if not of_another(experiment, each, document)]
    lengths = {each.fact.rpartition("|")[2] for each in found.statements}
    reading.both_lengths = {"epochs", "max_steps"} <= lengths
    for statement in found.statements:
        if any(statement.path[: len(path)] == path for path in taken):
            continue
        if statement.path in handed and (statement.doubt or statement.fact.startswith("batch_size")):
            continue  # the file that it goes before tells what it is about, and the other factors
        _bind(experiment, place, statement, reading)
    named = list(_by_name(experiment, place, data, found, taken, reading)) if dialect.by_name else []
    _part([*found.statements, *named], reading)
    stated = {(target.clause.id, target.facet) for target in reading.targets.values()}
    stated |= {(target.clause.id, target.facet) for each in reading.ambiguous for target in each.among}
    doubted = {fact for statement in found.statements for fact in statement.doubt}
    for default in found.defaults:
        if default.fact not in doubted:
            _assume(experiment, binding, place, default, stated, reading)
    return reading


def _bind(experiment: Experiment, place: Place, statement: Statement, reading: DialectReading) -> None:
    if statement.named and not is_named(experiment, statement.named):
        return
    narrowed = within(experiment, place, statement.within)
    certain = not statement.doubt or (statement.why == DEVICES and experiment.stated.hardware.count == 1)
    found = _stated(experiment, narrowed, statement.fact, reading, statement.path)
    if not found and statement.fact.rpartition("|")[2] in ("epochs", "max_steps"):
        found = other_length(experiment, narrowed, statement, reading.both_lengths)
    if not found and (unit := _OTHER_UNIT.get(statement.fact)):
        reason = f"declared as a {unit.rpartition('.')[2]}: the number of steps is not known here"
        translation = Translation(statement.word, reason=reason.replace("a steps", "steps"))
        found = [target._replace(translation=translation) for target in targets_of(experiment, narrowed, unit)]
    if found and not certain:
        reading.ambiguous.append(_doubtful(experiment, narrowed, statement, reading))
    elif found:
        _settle(found, statement, reading)
    elif reading.dialect.by_name and not statement.doubt and reading.settings.by_name(narrowed, statement.path):
        pass  # a setting of that name, which is bound with the keys that the dialect does not know
    elif _is_silent(statement):
        reading.silent.add(statement.path)  # "none", as the manifest has it, or left to the trainer
    else:
        reading.unstated[statement.path] = statement.fact


def _stated(experiment: Experiment, place: Place, fact: str, reading: DialectReading, path: Path = ()) -> list[Target]:
    """The clauses that a key which states a fact could be; of alternatives, those of the first that is stated."""
    for alternative in fact.split("|"):
        setting = alternative.removeprefix(SETTINGS)
        is_setting = setting != alternative
        if is_setting:
            found = reading.settings.by_fact(place, setting, path)
        else:
            found = targets_of(experiment, place, alternative)
        if found:
            return found
    return []


def _settle(found: list[Target], statement: Statement, reading: DialectReading) -> None:
    """Bind a key to the one clause that it could be, or report those that it could be."""
    key = format_path(statement.path)
    if len(found) == 1:
        reading.targets[key] = translated(found[0], statement)
    elif (matching := _that_says(found, statement)) is not None:
        reading.targets[key] = matching
    else:
        names = ", ".join(target.clause.id for target in found[:4])
        lines = tuple(f"{key}: {target.key}" for target in found[:4])
        foreign = names_none(found, statement)
        why = f"it names none of {names}" if foreign else f"it could state {names}"
        among = possible(found, statement)
        reading.ambiguous.append(Ambiguous(statement.path, statement.word, why, lines, foreign, among))


def _is_silent(statement: Statement) -> bool:
    """Whether a key says nothing: "none", as the manifest has it, or left to the trainer."""
    says = statement.doubt or (statement.value is not None and statement.word != "auto")
    return not says and not statement.fact.startswith(SETTINGS)


def _by_name(
    experiment: Experiment, place: Place, data: Any, found: Said, taken: set[Path], reading: DialectReading
) -> Iterator[Statement]:
    """Bind keys to the settings of their names, where the dialect does not know them, or the manifest does not state
    what it knows them as."""
    if not experiment.own_facts:
        return
    bound = {path for key in reading.targets if (path := find_path(data, key))}
    bound |= {each.path for each in reading.ambiguous}
    for path, word in leaves(data):
        above = {path[:length] for length in range(len(path))}
        if path in bound or path in taken or above & (taken | found.silent):
            continue
        names = tuple(part for part in path if isinstance(part, str))
        statement = Statement(path, f"{SETTINGS}{'.'.join(names)}", word, word, within=names[:-1])
        narrowed = within(experiment, place, statement.within)
        targets = reading.settings.by_name(narrowed, path)
        if targets and word != "???":
            _settle(targets, statement, reading)
            yield statement


def _doubtful(experiment: Experiment, place: Place, statement: Statement, reading: DialectReading) -> Ambiguous:
    key, doubt = format_path(statement.path), statement.doubt
    targets = [target for fact in doubt for target in _stated(experiment, place, fact, reading, statement.path)]
    lines = tuple(f"{key}: {target.key}" for target in targets)
    return Ambiguous(statement.path, statement.word, statement.why, lines)


def _that_says(found: list[Target], statement: Statement) -> Target | None:
    """Among the models or datasets of a manifest, the one that the key names by its repository."""
    if not statement.fact.startswith(("model.hub", "dataset.hub")):
        return None
    hits = [target for target in found if is_repository(target.clause.value, statement.value) is True]
    return translated(hits[0], statement) if len(hits) == 1 else None


def _part(statements: list[Statement], reading: DialectReading) -> None:
    """Take back what several sections state with different values: the actor's learning rate and the critic's."""
    by_target: dict[tuple[str, str | None], list[Statement]] = {}
    for statement in statements:
        target = reading.targets.get(format_path(statement.path))
        if target is not None:
            by_target.setdefault((target.clause.id, target.facet), []).append(statement)
    for stated in by_target.values():
        sections = {rough(each.within): each for each in stated}
        if len(sections) < 2 or all(same(each.value, stated[0].value) for each in stated):
            continue
        for each in stated:
            key = format_path(each.path)
            target = reading.targets.pop(key)
            other = next(one for one in stated if not same(one.value, each.value))
            why = f"{format_path(other.path)} states the same for another section, {other.word}"
            reading.ambiguous.append(Ambiguous(each.path, each.word, why, (f"{key}: {target.key}",)))


def _assume(
    experiment: Experiment,
    binding: Binding,
    place: Place,
    default: Default,
    stated: set[tuple[str, str | None]],
    reading: DialectReading,
) -> None:
    explicit = {text.rpartition("phases.")[2] for text in binding.keys.values()}
    for target in _stated(experiment, place, default.fact, reading)[:2]:
        if isinstance(default.value, OfEpochs) and getattr(target.declared, "unit", None) == "epochs":
            target, default = target._replace(facet="epochs"), replace(default, value=default.value.epochs)
        clause, facet = target.clause.id, target.facet
        covered = any(
            other == clause and (part == facet or part is None or facet is None or clause.endswith(".warmup"))
            for other, part in stated
        )
        bound = any(
            target.key.endswith(text)
            or clause.endswith(text)
            or (clause.endswith(".warmup") and clause.endswith(text.rpartition(".")[0]))  # bound in the other unit
            for text in explicit
        )
        if not covered and not bound and described(experiment, binding) is not None:
            reading.assumed.append(Assumed(target, default))

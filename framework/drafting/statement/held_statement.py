"""A statement in the manifest's terms: its facts with their places, in the phases, tasks and variants that it names."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from framework.conformance.meaning import same
from framework.dialects.values import folded
from framework.drafting.alternatives import Kind, Split, is_data, slug
from framework.drafting.clauses_of_trainings import Clauses, excluded
from framework.drafting.finding.own_names import alike, words_of
from framework.drafting.leaves import Leaf, Tree
from framework.drafting.stated import Evidence, phase_named
from framework.drafting.statement.named_statement import Named
from framework.drafting.statement.paper_names import fact_named, own_name
from framework.drafting.statement.paper_values import clauses_for, machine, own_value, seeds
from framework.drafting.trainings import Arranged
from framework.manifest.clauses import shown
from framework.names import format_path, parse_path


@dataclass
class Held:
    """What a statement says, and what of it has no place."""

    splits: dict[str, Split]
    top: Tree = field(default_factory=dict)
    """`hardware`, `seeds`."""
    models: Tree = field(default_factory=dict)
    datasets: Tree = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


def held(statement: list[Named], arranged: Arranged, files: dict[str, Split]) -> Held:
    """The statement's clauses by phase; ``files`` are what the repository's files state, for what they call things."""
    columns = list(dict.fromkeys(each.column for each in statement if each.column))
    kind = _kind(columns, files)
    made = Held({phase: Split({}, kind, _columns(columns, kind), stated=True) for phase in files})
    for each in statement:
        if not _outside(each, made):
            _place(each, made, files, kind)
    for phase, clauses in made.splits.items():
        _share(clauses)
        clauses.own = {name: own for name, own in clauses.own.items() if own}
        for training in arranged.phases[phase]:
            clauses.names |= _called(training.main.name, clauses.own)
    return made


def _kind(columns: list[str], files: dict[str, Split]) -> Kind:
    """What the columns of a table are: phases (none of both), tasks, or variants."""
    if not columns or all(_phase(column, files) for column in columns):
        return ""
    tasks = {folded(name) for clauses in files.values() if clauses.kind == "tasks" for name in clauses.own}
    return "tasks" if all(is_data(slug(each)) or folded(slug(each)) in tasks for each in columns) else "variants"


def _columns(columns: list[str], kind: Kind) -> dict[str, Clauses]:
    return {slug(column): {} for column in columns} if kind else {}


def _phase(text: str, files: dict[str, Split]) -> str | None:
    named = phase_named([text])
    exact = next((phase for phase in files if folded(phase) == folded(text)), None)
    return exact or (named if named in files else None)


def _outside(each: Named, made: Held) -> bool:
    """Take what is no phase's: devices, seeds, models and data."""
    fact, comment = fact_named(each.name, _above(each)), f"from {each.where}"
    if fact == "seeds" and (found := seeds(each.text)):
        made.top.setdefault("seeds", Leaf(found, comment))
        return True
    if fact == "hardware.count" and (stated := machine(each.text)):
        for name, value in stated:
            made.top.setdefault("hardware", {}).setdefault(name, Leaf(value, comment))
        return True
    if fact in ("model", "dataset") and isinstance(each.text, str) and not each.column and len(each.text) <= 64:
        entries = made.models if fact == "model" else made.datasets
        hub = each.text.count("/") == 1 and " " not in each.text
        entries.setdefault(slug(each.text), {"hub": Leaf(each.text, comment)} if hub else {})
        return True
    return False


def _above(each: Named) -> str | None:
    return each.above[-1] if each.above else None


def _place(each: Named, made: Held, files: dict[str, Split], kind: Kind) -> None:
    """Put one value where it belongs; what has no place is told."""
    taken = False
    stated = list(_clauses(each, files))
    named = next((phase for text in (each.column, *reversed(each.above)) if (phase := _phase(text, files))), None)
    for clause, value in stated:
        phases = [named] if named else list(files) if len(files) == 1 else [p for p in files if _has(files[p], clause)]
        for phase in phases:
            clauses = made.splits[phase]
            own = clauses.own[slug(each.column)] if kind and each.column else clauses.shared
            evidence = Evidence(value, each.file, each.line, (each.name,))
            if clause in own and not same(own[clause][0].value, value):
                made.notes.append(
                    f"says twice: {clause}: {own[clause][0].where} says {shown(own[clause][0].value)}, which is taken;"
                    f" {each.where} says {shown(value)}"
                )
            elif clause not in own and not excluded(clause, own):
                own[clause] = [evidence]
            taken = True
    if not taken:
        made.notes.append(f"{each.where} says {each.name} = {_told(each.text)}: no place for it, state it by hand")


def _told(text: Any) -> str:
    return str(text) if len(str(text)) <= 60 else f"{str(text)[:57]}..."


def _clauses(each: Named, files: dict[str, Split]) -> Iterator[tuple[str, Any]]:
    """The clauses that a name and its value state: known ones, else one of the paper's own."""
    fact = fact_named(each.name, _above(each))
    if fact is not None and fact not in ("model", "dataset", "seeds", "hardware.count"):
        found = (_in_another_unit(each.text) if fact == "max_steps" else []) or clauses_for(fact, each.text)
        yield from found
        if found:
            return
    if (value := own_value(each.text)) is not None:
        yield _own_clause(each, files), value


def _in_another_unit(text: Any) -> list[tuple[str, Any]]:
    """`50M frames`, of what a paper calls steps."""
    found = clauses_for("length", text) if isinstance(text, str) and any(map(str.isalpha, text[-4:])) else []
    return [each for each in found if not str(each[1]).endswith((" steps", " tokens"))]


def _own_clause(each: Named, files: dict[str, Split]) -> str:
    """The setting that a name is: as a file of the repository calls it, if one has its words, or one alone has them
    among others; else in the statement's own words."""
    told = own_name(each.name)
    within: set[str] = set()
    for clauses in files.values():
        for known in (clauses.shared, clauses.differing, *clauses.own.values()):
            for clause, evidence in known.items():
                names = [str(parse_path(clause)[-1]), *(str(one.path[-1]) for one in evidence if one.path)]
                if not clause.startswith("settings."):
                    continue
                if any(alike(told, name.lstrip("-")) for name in names):
                    return clause
                if any(_among(words_of(told), words_of(name)) for name in names):
                    within.add(clause)
    return within.pop() if len(within) == 1 else format_path(("settings", told))


def _among(few: list[str], many: list[str]) -> bool:
    """Whether several words stand together among others: `decay starting step` in `lr_decay_starting_step`."""
    size = len(few)
    return size > 1 and any(many[at : at + size] == few for at in range(len(many) - size + 1))


def _has(clauses: Split, clause: str) -> bool:
    return any(clause in known for known in (clauses.shared, clauses.differing, *clauses.own.values()))


def _share(clauses: Split) -> None:
    """State once what all columns say."""
    if len(clauses.own) < 2:
        return
    every = list(clauses.own.values())
    for clause in [clause for clause in every[0] if all(clause in own for own in every)]:
        if all(same(own[clause][0].value, every[0][clause][0].value) for own in every):
            clauses.shared[clause] = every[0][clause]
            for own in every:
                del own[clause]


def _called(file: str, names: dict[str, Clauses]) -> dict[str, str]:
    """The column that a file is for: the longest of which its name says all words."""
    whole = folded(file.replace(".", " ").replace("/", " "))
    fitting = [name for name in names if folded(name.replace(".", " ")) in whole]
    return {file: max(fitting, key=len)} if fitting else {}

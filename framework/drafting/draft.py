"""A first manifest from what was found: values that files state, or a statement, each with its place; nothing else."""

from __future__ import annotations

from pathlib import PurePosixPath

from framework.conformance.meaning import same
from framework.drafting.alternatives import Split, split
from framework.drafting.drafted_bindings import Drafted, bindings_of
from framework.drafting.drafted_models import Named, datasets_of, models_of
from framework.drafting.drafted_phases import agreed, counts_of, drafted_phase
from framework.drafting.drafted_variants import variants_of
from framework.drafting.leaves import Leaf, Tree, first_stated, listed, placed
from framework.drafting.statement.held_statement import held
from framework.drafting.statement.named_statement import Named as Stated
from framework.drafting.trainings import Arranged
from framework.manifest.clauses import shown
from framework.names import format_path


def draft(arranged: Arranged, title: str, statement: list[Stated] | None = None) -> Tree:
    """The manifest as a tree, in the order of its sections; a statement stands in the place of what files say."""
    counts = counts_of(arranged)
    count = int(counts[0].value) if counts and agreed(counts) else 1
    phases = sorted(arranged.phases, key=_order)
    models, datasets = models_of(arranged), datasets_of(arranged)
    splits = {phase: split(arranged, phase, count, datasets.of) for phase in phases}
    tree: Tree = {"version": Leaf(1), "paper": {"title": Leaf(title, "the folder's name: write the paper's title")}}
    if statement:
        said = held(statement, arranged, splits)
        arranged.notes += said.notes
        splits, models, datasets = said.splits, Named(said.models), Named(said.datasets)
        top = said.top
    else:
        arranged.notes += _told(arranged, splits)
        top = {"hardware": {"count": first_stated(counts)}} if counts else {}
        if seeds := _seeds(arranged):
            top["seeds"] = seeds
    for one in splits.values():
        _name_datasets(datasets, one)
    tree.update({section: top[section] for section in ("hardware", "settings") if section in top})
    for section, entries in (("models", models.tree), ("datasets", datasets.tree)):
        if entries:
            tree[section] = entries
    tree["phases"] = {phase: drafted_phase(arranged.phases[phase], splits[phase]) for phase in phases}
    if variants := variants_of(arranged, splits):
        tree["variants"] = variants
    if "seeds" in top:
        tree["seeds"] = top["seeds"]
    tree["configs"] = bindings_of(arranged, Drafted(splits, models, variants))
    if statement:
        tree["paper"]["sources"] = {
            format_path(path): Leaf(leaf.comment.removeprefix("from ").partition(";")[0])
            for section in ("hardware", "seeds", "models", "datasets", "phases", "variants")
            for path, leaf in placed(tree.get(section), (section,))
            if leaf.comment.startswith("from ")
        }
    return tree


def _order(phase: str) -> tuple[bool, str]:
    return (not phase.startswith("pre"), phase)


def _name_datasets(datasets: Named, clauses: Split) -> None:
    """Where some datasets are described, each that a phase or a task names must be: by its name alone."""
    if not datasets.tree:
        return
    for task, own in (("", clauses.shared), *clauses.own.items()):
        if "dataset" in own:
            datasets.tree.setdefault(str(own["dataset"][0].value), {})
        elif task and clauses.kind == "tasks":
            datasets.tree.setdefault(task, {})


def _told(arranged: Arranged, splits: dict[str, Split]) -> list[str]:
    """What alternatives state differently, and which defaults say something else than the file that sets them."""
    notes = []
    for phase, clauses in splits.items():
        for clause, evidence in clauses.differing.items():
            said = listed([f"{each.where} says {shown(each.value)}" for each in evidence], ", ")
            notes.append(f"differs: phases.{phase}.{clause}: {said}: left out, the paper decides")
        for training in arranged.phases[phase]:
            own = clauses.own.get(clauses.names.get(training.main.name, ""), {})
            for default in training.defaults:
                for fact, each in default.facts.items():
                    taken = clauses.shared.get(fact) or own.get(fact)
                    if taken and taken[0].file != default.name and not same(taken[0].value, each.value):
                        notes.append(
                            f"replaced: phases.{phase}.{fact}: {taken[0].where} says {shown(taken[0].value)}, which is"
                            f" taken; the default is {shown(each.value)} ({each.where}); the paper decides"
                        )
    return list(dict.fromkeys(notes))


def _seeds(arranged: Arranged) -> Leaf | None:
    lists = [each.project["seeds"] for each in arranged.statings if "seeds" in each.project]
    lists = [each for each in lists if _integers(each.value)]
    if lists:
        return first_stated(lists)
    found = [each.project["seed"] for each in arranged.statings if "seed" in each.project]
    found = [each for each in found if type(each.value) is int]
    if not found:
        return None
    values = list(dict.fromkeys(each.value for each in found))
    return Leaf(values, "from " + ", ".join(next(e.where for e in found if e.value == value) for value in values))


def _integers(value: object) -> bool:
    return isinstance(value, list) and bool(value) and all(type(item) is int for item in value)


def title_of(folder: str) -> str:
    """A title for want of the paper's own."""
    return PurePosixPath(folder).name or "An experiment"

"""A draft is proved before it is written: it loads, and what a check of it finds is only what files disagree about."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

from framework.conformance import Finding, Severity
from framework.drafting.leaves import Leaf, Remark, Tree
from framework.drafting.writing import render
from framework.errors import InputError, Problem
from framework.manifest.loading import load
from framework.names import Path as Place
from framework.names import exact_path
from framework.stages.check import check

_ROUNDS = 40


class Proved:
    """A draft that loads; what its files say otherwise, and what was taken out of it."""

    def __init__(self, tree: Tree):
        self.tree = tree
        self.findings: list[Finding] = []
        self.left: list[str] = []


def prove(tree: Tree, root: Path, is_statement: bool) -> Proved:
    """Take out what a manifest cannot hold and, unless the values are a statement, what only one file says and a check
    refuses all the same.

    Raises:
        InputError: what is wrong has no place in the draft.
    """
    made = Proved(tree)
    for _ in range(_ROUNDS):
        try:
            found = _errors(tree, root)
        except InputError as failure:
            refused = [_refused(tree, problem, made) for problem in failure.problems]
            if not any(refused):
                raise
            continue
        made.findings = found
        removed = [] if is_statement else [one for one in found if one.clause and not _disputed(tree, one)]
        removed = [one for one in removed if _take_out(tree, exact_path(str(one.clause)))]
        if not removed:
            return made
        made.left += [f"left out: {one.clause}: {one.message}" for one in removed]
    return made


def _errors(tree: Tree, root: Path) -> list[Finding]:
    """The errors that a check of the draft finds, its files named from the repository."""
    with tempfile.NamedTemporaryFile("w", dir=root, prefix=".init-", suffix=".yaml", encoding="utf-8") as draft_file:
        draft_file.write(render(tree, {}))
        draft_file.flush()
        experiment = load(draft_file.name)
        found = check(experiment).findings
    return [_below(finding, experiment.root) for finding in found if finding.severity is Severity.ERROR]


def _below(finding: Finding, root: Path) -> Finding:
    """The finding with its files named from the repository, as a manifest names them."""
    if finding.location is None:
        return finding
    path = Path(finding.location.file).absolute()
    if not path.is_relative_to(root):
        return finding
    name = path.relative_to(root).as_posix()
    message = finding.message.replace(finding.location.file, name)
    return finding._replace(message=message, location=replace(finding.location, file=name))


def _disputed(tree: Tree, finding: Finding) -> bool:
    """Whether a finding is one of a file that says something else than the one whose value was taken."""
    leaf = at(tree, exact_path(str(finding.clause)))
    if not isinstance(leaf, Leaf) or finding.location is None:
        return True
    return not leaf.comment.startswith(f"from {finding.location.file}:")


def at(tree: Any, place: Place) -> Any:
    """What stands at a place of a draft; None where nothing does."""
    for part in place:
        inner = dict(enumerate(tree)) if isinstance(tree, list) else tree
        if not isinstance(inner, dict) or part not in inner:
            return None
        tree = inner[part]
    return tree


def _refused(tree: Tree, problem: Problem, made: Proved) -> bool:
    """Take out what a manifest does not hold; of a binding's key, the key alone."""
    place = exact_path(problem.location.key or "") if problem.location is not None else ()
    for length in range(len(place), 1, -1):
        if _take_out(tree, place[:length]):
            made.left.append(f"left out: {problem.location.key if problem.location else ''}: {problem.message}")
            return True
    return False


def _take_out(tree: Tree, place: Place) -> bool:
    """Remove an entry, and each mapping above that it leaves empty; False where nothing stands there."""
    above = at(tree, place[:-1])
    if not place or not isinstance(above, (dict, list)) or at(tree, place) is None:
        return False
    del above[place[-1]]  # type: ignore[arg-type]
    empty = isinstance(above, dict) and all(isinstance(each, Remark) for each in above.values())
    if empty and len(place) > 3 and place[-2] not in ("tasks", "models", "datasets"):
        _take_out(tree, place[:-1])
    return True

"""Read a repository's config files, and write a first manifest with the bindings that they justify."""

from __future__ import annotations

import argparse
import tempfile
from dataclasses import replace
from pathlib import Path

from framework.cli.terminal import console
from framework.conformance import Finding, Severity
from framework.dialects.registry import names
from framework.drafting.draft import draft, title_of
from framework.drafting.finding.discovery import discover, standing
from framework.drafting.leaves import Tree
from framework.drafting.stated import stating
from framework.drafting.statement.named_statement import statement_of
from framework.drafting.trainings import Arranged, arranged
from framework.drafting.writing import render
from framework.errors import UsageError
from framework.evidence.atomic import write_text
from framework.manifest.loading import MANIFEST, load
from framework.output.report import counted
from framework.stages.check import check

HELP = "write a first manifest from a repository's config files"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "directory", metavar="DIR", nargs="?", default=".", help="the repository (default: this folder)"
    )
    parser.add_argument("--output", metavar="FILE", help=f"what to write (default: {MANIFEST} in the repository)")
    parser.add_argument(
        "--from",
        dest="statement",
        metavar="FILE",
        help="what is right: a Markdown file with a table of names and values, or a YAML or JSON file of values",
    )
    parser.add_argument("--force", action="store_true", help="replace the file if it exists")


def main(options: argparse.Namespace) -> int:
    root = Path(options.directory)
    if not root.is_dir():
        raise UsageError(f"no such folder: {root}")
    output = Path(options.output) if options.output else root / MANIFEST
    if output.exists() and not options.force:
        raise UsageError(f"{output} exists: say --force to replace it, or --output FILE to write elsewhere")
    if output.absolute().parent.resolve() != root.resolve():
        raise UsageError(f"{output} must lie in {root}: the paths in a manifest are relative to its folder")
    source = Path(options.statement) if options.statement else None
    statement = statement_of(source, _named(source, root)) if source else []
    without = {output.resolve(), (root / MANIFEST).resolve(), *([source.resolve()] if source else [])}
    files, left = standing(root, discover(root, frozenset(without)))
    made = arranged([stating(found) for found in files])
    if not made.phases:
        seen = [f"{found.name} ({found.dialect.name})" for found in files] + list(left)
        found = f"only {', '.join(seen[:5])}, which says nothing about a training"
        found = found if seen else "no config file of a known trainer, and none with a training's settings"
        raise UsageError(f"nothing to start from below {root}: {found}. Known: {', '.join(names())}")
    tree = draft(made, title_of(root.resolve().name), statement)
    disagreements = _disagreements(root, tree)
    marks: dict[str, list[str]] = {}
    for finding in disagreements:
        if finding.clause:
            marks.setdefault(finding.clause, []).append(_mark(finding))
    write_text(output, render(tree, marks))
    load(output)
    _report(output, made, left, disagreements)
    return 0


def _named(path: Path, root: Path) -> str:
    """A file as comments name it: from the repository, if it lies there."""
    whole = path.resolve()
    return whole.relative_to(root.resolve()).as_posix() if whole.is_relative_to(root.resolve()) else path.name


def _disagreements(root: Path, tree: Tree) -> list[Finding]:
    """What a check of the draft finds: every place that says something else than what was chosen."""
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


def _where(finding: Finding) -> str:
    return f"{finding.location.file}:{finding.location.line}" if finding.location else "a file"


def _mark(finding: Finding) -> str:
    """A finding in a comment of the clause that it is about."""
    said = finding.message.partition("; the manifest states")[0].replace("\n", " ")
    if finding.location is not None:
        said = said.removeprefix(f"{finding.location.file} ")
    return f"{_where(finding)}: {said}"


def _report(output: Path, made: Arranged, left: dict[str, str], disagreements: list[Finding]) -> None:
    console.literal(f"wrote {output}")
    for each in made.statings:
        console.literal(f"  {each.name}: {each.found.dialect.name} ({each.found.why})")
    for note in made.notes:
        console.literal(f"  {note}")
    for name, why in left.items():
        console.literal(f"  left out: {name} ({why})")
    for finding in disagreements:
        console.literal(f"  disagrees: {_where(finding)}: {finding.message}")
    todo = output.read_text(encoding="utf-8").count("TODO") - 1
    told = f"{counted(len(disagreements), 'disagreement')}, {counted(todo, 'value')} to fill in"
    console.literal(f"{told}; then: framework check")

"""Read a repository's config files, and write a first manifest with the bindings that they justify."""

from __future__ import annotations

import argparse
from pathlib import Path

from framework.cli.terminal import console
from framework.conformance import Finding
from framework.dialects.registry import names
from framework.drafting.draft import draft, title_of
from framework.drafting.drafted_bindings import over_others
from framework.drafting.finding.discovery import choosing, discover, standing
from framework.drafting.finding.file_facts import stating
from framework.drafting.finding.telling_documents import documents
from framework.drafting.leaves import Leaf, Tree
from framework.drafting.proving import Proved, at, prove
from framework.drafting.starting_point import STARTING_CONFIG, STARTING_MANIFEST
from framework.drafting.statement.named_statement import statement_of
from framework.drafting.trainings import Arranged, arranged
from framework.drafting.writing import render
from framework.errors import InputError, UsageError
from framework.evidence.atomic import write_text
from framework.manifest.experiment import MANIFEST
from framework.manifest.loading import load
from framework.names import exact_path
from framework.output.report import counted

HELP = "write a first manifest from a repository's config files"
STARTER = "framework init --starter"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "directory", metavar="DIR", nargs="?", default=".", help="the repository (default: this folder)"
    )
    parser.add_argument("--output", metavar="FILE", help=f"what to write (default: {MANIFEST} in the repository)")
    parser.add_argument(
        "--from",
        dest="statements",
        metavar="FILE",
        action="append",
        default=[],
        help="what is right: Markdown with a list or a table of names and values, CSV, YAML, JSON or TOML; may be given"
        " several times, and what an earlier one says goes first",
    )
    parser.add_argument("--force", action="store_true", help="replace the file if it exists")
    parser.add_argument(
        "--starter",
        action="store_true",
        help="write a small study with a config file that conforms to it, which runs on a CPU in seconds",
    )


def main(options: argparse.Namespace) -> int:
    root = Path(options.directory)
    if not root.is_dir():
        raise UsageError(f"no such folder: {root}")
    output = Path(options.output) if options.output else root / MANIFEST
    if output.exists() and not options.force:
        raise UsageError(f"{output} exists: say --force to replace it, or --output FILE to write elsewhere")
    if output.absolute().parent.resolve() != root.resolve():
        raise UsageError(f"{output} must lie in {root}: the paths in a manifest are relative to its folder")
    if options.starter:
        return _start(root, output, options)
    sources = [Path(name) for name in options.statements]
    statement = [each for source in sources for each in statement_of(source, _named(source, root))]
    without = {output.resolve(), (root / MANIFEST).resolve(), *(source.resolve() for source in sources)}
    files, left = standing(root, discover(root, frozenset(without)))
    over = choosing(files)
    made = arranged([stating(found) for found in files if found not in over])
    if not made.phases:
        seen = [f"{found.name} ({found.dialect.name})" for found in files] + list(left)
        found = f"only {', '.join(seen[:5])}, which says nothing about a training"
        found = found if seen else "no config file of a known trainer, and none with a training's settings"
        offer = "" if seen else f"\n    `{STARTER}` writes a small study to start from"
        raise UsageError(f"nothing to start from below {root}: {found}. Known: {', '.join(names())}{offer}")
    tree = draft(made, title_of(root.resolve().name), statement)
    told = documents(root, frozenset(without))
    tree["configs"] += [each.binding(list(made.phases)) for each in told]
    tree["configs"] += [over_others(each.name, list(made.phases)) for each in over]
    try:
        proved = prove(tree, root, bool(sources))
        if about_else := [each.name for each in told if 2 * _findings(proved, each.name) > each.facts]:
            left.update(dict.fromkeys(about_else, "it is about another training"))
            tree["configs"] = [each for each in tree["configs"] if _file_of(each) not in about_else]
            proved = prove(tree, root, bool(sources))
    except InputError as failure:
        if not sources:
            raise
        said = ", ".join(_named(source, root) for source in sources)
        listed = "\n".join([failure.problems[0].message, *made.notes])
        raise UsageError(f"nothing of what {said} says is held to a file below {root}: {listed}") from failure
    marks: dict[str, list[str]] = {}
    for finding in proved.findings:
        if finding.clause:
            marks.setdefault(finding.clause, []).append(_mark(finding))
    write_text(output, render(proved.tree, marks))
    load(output)
    beside = {each.name: "generic (labels in words)" for each in told if each.name not in left}
    beside |= {each.name: "its commands name several of these, and go before them" for each in over}
    _report(output, made, left, proved, beside)
    return 0


def _start(root: Path, output: Path, options: argparse.Namespace) -> int:
    """Write the starting point, and nothing over what is there."""
    if options.statements:
        raise UsageError("--starter writes a statement of its own: leave out --from")
    files = {output: STARTING_MANIFEST, root / STARTING_CONFIG[0]: STARTING_CONFIG[1]}
    there = [str(path) for path in files if path.exists() and not options.force]
    if there:
        raise UsageError(f"{', '.join(there)} exists: say --force to replace it")
    for path, text in files.items():
        write_text(path, text)
        console.literal(f"wrote {path}")
    load(output)
    console.literal("next: framework check, framework plan, framework run --all, framework verify")
    return 0


def _findings(proved: Proved, name: str) -> int:
    """How often a file says something else than the draft."""
    return sum(finding.location is not None and finding.location.file == name for finding in proved.findings)


def _file_of(binding: Tree) -> object:
    file = binding["file"]
    return file.value if isinstance(file, Leaf) else file


def _named(path: Path, root: Path) -> str:
    """A file as comments name it: from the repository, if it lies there."""
    whole = path.resolve()
    return whole.relative_to(root.resolve()).as_posix() if whole.is_relative_to(root.resolve()) else path.name


def _where(finding: Finding) -> str:
    return f"{finding.location.file}:{finding.location.line}" if finding.location else "a file"


def _mark(finding: Finding) -> str:
    """A finding in a comment of the clause that it is about."""
    said = finding.message.partition("; the manifest states")[0].replace("\n", " ")
    if finding.location is not None:
        said = said.removeprefix(f"{finding.location.file} ")
    return f"{_where(finding)}: {said}"


def _report(output: Path, made: Arranged, left: dict[str, str], proved: Proved, beside: dict[str, str]) -> None:
    console.literal(f"wrote {output}")
    for each in made.statings:
        console.literal(f"  {each.name}: {each.found.dialect.name} ({each.found.why})")
    for name, what in beside.items():
        console.literal(f"  {name}: {what}")
    for name, why in left.items():
        console.literal(f"  left out: {name} ({why})")
    for note in (*made.notes, *proved.left):
        console.literal(f"  {note}")
    for finding in proved.findings:
        console.literal(f"  disagrees: {_where(finding)}: {finding.message}{_taken(proved.tree, finding)}")
    console.literal(f"{counted(len(proved.findings), 'disagreement')}; then: framework check")


def _taken(tree: Tree, finding: Finding) -> str:
    """Where the value comes from that a file disagrees with."""
    leaf = at(tree, exact_path(finding.clause)) if finding.clause else None
    if not isinstance(leaf, Leaf) or not leaf.comment.startswith("from "):
        return ""
    return f", which is taken {leaf.comment.partition(';')[0]}; the paper decides"

"""What changed since a revision, and in which direction: a manifest that was changed to fit a config.

A config that drifts can be made to conform in two ways: by repairing it, or by changing the statement. The second is
right when the paper changed, and otherwise it is how a gate is silenced. So it has a name of its own.
"""

from __future__ import annotations

import os
import re
import subprocess
import tempfile
from dataclasses import replace
from fnmatch import fnmatch
from pathlib import Path

from framework.conformance import Finding, Rule, Severity, Stage, Status, Verdict
from framework.conformance.meaning import said, same
from framework.errors import InputError, UsageError
from framework.locations import Location
from framework.manifest.clauses import Clause
from framework.manifest.experiment import Experiment
from framework.manifest.loading import load
from framework.manifest.sections.bindings import as_glob
from framework.manifest.sections.values.durations import Duration
from framework.stages.check import CheckResult, check

MOVED = Rule(
    "M140", "statement-moved", Severity.ERROR, Stage.MANIFEST, "the statement was changed to what a config says"
)
BOTH_MOVED = Rule(
    "M141", "statement-and-config-moved", Severity.WARNING, Stage.MANIFEST, "the statement and a config moved together"
)

_REVISION = re.compile(r"[A-Za-z0-9_.@^~/{}+-]{1,200}")


def check_since(experiment: Experiment, revision: str) -> list[Finding]:
    """What the manifest did since a git revision; see :func:`moved_towards_drift`.

    Raises:
        UsageError: no such revision, no git repository, or no readable manifest there.
    """
    root = experiment.root
    commit = _commit(root, revision)
    with tempfile.TemporaryDirectory(prefix="framework-since-") as folder:
        old_root = Path(folder).resolve()
        manifest = old_root / experiment.path.name
        files = _listed(root, commit)
        _restore(root, files, {manifest.name}, old_root)
        if not manifest.is_file():
            raise UsageError(f"{revision} has no {experiment.path.name} in this folder")
        try:
            old = load(manifest)
            patterns = {as_glob(binding.file).rpartition("/")[2] for binding in old.stated.configs}
            _restore(root, files, {*_PINS, *patterns}, old_root)
            old_result = check(old)
        except InputError as failure:
            shown = str(failure).replace(f"{old_root}{os.sep}", "")
            raise UsageError(f"the manifest at {revision} cannot be checked:\n{shown}") from None
        found = moved_towards_drift(old, experiment, _brought(old_result, old_root, root), check(experiment))
    return [finding._replace(message=f"{finding.message} (since {revision})") for finding in found]


def moved_towards_drift(
    old: Experiment, new: Experiment, check_old: CheckResult, check_new: CheckResult
) -> list[Finding]:
    """Clauses whose statement changed to what a config says.

    :data:`MOVED`: the config's value violated the old statement, is what it was, and conforms now, since the
    manifest changed; also where the clause is gone. :data:`BOTH_MOVED`: the config conformed to the old statement and
    conforms to the new one, so both changed.
    """
    old_clauses = {clause.id: clause for clause in old.clauses}
    new_clauses = {clause.id: clause for clause in new.clauses}
    conforming = _conforming(check_new)
    found: list[Finding] = []
    for clause_id, before in old_clauses.items():
        now = new_clauses.get(clause_id)
        if now is not None and now.value == before.value:
            continue
        blamed = [verdict.finding for verdict in check_old.matrix.looks(before, Stage.CONFIG) if _blames(verdict)]
        for finding in blamed:
            assert finding is not None
            if now is None:
                found.append(_gone(before, finding, new))
            elif _fits(now, finding) and finding.location and finding.location.file in conforming.get(clause_id, ()):
                found.append(_moved(before, now, finding))
        if not blamed and now is not None:
            files = _conforming(check_old).get(clause_id, set()) & conforming.get(clause_id, set())
            found += [_both(before, now, file, check_new) for file in sorted(files)]
    return found


def _blames(verdict: Verdict) -> bool:
    return verdict.status in (Status.VIOLATED, Status.WAIVED) and verdict.finding is not None


def _conforming(result: CheckResult) -> dict[str, set[str]]:
    """The files that conform to each clause, by its id."""
    found: dict[str, set[str]] = {}
    for verdict in result.matrix.verdicts:
        if verdict.stage is Stage.CONFIG and verdict.status is Status.CONFORMS and verdict.evidence:
            found.setdefault(verdict.clause, set()).add(_file_of(str(verdict.evidence)))
    return found


def _file_of(evidence: str) -> str:
    return re.sub(r":\d+:\d+$", "", evidence)


def _fits(now: Clause, finding: Finding) -> bool:
    """Whether what the config stated then is what the manifest states now."""
    if isinstance(now.value, Duration):
        return any(same(part, finding.actual) for part in (now.value.ratio, now.value.steps) if part is not None)
    return same(now.value, finding.actual, folded=True)


def _moved(before: Clause, now: Clause, finding: Finding) -> Finding:
    assert finding.location is not None
    where = finding.location
    return Finding(
        MOVED,
        f"{now.id} was {said(before.value)} and is {said(now.value)} now, which is what {where.file} said all along: "
        "the statement moved to the config, not the config to the statement",
        now.id,
        expected=before.value,
        actual=now.value,
        location=now.location,
        declared=where,
        advice=f"write {said(before.value)} again and repair {where.key or where.file}; if the paper changed, say so "
        "in the commit, and check since that revision",
    )


def _gone(before: Clause, finding: Finding, new: Experiment) -> Finding:
    where = finding.location
    return Finding(
        MOVED,
        f"{before.id} = {said(before.value)} is stated no more; {where.file if where else 'a config'} violated it",
        before.id,
        expected=before.value,
        actual=None,
        location=new.location(before.path),
        declared=where,
        advice=f"state {said(before.value)} again and repair the config; if the paper changed, say so in the commit",
    )


def _both(before: Clause, now: Clause, file: str, result: CheckResult) -> Finding:
    looks = result.matrix.looks(now, Stage.CONFIG)
    place = next((str(v.evidence) for v in looks if v.evidence and _file_of(str(v.evidence)) == file), None)
    numbers = re.search(r":(\d+):(\d+)$", place or "")
    declared = Location(file, int(numbers[1]), int(numbers[2])) if numbers else None
    return Finding(
        BOTH_MOVED,
        f"{now.id} was {said(before.value)} and is {said(now.value)} now, and {file} changed with it",
        now.id,
        expected=before.value,
        actual=now.value,
        location=now.location,
        declared=declared,
        advice="make sure that the paper says so too",
    )


def _commit(root: Path, revision: str) -> str:
    """The commit that a revision names; never read as an option."""
    if not _REVISION.fullmatch(revision) or revision.startswith("-"):
        raise UsageError(f"not a git revision: {revision!r}")
    if _git(root, "rev-parse", "--is-inside-work-tree") is None:
        raise UsageError(f"{root} is not in a git repository (or git is not installed): nothing to compare with")
    found = _git(root, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}")
    if found is None:
        raise UsageError(f"git knows no revision {revision!r} here")
    return found.decode().strip()


def _git(root: Path, *arguments: str, stdin: bytes | None = None) -> bytes | None:
    """What git prints; None when it fails."""
    environment = {**os.environ, "GIT_OPTIONAL_LOCKS": "0", "GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C"}
    try:
        done = subprocess.run(
            ["git", "-C", str(root), *arguments], input=stdin, env=environment, capture_output=True, check=False
        )
    except OSError:
        return None
    return done.stdout if done.returncode == 0 else None


_PINS = ("requirements*.txt", "constraints*.txt", "*.lock", "pyproject.toml", "environment*.y*ml", "conda*.y*ml")
_LARGEST = 32 * 1024 * 1024


def _listed(root: Path, commit: str) -> list[tuple[str, str]]:
    """The plain files of the project's folder at a commit: each with its object and its name."""
    listed = _git(root, "ls-tree", "-r", "-z", "-l", commit, "--", ".") or b""
    found = []
    for entry in listed.split(b"\0"):
        facts, _, name = entry.decode("utf-8", "surrogateescape").partition("\t")
        parts = facts.split()
        plain = len(parts) == 4 and parts[0] in ("100644", "100755") and int(parts[3]) <= _LARGEST
        if plain and ".." not in name.split("/"):
            found.append((parts[2], name))
    return found


def _restore(root: Path, files: list[tuple[str, str]], patterns: set[str], folder: Path) -> None:
    """Write the files whose last name matches one of the patterns below another folder, as git has them."""
    wanted = [(blob, name) for blob, name in files if _matches(name.rpartition("/")[2], patterns)]
    contents = _git(root, "cat-file", "--batch", stdin="".join(f"{blob}\n" for blob, _ in wanted).encode())
    if contents is None:
        raise UsageError(f"git cannot read the files of {root} as they were")
    position = 0
    for _, name in wanted:
        end = contents.index(b"\n", position)
        size = int(contents[position:end].split()[-1])
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(contents[end + 1 : end + 1 + size])
        position = end + 1 + size + 1


def _matches(name: str, patterns: set[str]) -> bool:
    return any(fnmatch(name, pattern) for pattern in patterns)


def _brought(result: CheckResult, old_root: Path, root: Path) -> CheckResult:
    """The old check with its files named as the project's own are."""
    matrix = result.matrix
    moved = [_renamed(verdict, str(old_root), _shown(root)) for verdict in matrix.verdicts]
    fresh = type(matrix)(matrix.clauses)
    fresh.add(moved)
    return replace(result, matrix=fresh)


def _shown(root: Path) -> str:
    try:
        shown = root.relative_to(Path.cwd()).as_posix()
        return "" if shown == "." else f"{shown}/"
    except ValueError:
        return f"{root}/"


def _renamed(verdict: Verdict, old_root: str, shown: str) -> Verdict:
    def named(text: str) -> str:
        return text.replace(f"{old_root}/", shown)

    finding = verdict.finding
    if finding is not None and finding.location is not None:
        finding = finding._replace(location=replace(finding.location, file=named(finding.location.file)))
    return verdict._replace(evidence=named(str(verdict.evidence)) if verdict.evidence else None, finding=finding)

"""`framework check --fix`: write the certain repairs, look again, and take back what did not help."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from framework.conformance import Finding
from framework.output.ansi import Ink, harmless
from framework.output.report import counted
from framework.repair.config_files import Source, replace, unified
from framework.repair.proposal import Patch, Proposal, propose
from framework.repair.splices import Uncertain
from framework.stages.check import CheckResult


@dataclass
class Fixed:
    """What `--fix` did, and the check after it."""

    result: CheckResult
    written: list[Patch] = field(default_factory=list)
    refused: list[tuple[Finding, str]] = field(default_factory=list)


def fix(result: CheckResult, findings: list[Finding], check_again: Callable[[], CheckResult]) -> Fixed:
    """Repair what has a certain repair, and check again; a file whose repair did not help gets its bytes back."""
    proposal = propose(result.experiment, findings)
    fixed = Fixed(result, refused=proposal.refused)
    for patch in proposal.patches:
        try:
            replace(patch.source, patch.source.with_text(patch.text))
        except (Uncertain, OSError) as reason:
            fixed.refused += [(finding, str(reason)) for finding, _, _ in patch.repairs]
        else:
            fixed.written.append(patch)
    if not fixed.written:
        return fixed
    fixed.result = check_again()
    present = {_identity(finding) for finding in fixed.result.findings}
    useless = [
        patch for patch in fixed.written if any(_identity(finding) in present for finding, _, _ in patch.repairs)
    ]
    for patch in useless:
        fixed.written.remove(patch)
        fixed.refused += [(finding, _take_back(patch)) for finding, _, _ in patch.repairs]
    if useless:
        fixed.result = check_again()
    return fixed


def _take_back(patch: Patch) -> str:
    written = patch.source.with_text(patch.text)
    try:
        if patch.source.path.read_bytes() == written:
            replace(Source(patch.source.path, written, patch.text), patch.source.data)
    except (Uncertain, OSError) as reason:
        return f"the check still finds it after the repair, and the file could not be put back: {reason}"
    return "the check still finds it after the repair, so the file was put back"


def _identity(finding: Finding) -> tuple[str, str | None, str, str | None]:
    where = finding.location
    return finding.code, finding.clause, where.file if where else "", where.key if where else None


def diff(proposal: Proposal) -> Iterator[str]:
    """The proposed changes as a unified diff."""
    for patch in proposal.patches:
        yield from unified(patch.shown, patch.source.text, patch.text)


def said(written: list[Patch], refused: list[tuple[Finding, str]], ink: Ink) -> Iterator[str]:
    """One line for each value that was changed, and for each that was left and why."""
    for patch in written:
        for finding, before, after in patch.repairs:
            where = finding.location
            assert where is not None
            change = f"{where.key}: {_short(before)} -> {_short(after)} [{finding.code}]"
            yield f"{ink('fixed', 'bold', 'green')} {harmless(f'{where}: {change}')}"
    for finding, reason in refused:
        place = finding.location or finding.declared
        line = f"{place}: {finding.message}" if place else finding.message
        yield f"{ink('left', 'bold', 'yellow')} [{finding.code}] {harmless(line)}"
        yield f"    {harmless(reason)}"
    if written:
        values = sum(len(patch.repairs) for patch in written)
        yield f"{counted(values, 'value')} repaired in {counted(len(written), 'file')}"


def _short(text: str) -> str:
    flat = " ".join(text.split())
    return flat if len(flat) <= 60 else flat[:59] + "…"

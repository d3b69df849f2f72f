"""Small projects of a manifest and a few files, checked."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from framework.conformance import Severity
from framework.manifest.loading import load
from framework.stages.check import CheckResult, check

STUDY = """\
version: 1
paper: {title: A study}
models: {tiny: {family: gpt2}}
datasets: {text: {train_examples: 3200}}
"""
"""The beginning of a manifest; its phases and configs follow."""


def held(root: Path, manifest: str, files: Mapping[str, str]) -> CheckResult:
    """The files, held to the manifest."""
    for name, text in {**files, "experiment.yaml": manifest}.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return check(load(root / "experiment.yaml"))


def error_places(result: CheckResult) -> list[tuple[str, str]]:
    """Each error's code, and the name of the file with the line that it stands in."""
    found = [(each.code, each.location) for each in result.findings if each.severity is Severity.ERROR]
    return [(code, f"{Path(where.file).name}:{where.line}") for code, where in found if where]

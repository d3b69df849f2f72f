"""A folder with a manifest: what can be asked of it in this process."""

from __future__ import annotations

from contextlib import chdir
from datetime import date
from pathlib import Path
from typing import Any

from framework import api
from framework.manifest.experiment import Experiment
from framework.manifest.loading import load
from framework.planning.build import Plan, build
from framework.stages import verify as verifying
from framework.stages.check import CheckResult, check
from framework.stages.verify import VerifyResult
from tests.support.texts import replaced

TODAY = date(2026, 6, 1)
"""The day on which the tests look at waivers."""


class Study:
    """The folder; its manifest is written with changes to it, or lies there already."""

    def __init__(self, root: Path, manifest: str | None = None, *changes: tuple[str, str]):
        self.root = root
        self.manifest = root / "experiment.yaml"
        if manifest is not None:
            root.mkdir(parents=True, exist_ok=True)
            self.manifest.write_text(replaced(manifest, *changes))

    def load(self, profile: str | None = None) -> Experiment:
        with chdir(self.root):
            return load("experiment.yaml", profile)

    def check(self, today: date = TODAY) -> CheckResult:
        with chdir(self.root):
            return check(load(), today)

    def plan(self, *variants: str, profile: str | None = None, **selection: Any) -> Plan:
        return build(self.load(profile), **{"variants": variants, **selection})

    def verify(self, profile: str | None = None, plan: Plan | None = None, today: date = TODAY) -> VerifyResult:
        """The verdicts of every stage but the document's, which the reports add."""
        with chdir(self.root):
            experiment = load("experiment.yaml", profile)
            return verifying.verify(experiment, plan or build(experiment), today=today)

    def verify_all(self) -> VerifyResult:
        """The verdicts of every stage."""
        with chdir(self.root):
            return api.verify(load())

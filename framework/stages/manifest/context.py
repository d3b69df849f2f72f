"""What the rules of the manifest stage see."""

from __future__ import annotations

from dataclasses import dataclass

from framework.conformance import Stage
from framework.conformance.waivers import Judge
from framework.manifest.experiment import Experiment


@dataclass(eq=False, repr=False)
class ManifestContext:
    """What the rules of the manifest stage see."""

    experiment: Experiment
    judge: Judge
    stage: Stage = Stage.MANIFEST

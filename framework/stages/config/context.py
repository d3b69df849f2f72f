"""What the rules of the config stage see."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path as FilePath
from typing import Any

from framework.conformance import Stage
from framework.conformance.matrix import Conforming, Keys
from framework.conformance.waivers import Judge
from framework.manifest.experiment import Experiment
from framework.manifest.sections.bindings import Binding
from framework.stages.config.bound import BoundFile
from framework.stages.config.companions import Companions


@dataclass(eq=False, repr=False)
class ConfigContext:
    """What the rules of the config stage see."""

    experiment: Experiment
    judge: Judge
    files: list[BoundFile]
    bindings: list[Binding]
    """By number; one that captures parts of names is several."""
    stage: Stage = Stage.CONFIG
    cache: dict[Any, Any] = field(default_factory=dict)
    """What several rules need, computed once. What belongs to a file is kept with it, and with its plan."""
    companions: Companions = field(default_factory=Companions)
    """Which of the files configure one run; known when all have been read."""
    conforming: dict[Keys, Conforming] = field(default_factory=dict)
    """Verdicts that many files share."""
    parts: set[FilePath] = field(default_factory=set)
    """The other files that the files are composed of."""
    searched: bool = False
    """Whether a value was held that is searched: a look that no other could settle."""

    def conforms(self, bound: BoundFile, keys: Keys) -> Conforming:
        """Note that a file conforms: clause, reason and place of each verdict."""
        found = self.conforming.get(keys)
        if found is None:
            found = self.conforming[keys] = Conforming(self.stage, keys, [])
        if keys:
            found.files.append(bound)
        return found

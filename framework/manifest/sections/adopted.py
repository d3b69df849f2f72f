"""Finished runs of other programs that are taken in as evidence: the section `adopted`."""

import re
from typing import Annotated, Literal

from pydantic import Field, model_validator

from framework.manifest.sections.base import NonNegative, Section
from framework.manifest.sections.bindings import captured_in
from framework.manifest.sections.runners import LoggedName

Part = Literal["phase", "variant", "model", "task", "seed"]
"""What tells a planned run from the others."""
PARTS: tuple[Part, ...] = ("phase", "variant", "model", "task", "seed")


class Adopted(Section):
    """Runs that another program made: one, all that a pattern names, or the rows of a table of results."""

    path: Annotated[str, Field(min_length=1)]
    """A run's folder, its log, or a table of results, relative to the manifest; or a pattern of them. `{phase}`,
    `{variant}`, `{model}`, `{task}` and `{seed}` in it are what a name says: `results/{variant}/{task}/seed{seed}`."""
    captures: dict[Part, dict[str, str]] = {}
    """The manifest's words for what names or columns say (`{task: {sst-2: sst2}}`); other words stay as they are."""
    phase: str | None = None
    """The step that they are; by default the last training of the variant."""
    variant: str | None = None
    """The variant that they are of, where no name says it."""
    model: str | None = None
    """The model, where no name says it and the manifest has several."""
    task: str | None = None
    """The task, where no name says it and the phase has several."""
    seed: int | None = None
    """The seed, where no name says it and the manifest has several."""
    format: str | None = None
    """What left them, such as `transformers` or `table`; by default as their content tells."""
    dialect: str | None = None
    """Whose words their settings are in; by default the trainer's that left them, or those that most programs use."""
    columns: dict[Part, str] = {}
    """Which columns of a table say what a row is; by default those that are called so."""
    metrics: dict[str, str] = {}
    """The metrics that are taken, by the names of the manifest: how the source calls them. By default those under the
    usual names."""
    names: dict[LoggedName, str] = {}
    """How a log calls what is read off it, where that is not one of the usual names."""
    steps_from: Literal[0, 1] = 1
    """The number of the first optimizer step in a log."""
    learning_rate: Literal["used", "next"] = "used"
    """Which learning rate a step is logged with: the one that it used, or the one that the scheduler then set."""
    tolerance: NonNegative = 1e-6
    """How far, relative to it, a logged learning rate may lie from the declared one: more where the log rounds."""

    @model_validator(mode="after")
    def _captured(self) -> "Adopted":
        captured = captured_in(self.path)
        if unknown := [name for name in captured if name not in PARTS]:
            raise ValueError(f"{{{unknown[0]}}} in `path`: what a name can say is {', '.join(PARTS)}; else write *")
        if re.search(r"\{\w+\}\{\w+\}", self.path):
            raise ValueError("two captures beside each other: where one ends and the other begins, no name says")
        for name in PARTS:
            if name in captured and getattr(self, name) is not None:
                raise ValueError(f"`{name}` is stated, and {{{name}}} in `path` says it too")
        return self

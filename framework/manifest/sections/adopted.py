"""Finished runs of other programs that are taken in as evidence: the section `adopted`."""

import re
from typing import Annotated, Literal

from pydantic import Field, model_validator

from framework.manifest.sections.base import NonNegative, Section
from framework.manifest.sections.bindings import captured_in
from framework.manifest.sections.runners import LoggedName

Part = Literal["phase", "variant", "model", "task", "seed"]
"""What tells a planned run from the others."""
Said = str | bool | int | float
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
    """Which columns of a table, or settings, parameters and tags of a run, say what it is. By default the columns of a
    table, and the parameters and tags in a database, that are called so; of other runs too, where nothing else tells
    which one it is."""
    across: Part | None = None
    """What the titles of a table's other columns say: with `task` each of them is of one task, and each cell of a run
    (`captures` translates the titles). Below a title over several columns, theirs are the metrics."""
    cells: str | None = None
    """The metric that the cells of such columns hold, where no title below says it."""
    only: dict[str, Said | list[Said]] = {}
    """Which rows, or runs of a database, are meant: by columns, settings, parameters and tags (`{experiment: ladder}`,
    `{study: [a, b]}`, `{best: true}`). By default all."""
    metrics: dict[str, str] = {}
    """The metrics that are taken, by the names of the manifest: how the source calls them. By default those under the
    usual names."""
    names: dict[LoggedName, str] = {}
    """How a log calls what is read off it, where that is not one of the usual names."""
    steps_from: Literal[0, 1] | None = None
    """The number of the first optimizer step in a log; by default 1, and where the program itself counts from 0
    (Lightning, DVCLive) that."""
    inherit: bool = False
    """Whether a nested run of MLflow has the parameters of the run that it is nested in, too, where it has none of its
    own of that name."""
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
            said = [f"`{name}` is stated"] * (getattr(self, name) is not None)
            said += [f"{{{name}}} in `path` says it"] * (name in captured)
            said += ["`across` says that titles say it"] * (name == self.across)
            said += [f"`columns` says where it stands ({self.columns.get(name)})"] * (name in self.columns)
            if len(said) > 1:
                raise ValueError(f"{' and '.join(said)}: leave one of them")
        if self.cells is not None and self.across is None:
            raise ValueError("`cells` says what columns hold that `across` tells apart: state that too")
        return self

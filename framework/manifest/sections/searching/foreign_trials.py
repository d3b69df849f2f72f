"""Where the trials of a search lie that another tool made."""

from typing import Annotated, Literal

from pydantic import Field

from framework.manifest.sections.base import Section


class ForeignTrials(Section):
    """A table of runs, a storage or a folder of results, in the place of trials that `framework sweep` makes."""

    path: Annotated[str, Field(min_length=1)]
    """The file or folder, relative to the manifest; `{variant}`, `{task}`, `{model}` stand for a study's own names."""
    format: Literal["table", "optuna", "ray"] | None = None
    """What wrote it: a `table` of runs (.csv, .tsv, .json, .jsonl, such as Weights & Biases exports), a storage of
    `optuna` (SQLite or a journal), or a folder of `ray` Tune; by default as its content tells."""
    keys: dict[str, str] = {}
    """Their name of each searched key, where it is not ours, nor the end of ours: `{lr: optimizer.learning_rate}`."""
    metric: str | None = None
    """Their name of the objective; by default our own, or one that means the same."""
    state: str | None = None
    """Their name of how a run ended; by default `state`, `State` or `status`, where there is one."""
    steps: str | None = None
    """Their name of how long a trial trained; trials that trained shorter than others are not taken."""

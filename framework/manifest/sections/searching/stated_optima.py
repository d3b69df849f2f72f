"""Files of the project that state what a search chose."""

from typing import Annotated

from pydantic import Field

from framework.manifest.sections.base import Section


class StatedOptima(Section):
    """A file with chosen values: a table of optima, the script that starts production, the config that it reads."""

    file: Annotated[str, Field(min_length=1)]
    """The file, relative to the manifest; `{variant}`, `{task}`, `{model}` stand for a study's own names."""
    keys: Annotated[dict[str, str], Field(min_length=1)]
    """Its key of each searched one, with the same names: `{"{task}.{variant}.lr": optimizer.learning_rate}`; in
    capitals (`{TASK}_{VARIANT}_LR`) letters and digits alone, as shells name variables."""
    reader: str | None = None
    """How the file is read, where not as its name says."""

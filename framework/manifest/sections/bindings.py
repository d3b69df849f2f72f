"""Which keys of which config files state which clauses: the section `configs`; and where documents go."""

import re
from pathlib import PurePath
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from framework.manifest.sections.base import Section
from framework.reading.scalars import Reader

Knob = Literal[
    "micro_batch_size",
    "evaluation_batch_size",
    "precision",
    "trackers",
    "log_every",
    "validate_every",
    "checkpoint_every",
    "checkpoint_minutes",
    "divergence",
    "gradient_checkpointing",
    "compile",
    "deterministic",
]


def captured_in(pattern: str) -> list[str]:
    """The names in braces of a pattern of files."""
    return re.findall(r"\{(\w+)\}", pattern) if "{" in pattern else []


def as_glob(pattern: str) -> str:
    """A pattern of files with a wildcard for each name in braces."""
    return re.sub(r"\{\w+\}", "*", pattern) if "{" in pattern else pattern


class Binding(Section):
    """What one config file, or all files that match a pattern, states."""

    file: str
    """The file, or a pattern such as `configs/hf/*.yaml`, relative to the manifest. `configs/{model}/{task}.yaml` binds
    each file by what its name says: `{model}` and `{task}` then stand for that in `describes`, `variant`, `model`,
    `states` and the clauses of `keys`. A `{variant}` or `{model}` that none of them uses is an error."""
    captures: dict[str, list[str] | dict[str, str]] = {}
    """What a name in braces may be, as a list (other files are not bound), or the manifest's words for what file names
    say, as a mapping (`{task: {sst-2: sst2}}`; other words stay as they are)."""
    describes: str | None = None
    """The clauses that its keys are about: a path such as `phases.pretrain` or `phases.finetune.tasks.sst2`."""
    variant: str | None = None
    """The variant whose steps it configures; its mask, adapter and own settings are then clauses to name."""
    model: str | None = None
    """The model that it is for, where its keys state sizes and the manifest has several models."""
    dialect: str | None = None
    """The trainer whose config this is, such as `hf-training-arguments` or `generic`: keys that it knows without doubt
    are then bound by themselves, and `keys` states only the others."""
    keys: dict[str, str] = {}
    """Key in the file -> clause that it states, relative to `describes`, or whole."""
    states: list[str] = []
    """The clauses that every file must state, whatever the key, relative to `describes` as under `keys`, or sections of
    which it must state any clause (`early_stopping`): a default of its trainer that says the same does not count. One
    that declares `none` is stated by saying nothing."""
    knobs: dict[str, Knob] = {}
    """Key in the file -> an implementation knob that no clause covers and that runners may take from it."""
    ignore: list[str] = []
    """Keys of the file, or paths above several, that state nothing about the paper."""
    required: bool = True
    """Whether every bound key must be present."""
    reader: Reader | None = None
    """How the file's own consumer reads it, where its name does not say: `pyyaml` takes `2e-4` for a string and `no`
    for false, `omegaconf` (Hydra) takes them for a number and for false, and YAML is `yaml-1.2` if nothing is said."""

    @model_validator(mode="after")
    def _captures(self) -> "Binding":
        captured = captured_in(self.file)
        if re.search(r"\{\w+\}\{\w+\}", self.file):
            raise ValueError("two captures beside each other: where one ends and the other begins, no name says")
        if unknown := [name for name in self.captures if name not in captured]:
            raise ValueError(f"`captures` names {{{unknown[0]}}}, which `file` does not have")
        said = self.describes, self.variant, self.model, *self.keys.values(), *self.states
        for name in ("variant", "model"):  # a wildcard by another name says nothing of what its word is
            used = any(f"{{{name}}}" in (text or "") for text in said)
            if name in captured and not used and name not in self.captures:
                raise ValueError(
                    f"`file` captures {{{name}}}, and nothing in the binding says what it is: write "
                    f'`{name}: "{{{name}}}"`, or `*` in its place'
                )
        texts = [self.describes or "", self.variant or "", self.model or "", *self.keys.values(), *self.states]
        for name in (name for text in texts for name in captured_in(text)):
            if captured and name not in captured:
                known = ", ".join(f"{{{each}}}" for each in captured)
                raise ValueError(f"`file` captures no {{{name}}}; it has {known}")
        return self


def _below(folder: str) -> str:
    if PurePath(folder).is_absolute() or ".." in PurePath(folder).parts:
        raise ValueError(f"documents are written below the manifest, not to {folder!r}")
    return folder


def _compiles(patterns: dict[str, str]) -> dict[str, str]:
    for pattern in patterns:
        try:
            found = re.compile(pattern)
        except re.error as problem:
            raise ValueError(f"no regular expression: {pattern!r} ({problem})") from None
        if "value" not in found.groupindex and found.groups == len(found.groupindex):
            raise ValueError(f"{pattern!r} captures no number: put it in parentheses")
    return patterns


class BoundDocument(Section):
    """A document that people write (`.md`, `.tex`), whose numbers are held to the statement and to the results."""

    file: str
    """The file, or a pattern such as `paper/*.tex`, relative to the manifest."""
    keys: dict[str, str] = {}
    """Label, cell (`M_sdm.SST-2`) or macro, with its backslash -> what its number is: a clause, or a result as claims
    name it, such as `accuracy(M_sdm, sst2)`."""
    patterns: Annotated[dict[str, str], AfterValidator(_compiles)] = {}
    """Regular expression -> what the number is that its group `value`, or its first group without a name, captures;
    `{name}` stands for what a group of that name captures."""
    words: dict[str, str] = {}
    """What the document's words are in the manifest's, for `{name}`: `{SST-2: sst2}`."""
    model: str | None = None
    """The model whose results are meant, where the manifest has several."""


class Documents(Section):
    """Where rendered documents go, what they are rendered with, and the author's own that are held."""

    directory: Annotated[str, Field(min_length=1), AfterValidator(_below)] = "documents"
    """The folder for rendered documents, relative to the manifest; a profile's go to a folder of its name below."""
    templates: str | None = None
    """A folder, relative to the manifest, whose templates go before the packaged ones of the same name."""
    bound: list[BoundDocument] = []
    """Documents of the author's own, whose numbers are held by `framework verify`."""

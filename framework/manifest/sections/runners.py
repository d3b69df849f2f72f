"""Training scripts of one's own in the place of the built-in training: the section `runners`."""

import re
from collections.abc import Iterator
from pathlib import PurePath
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from framework.manifest.sections.base import NonNegative, Positive, Section
from framework.names import did_you_mean

PLACES = ("output", "folder", "project")
"""Placeholders for folders: the script's own one within the run's, the run's, and the manifest's."""
FACTS = ("phase", "variant", "task", "seed", "processes", "model", "dataset")
"""Placeholders for what the manifest says of the step."""
PLACEHOLDER = re.compile(r"(?<!\$)\{([A-Za-z_][\w.-]*)\}")
"""`{seed}`; not the `{` of JSON, nor a shell's or Hydra's `${seed}`."""


def placeholders(value: Any) -> Iterator[str]:
    """The names in braces in all texts of plain data."""
    if isinstance(value, str):
        yield from PLACEHOLDER.findall(value)
    elif isinstance(value, dict):
        for item in value.values():
            yield from placeholders(item)
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from placeholders(item)


def _relative(path: str) -> str:
    if PurePath(path).is_absolute() or ".." in PurePath(path).parts:
        raise ValueError(f"a path below the folder that it is relative to, not {path!r}")
    return path


def _dialect(value: Any) -> Any:
    return {"dialect": value} if isinstance(value, str) else value


Below = Annotated[str, Field(min_length=1), AfterValidator(_relative)]
"""A path, or a pattern of paths, that does not lead out of its folder."""


class Flags(Section):
    """Flags that the manifest's values are passed under; a dialect's name alone is its short form."""

    dialect: str | None = None
    """The trainer whose names they have, such as `hf-training-arguments`."""
    keys: dict[str, str] = {}
    """Flag -> clause, relative to the phase (`{lr: optimizer.learning_rate}`, a duration's unit and a batch's factor as
    in `configs`); these go before the dialect's."""
    style: Literal["--key value", "--key=value", "key=value"] = "--key value"
    """How a flag and its value are written; `key=value` for Hydra's overrides."""

    @model_validator(mode="before")
    @classmethod
    def _named(cls, value: Any) -> Any:
        return _dialect(value)

    @model_validator(mode="after")
    def _some(self) -> Self:
        if self.dialect is None and not self.keys:
            raise ValueError("name a `dialect`, or flags under `keys`")
        return self


class RenderedConfig(Section):
    """A config file that is written for the script; a dialect's name alone is its short form."""

    dialect: str | None = None
    """The trainer whose config it is."""
    keys: dict[str, str] = {}
    """Key in the file -> clause, relative to the phase; these go before the dialect's."""
    values: dict[str, Annotated[Any, Field(description="any value; texts may hold placeholders")]] = {}
    """What else the file holds, which states nothing about the paper: `{stage: pt, output_dir: "{output}"}`. A dotted
    name stands below a section."""

    @model_validator(mode="before")
    @classmethod
    def _named(cls, value: Any) -> Any:
        return _dialect(value)


class Resume(Section):
    """How the script goes on where an attempt of the same command was cut off."""

    arguments: Annotated[list[str], Field(min_length=1)]
    """Arguments that are then added; `{checkpoint}` is the folder that it goes on from."""
    checkpoint: Below = "checkpoint-*"
    """Below the output: the folder, or a file in it, of a checkpoint; of several the last, numbers counted as such.
    Without any the script starts from the beginning."""


LoggedName = Literal["step", "epoch", "learning_rate", "loss", "samples", "tokens", "samples_seen", "tokens_seen"]
_Value = Annotated[str | int | float | bool, Field(description="a text, a number or a truth value")]


class Outputs(Section):
    """What the script leaves in its output folder, and what it says."""

    log: Below | None = None
    """What it recorded while training: a `trainer_state.json`, TensorBoard's event files, JSON lines or CSV. Of several
    files that a pattern matches the last one counts, of event files all."""
    format: str | None = None
    """What the log is, whatever it is called: `trainer_state`, `tensorboard`, `json_lines`, `csv`, `text`, or what an
    installed package adds; by default its content tells."""
    names: dict[LoggedName, str] = {}
    """How the log calls what is read off it, where that is not one of the usual names; `samples_seen` and `tokens_seen`
    are counted from the beginning."""
    step_rows: dict[str, _Value] = {}
    """Which rows of the log are steps, where it holds several kinds: `{event: training_step}`. By default a row's own
    mark tells (an `event`, `type`, `split` or `mode` of `train`, `eval` and the like)."""
    evaluation_rows: dict[str, _Value] = {}
    """Which rows are evaluations: their `loss` and other metrics are those of the validation data."""
    steps_from: Literal[0, 1] = 1
    """The number of the first optimizer step in the log."""
    learning_rate: Literal["used", "next"] = "used"
    """Which learning rate a step is logged with: the one that it used, or the one that the scheduler then set."""
    tolerance: NonNegative = 1e-6
    """How far, relative to it, a logged learning rate may lie from the declared one: more where the log rounds."""
    units: dict[str, Annotated[str, Field(min_length=1)]] = {}
    """What metrics are counted in: `{loss: per token}`, `per character`, `per byte`. A perplexity is taken of a loss
    per token alone: where this says so, or the phase's `metric`, or a state of transformers' Trainer."""
    settings: Below | None = None
    """A file in which the trainer itself wrote what it ran with."""
    settings_dialect: str | None = None
    """Whose words that file is in; by default those of the flags, or of the only config, else the names that values are
    passed under."""
    metrics: Below | None = None
    """JSON with the final metrics, such as `all_results.json`; by default the log's last evaluation."""
    checkpoint: Below | None = None
    """The folder of the final model, of `config.json` and safetensors, or of an adapter in peft's format; `.` is the
    output folder itself. Steps that build on this one start from it."""


_Outputs = Annotated[Outputs, BeforeValidator(lambda value: {} if value is None else value)]


class Runner(Section):
    """A command that trains in the place of the built-in training. It is started without a shell, in the manifest's
    folder, and only by `run` and `reproduce`."""

    phase: str | None = None
    """The phase that it trains; by default the one of the runner's name."""
    variants: list[str] = []
    """The variants whose steps it trains; by default all that use the phase."""
    command: Annotated[list[Annotated[str, Field(min_length=1)]], Field(min_length=1)]
    """The program and its arguments, one text each. Placeholders: `{output}`, `{folder}` and `{project}` are folders,
    `{model}` is what it starts from, `{dataset}` what it reads; `{seed}`, `{task}`, `{variant}`, `{phase}`,
    `{processes}`, and `{NAME}` of a file under `configs`; an argument `{flags}` is where the flags go, else they come
    last."""
    flags: Flags | None = None
    """The manifest's values as flags."""
    configs: dict[Annotated[str, Field(pattern=r"^[\w-]+\.(yaml|yml|json|toml)$")], RenderedConfig] = {}
    """The manifest's values as config files, by file name: written to the run's folder, `{NAME}` is the path."""
    unpassed: list[str] = []
    """Clauses, relative to the phase or by their full names, also parts (`schedule.decay.length`), that the script
    fulfils without being told, since it does so by itself."""
    environment: dict[str, str] = {}
    """Environment variables that are set for it; texts may hold placeholders."""
    sources: list[Below] = []
    """Further files, folders or patterns that decide what it does: a change of one makes its runs anew, as does a
    change of a file of the project that the command, a config's values or the environment name."""
    resume: Resume | None = None
    """How it goes on after it was cut off; by default it starts anew."""
    timeout_hours: Positive | None = None
    """After how many hours it is ended."""
    outputs: _Outputs = Outputs.model_construct()
    """What it leaves."""

    @model_validator(mode="after")
    def _known_placeholders(self) -> Self:
        known = [*PLACES, *FACTS, *self.configs, "flags"]
        spoken = [*self.command, *self.environment.values(), [each.values for each in self.configs.values()]]
        for name in placeholders(spoken):
            if name not in known:
                raise ValueError(f"no placeholder {{{name}}}; {did_you_mean(name, known)}")
        whole = self.command.count("{flags}")
        if whole != sum(name == "flags" for name in placeholders(spoken)) or whole > 1:
            raise ValueError("`{flags}` is one argument of the command by itself, once")
        if whole and self.flags is None:
            raise ValueError("the command has `{flags}`, and no `flags` are stated")
        for name in self.configs:
            if name not in placeholders([*self.command, *self.environment.values()]):
                raise ValueError(f"the command does not take the config file: write {{{name}}} where its path goes")
        if self.resume is not None:
            self._resumable([*known, "checkpoint"])
        return self

    def _resumable(self, known: list[str]) -> None:
        assert self.resume is not None
        for name in placeholders(self.resume.arguments):
            if name not in known or name == "flags":
                raise ValueError(f"no placeholder {{{name}}} for `resume`; {did_you_mean(name, known)}")

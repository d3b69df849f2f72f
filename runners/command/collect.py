"""What a command left, as the evidence of a run: its log, its metrics, its final model."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from framework.errors import FrameworkError, InputError
from framework.evidence.atomic import write_json
from framework.evidence.logs.deriving import derived
from framework.evidence.logs.log import Log, Reading
from framework.evidence.logs.registry import natural, read_log
from framework.evidence.logs.taking import as_metrics, final_metrics, taken, with_perplexity
from framework.evidence.logs.trainer_settings import as_recorded, stated_by, written
from framework.evidence.record import EVENTS, SETTINGS, STEPS, read_json
from framework.manifest.hyperparameters import plain_metric
from framework.manifest.sections.runners import Outputs
from framework.manifest.sections.values.stated_metrics import plain_unit
from framework.planning.commands.command import Command
from framework.planning.steps import Training
from runners.command.checkpoint import take_checkpoint
from runners.command.places import LOG
from runners.command.surroundings import surroundings
from runners.run_files import Lines
from runners.step_context import RunContext


def collect(context: RunContext, command: Command, output: Path) -> None:
    """Read the declared outputs; what is not declared, or what they do not say, is not in the record.

    Raises:
        FrameworkError: a declared output is missing, or is not what it should be.
    """
    work, record, outputs = context.step.work, context.record, command.outputs
    assert isinstance(work, Training)
    record.environment = surroundings(record.environment, command, context.project)
    metrics: dict[str, float] = {}
    settings: dict[str, Any] | None = None
    units = {plain_metric(name): plain_unit(unit) for name, unit in outputs.units.items()}
    record.observed |= {"units": units} if units else {}
    objective = with_perplexity(work.phase, None, units.get("loss"))
    if outputs.log is not None:
        files = _found(output, outputs.log, "log")
        log, used = read_log(files, _reading(outputs))
        _keep(context.folder, used, output)
        settings = log.settings
        objective = with_perplexity(work.phase, log.kind, units.get("loss"))
        metrics = _log(context, command, objective, log, [path.relative_to(output).as_posix() for path in used])
    if outputs.metrics is not None:
        file = _found(output, outputs.metrics, "metrics")[-1]
        _keep(context.folder, [file], output)
        metrics |= _metrics(file, objective, record.observed)
    if outputs.settings is not None:
        file = _found(output, outputs.settings, "settings")[-1]
        _keep(context.folder, [file], output)
        dialect = outputs.settings_dialect or _dialect(command)
        _settings(context, dialect, written(dialect, file), str(file))
    elif settings is not None:
        _settings(context, "hf-training-arguments", settings, "the log")
    record.observed |= derived(record.observed, work.phase)
    record.metrics = as_metrics(metrics)
    if outputs.checkpoint is not None:
        take_checkpoint(context, _found(output, outputs.checkpoint, "checkpoint")[-1])
    context.progress.message(_summary(record.observed, record.metrics))
    if objective is None and work.phase.objective == "causal_lm" and "validation_loss" in record.metrics:
        context.progress.message("no perplexity: nothing says that the loss is per token (`units: {loss: per token}`)")


def _reading(outputs: Outputs) -> Reading:
    rows = dict(outputs.step_rows), dict(outputs.evaluation_rows)
    return Reading(dict(outputs.names), outputs.steps_from, *rows, outputs.format)


def _settings(context: RunContext, dialect: str, settings: Any, where: str) -> None:
    """What the trainer wrote of its settings: recorded, and as a file that is held like a config."""
    if not isinstance(settings, dict):
        raise FrameworkError(f"{where} holds no settings: they are names with values")
    observed = context.record.observed
    observed |= stated_by(dialect, None, settings) | {"settings": as_recorded(settings), "settings_dialect": dialect}
    write_json(context.folder / SETTINGS, json.loads(json.dumps(settings, default=str), parse_constant=str))


def _dialect(command: Command) -> str:
    """Whose words the settings are in where nothing says so: those that the script is passed values in."""
    spoken = [command.flags, *command.files.values()]
    named = [each.dialect for each in spoken if each is not None and each.dialect is not None]
    return named[0] if named else "generic"


def _found(output: Path, pattern: str, what: str) -> list[Path]:
    """What a path or pattern names below the output, in natural order."""
    found = [output] if pattern == "." else sorted(output.glob(pattern), key=natural)
    if not found:
        there = sorted(path.name for path in output.iterdir())
        held = ", ".join(there[:8]) + (" ..." if len(there) > 8 else "")
        raise FrameworkError(f"the command left no {what}: {pattern!r} matches nothing in {output} ({held or 'empty'})")
    return found


def _keep(folder: Path, files: Sequence[Path], output: Path) -> None:
    """Keep what was read beside the record, as it was."""
    for file in files:
        copy = folder / LOG / file.relative_to(output)
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.unlink(missing_ok=True)
        try:
            os.link(file, copy)
        except OSError:
            shutil.copy2(file, copy)


def _log(context: RunContext, command: Command, objective: str | None, log: Log, files: list[str]) -> dict[str, float]:
    """Write the lines of a log, and what it says of the whole training; the metrics of its last evaluation."""
    outputs, observed = command.outputs, context.record.observed
    found = taken(log, objective, outputs.learning_rate)
    if not found.lines and not log.evaluations:
        raise FrameworkError(f"the log {', '.join(files)} holds no step: say under `names` what it calls them")
    observed |= found.observed
    observed["log"] = {
        "kind": log.kind,
        "files": files,
        "logged_steps": len(found.lines),
        "learning_rate": outputs.learning_rate,
        "tolerance": outputs.tolerance,
    }
    _write(context.folder / STEPS, found.lines)
    _write(context.folder / EVENTS, found.events)
    return found.metrics


def _metrics(file: Path, objective: str | None, observed: dict[str, Any]) -> dict[str, float]:
    """The final metrics; and how many examples were trained on, where they say so."""
    try:
        data = read_json(file)
    except InputError as failure:
        raise FrameworkError(str(failure)) from None
    metrics, facts = final_metrics(data, objective)
    observed |= facts
    return metrics


def _write(path: Path, lines: Sequence[Mapping[str, Any]]) -> None:
    path.unlink(missing_ok=True)
    with Lines(path, len(lines) + 1) as stream:
        for line in lines:
            stream.write(**line)


def _summary(observed: Mapping[str, Any], metrics: Mapping[str, float]) -> str:
    parts = [f"{name} {value:.4f}" for name, value in metrics.items()]
    if "log" in observed:
        parts.insert(0, f"{observed['log']['logged_steps']} logged steps")
    return ", ".join(parts) or "it left no log and no metrics: what it did stays unverified"

"""The run folder of an adopted run: what was read, its lines, its settings, its checkpoint, and the record."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from framework.adoption.sources.source import Left, Stored
from framework.errors import InputError
from framework.evidence.adapter_options import described, of_wrong_kind
from framework.evidence.atomic import whole_folder, write_json
from framework.evidence.checkpoints import INDEX, SINGLE
from framework.evidence.logs.deriving import derived
from framework.evidence.logs.taking import as_metrics, measured, taken, with_perplexity
from framework.evidence.logs.trainer_settings import as_recorded, stated_by
from framework.evidence.record import EVENTS, MODEL, SETTINGS, STEPS, RunRecord, artefacts_below, read_json
from framework.evidence.shards import join
from framework.evidence.tensors import TensorFile
from framework.locations import Location
from framework.manifest.hyperparameters import plain_metric
from framework.manifest.sections.adopted import Adopted
from framework.names import did_you_mean
from framework.planning.steps import Step, Training

KEPT = "source"
"""The folder with copies of what was read."""
_CONFIG = "config.json"
_ADAPTER = ("adapter_config.json", "adapter_model.safetensors")


def write_run(
    folder: Path,
    record: RunRecord,
    left: Left,
    adopted: Adopted,
    step: Step,
    where: Location,
    stored: Stored | None = None,
) -> None:
    """Write the folder as a whole: it is there with all that belongs to it, or as it was before. Of a run that lies in
    a file with others (``stored``) what was read of it is kept, and else copies of the files.

    Raises:
        InputError: a metric that is to be taken is not there, or a checkpoint is damaged; nothing was written.
    """
    work = step.work
    assert isinstance(work, Training)
    with whole_folder(folder) as target:
        objective = with_perplexity(work.phase, left.log.kind if left.log is not None else None, None)
        metrics = _metrics(target, record, left, adopted, objective)
        if left.settings is not None:
            _settings(target, record, left, adopted)
        record.observed |= derived(record.observed, work.phase)
        if adopted.metrics:
            there = left.raw | metrics
            if missing := [theirs for theirs in adopted.metrics.values() if theirs not in there]:
                known = did_you_mean(missing[0], there) if there else "it has none"
                raise InputError.at(where, f"the run has no final metric {missing[0]!r}", known)
            metrics = {ours: there[theirs] for ours, theirs in adopted.metrics.items()}
        record.metrics = as_metrics(measured(metrics, objective))
        record.environment = left.environment
        if left.model is not None:
            keep_model(target, record, left.model)
        if left.files:
            (target / KEPT).mkdir()
        if stored is not None:
            (target / KEPT / "run.json").write_bytes(stored.text)
        for number, file in enumerate(left.files if stored is None else ()):
            shutil.copyfile(file, target / KEPT / f"{number}-{file.name}")
        record.artefacts = artefacts_below(target, *sorted(each.name for each in target.iterdir()))
        record.write(target)


def _metrics(target: Path, record: RunRecord, left: Left, adopted: Adopted, objective: str | None) -> dict[str, float]:
    """Write the lines of the log; the final metrics that it and the source's own summary have."""
    record.observed |= left.observed
    if left.log is None:
        return dict(left.metrics)
    found = taken(left.log, objective, adopted.learning_rate)
    record.observed |= found.observed | left.observed
    record.observed["log"] = {
        "kind": left.log.kind,
        "logged_steps": len(found.lines),
        "learning_rate": adopted.learning_rate,
        "tolerance": adopted.tolerance,
    }
    _lines(target / STEPS, found.lines)
    _lines(target / EVENTS, [_by_our_names(event, adopted.metrics) for event in found.events])
    return found.metrics | left.metrics


def _by_our_names(event: Mapping[str, Any], stated: Mapping[str, str]) -> dict[str, Any]:
    """An evaluation with the metrics that are stated under the manifest's names."""
    ours = {name: own for own, theirs in stated.items() for name in (theirs, plain_metric(theirs))}
    return {ours.get(name, name): value for name, value in event.items()}


def _settings(target: Path, record: RunRecord, left: Left, adopted: Adopted) -> None:
    """The settings as data: recorded, and beside the record as a file that is held like a config."""
    settings = json.loads(json.dumps(left.settings, default=str), parse_constant=str)
    record.observed["settings"] = as_recorded(settings)
    if left.is_row:
        return
    dialect = adopted.dialect or left.dialect or "generic"
    record.observed["settings_dialect"] = dialect
    record.observed |= stated_by(dialect, None, settings)
    write_json(target / SETTINGS, settings)


def keep_model(target: Path, record: RunRecord, source: Path) -> None:
    """Copy a model, or an adapter, in safetensors to a run folder; its sizes as they are on disk.

    Raises:
        InputError: it is damaged, or an adapter of another kind.
    """
    if all((source / name).is_file() for name in _ADAPTER):
        (target / "adapter").mkdir()
        for name in _ADAPTER:
            shutil.copyfile(source / name, target / "adapter" / name)
        config = read_json(source / _ADAPTER[0])
        if (wrong := of_wrong_kind(config)) is not None:
            raise InputError.at(Location(str(source / _ADAPTER[0]), 1, 1), wrong)
        record.adapter = described(config)
        return
    (target / MODEL).mkdir()
    for name in (_CONFIG, "generation_config.json"):
        if (source / name).is_file():
            shutil.copyfile(source / name, target / MODEL / name)
    if (source / SINGLE).is_file():
        shutil.copyfile(source / SINGLE, target / MODEL / SINGLE)
    else:
        join(source / INDEX, target / MODEL / SINGLE)
    saved = TensorFile(target / MODEL / SINGLE)
    record.parameters |= {"total": sum(tensor.elements for tensor in saved.tensors.values())}


def _lines(path: Path, lines: Sequence[Mapping[str, Any]]) -> None:
    text = "".join(json.dumps(line, sort_keys=True, allow_nan=False) + "\n" for line in lines)
    path.write_text(text, "utf-8")

"""The run folder of an adopted run: what was read, its lines, its settings, its checkpoint, and the record."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from framework.adoption.sources.source import Left
from framework.evidence.adapter_options import doubts, of_wrong_kind
from framework.evidence.atomic import write_json
from framework.evidence.logs.deriving import derived
from framework.evidence.logs.taking import as_metrics, measured, taken
from framework.evidence.logs.trainer_settings import as_recorded, stated_by
from framework.evidence.record import EVENTS, MODEL, STEPS, RunRecord, artefacts_below, read_json
from framework.evidence.tensors import TensorFile
from framework.manifest.sections.adopted import Adopted
from framework.planning.steps import Step, Training

KEPT, SETTINGS = "source", "settings.json"
"""The folder with copies of what was read; and the settings as data, which are held like a config file."""
_WEIGHTS, _CONFIG = "model.safetensors", "config.json"
_ADAPTER = ("adapter_config.json", "adapter_model.safetensors")
_PARTS_OF_A_MODEL = (_WEIGHTS, _CONFIG, "generation_config.json")


def write_run(folder: Path, record: RunRecord, left: Left, adopted: Adopted, step: Step, is_row: bool) -> None:
    """Write the folder as a whole: it is there with all that belongs to it, or as it was before."""
    work = step.work
    assert isinstance(work, Training)
    objective = work.phase.objective
    metrics = dict(left.metrics)
    with _whole(folder) as target:
        if left.log is not None:
            found = taken(left.log, objective, adopted.learning_rate)
            record.observed |= found.observed
            record.observed["log"] = {
                "kind": left.log.kind,
                "logged_steps": len(found.lines),
                "learning_rate": adopted.learning_rate,
                "tolerance": adopted.tolerance,
            }
            metrics = {**found.metrics, **metrics}
            _lines(target / STEPS, found.lines)
            _lines(target / EVENTS, found.events)
        record.observed |= left.observed
        if left.settings is not None and not is_row:
            dialect = adopted.dialect or left.dialect or "generic"
            settings = _data(left.settings)
            record.observed["settings"] = as_recorded(settings)
            record.observed["settings_dialect"] = dialect
            record.observed |= stated_by(dialect, None, settings)
            write_json(target / SETTINGS, settings)
        elif is_row and left.settings:
            record.observed["settings"] = as_recorded(_data(left.settings))
        record.observed |= derived(record.observed, work.phase)
        if adopted.metrics:
            raw = left.raw | metrics
            metrics = {ours: raw[theirs] for ours, theirs in adopted.metrics.items() if theirs in raw}
        record.metrics = as_metrics(measured(metrics, objective))
        record.environment = left.environment
        _model(target, record, left)
        for number, file in enumerate(left.files):
            copy = target / KEPT / f"{number}-{file.name}"
            copy.parent.mkdir(exist_ok=True)
            shutil.copyfile(file, copy)
        record.artefacts = artefacts_below(target, *sorted(each.name for each in target.iterdir()))
        record.write(target)


def _model(target: Path, record: RunRecord, left: Left) -> None:
    """Copy a model, or an adapter, in safetensors; its sizes as they are on disk."""
    if left.model is None:
        return
    if (left.model / _ADAPTER[1]).is_file() and (left.model / _ADAPTER[0]).is_file():
        (target / "adapter").mkdir()
        for name in _ADAPTER:
            shutil.copyfile(left.model / name, target / "adapter" / name)
        settings = read_json(left.model / _ADAPTER[0])
        if (wrong := of_wrong_kind(settings)) is not None:
            left.notes.append(f"{_ADAPTER[0]}: {wrong}")
            return
        record.adapter = {
            "kind": str(settings.get("peft_type", "")).lower(),
            "rank": settings.get("r"),
            "alpha": settings.get("lora_alpha"),
            "dropout": settings.get("lora_dropout"),
        }
        if unclear := doubts(settings):
            record.adapter["doubts"] = unclear
    elif (left.model / _CONFIG).is_file():
        (target / MODEL).mkdir()
        for name in _PARTS_OF_A_MODEL:
            if (left.model / name).is_file():
                shutil.copyfile(left.model / name, target / MODEL / name)
        saved = TensorFile(target / MODEL / _WEIGHTS)
        record.parameters = {"total": sum(tensor.elements for tensor in saved.tensors.values())}


def _data(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Settings as JSON data: what is no plain value is left out."""
    found: dict[str, Any] = json.loads(json.dumps(settings, default=str, allow_nan=True), parse_constant=str)
    return found


def _lines(path: Path, lines: Sequence[Mapping[str, Any]]) -> None:
    text = "".join(json.dumps(line, sort_keys=True, allow_nan=False) + "\n" for line in lines)
    path.write_text(text, "utf-8")


@contextmanager
def _whole(folder: Path) -> Iterator[Path]:
    """A folder to fill, which takes the other's place when the block ends without an error."""
    partial = folder.with_name(f".{folder.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    try:
        yield partial
        shutil.rmtree(folder, ignore_errors=True)
        os.replace(partial, folder)
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        raise

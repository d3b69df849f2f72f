"""What keeps a phase, a model or a dataset from the built-in runners, by the clause's name, with the way out."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

from framework.manifest.clauses import leaves_of
from framework.manifest.hyperparameters import plain_metric
from framework.manifest.metrics import LOSS_BY_UNIT
from framework.manifest.sections.models import DEFAULT_PROTOCOL, Dataset, Model
from framework.manifest.sections.phases import LENGTHS, OBJECTIVES, Phase
from framework.manifest.sections.root import Manifest
from framework.manifest.sections.values.batch_sizes import Batch
from framework.manifest.sections.values.quantities import NONE, About, whole
from framework.manifest.sections.values.stated_metrics import PER_TOKEN, falls, name_of, unit_of
from framework.names import Path, did_you_mean
from framework.planning.refusing.optimizer_arguments import optimizer_refusals
from framework.planning.refusing.refusal import OWN_SCRIPT, Refusal, also, foreign
from framework.planning.refusing.schedule_shapes import schedule_refusals

METRICS = ("loss", "accuracy", "f1", "perplexity", "exact_match")
LM_EVAL_CHOICES = ("lm-eval",)
LM_EVAL_WRITTEN = ("lm-eval/strict-match", "lm-eval/flexible-extract")
PRECISIONS = ("fp32", "bf16", "fp16")


def phase_refusals(manifest: Manifest | None, phase: Phase) -> Iterator[Refusal]:
    yield from _missing(phase)
    yield from _unknown(phase)
    for path in leaves_of({"settings": phase.settings}) if phase.settings else ():
        yield foreign(path, "the built-in training has no such setting")
    for name in phase.optimizers or ():
        yield foreign(("optimizers", name), "the built-in training has one optimizer")
    for name in phase.schedules or ():
        yield foreign(("schedules", name), "the built-in training has a schedule for the learning rate alone")
    if phase.optimizers is None:
        yield from optimizer_refusals(phase.optimizer)
    yield from schedule_refusals(phase.schedule)
    data = phase.model_dump(by_alias=True, exclude_none=True, exclude={"tasks", "settings"})
    for path, value in _texts(data):
        if isinstance(value, About) and math.isnan(value.value):
            yield Refusal(path, f"{'.'.join(map(str, path))} is a range, {value}", "state the value that runs use")
    yield from _amounts(manifest, phase)


def _missing(phase: Phase) -> Iterator[Refusal]:
    """What a training needs and the phase does not state."""
    needed: list[tuple[Path, Any, str]] = [
        (("objective",), phase.objective, "one of " + ", ".join(OBJECTIVES)),
        (("dataset",), phase.dataset, "a dataset's name, or `tasks`"),
        (("batch_size",), _some(phase.batch_size), "examples per optimizer step"),
    ]
    if phase.optimizers is None:
        needed.insert(2, (("optimizer", "learning_rate"), _some(phase.optimizer.learning_rate), "the peak"))
    if all(_some(getattr(phase, name)) is None for name in LENGTHS):
        needed.append((("epochs",), None, "`epochs`, `max_steps` or `length`"))
    for path, value, what in needed:
        if value is None:
            name = ".".join(map(str, path))
            yield Refusal(path, f"{name} is not stated, and a training needs it", f"state it ({what}), {OWN_SCRIPT}")
    if phase.early_stopping is not None and phase.early_stopping.metric is None:
        path = ("early_stopping", "metric")
        yield Refusal(path, "early_stopping.metric is not stated, and a training needs it", f"state it, {OWN_SCRIPT}")


def _some(value: Any) -> Any:
    return None if value == NONE else value


def _unknown(phase: Phase) -> Iterator[Refusal]:
    """Terms that the built-in training does not know."""
    watched = phase.early_stopping.metric_name if phase.early_stopping else None
    terms: list[tuple[Path, Any, tuple[str, ...]]] = [
        (("objective",), phase.objective, OBJECTIVES),
        (("metric",), phase.metric_name and plain_metric(phase.metric_name), METRICS),
        (("precision",), phase.precision, PRECISIONS),
        (("master_weights",), phase.master_weights, PRECISIONS[:1]),
        (("loss_normalization",), phase.loss_normalization, ("batch",)),
        (("early_stopping", "metric"), watched and plain_metric(watched), METRICS),
    ]
    for path, value, known in terms:
        if value is not None and value not in known:
            name = ".".join(str(part) for part in path)
            message = f"the built-in training does not know the {name} {value!r}"
            yield Refusal(path, message, also(did_you_mean(str(value), known), OWN_SCRIPT))
    watching = phase.early_stopping.metric if phase.early_stopping else None
    for path, metric in ((("metric",), phase.metric), (("early_stopping", "metric"), watching)):
        if metric is not None and falls(metric) is not falls(str(name_of(metric))):
            better = "falling" if falls(metric) else "rising"
            message = f"the built-in training does not take {name_of(metric)} to be better by {better}"
            yield Refusal((*path, "direction"), message, f"leave the direction out, {OWN_SCRIPT}")
        known, unit = (PER_TOKEN, *LOSS_BY_UNIT), unit_of(metric)
        if unit not in (None, *known) and plain_metric(str(name_of(metric))) == "loss":
            message = f"the built-in training does not count a loss {unit}"
            yield Refusal((*path, "unit"), message, f"known: {', '.join(known)}; {OWN_SCRIPT}")


def devices(manifest: Manifest | None) -> int:
    return 1 if manifest is None else manifest.hardware.count


def _texts(data: Any, path: Path = ()) -> Iterator[tuple[Path, str]]:
    items = data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ()
    for key, value in items:
        yield from _texts(value, (*path, key))
    if isinstance(data, str):
        yield path, data


def _amounts(manifest: Manifest | None, phase: Phase) -> Iterator[Refusal]:
    """Batches and lengths that do not come to whole examples and optimizer steps."""
    batch = phase.batch_size
    if isinstance(batch, Batch):
        examples = batch.examples(whole(phase.sequence_length), devices(manifest))
        if examples is None or examples != int(examples):
            of = f"sequences of {phase.sequence_length}" if batch.unit == "tokens" else "examples"
            message = f"a batch of {batch} is no whole number of {of}"
            yield Refusal(("batch_size",), message, "state the number of examples, and the sequence length")
    length = phase.length
    if length is not None and length.unit in ("ratio", "environment_steps"):
        yield foreign(("length",), f"the built-in training does not count {length.unit.replace('_', ' ')}")


def model_refusals(model: Model) -> Iterator[Refusal]:
    """What keeps a model from being built or loaded here."""
    if not model.family:
        yield Refusal(("family",), "its family is not stated, and a run needs it", "state `family`, such as `gpt2`")
    if model.weights == "pretrained" and not (model.hub or model.path):
        yield Refusal(
            (), "pretrained weights need `hub` or `path`", "state one; for a new initialisation say `weights: random`"
        )
    if model.weights == "random" and not (model.hub or model.path) and not (model.layers and model.hidden):
        message = "random weights need `layers` and `hidden` (or a `hub` or `path` to take the sizes from)"
        yield Refusal((), message, "state them")
    for path in leaves_of({"settings": model.settings}) if model.settings else ():
        yield foreign(path, "the built-in models have no such setting")


def dataset_refusals(dataset: Dataset, objective: str | None) -> Iterator[Refusal]:
    """What keeps a dataset from being loaded here."""
    if not (dataset.hub or dataset.path or dataset.builtin):
        yield Refusal((), "a run needs one of `hub`, `path` and `builtin`", f"say where it lies, {OWN_SCRIPT}")
    for path in leaves_of({"settings": dataset.settings}) if dataset.settings else ():
        yield foreign(path, "the built-in loading has no such setting")
    if objective == "completion" and dataset.prompt is None:
        yield Refusal((), "training on answers needs its `prompt`", "state it, and `choices` or `answer`")
    yield from _protocol_refusals(dataset, objective)


def _protocol_refusals(dataset: Dataset, objective: str | None) -> Iterator[Refusal]:
    """Protocols of answers that nothing here judges by."""
    if dataset.protocol is None:
        return
    if objective != "completion":
        yield foreign(("protocol",), "the built-in training judges answers to prompts alone")
        return
    known = (DEFAULT_PROTOCOL, *(LM_EVAL_WRITTEN if dataset.choices is None else LM_EVAL_CHOICES))
    if dataset.protocol not in known:
        kind = "written answers" if dataset.choices is None else "choices"
        message = f"the built-in training does not judge {kind} by the protocol {dataset.protocol!r}"
        yield Refusal(("protocol",), message, also(did_you_mean(dataset.protocol, known), OWN_SCRIPT))
    elif dataset.protocol != DEFAULT_PROTOCOL and "final_answer" in dataset.model_fields_set:
        message = f"the protocol {dataset.protocol!r} finds the final answer by itself"
        yield Refusal(("final_answer",), message, f"leave it out, or say `protocol: {DEFAULT_PROTOCOL}`")

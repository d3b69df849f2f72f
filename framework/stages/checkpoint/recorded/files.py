"""What a step of a kind must have left, and what its files must have from the step before."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from framework.evidence.record import EVENTS, MODEL, STEPS, read_json
from framework.evidence.tensors import TensorFile
from framework.manifest.sections.methods import SGH, Permute, Prune
from framework.planning.steps import Training
from framework.reading.decoding import open_regular
from framework.stages.checkpoint.recomputed.scan_orders import CORRELATIONS
from framework.stages.checkpoint.recorded.contradiction import Contradiction, Facts, alike, is_weight, whole
from framework.stages.checkpoint.zeros import MASKS
from framework.stages.run.observed import EvidenceContext, NotRecorded, Observed

_MODEL, _CONFIG, _TOKENIZER = f"{MODEL}/model.safetensors", f"{MODEL}/config.json", f"{MODEL}/tokenizer.json"
_PERMUTATION = "permutation.safetensors"
_READ = (_MODEL, _CONFIG, MASKS, _PERMUTATION, CORRELATIONS, STEPS, EVENTS)
"""Files that rules read: none of them counts where the record knows nothing of it."""
_OF_THE_HEAD = frozenset(
    ("architectures", "id2label", "label2id", "num_labels", "problem_type", "transformers_version")
)
"""What a step may change in a model's configuration: its head, and which version wrote it."""
_OF_THE_VERSION = frozenset(("transformers_version",))
_TOKENIZING = f"{MODEL}/tokenizer_config.json"
_TOKENIZES = ("clean_up_tokenization_spaces", "tokenizer_class")
"""What of a tokenizer's configuration decides about tokens; the rest tells of calls and of lengths."""
_OF_THE_BATCH = frozenset(("padding", "truncation"))
"""What a tokenizer's file keeps of the last call."""


def _kept_correlations(facts: Facts) -> Iterator[Contradiction]:
    known = facts("artefacts")
    kept, there = facts("observed", "permutation", "correlations"), CORRELATIONS in (known or {})
    if kept is True and not there:
        yield Contradiction(
            f"artefacts.{CORRELATIONS}", f"it kept its correlations, and the record has no {CORRELATIONS}"
        )
    if kept is False and there:
        yield Contradiction(
            "observed.permutation.correlations", f"it kept no correlations, and the record has {CORRELATIONS}"
        )


def contradictions(context: EvidenceContext, observed: Observed, facts: Facts) -> Iterator[Contradiction]:
    assert observed.run is not None
    known = observed.run.record.artefacts
    parent = context.related.parent(observed)
    masked = parent is not None and parent.run is not None and MASKS in parent.run.record.artefacts
    for name in _due(observed, masked):
        if name not in known:
            yield Contradiction(f"artefacts.{name}", f"the record has no {name}, which every such step leaves")
    adapters = observed.run.folder / "adapter"
    read = [
        *_READ,
        *(f"adapter/{path.relative_to(adapters).as_posix()}" for path in sorted(adapters.rglob("*")) if path.is_file()),
    ]
    for name in read:
        if name not in known and (observed.run.folder / name).is_file():
            yield Contradiction(f"artefacts.{name}", f"{name} lies in the folder, and the record knows nothing of it")
    yield from _kept_correlations(facts)
    yield from _parameters(observed, facts)
    if parent is not None and parent.run is not None:
        yield from _inherited(observed, parent)


def _due(observed: Observed, masked: bool) -> Iterator[str]:
    """The files that a kind of step leaves."""
    work = observed.step.work
    yield from (_MODEL, _CONFIG)
    if isinstance(work, Training):
        yield from (STEPS, EVENTS)
    if isinstance(work, Prune) or masked or (isinstance(work, Training) and work.mask is not None):
        yield MASKS
    if isinstance(work, Permute):
        yield _PERMUTATION
    if isinstance(work, Training) and work.adapter is not None:
        if isinstance(work.adapter.chosen[1], SGH):
            yield "adapter/groups.json"
        else:
            yield from ("adapter/adapter_config.json", "adapter/adapter_model.safetensors")


def _parameters(observed: Observed, facts: Facts) -> Iterator[Contradiction]:
    """The parameters that the record counts are those of the saved model, each trained one with or without decay."""
    try:
        tensors = observed.tensors.tensors
    except NotRecorded:
        return
    total = sum(tensor.elements for tensor in tensors.values())
    yield from facts.alike(("parameters", "total"), total, "the saved model has")
    if not isinstance(observed.step.work, Training):
        yield from facts.alike(("parameters", "trainable"), 0, "a transform trains")
        return
    if not any(name.startswith("classifier.") for name in tensors):
        yield from facts.alike(("parameters", "model"), total, "the saved model has")
    counted = [whole(facts("observed", kind, "parameters")) for kind in ("decayed", "undecayed")]
    beside = whole(facts("sparsity", "channels", "total")) or 0
    if None not in counted:
        sizes = sum(count for count in counted if count is not None)
        yield from facts.alike(("parameters", "trainable"), sizes - beside, "its optimizer had")
    yield from _tensors(observed, facts, len(tensors))
    adapter, trainable = whole(facts("adapter", "parameters")), whole(facts("parameters", "trainable"))
    if adapter is not None and trainable is not None:
        head = sum(tensor.elements for name, tensor in tensors.items() if name.startswith("classifier."))
        yield from facts.alike(("parameters", "trainable"), adapter + head, "adapter and head have")
    elif facts("observed", "optimizer", "groups") is None and all(map(is_weight, tensors.values())):
        yield from facts.alike(("parameters", "trainable"), total, "all are trained, and the saved model has")
        yield from _names(facts, tensors)


def _tensors(observed: Observed, facts: Facts, saved: int) -> Iterator[Contradiction]:
    """How many tensors were trained: all that are saved, or those of the adapter; and what a method trains beside."""
    assert observed.run is not None
    decayed, undecayed = (whole(facts("observed", kind, "tensors")) for kind in ("decayed", "undecayed"))
    if decayed is None or undecayed is None or facts("observed", "optimizer", "groups") is not None:
        return
    removed = facts("sparsity", "channels", "removed")
    expected = saved + (len(removed) if isinstance(removed, dict) else 0)
    parts = sorted((observed.run.folder / "adapter").rglob("adapter_model.safetensors"))
    if parts:
        expected = len({name for path in parts for name in TensorFile(path).tensors})
    elif facts("adapter", "kind") is not None:
        return
    if decayed + undecayed != expected:
        message = f"{decayed} tensors were trained with decay and {undecayed} without, and there are {expected}"
        yield Contradiction("observed.decayed.tensors", message, expected, decayed + undecayed)
    for kind, count in (("decayed", decayed), ("undecayed", undecayed)):
        if (count == 0) != (facts("observed", kind, "parameters") == 0):
            message = f"observed.{kind} has {count} tensors of {facts('observed', kind, 'parameters')} parameters"
            yield Contradiction(f"observed.{kind}.tensors", message, None, count)


def _names(facts: Facts, tensors: Mapping[str, Any]) -> Iterator[Contradiction]:
    """One decay over all parameters is over all tensors of the saved model, by their names."""
    everything = hashlib.sha256("\n".join(sorted(tensors)).encode()).hexdigest()
    nothing = hashlib.sha256(b"").hexdigest()
    for kind in ("decayed", "undecayed"):
        count = whole(facts("observed", kind, "tensors"))
        if count == 0:
            yield from facts.alike(("observed", kind, "names_sha256"), nothing, "no name has")
            yield from facts.alike(("observed", kind, "parameters"), 0, "no tensor has")
        elif count is not None and facts("observed", kind, "parameters") == sum(
            each.elements for each in tensors.values()
        ):
            yield from facts.alike(("observed", kind, "tensors"), len(tensors), "the saved model has")
            yield from facts.alike(("observed", kind, "names_sha256"), everything, "the saved tensors' names have")


def _inherited(observed: Observed, parent: Observed) -> Iterator[Contradiction]:
    """The model's sizes and the tokenizer are those of the checkpoint that the step started from."""
    assert observed.run is not None
    assert parent.run is not None
    for name, apart in ((_CONFIG, _OF_THE_VERSION), (_TOKENIZER, _OF_THE_BATCH), (_TOKENIZING, None)):
        own, before = _content(observed.run.folder, name), _content(parent.run.folder, name)
        if before is not None and own is None and name in parent.run.record.artefacts:
            yield Contradiction(name, f"{name} is not there, and the step before left one")
        if own is None or before is None or own == before:
            continue
        found, expected = (read_json(run.folder / name) for run in (observed.run, parent.run))
        if name == _CONFIG and (found.get("id2label") is None) != (expected.get("id2label") is None):
            apart = _OF_THE_HEAD
        held = found.keys() | expected.keys()
        for key in sorted(_TOKENIZES if apart is None else held - apart):
            if not alike(expected.get(key), found.get(key)):
                message = f"{key} in {name} is another one than in the checkpoint that the step started from"
                yield Contradiction(name, message, _short(expected.get(key)), _short(found.get(key)))
    yield from _classes(observed)


def _content(folder: Path, name: str) -> bytes | None:
    """A file's bytes; None where there is no such file. A study has very many of them."""
    try:
        with open_regular(f"{folder}{os.sep}{name}") as stream:
            return stream.read()
    except OSError:
        return None


def _classes(observed: Observed) -> Iterator[Contradiction]:
    """A classifier's labels are the classes of its data, in their order."""
    assert observed.run is not None
    path, classes = observed.run.folder / _CONFIG, observed.run.record.data.get("classes")
    if not isinstance(classes, list) or not classes or not path.is_file():
        return
    config = read_json(path)
    named, numbered = config.get("id2label"), config.get("label2id")
    if named is not None and not alike({str(number): str(name) for number, name in enumerate(classes)}, named):
        yield Contradiction(_CONFIG, "id2label are not the classes of the data", classes, _short(named))
    if numbered is not None and not alike({str(name): number for number, name in enumerate(classes)}, numbered):
        yield Contradiction(_CONFIG, "label2id are not the classes of the data", classes, _short(numbered))


def _short(value: Any) -> Any:
    return value if isinstance(value, int | float | bool | str | type(None)) else str(value)[:80]

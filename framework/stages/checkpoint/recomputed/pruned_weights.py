"""How many weights a pruning had to zero, recomputed without torch; which ones, see :mod:`.lowest_scores`."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from framework.evidence.architectures.roles import Architecture
from framework.evidence.masks import MaskFile
from framework.evidence.orientation import in_rows, input_first, matrices
from framework.evidence.record import MODEL, read_json
from framework.manifest.sections.methods import Prune
from framework.stages.run.observed import NotRecorded, Observed

if TYPE_CHECKING:
    import numpy

    Array = numpy.ndarray[Any, Any]


def demanded_zeros(observed: Observed, work: Prune, masks: MaskFile, names: Iterable[str], share: float) -> int:
    """How many weights of these tensors a share means: rounded to whole weights within each group that competes, or
    to whole units.

    Raises:
        NotRecorded: the run did not say how it rounded to whole channels.
    """
    shapes = {name: masks.tensors[name].shape for name in names}
    elements = {name: math.prod(shape) for name, shape in shapes.items()}
    total = sum(elements.values())
    if ":" in work.structure:
        kept, size = map(int, work.structure.split(":"))
        return total * (size - kept) // size
    if work.structure == "unstructured" and work.scope == "output":
        rows = matrices(Architecture(observed.step.model.family), shapes)
        return sum(outputs * round(share * inputs) for outputs, inputs in rows.values())
    if work.structure == "unstructured":
        groups = list(elements.values()) if work.scope == "layer" else [total]
        return sum(round(share * size) for size in groups)
    if work.structure == "head":
        layers, heads = _heads(observed)
        removed = layers * round(share * heads) if work.scope == "layer" else round(share * layers * heads)
        return total * removed // (layers * heads)
    if work.structure == "output":
        return _outputs(observed, work, masks, shapes, share)
    # Whole channels: the run's own number, where no more than one of them is rounded away.
    asked = int(observed.recorded("sparsity", "asked_zeros"))
    coarsest = max((1 / max(shape, default=1) for shape in shapes.values()), default=1.0)
    return asked if abs(asked - share * total) <= coarsest * total else round(share * total)


def _heads(observed: Observed) -> tuple[int, int]:
    """The layers of the saved model, and the heads of each that can be removed alone."""
    assert observed.run is not None
    path = observed.run.folder / MODEL / "config.json"
    config = read_json(path) if path.is_file() else {}
    counts = []
    for names in (("num_hidden_layers", "n_layer"), ("num_key_value_heads", "num_attention_heads", "n_head")):
        found = next((config[name] for name in names if type(config.get(name)) is int), None)
        if found is None:
            raise NotRecorded(f"{MODEL}/config.json does not say how many {names[-1]} there are")
        counts.append(found)
    return counts[0], counts[1]


def _outputs(
    observed: Observed, work: Prune, masks: MaskFile, shapes: Mapping[str, tuple[int, ...]], share: float
) -> int:
    """The weights of as many outputs as the share means. Over a whole model their sizes differ, so that the masks have
    to say which ones went; a wrong number of them gives what the share of weights would be."""
    weights = {name: shape for name, shape in shapes.items() if not name.endswith(".bias")}
    rows = matrices(Architecture(observed.step.model.family), weights)
    sizes = {name: inputs + (f"{name.removesuffix('.weight')}.bias" in shapes) for name, (_, inputs) in rows.items()}
    if work.scope == "layer":
        return sum(round(share * outputs) * sizes[name] for name, (outputs, _) in rows.items())
    turned = input_first(Architecture(observed.step.model.family), weights)
    gone = {name: int((~in_rows(name, masks.mask(name), name in turned).any(axis=1)).sum()) for name in weights}
    if sum(gone.values()) == round(share * sum(outputs for outputs, _ in rows.values())):
        return sum(count * sizes[name] for name, count in gone.items())
    return round(share * sum(math.prod(shape) for shape in shapes.values()))

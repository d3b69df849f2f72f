"""What is seen of a merge: masked weights that are not zero at each stage, and how far the trained function moved."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import torch
from accelerate import Accelerator
from safetensors import safe_open
from torch import Tensor, nn

from runners.adapters.adapter import TrainedAdapter
from runners.data.examples import Examples
from runners.sparsity.masks import Masks, masked_parameters
from runners.training.objectives import logits_of

PROBED_EXAMPLES = 8
PROBED_LOGITS = 1 << 24
_CASTS = (torch.float16, torch.bfloat16)


class MergeEvidence:
    """Counts and comparisons around one merge, in the words of the run record's `adapter`.

    ``masked_weights`` holds `total` and `nonzero`, by stage: `before` in the model that the step starts from, as it was
    loaded; `trained` in the weights that the trained function uses, update included (a dense update fills the mask, a
    masked one does not); `merged`; `reloaded` from the file that was saved; and of what is reloaded, after a cast to
    `float16` and to `bfloat16`. ``logits`` holds what the same validation examples give before and after the merge.

    Args:
        model: Before adapters are attached, and before anything sets its masked weights to zero.
    """

    def __init__(self, model: nn.Module, masks: Masks):
        self._parameters: Mapping[str, Tensor] = masked_parameters(model, masks)
        self.nonzero = {"before": _nonzero(self._parameters.items(), masks)}
        self.total = 0
        self.logits: dict[str, float] = {}

    def trained(self, adapter: TrainedAdapter, masks: Masks) -> None:
        """Count in the weights that the adapter trained, and in those that it left alone."""
        adapted = set()
        count = 0
        with torch.no_grad():
            for name, weight in adapter.trained_weights():
                adapted.add(name)
                count += _nonzero([(name, weight)], masks)
        others = [(name, weight) for name, weight in self._parameters.items() if name not in adapted]
        self.nonzero["trained"] = count + _nonzero(others, masks)

    def merged(self, model: nn.Module, masks: Masks) -> None:
        self.total = sum(int((~mask).sum()) for mask in masks.values())
        self.nonzero["merged"] = _nonzero(masked_parameters(model, masks).items(), masks)

    def reloaded(self, path: Path, masks: Masks) -> None:
        """Count in the saved tensors, read back one at a time, as they are and after each cast."""
        counts = dict.fromkeys(("reloaded", *(_name(dtype) for dtype in _CASTS)), 0)
        with safe_open(path, framework="pt") as file:
            for name in masks:
                weight = file.get_tensor(name)
                counts["reloaded"] += _nonzero([(name, weight)], masks)
                for dtype in _CASTS:
                    counts[_name(dtype)] += _nonzero([(name, weight.to(dtype))], masks)
        self.nonzero |= counts

    def compare(self, before: Tensor, after: Tensor) -> None:
        """Logits of the same examples, [examples, ..., classes or vocabulary], before and after the merge."""
        moved = (after - before).abs()
        self.logits = {
            "examples": len(before),
            "values": before.numel(),
            "mean_magnitude": float(before.abs().mean()),
            "mean_difference": float(moved.mean()),
            "largest_difference": float(moved.max()),
            "changed_predictions": float((before.argmax(dim=-1) != after.argmax(dim=-1)).double().mean()),
        }

    def facts(self) -> dict[str, Any]:
        return {"masked_weights": {"total": self.total, "nonzero": self.nonzero}, "logits": self.logits}


def probe(accelerator: Accelerator, model: nn.Module, examples: Examples, vocabulary: int) -> Tensor:
    """The logits of the first validation examples, in float32; as few of them as keeps the logits small.

    ``model`` is the one inside: every process computes the same, and none waits for another.
    """
    batch = examples.batch(range(1))
    each = vocabulary * batch.input_ids.shape[1] if batch.labels is None else 1
    count = min(PROBED_EXAMPLES, max(1, PROBED_LOGITS // each), len(examples))
    batch = examples.batch(range(count)).to(accelerator.device)
    was_training = model.training
    model.eval()
    with torch.no_grad(), accelerator.autocast():
        logits = logits_of(model, batch).float()
    model.train(was_training)
    return logits


def dead_adapters(facts: Mapping[str, Any], masks: Masks) -> str:
    """Why adapters that never had a gradient had none, in words; empty where all had one."""
    if not (dead := facts["dead"]):
        return ""
    said = f"{len(dead)} of {len(facts['targets'])} adapters never had a gradient, such as {dead[0]}: "
    mask = masks.get(f"{dead[0]}.weight")
    if mask is not None and not mask.any():
        return said + "its mask keeps none of its weights; drop that target, or prune it less"
    return said + "this model's forward pass reads the weight without its module; drop that target"


def _nonzero(weights: Iterable[tuple[str, Tensor]], masks: Masks) -> int:
    """How many masked values of these tensors are not zero; NaN is not."""
    return sum(int(((weight != 0) & ~masks[name].to(weight.device)).sum()) for name, weight in weights if name in masks)


def _name(dtype: torch.dtype) -> str:
    return str(dtype).removeprefix("torch.")

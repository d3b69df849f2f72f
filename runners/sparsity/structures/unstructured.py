"""Single weights: the lowest scores of the whole model, of each tensor, or of each output."""

from __future__ import annotations

from runners.sparsity.exactly.groups import write_groups
from runners.sparsity.exactly.keyed import SomeOf
from runners.sparsity.exactly.packing import Sink
from runners.sparsity.exactly.top_k import write_masks
from runners.sparsity.structures import Scored, Wanted


def unstructured(scored: Scored, wanted: Wanted, sink: Sink) -> None:
    """Write the masks. A share is rounded to the nearest whole number of those who compete.

    Raises:
        ValueError: a score is not a number.
    """
    if wanted.scope == "output":
        zeros = [amount.of for amount in wanted.amounts]
        write_groups(scored.keys, scored.shapes, None, zeros, wanted.input_first, sink)
        return
    groups = [[name] for name in scored.shapes] if wanted.scope == "layer" else [list(scored.shapes)]
    for names in groups:
        own = SomeOf(scored.keys, names)
        size = sum(own.sizes.values())
        exact = [amount.over(names) for amount in wanted.amounts]
        counts = [
            amount.of(size) if count is None else count for amount, count in zip(wanted.amounts, exact, strict=True)
        ]
        write_masks(own, counts, sink, wanted.room)

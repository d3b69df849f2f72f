"""N:M sparsity (Mishra et al. 2021, "Accelerating Sparse Deep Neural Networks"): N kept of each M neighbouring
inputs."""

from __future__ import annotations

from runners.sparsity.exactly.groups import write_groups
from runners.sparsity.exactly.packing import Sink
from runners.sparsity.structures import Scored, Wanted


def n_of_m(scored: Scored, wanted: Wanted, sink: Sink) -> None:
    """Write the mask: exactly N of each M along the inputs, the first of equal scores.

    Raises:
        UsageError: the inputs of a weight do not divide into groups of M.
        ValueError: a score is not a number.
    """
    assert wanted.pattern is not None
    kept, size = wanted.pattern
    zeros = [lambda group: group - kept for _ in wanted.amounts]
    write_groups(scored.keys, scored.shapes, size, zeros, wanted.input_first, sink)

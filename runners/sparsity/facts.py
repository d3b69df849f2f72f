"""What the run record says about sparsity."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor

from framework.errors import FrameworkError
from runners.sparsity.masks import violations, zeros


def sparsity_facts(parameters: Mapping[str, Tensor], masks: Mapping[str, Tensor]) -> dict[str, Any]:
    """Zeros as they are in the weights, over the masked tensors: `zeros`, `elements`, `reached` (their quotient) and
    `tensors` {name: [zeros, elements]}.

    Raises:
        FrameworkError: a masked weight is not zero.
    """
    if broken := violations(parameters, masks):
        name, count = next(iter(broken.items()))
        raise FrameworkError(f"the mask does not hold: {count} masked weights of {name} are not zero")
    counted = zeros({name: parameters[name] for name in masks})
    tensors = {name: [count, parameters[name].numel()] for name, count in counted.items()}
    total, elements = sum(counted.values()), sum(size for _, size in tensors.values())
    return {"zeros": total, "elements": elements, "reached": total / elements, "tensors": tensors}

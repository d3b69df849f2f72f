"""|W| (Han et al. 2015, "Learning both Weights and Connections for Efficient Neural Networks")."""

from torch import Tensor

from runners.sparsity.scores import Measured, Score


def magnitude(measured: Measured) -> dict[str, Tensor]:
    """The absolute values, in the weights' own type."""
    return {name: weight.detach().abs() for name, weight in measured.weights.items()}


MAGNITUDE = Score(magnitude, calibrated=False, streamed=True)

"""|W·∇W|: to first order, how much the loss changes when a weight goes (Molchanov et al. 2017, equation 7)."""

from torch import Tensor

from runners.sparsity.scores import Measured, Score
from runners.sparsity.scores.gradients import mean_absolute_gradients


def taylor(measured: Measured) -> dict[str, Tensor]:
    """The absolute products, averaged over the batches."""
    gradients = mean_absolute_gradients(measured)
    return {name: measured.weights[name].detach().float().cpu().abs() * own for name, own in gradients.items()}


TAYLOR = Score(taylor)

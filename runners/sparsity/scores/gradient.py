"""|∇W|: how steeply the loss changes with a weight."""

from runners.sparsity.scores import Score
from runners.sparsity.scores.gradients import mean_absolute_gradients

GRADIENT = Score(mean_absolute_gradients)

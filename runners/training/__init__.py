"""The training loop, its batches, optimizers, schedules, evaluation and early stopping."""

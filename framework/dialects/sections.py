"""Sections of config files: those that only group keys, and those that may be a phase's, a task's or a component's."""

from __future__ import annotations

from framework.dialects.synonyms import normal
from framework.dialects.terms import words

GROUPING = frozenset(
    words(
        "training train trainer optimizer optim scheduler lr_scheduler schedule config cfg params hparams"
        " hyperparameters args model data lora encoder decoder generator backbone head init fit init_args"
        " optimization lr optimizers optimizer_config optimizer_params kwargs settings run experiment defaults"
        " training_arguments training_args trainer_config train_config learning_rate batch dataloader peft_config"
        " train_dataloader data_config datamodule early_stopping runconfig train_input value values parameters default"
    )
)
"""Names of sections that only group keys."""


def rough(within: tuple[str, ...]) -> tuple[str, ...]:
    """The names above a key that may be those of phases, tasks, variants, or of components beside each other."""
    return tuple(name for name in within if normal(name) not in GROUPING)

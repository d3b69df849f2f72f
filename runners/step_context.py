"""What a step works with: its folder, its parent, what it refers to, and the record it fills."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from framework.errors import FrameworkError
from framework.evidence.record import RunRecord
from framework.evidence.store import Run
from framework.planning.steps import Step
from runners.models.building import build_language_model, source_of
from runners.models.checkpoints import Checkpoint, load_checkpoint
from runners.models.families import FAMILIES
from runners.progress import Progress
from runners.sparsity.masks import Masks, load_masks


@dataclass(frozen=True, slots=True)
class Trial:
    """A training that is only tried, to see what it needs: on the so many longest ``examples``; ``ready`` is called
    when the data is there, before the model is."""

    examples: int
    ready: Callable[[], None]


@dataclass(frozen=True, slots=True)
class RunContext:
    """One execution of one step.

    ``parent`` and ``references`` (by role) are finished runs. ``is_main`` is False on all processes but the first:
    these compute and write nothing.
    """

    step: Step
    folder: Path
    project: Path
    parent: Run | None
    references: Mapping[str, Run]
    record: RunRecord
    progress: Progress
    is_main: bool = True
    trial: Trial | None = None

    @property
    def origin(self) -> dict[str, Any]:
        """For the record: where the model came from, if it is not the parent's."""
        return {"source": source_of(self.step.model)} if self.parent is None else {}

    def starting_model(self, tokenizer: Any | None) -> Checkpoint:
        """The parent's checkpoint, or the model as the manifest states it.

        Raises:
            FrameworkError: it cannot be had, or has fewer embeddings than the tokenizer has tokens.
        """
        step = self.step
        if self.parent is not None:
            checkpoint = load_checkpoint(self.parent.folder)
        else:
            vocabulary = len(tokenizer) if tokenizer is not None else step.model.vocabulary or 0
            model = build_language_model(step.model_name, step.model, vocabulary, step.seed, self.project)
            checkpoint = Checkpoint(model, FAMILIES.get(step.model.family), tokenizer)
        rows = checkpoint.model.config.vocab_size
        if tokenizer is not None and len(tokenizer) > rows:
            raise FrameworkError(
                f"models.{step.model_name}: the tokenizer has {len(tokenizer)} tokens, the embedding only {rows}"
            )
        return checkpoint

    def inherited_masks(self) -> Masks:
        """The masks of the nearest ancestor that has some: every run passes on those of its parent."""
        return {} if self.parent is None else load_masks(self.parent.folder)

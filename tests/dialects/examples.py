"""One small config per dialect that says what one manifest says, and what is wrong when it is changed."""

from __future__ import annotations

from tests.dialects.trainers import general, hugging_face, language, layouts, openrlhf, pretraining, vision
from tests.dialects.trainers.shape import MANIFEST, PHASE, Change, Example

EXAMPLES = (
    *hugging_face.EXAMPLES,
    *language.EXAMPLES,
    *pretraining.EXAMPLES,
    *layouts.EXAMPLES,
    *openrlhf.EXAMPLES,
    *vision.EXAMPLES,
    *general.EXAMPLES,
)

__all__ = ["EXAMPLES", "MANIFEST", "PHASE", "Change", "Example"]

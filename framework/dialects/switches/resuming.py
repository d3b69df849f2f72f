"""Training that goes on from the checkpoint of another run: the optimizer's state is the checkpoint's.

transformers 5.23 (`trainer.py` `_load_optimizer_and_scheduler`) loads the parameter groups with their rate, decay and
betas; the schedule's name and length are the new ones.
"""

from __future__ import annotations

from typing import Any

from framework.dialects.switches.applying import Switch, unknown
from framework.dialects.terms import Scope

_RESTORED = ("optimizer.learning_rate", "optimizer.weight_decay", "optimizer.betas[0]", "optimizer.betas[1]",
             "optimizer.eps")  # fmt: skip


def _resumes(word: Any, scope: Scope) -> bool:
    """Whether training goes on from a checkpoint of another run; one of its own has the same settings (5.23)."""
    own = str(scope.get("output_dir") or "").rstrip("/")
    return isinstance(word, str) and bool(word) and not (own and f"{word}/".startswith(f"{own}/"))


RESUMED = Switch(
    "resume_from_checkpoint",
    _resumes,
    unknown("training goes on with the optimizer of the checkpoint: its rate, decay and betas hold", *_RESTORED),
)

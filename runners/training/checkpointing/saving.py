"""When a training is saved, from what it goes on, and what is left of it when it breaks."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from framework.errors import FrameworkError
from framework.planning.steps import Knobs
from runners.run_files import Lines
from runners.training.checkpointing.checkpoint_files import CheckpointFolder, SavedState
from runners.training.checkpointing.state import TrainingState

FORMAT = 1
LEAST_SECONDS = 30.0
LARGEST_SHARE = 0.01
"""Where no knob says otherwise, saving takes at most this share of the time, and a short run saves nothing."""


class Saver:
    """The checkpoints of one training.

    Args:
        circumstances: What decides the bits of the result beside the step's own content, as JSON data. A checkpoint of
            other ones is refused: what it goes on to would be neither the one run nor the other.
    """

    def __init__(self, run_folder: Path, knobs: Knobs, circumstances: Mapping[str, Any]):
        self.folder = CheckpointFolder(run_folder)
        self.knobs = knobs
        self.circumstances = {"format": FORMAT, **circumstances}
        self.seconds_before = 0.0
        self._begun = self._last = time.monotonic()
        self._cost = 0.0

    def newest(self, told: Callable[[str], None]) -> SavedState | None:
        """The state to go on from; None to begin anew.

        Raises:
            FrameworkError: the newest whole checkpoint was written under other circumstances.
        """
        saved = self.folder.newest(told)
        if saved is None:
            return None
        if changes := list(_changes(saved.state["circumstances"], self.circumstances)):
            raise FrameworkError(
                f"{self.folder.path} holds the state after {saved.step} optimizer steps, but not of this training: "
                f"{'; '.join(changes)}. Going on from it would not give what an uninterrupted run gives: "
                "run it as it was begun, or remove that folder to begin anew"
            )
        self.seconds_before = saved.state["seconds"]
        return saved

    @property
    def seconds(self) -> float:
        """The time that the state so far took, attempts before this one included."""
        return self.seconds_before + time.monotonic() - self._begun

    def due(self, done: int) -> bool:
        """Whether to save now, after ``done`` optimizer steps."""
        every, minutes = self.knobs.checkpoint_every, self.knobs.checkpoint_minutes
        waited = time.monotonic() - self._last
        if every is None and minutes is None:
            return waited >= max(LEAST_SECONDS, self._cost / LARGEST_SHARE)
        return (every is not None and done % every == 0) or (minutes is not None and waited >= 60 * minutes)

    def save(self, done: int, state: TrainingState, lines: Sequence[Lines], initial: Mapping[str, float]) -> None:
        """Save the state after ``done`` optimizer steps.

        Args:
            lines: The run's line files; what they hold now belongs to the state.
            initial: The validation metrics before training.
        """
        begun = time.monotonic()
        self.folder.write(
            done,
            state.tensors(),
            {
                "step": done,
                "circumstances": self.circumstances,
                "seconds": self.seconds,
                "initial": dict(initial),
                "lines": {each.path.name: each.settled() for each in lines},
                "training": state.facts(),
            },
        )
        self._last = time.monotonic()
        self._cost = self._last - begun

    def left(self, good: int) -> str:
        """What remains when the states after more than ``good`` optimizer steps are of no use; they are removed."""
        kept = self.folder.forget_after(good)
        if kept is None:
            return "no checkpoint was due before that: the knob `checkpoint_every` makes them more frequent"
        step = int(kept.name.removeprefix("step-"))
        place = kept.relative_to(self.folder.run_folder.parent)
        return (
            f"the last good state, that after optimizer step {step}, is kept in {place} "
            "(weights.safetensors has what was trained), and the same command goes on from there"
        )


def _changes(saved: Mapping[str, Any], now: Mapping[str, Any], place: str = "") -> Iterator[str]:
    """What differs, in words; lists and scalars are compared whole."""
    for name in sorted(saved.keys() | now.keys()):
        before, after = saved.get(name), now.get(name)
        if isinstance(before, Mapping) and isinstance(after, Mapping):
            yield from _changes(before, after, f"{place}{name}.")
        elif before != after:
            yield f"{place}{name} was {before!r} and is {after!r}"

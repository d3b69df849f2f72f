"""What may take part in a training beside the optimizer: learned masks, adapters, held masks."""

from __future__ import annotations

from typing import Any

from torch import Tensor


class Method:
    """Calls that the loop makes, in this order; each does nothing here. None but ``read`` and ``state`` may make the
    host wait for the device.

    Whatever a method holds beyond its parameters and what follows from the seed and the step belongs into its state:
    a training that was killed goes on from the parameters and this.
    """

    def parameter_groups(self) -> list[dict[str, Any]]:
        """Further groups for the optimizer, with settings of their own."""
        return []

    def begin_step(self, step: int, total_steps: int) -> None:
        """Optimizer step ``step`` (from 0) begins; torch's generators have just been seeded for it."""

    def begin_micro_batch(self) -> None:
        """A forward and backward pass begins."""

    def penalty(self) -> Tensor | None:
        """A scalar that is added to the loss, once per optimizer step."""
        return None

    def after_backward(self) -> None:
        """All gradients of the step are there; they are not clipped yet."""

    def after_update(self) -> None:
        """The optimizer has stepped."""

    def trace(self) -> dict[str, float | Tensor]:
        """Values for the step's line in `steps.jsonl`: numbers, or scalars that stay on their device until a line is
        due."""
        return {}

    def read(self) -> None:
        """A line was due, and the host has waited for the device: what a method left there may be fetched."""

    def state(self) -> dict[str, Any]:
        """What else the steps to come, or the end, depend on, as JSON data; asked for between two optimizer steps."""
        return {}

    def load_state(self, state: dict[str, Any]) -> None:
        """Take back such a state."""

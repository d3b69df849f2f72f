"""What makes a host wait for a device, seen without one: every way by which a number leaves a tensor."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch.optim.optimizer import register_optimizer_step_post_hook, register_optimizer_step_pre_hook
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode


class Transfers(TorchDispatchMode):
    """Counts `aten._local_scalar_dense` (`item`, `float`, `if tensor`) and copies to the CPU, by name.

    torch's optimizers keep their counts of steps on the CPU wherever the parameters are (`capturable` aside): what they
    read of them is no transfer.
    """

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[str] = []
        self.counting = True

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        name, kwargs = func._overloadpacket.__name__, kwargs or {}
        copied = name == "_to_copy" and torch.device(kwargs.get("device") or "meta").type == "cpu"
        if self.counting and (name == "_local_scalar_dense" or copied):
            self.seen.append(name)
        return func(*args, **kwargs)


class _Asked(TorchFunctionMode):
    """`tolist` and its like on a tensor of the CPU never reach the dispatcher."""

    def __init__(self, seen: list[str]) -> None:
        super().__init__()
        self.seen = seen

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        name = getattr(func, "__name__", "")
        if name in ("tolist", "numpy", "cpu"):
            self.seen.append(name)
        return func(*args, **(kwargs or {}))


@contextmanager
def counted() -> Iterator[Transfers]:
    """The transfers of this thread while the block runs."""
    transfers = Transfers()

    def stepping(begins: bool) -> Any:
        def hook(*_: Any) -> None:
            transfers.counting = not begins

        return hook

    hooks = [register_optimizer_step_pre_hook(stepping(True)), register_optimizer_step_post_hook(stepping(False))]
    try:
        with transfers, _Asked(transfers.seen):
            yield transfers
    finally:
        for hook in hooks:
            hook.remove()

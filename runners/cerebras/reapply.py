"""A callback of Model Zoo's trainer (release 2.10) that keeps masked weights at zero, and says how sparse they are.

The trainer's own static sparsity does the same on a CSX, in the machine's format of sparse weights; this holds a run on
any of its backends to the mask *file* that the manifest's pruning wrote. The trainer calls each hook with itself first;
between `on_before_optimizer_step` and `on_after_optimizer_step` it clips gradients and updates
(`trainer/trainer.py`, `Trainer.optimizer_step`). Importable without the vendor's package: its base is then `object`.
"""

from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from framework.errors import FrameworkError
from runners.cerebras.parameter_names import converted, located
from runners.sparsity.masks import MASKS, load_masks


def _base() -> Any:
    try:
        return import_module("cerebras.modelzoo.trainer.callbacks").Callback
    except ImportError:
        return object


class ReapplyMasks(_base()):  # type: ignore[misc]
    """Sets masked weights, their gradients and their moments to zero, before and after every optimizer step.

    In the trainer's YAML, under `trainer.init.callbacks`: `- ReapplyMasks: {masks: ..., family: llama, heads: 32}`.
    """

    def __init__(self, masks: str, family: str, heads: int, key_value_heads: int | None = None, strict: bool = True):
        """
        Args:
            masks: The file with the masks of a run, `RUN/masks.safetensors`, by transformers' names of the weights.
            family: The model's family, as the manifest has it: `llama`, `mistral` or `mixtral`.
            heads: The heads of queries.
            key_value_heads: The heads of keys and values; by default as many.
            strict: Refuse to train where the loaded weights are not zero under the masks.
        """
        self.file, self.family, self.strict = Path(masks), family, strict
        self.heads, self.key_value_heads = heads, key_value_heads or heads
        self.dropped: dict[str, Tensor] = {}
        self.report: dict[str, tuple[int, int]] = {}
        """By parameter, how many weights are zero, of how many: counted when the training ends."""

    def setup(self, trainer: Any) -> None:
        """Read the masks, and find the parameters that they are for.

        Raises:
            FrameworkError: there is no such file, it is damaged, or it does not fit the model.
        """
        found = load_masks(self.file.parent) if self.file.name == MASKS else {}
        if not found:
            raise FrameworkError(f"{self.file} is no mask file of a run, which is called {MASKS}")
        masks = converted(found, self.family, self.heads, self.key_value_heads)
        self.dropped = {name: ~mask for name, mask in located(trainer.model, masks).items()}

    def on_fit_start(self, trainer: Any, train_dataloader: Any, val_dataloader: Any, loop: Any) -> None:
        """After the checkpoint was loaded: its pruned weights are zero (or NaN, as a CSX may save them).

        Raises:
            FrameworkError: others are masked, so that this is another checkpoint, or its rows are in another order.
        """
        if self.strict and not trainer.backend.is_csx:
            for name, parameter, dropped in self._held(trainer.model):
                wrong = int(((parameter != 0) & ~parameter.isnan() & dropped).sum())
                if wrong:
                    of = int(dropped.sum())
                    raise FrameworkError(f"{name}: {wrong} of {of} masked weights of the loaded model are not zero")
        self._apply(trainer.model)

    def on_before_optimizer_step(self, trainer: Any, model: nn.Module, optimizer: Any) -> None:
        """Masked weights take no part in the norm that gradients are clipped by, nor in the moments."""
        for _, parameter, dropped in self._held(model):
            if parameter.grad is not None:
                parameter.grad.masked_fill_(dropped, 0)

    def on_after_optimizer_step(self, trainer: Any, model: nn.Module, optimizer: Any) -> None:
        """Weight decay, rounding and old moments bring no weight back."""
        self._apply(model)
        with torch.no_grad():
            for _, parameter, dropped in self._held(model):
                for state in optimizer.state.get(parameter, {}).values():
                    if isinstance(state, Tensor) and state.shape == parameter.shape:
                        state.masked_fill_(dropped, 0)
        if trainer.is_tracing or trainer.is_log_step:
            trainer.log_metrics(**self._metrics(model, trainer.is_tracing))

    def on_train_end(self, trainer: Any, model: nn.Module, loop: Any, loop_idx: int) -> None:
        """Count, and tell the trainer's log."""
        if trainer.backend.is_csx:
            return  # the weights are on the machine until the next checkpoint, which `framework` can count
        held = self._held(model)
        self.report = {name: (int((parameter == 0).sum()), parameter.numel()) for name, parameter, _ in held}
        zeros, elements = (sum(each[index] for each in self.report.values()) for index in (0, 1))
        trainer.logger.info(f"{zeros} of {elements} weights under masks are zero: {zeros / elements:.6%}")

    def on_save_trainer_state(self, trainer: Any, state_dict: dict[str, Any]) -> None:
        """Nothing: the file is read again."""

    def on_load_trainer_state(self, trainer: Any, state_dict: dict[str, Any]) -> None:
        """Nothing: the file is read again."""

    def _held(self, model: nn.Module) -> Iterator[tuple[str, nn.Parameter, Tensor]]:
        """Each masked parameter as the model holds it now, and what is dropped, on its device."""
        for name, dropped in self.dropped.items():
            parameter = model.get_parameter(name)
            if dropped.device != parameter.device:
                dropped = self.dropped[name] = dropped.to(parameter.device)
            yield name, parameter, dropped

    def _apply(self, model: nn.Module) -> None:
        with torch.no_grad():
            for _, parameter, dropped in self._held(model):
                parameter.masked_fill_(dropped, 0)

    def _metrics(self, model: nn.Module, tracing: bool) -> dict[str, Any]:
        """`sparsity/NAME/actual` as the trainer's own sparsity calls it, and over all; tensors while it is traced."""
        zeros = {name: (parameter == 0).sum() for name, parameter, _ in self._held(model)}
        sizes = {name: dropped.numel() for name, dropped in self.dropped.items()}
        counts = {**zeros, "total": torch.stack(list(zeros.values())).sum()}
        sizes["total"] = sum(sizes.values())
        return {
            f"sparsity/{name}/actual": (count if tracing else int(count)) / sizes[name]
            for name, count in counts.items()
        }

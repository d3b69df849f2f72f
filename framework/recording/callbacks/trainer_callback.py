"""transformers' Trainer: its callback, which TRL's trainers take, too.

The Trainer calls `on_step_end` after `global_step` was counted up, and the optimizer and the scheduler have stepped
(`transformers/trainer.py` 5.23, `_run_epoch`); a call for each event goes to every callback, by name.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from framework.errors import UsageError
from framework.evidence.logs.logged_names import evaluation

_ROWS_ARE_EXAMPLES = ("TrainingArguments", "Seq2SeqTrainingArguments", "SFTConfig")
"""Arguments of trainers that give the model one row for each example; others make pairs or groups of them."""


def trainer_callback(run: Any) -> Any:
    """A `TrainerCallback` that tells a :class:`framework.recording.recording.Recording`.

    Raises:
        UsageError: the script has not imported transformers.
    """
    base = getattr(sys.modules.get("transformers"), "TrainerCallback", None)
    if base is None:
        raise UsageError("for_trainer: the script has not imported transformers' Trainer")
    return type("RecordingCallback", (_Events, base), {})(run)


class _Events:
    """What the Trainer tells; other events are none of ours."""

    def __init__(self, run: Any):
        self._run = run
        self._rows: _Rows | None = None
        self._counts: Any = None
        self._tokens = 0

    def on_train_begin(self, args: Any, state: Any, control: Any, **there: Any) -> None:
        run, model = self._run, there.get("model")
        if model is not None:
            run.watch(model)
        run.used_seed(int(args.seed))
        run.settings(args.to_dict())
        run.settings(_facts(args, state, there.get("train_dataloader")))
        if state.global_step or run.steps_done:
            run.resume(int(state.global_step))
        self._tokens = int(getattr(state, "num_input_tokens_seen", 0) or 0)
        self._count_rows(args, model)

    def on_step_end(self, args: Any, state: Any, control: Any, **there: Any) -> None:
        tokens = None
        if getattr(args, "include_num_input_tokens_seen", False) not in (False, "no"):
            # The Trainer has added up all processes: the first one's number is the sum, and the others add none.
            seen = int(state.num_input_tokens_seen)
            tokens, self._tokens = (seen - self._tokens if state.is_world_process_zero else 0), seen
        samples = None if self._rows is None else self._rows.taken()
        self._run.step(there.get("optimizer"), samples=samples, tokens=tokens, step=int(state.global_step))

    def on_log(self, args: Any, state: Any, control: Any, logs: Mapping[str, Any] | None = None, **there: Any) -> None:
        if logs and "loss" in logs:
            self._run.add_to_step(loss=logs["loss"], epoch=logs.get("epoch"))

    def on_evaluate(
        self, args: Any, state: Any, control: Any, metrics: Mapping[str, Any] | None = None, **there: Any
    ) -> None:
        found = evaluation(metrics or {})
        if found:
            self._run.evaluation(found, step=int(state.global_step), epoch=state.epoch)

    def on_save(self, args: Any, state: Any, control: Any, **there: Any) -> None:
        path = Path(args.output_dir) / f"checkpoint-{state.global_step}"
        if path.is_dir() and state.is_world_process_zero:
            self._run.checkpoint(path)

    def on_train_end(self, args: Any, state: Any, control: Any, **there: Any) -> None:
        if self._counts is not None:
            self._counts.remove()
            self._counts = self._rows = None
        self._run.settings({"epochs": state.epoch})
        if state.global_step < state.max_steps:
            self._run.stopped_early(state.epoch)

    def _count_rows(self, args: Any, model: Any) -> None:
        """Count what the model is given while it trains: rows of its main input. Not where `torch.compile` would see
        the counting as a part of the model, nor where a row is no example."""
        main, mixed = getattr(model, "main_input_name", None), getattr(args, "packing", False)
        odd = getattr(args, "padding_free", False) or getattr(args, "torch_compile", False) or mixed
        if self._counts is not None or main is None or odd or type(args).__name__ not in _ROWS_ARE_EXAMPLES:
            return

        self._rows = _Rows(main)
        self._counts = model.register_forward_pre_hook(self._rows, with_kwargs=True)


class _Rows:
    """Counts the rows of a model's main input while it trains; a class, so that the model can still be pickled."""

    def __init__(self, main: str):
        self.main, self.count = main, 0

    def __call__(self, module: Any, positional: tuple[Any, ...], named: dict[str, Any]) -> None:
        given = named.get(self.main, named.get("inputs_embeds", positional[0] if positional else None))
        if module.training and given is not None and sys.modules["torch"].is_grad_enabled():
            self.count += len(given)

    def taken(self) -> int:
        """The rows since the last call."""
        count, self.count = self.count, 0
        return count


def _facts(args: Any, state: Any, loader: Any) -> dict[str, Any]:
    """What the arguments say by the names of the record."""
    micro, gathered, processes = int(args.train_batch_size), int(args.gradient_accumulation_steps), int(args.world_size)
    facts = {
        "micro_batch_size": int(args.per_device_train_batch_size),
        "accumulation": gathered,
        "batch_size": micro * gathered * processes,
        "max_grad_norm": args.max_grad_norm,
        "precision": "bf16" if args.bf16 else "fp16" if args.fp16 else "fp32",
        "planned_steps": int(state.max_steps),
    }
    data: Any = getattr(loader, "dataset", None)
    return {**facts, "train_examples": len(data)} if hasattr(data, "__len__") else facts

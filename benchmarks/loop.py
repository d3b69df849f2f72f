"""The built-in training beside a bare PyTorch loop and transformers' Trainer: `python benchmarks/loop.py`.

All three train the same Llama from the same weights on the same batches of text, with AdamW, the same clipping and the
same cosine schedule with a warmup: in float32 on the CPU, in bf16 on a GPU. The built-in training is a whole run as
`framework run` executes it, with its seeds, lines, log and looks at what is due. The bare loop reads its loss every ten
steps, and the Trainer logs as often; neither saves. They take turns, a block of steps each, in processes of their own.

Printed are medians over the rounds: a step's milliseconds, the ratios to the bare loop by the clock and of processor
time (which other work beside it leaves alone), and the last losses: that of a step, of the Trainer the mean of ten. On
a GPU: `python benchmarks/on_gpu.py`.
"""

from __future__ import annotations

import argparse
import itertools
import multiprocessing
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")

SIZES: dict[str, dict[str, Any]] = {
    "tiny": {"layers": 2, "hidden": 64, "length": 64, "batch": 4},
    "5ms": {"layers": 1, "hidden": 64, "length": 32, "batch": 4},
    "500ms": {"layers": 4, "hidden": 256, "length": 128, "batch": 16},
    "130M": {"layers": 12, "hidden": 896, "length": 512, "batch": 16},
}
LOG_EVERY, WARMUP, STEPS, SEED, RATE = 10, 10, 20_000, 1, 1e-4


class Turns:
    """Blocks of steps, each begun when the other end of the pipe says so, and answered with its seconds."""

    def __init__(self, pipe: Connection):
        self.pipe, self.left, self.begun, self.computed = pipe, 0, 0.0, 0.0
        self._wait()

    def after(self, steps: int, loss: float) -> None:
        """So many steps more were taken; the loss is that of the last."""
        self.left -= steps
        if self.left <= 0:
            synchronize()
            self.pipe.send((time.perf_counter() - self.begun, time.process_time() - self.computed, loss))
            self._wait()

    def _wait(self) -> None:
        self.left = self.pipe.recv()
        synchronize()
        self.begun, self.computed = time.perf_counter(), time.process_time()


def synchronize() -> None:
    import torch

    if torch.cuda.is_available():
        torch.cuda.synchronize()


def precision_of(size: dict[str, Any]) -> str:
    return size.get("precision") or ("fp32" if on_cpu() else "bf16")


def step_of(size: dict[str, Any], steps: int = STEPS) -> Any:
    """The training as a plan's step."""
    from framework.manifest.sections.models import Dataset, Model
    from framework.manifest.sections.phases import Phase
    from framework.manifest.sections.root import Manifest
    from framework.planning.recipes import Recipe, recipe_of
    from framework.planning.steps import Knobs, Step, Training

    stated = {
        "objective": "causal_lm",
        "dataset": "text",
        "optimizer": {"name": "adamw", "learning_rate": RATE, "weight_decay": 0.01},
        "schedule": {"name": "cosine", "warmup": f"{WARMUP} steps"},
        "batch_size": size["batch"],
        "sequence_length": size["length"],
        "max_steps": steps,
        "max_grad_norm": 1.0,
        "precision": precision_of(size),
    }
    recipe = recipe_of(Manifest.model_construct(), Phase.model_validate(stated))
    assert isinstance(recipe, Recipe), recipe
    shape = {"layers": size["layers"], "hidden": size["hidden"], "heads": 4, "intermediate": 4 * size["hidden"]}
    model = Model(family="llama", weights="random", vocabulary=256, tokenizer="bytes", **shape)
    text = Dataset(builtin="language-reference", validation_limit=8)
    names = {"key": "0" * 64, "name": "pretrain", "index": 0, "variants": ("bench",), "model_name": "bench"}
    knobs = Knobs(micro_batch_size=size["batch"], log_every=LOG_EVERY)
    work = Training(recipe, "text", text, None, None)
    return Step(
        **names, model=model, task=None, seed=SEED, work=work, identity={}, parent=None, references={}, knobs=knobs
    )


def on_cpu() -> bool:
    import torch

    return not torch.cuda.is_available()


def start(size: dict[str, Any]) -> tuple[Any, Any, list[list[int]]]:
    """The model, the examples and the batches of the training, for those that are given them."""
    from runners.data.preparing import prepare
    from runners.models.building import build_language_model
    from runners.training.batches import global_batches

    step = step_of(size)
    data = prepare(step.work, "bench", step.model, None, Path())
    model: Any = build_language_model("bench", step.model, len(data.tokenizer), SEED, Path())
    batches = global_batches(len(data.train), size["batch"], SEED, STEPS)
    return model, data.train, [indices for _, indices in itertools.islice(batches, STEPS)]


def built_in(size: dict[str, Any], turns: Turns) -> None:
    from framework.evidence.store import RunStore
    from runners.execute import execute
    from runners.progress import Silent

    class Taking(Silent):
        def update(self, done: int, loss: float, learning_rate: float) -> None:
            turns.after(LOG_EVERY, loss)

    with tempfile.TemporaryDirectory() as name:
        execute(step_of(size), RunStore(Path(name) / "runs"), Path(name), Taking())


def bare(size: dict[str, Any], turns: Turns) -> None:
    import torch
    import torch.nn.functional as F
    from transformers import get_cosine_schedule_with_warmup

    model, examples, batches = start(size)
    device = torch.device("cpu" if on_cpu() else "cuda")
    model.to(device).train()
    optimizer = torch.optim.AdamW(model.parameters(), lr=RATE, weight_decay=0.01)
    low = precision_of(size) == "bf16"
    schedule = get_cosine_schedule_with_warmup(optimizer, WARMUP, STEPS)
    for done, indices in enumerate(batches, 1):
        tokens = examples.batch(indices).input_ids
        if device.type == "cuda":
            tokens = tokens.pin_memory().to(device, non_blocking=True)
        with torch.autocast(device.type, dtype=torch.bfloat16, enabled=low):
            logits = model(input_ids=tokens, use_cache=False).logits
        loss = F.cross_entropy(logits[:, :-1].flatten(0, 1).float(), tokens[:, 1:].flatten())
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        optimizer.zero_grad()
        if done % LOG_EVERY == 0:
            turns.after(LOG_EVERY, float(loss.detach()))


def trainer(size: dict[str, Any], turns: Turns) -> None:
    import torch
    from transformers import PrinterCallback, Trainer, TrainerCallback, TrainingArguments

    model, examples, batches = start(size)
    order = [index for indices in batches for index in indices]

    class InOrder(torch.utils.data.Dataset):  # type: ignore[type-arg]
        def __len__(self) -> int:
            return len(order)

        def __getitem__(self, place: int) -> dict[str, Any]:
            tokens = examples.batch([order[place]]).input_ids[0]
            return {"input_ids": tokens, "labels": tokens}

    class Sequential(Trainer):
        def _get_train_sampler(self, *arguments: Any) -> Any:
            return torch.utils.data.SequentialSampler(self.train_dataset)  # type: ignore[arg-type]

    class Taking(TrainerCallback):
        def on_log(self, arguments: Any, state: Any, control: Any, logs: Any = None, **_: Any) -> None:
            if "loss" in (logs or {}):
                turns.after(LOG_EVERY, float(logs["loss"]))

    with tempfile.TemporaryDirectory() as name:
        arguments = TrainingArguments(
            name, per_device_train_batch_size=size["batch"], learning_rate=RATE, weight_decay=0.01, max_steps=STEPS,
            lr_scheduler_type="cosine", warmup_steps=WARMUP, max_grad_norm=1.0, logging_steps=LOG_EVERY,
            save_strategy="no", report_to=[], disable_tqdm=True, log_level="error", use_cpu=on_cpu(), seed=SEED,
            bf16=precision_of(size) == "bf16",
        )  # fmt: skip
        training = Sequential(model, arguments, train_dataset=InOrder(), callbacks=[Taking()])
        training.remove_callback(PrinterCallback)
        training.train()


CONTESTANTS: dict[str, Callable[[dict[str, int], Turns], None]] = {
    "bare loop": bare, "built-in": built_in, "Trainer": trainer,
}  # fmt: skip


def worker(pipe: Connection, name: str, size: dict[str, Any], threads: int) -> None:
    import torch

    torch.set_num_threads(threads)
    CONTESTANTS[name](size, Turns(pipe))


@dataclass
class Times:
    """Seconds of a step in each round, by the clock and of the processor, and the last loss."""

    wall: list[float] = field(default_factory=list)
    processor: list[float] = field(default_factory=list)
    loss: float = 0.0


def measured(size: dict[str, Any], rounds: int, block: int, threads: int) -> dict[str, Times]:
    spawn, pipes, processes = multiprocessing.get_context("spawn"), {}, []
    for name in CONTESTANTS:
        pipes[name], there = spawn.Pipe()
        processes.append(spawn.Process(target=worker, args=(there, name, size, threads), daemon=True))
        processes[-1].start()
        there.close()  # so that a worker that fails ends the measurement
    found = {name: Times() for name in CONTESTANTS}
    for number in range(-1, rounds):  # the first warms up
        for name in list(CONTESTANTS)[:: 1 if number % 2 else -1]:
            pipes[name].send(LOG_EVERY if number < 0 else block)
            wall, processor, loss = pipes[name].recv()
            if number >= 0:
                found[name].wall.append(wall / block)
                found[name].processor.append(processor / block)
                found[name].loss = loss
    for process in processes:
        process.kill()
        process.join()
    return found


def ratios(times: list[float], others: list[float]) -> str:
    found = [own / other for own, other in zip(times, others, strict=True)]
    return f"{statistics.median(found):.3f} ({min(found):.3f} to {max(found):.3f})"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", nargs="+", choices=SIZES, default=["5ms", "500ms"])
    parser.add_argument("--rounds", type=int, default=11)
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    for name in options.sizes:
        shown(name, SIZES[name], measured(SIZES[name], options.rounds, block_of(name), options.threads))


def block_of(name: str) -> int:
    """How many steps a contestant takes at a time."""
    return LOG_EVERY if name == "500ms" else 100


def shown(name: str, size: dict[str, Any], found: dict[str, Times]) -> None:
    print(f"{'size':6} {'':10} {'ms/step':>8} {'tokens/s':>9} {'to bare':>25} {'processor time':>25} {'loss':>8}")
    plain = found["bare loop"]
    for contestant, times in found.items():
        step = statistics.median(times.wall)
        line = f"{name:6} {contestant:10} {1e3 * step:8.2f} {size['batch'] * size['length'] / step:9.0f}"
        both = f"{ratios(times.wall, plain.wall):>25} {ratios(times.processor, plain.processor):>25}"
        print(f"{line} {both} {times.loss:8.4f}", flush=True)


if __name__ == "__main__":
    main()

"""A measuring step: every declared quantity of one checkpoint, at every declared batch size and sequence length."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import product
from typing import Any

import torch

from framework.errors import FrameworkError
from framework.manifest.sections.measurements import TIMED, UNMEASURED
from framework.planning.steps import Measure
from runners.measurement.checkpoints import measured_model
from runners.measurement.counting import COUNTED, forward_flops
from runners.measurement.energy import EnergyMeter
from runners.measurement.forward_passes import forward, random_batch, spread, timed
from runners.measurement.memory import Unmeasured, peak_memory
from runners.models.classifier import SequenceClassifier
from runners.step_context import RunContext
from runners.training.threads import training_threads

Facts = dict[str, Any]
_TYPES = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}
SHORTEST = 1.0
"""Seconds. Energy counters are refreshed some ten times in a second: less than this is no measurement of energy."""


def measure(context: RunContext, work: Measure) -> None:
    """Fill the record's ``measurements``; with several processes the first measures.

    Raises:
        FrameworkError: the model does not read sequences of a declared length.
    """
    context.progress.begin(context.step, 0)
    if not context.is_main:
        return
    record, spec = context.record, work.measurement
    adapted = work.training is not None and work.training.adapter is not None
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    record.observed = {"seed": context.step.seed, "device": str(device)}
    for state in spec.adapters if adapted else [None]:
        model = measured_model(context, work, state).eval()
        with training_threads(sum(weight.numel() for weight in model.parameters())) as threads:
            record.environment["hardware"]["threads"] = threads
            for facts in _Subject(context, work, model, state, device).figures():
                record.measurements.append(facts)
                context.progress.message(said(facts))


class _Subject:
    """One model to measure; its weights are put into the declared format once they were counted."""

    def __init__(self, context: RunContext, work: Measure, model: Any, state: str | None, device: torch.device):
        self.context, self.work, self.spec, self.model, self.device = context, work, work.measurement, model, device
        self.seed, self.state = context.step.seed, state
        self.labelled = any(isinstance(module, SequenceClassifier) for module in model.modules())
        longest = getattr(model.config, "max_position_embeddings", None)
        for length in self.spec.sequence_lengths:
            if longest is not None and length > longest:
                place = f"measurements.{work.name}.sequence_lengths"
                raise FrameworkError(f"{place}: the model reads at most {longest} tokens, {length} are declared")

    def figures(self) -> Iterator[Facts]:
        """Every figure that is declared of this model."""
        spec = self.spec
        asked: set[str] = set(spec.measure)
        for name in spec.measure:
            if name.endswith("parameters") and (name, self.state) != UNMEASURED:
                yield self._fact(name, "parameters", **self._counted(name))
        self.model.to(_TYPES[spec.precision])
        for length in spec.sequence_lengths if "flops" in asked else []:
            yield self._flops(length)
        self.model.to(self.device)
        for length, size in product(spec.sequence_lengths, spec.batch_sizes):
            if asked & {"peak_memory", *TIMED}:
                yield from self._passes(size, length, asked)

    def _fact(self, quantity: str, unit: str, **facts: Any) -> Facts:
        return {"quantity": quantity, "unit": unit, "adapter": self.state, **facts}

    def _counted(self, quantity: str) -> Facts:
        if quantity == "parameters":
            return {"value": sum(weight.numel() for weight in self._weights())}
        if quantity == "nonzero_parameters":
            return {"value": sum(int(weight.count_nonzero()) for weight in self._weights())}
        assert self.context.parent is not None
        return {"value": self.context.parent.record.parameters["trainable"]}

    def _weights(self) -> Iterator[Any]:
        """Every parameter once; without the head that peft keeps as it was beside the one that is trained."""
        return (weight for name, weight in self.model.named_parameters() if ".original_module." not in name)

    def _flops(self, length: int) -> Facts:
        batch = random_batch(self.model.config, 1, length, self.seed, torch.device("cpu"), self.labelled)
        total = forward_flops(self.model, batch)
        place = {"batch_size": None, "sequence_length": length, "precision": self.spec.precision}
        return self._fact("flops", "FLOP/token", value=total / length, per_pass=total, what=COUNTED, **place)

    def _passes(self, size: int, length: int, asked: set[str]) -> Iterator[Facts]:
        """What repeated passes over one batch show."""
        spec, tokens = self.spec, size * length
        batch = random_batch(self.model.config, size, length, self.seed, self.device, self.labelled)
        run = forward(self.model, batch)
        place: Facts = {"batch_size": size, "sequence_length": length}
        place |= {"precision": spec.precision, "warmup": spec.warmup}
        for _ in range(spec.warmup):
            run()
        if "peak_memory" in asked:
            yield self._fact("peak_memory", "bytes", **_memory(run, self.device), **place)
        if not asked & set(TIMED):
            return
        with EnergyMeter() as meter:
            seconds = timed(run, spec.repeats)
        low, middle, high = spread(seconds)
        place["seconds"] = seconds
        if "latency" in asked:
            value, *quartiles = (1000 * each / length for each in (middle, low, high))
            yield self._fact("latency", "ms/token", value=value, quartiles=quartiles, **place)
        if "throughput" in asked:
            value, *quartiles = (tokens / each for each in (middle, high, low))
            yield self._fact("throughput", "tokens/s", value=value, quartiles=quartiles, **place)
        if "energy" in asked:
            yield self._fact("energy", "J/token", **_energy(meter.facts, sum(seconds), tokens * spec.repeats), **place)


def _memory(run: Callable[[], None], device: torch.device) -> Facts:
    try:
        value, what = peak_memory(run, device)
    except Unmeasured as reason:
        return {"value": None, "missing": str(reason)}
    return {"value": value, "what": what}


def _energy(used: Facts, seconds: float, tokens: int) -> Facts:
    """Joules per token: of the accelerators where there are some, else of the processors."""
    source = "accelerators" if "accelerators" in used else "processors"
    joules = used[source]
    if joules is None:
        return {"value": None, "missing": used["missing"][source]}
    if seconds < SHORTEST:
        return {"value": None, "missing": f"{seconds:.2f} s of passes are too short for the counters: more `repeats`"}
    return {"value": joules / tokens, "what": f"all that the {source} used meanwhile, other work on them included"}


def said(facts: Facts) -> str:
    """A figure in one line."""
    where = [
        facts.get("adapter"),
        _counted_in(facts, "batch_size", "batch"),
        _counted_in(facts, "sequence_length", "length"),
    ]
    place = ", ".join(each for each in where if each)
    value = facts.get("value")
    figure = f"not measured ({facts['missing']})" if value is None else f"{value:,.4g} {facts['unit']}"
    if isinstance(value, int):
        figure = f"{value:,} {facts['unit']}"
    return f"{facts['quantity'].replace('_', ' ')}{f' ({place})' if place else ''}: {figure}"


def _counted_in(facts: Facts, name: str, word: str) -> str | None:
    return f"{word} {facts[name]}" if facts.get(name) is not None else None

"""The model that was saved has the declared sizes."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

from framework.conformance import Finding, Rule, Severity, Stage, Verdict
from framework.evidence.record import MODEL, read_json
from framework.stages.run.observed import EvidenceContext, NotRecorded, Observed

SIZE = Rule("T140", "model-size", Severity.ERROR, Stage.CHECKPOINT, "a saved model has other sizes than declared")

_KEYS: dict[str, tuple[str, ...]] = {
    "family": ("model_type",),
    "layers": ("num_hidden_layers", "n_layer"),
    "hidden": ("hidden_size", "n_embd"),
    "state": ("state_size",),
    "expand": ("expand",),
    "heads": ("num_attention_heads", "n_head"),
    "key_value_heads": ("num_key_value_heads",),
    "intermediate": ("intermediate_size", "n_inner"),
    "experts": ("num_local_experts",),
    "experts_per_token": ("num_experts_per_tok",),
    "positions": ("max_position_embeddings", "n_positions"),
    "vocabulary": ("vocab_size",),
}
"""Manifest field -> the names that transformers' model configs use for it."""
_CONFIG = "the model's config"
"""What is known of a run: see :attr:`Observed.known`."""


def check(context: EvidenceContext) -> Iterator[Verdict | Finding]:
    for observed in context.steps:
        model = observed.step.model
        for name in _KEYS:
            if (declared := getattr(model, name)) is not None:
                clause = context.experiment.by_path.get(("models", observed.step.model_name, name))
                seen = partial(_config, name)
                yield from context.hold(SIZE, observed, clause, declared, seen, name, f"{MODEL}/config.json")
        if model.parameters is not None and observed.step.parent is None:
            clause = context.experiment.by_path.get(("models", observed.step.model_name, "parameters"))
            yield from context.hold(SIZE, observed, clause, model.parameters, _parameters, "parameters")


def _parameters(observed: Observed) -> Any:
    """The parameters of the model that a run started from: a classification head is not among them."""
    assert observed.run is not None
    return observed.run.record.parameters.get("model") or observed.recorded("parameters", "total")


def _config(name: str, observed: Observed) -> Any:
    assert observed.run is not None
    if (data := observed.known.get(_CONFIG)) is None:
        path = observed.run.folder / MODEL / "config.json"
        if not path.is_file():
            raise NotRecorded(f"{observed.step.label} left no {MODEL}/config.json")
        data = observed.known[_CONFIG] = read_json(path)
    for key in _KEYS[name]:
        if data.get(key) is not None:
            return data[key]
    raise NotRecorded(f"{MODEL}/config.json has no {_KEYS[name][0]}")

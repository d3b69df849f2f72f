"""The model that was saved has the declared sizes, and of a `gpt` the declared parts."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from framework.conformance import Finding, Rule, Severity, Stage, Verdict
from framework.conformance.finding import plain
from framework.evidence.record import MODEL, read_json
from framework.manifest.clauses import Clause, value_at
from framework.manifest.own_models import PARTS, clause_of_model, own_parts
from framework.stages.run.observed import EvidenceContext, NotRecorded, Observed

SIZE = Rule("T140", "model-size", Severity.ERROR, Stage.CHECKPOINT, "a saved model has other sizes than declared")

_FILE = f"{MODEL}/config.json"
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
                clause = _clause(context, observed, name)
                seen = partial(_config, name)
                yield from context.hold(SIZE, observed, clause, declared, seen, name, f"{MODEL}/config.json")
        if model.architecture is not None:
            yield from _parts(context, observed)
        if model.parameters is not None and observed.step.parent is None:
            clause = _clause(context, observed, "parameters")
            yield from context.hold(SIZE, observed, clause, model.parameters, _parameters, "parameters")


def _clause(context: EvidenceContext, observed: Observed, *part: str | int) -> Clause | None:
    step = observed.step
    return clause_of_model(context.experiment, step.variant, step.model_name, part)


def _parts(context: EvidenceContext, observed: Observed) -> Iterator[Verdict | Finding]:
    """The switches of a `gpt`: each that is stated as its `config.json` has it, and as the tensors have it where they
    tell: whether there are biases, a gate, learned positions, norms of queries and keys, and a head of its own."""
    experiment, step = context.experiment, observed.step
    stated = [clause.path[2:] for clause in experiment.below(("models", step.model_name, PARTS))]
    stated += [part for part in own_parts(experiment, step.variant) if part[0] == PARTS]
    for part in dict.fromkeys(stated):
        clause = _clause(context, observed, *part)
        value = value_at(step.model, part)
        label, names = ".".join(map(str, part[1:])), [str(name) for name in part[1:]]
        yield from context.hold(SIZE, observed, clause, plain(value), partial(_part, names), label, _FILE)
        if (told := _TOLD.get(label)) is not None:
            yield from context.hold(SIZE, observed, clause, value, partial(told, value), label, "the saved tensors")


def _part(path: list[str], observed: Observed) -> Any:
    found = _config_of(observed).get("switches")
    for name in path:
        if not isinstance(found, dict) or name not in found:
            raise NotRecorded(f"{MODEL}/config.json has no switches.{'.'.join(path)}")
        found = found[name]
    if isinstance(found, dict) and path == ["dropout"] and len(set(found.values())) == 1:
        return next(iter(found.values()))
    return found


def _has(observed: Observed, ending: str) -> bool:
    names = list(observed.tensors.file.tensors)
    if not names:
        raise NotRecorded(f"{observed.step.label} left no tensors")
    return any(name.endswith(ending) for name in names)


def _told(ending: str, present: Any, absent: Any, stated: Any, observed: Observed) -> Any:
    """What a tensor's presence tells of a switch: the stated value itself where it is among those that go with it."""
    values = present if _has(observed, ending) else absent
    return stated if stated in values else values[0]


_TOLD: dict[str, Callable[[Any, Observed], Any]] = {
    "biases": partial(_told, "up_proj.bias", (True,), (False,)),
    "qk_norm": partial(_told, "q_norm.weight", (True,), (False,)),
    "tied": partial(_told, "lm_head.weight", (False,), (True,)),
    "activation": partial(_told, "gate_proj.weight", ("swiglu",), ("gelu_tanh", "gelu", "relu", "relu_squared")),
    "position_encoding": partial(_told, "embed_positions.weight", ("learned",), ("rope", "none")),
    "norm_place": partial(_told, "model.norm.weight", ("before",), ("after",)),
}
"""By switch what the names of the saved tensors tell of it."""


def _config_of(observed: Observed) -> dict[str, Any]:
    assert observed.run is not None
    if (data := observed.known.get(_CONFIG)) is None:
        path = observed.run.folder / MODEL / "config.json"
        if not path.is_file():
            raise NotRecorded(f"{observed.step.label} left no {MODEL}/config.json")
        data = observed.known[_CONFIG] = read_json(path)
    found: dict[str, Any] = data
    return found


def _parameters(observed: Observed) -> Any:
    """The parameters of the model that a run started from: a classification head is not among them."""
    assert observed.run is not None
    return observed.run.record.parameters.get("model") or observed.recorded("parameters", "total")


def _config(name: str, observed: Observed) -> Any:
    data = _config_of(observed)
    for key in _KEYS[name]:
        if data.get(key) is not None:
            return data[key]
    raise NotRecorded(f"{MODEL}/config.json has no {_KEYS[name][0]}")

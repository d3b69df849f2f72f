"""Sections of Cerebras Model Zoo's trainer YAML that a table of keys cannot read: lists, callbacks, steps, defaults.

Sources: Model Zoo 2.10 (`trainer/callbacks/{lora,loop,schedulers}.py`, `common/utils/model/lora.py`), cerebras_pytorch
2.10.0 (`sparse/configure.py`, `optim/`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from framework.dialects.key_tables import assume, at, state
from framework.dialects.terms import Default, Key, Said, Scope, Statement, Unknown, leaves, words
from framework.names import Path

HARMLESS = frozenset(
    words(
        "checkloss computenorm globalflags keepncheckpoints loadcheckpointstates logoptimizerparamgroup logsparsity"
        " modelevalmetrics progresslogger ratelogger reapplymasks scopedtrainflags scopedvalidateflags"
    )
)
"""Callbacks, in lower case, that watch, load and save, and leave the training what it is."""
_SPARSITY = {"sparsity": "prune.sparsity|mask.sdm.target_sparsity", "param_filter": "prune.tensors"}
_DEFAULTS: Mapping[str, Mapping[str, Any]] = {
    "adamw": {"betas": [0.9, 0.999], "eps": 1e-6, "weight_decay": 0.0},
    "adam": {"betas": [0.9, 0.999], "eps": 1e-6, "weight_decay": 0.0},
    "sgd": {"momentum": 0, "weight_decay": 0},
}
"""What the optimizers' constructors take: `AdamBase.py` and `SGD.py`; PyTorch's own take 1e-8 and, for AdamW, 0.01."""
_LORA_DEFAULTS = {"alpha": 1, "dropout": 0.0}
"""`LoraConfig` of Model Zoo's `lora.py`."""


def harmless_callbacks(callbacks: Any, base: Path) -> set[Path]:
    """Where callbacks stand that state nothing of a paper."""
    items = callbacks if isinstance(callbacks, list) else []
    return {(*base, index) for index, item in enumerate(items) if _class(item) in HARMLESS}


def state_lora(said: Said, callbacks: Any, base: Path, keys: Mapping[str, Key], scope: Scope) -> None:
    """What the callback `Lora` states, by ``keys`` of its parameters, its class spelled in any case.

    `lora_params` may be a list, of which a layer takes the first group that reaches it: what several groups state
    together is not known here.
    """
    for index, item in enumerate(callbacks if isinstance(callbacks, list) else []):
        if _class(item) != "lora":
            continue
        name, arguments = next(iter(item.items()))
        place: Path = (*base, index, name, "lora_params")
        params = arguments.get("lora_params") if isinstance(arguments, dict) else None
        groups = params if isinstance(params, list) else [params]
        for number, group in enumerate(groups):
            here = (*place, number) if isinstance(params, list) else place
            if isinstance(group, dict):
                _group(said, here, group, keys, scope, len(groups) > 1)


def _group(said: Said, here: Path, group: Scope, keys: Mapping[str, Key], scope: Scope, several: bool) -> None:
    for key, term in keys.items():
        if key in group:
            known = Unknown("lora_params has several groups, and a layer takes the first that reaches it")
            found = state(
                (*here, key), Key(term.fact, lambda *_, known=known: known) if several else term, group[key], scope
            )
            said.statements += [found] if found else []
    if not several:
        named = ".".join(str(part) for part in here)
        assume(said, [Default(keys[key].fact, value, f"{named}.{key}") for key, value in _LORA_DEFAULTS.items()])


def state_sparsity(said: Said, section: Any, base: Path, keys: Mapping[str, Key], scope: Scope) -> None:
    """A number for all weights, or a list of groups; a mapping is read by the table of keys."""
    if isinstance(section, (int, float)) and not isinstance(section, bool):
        said.statements.append(Statement(base, _SPARSITY["sparsity"], section, section))
    for index, group in enumerate(section if isinstance(section, list) else []):
        for key, term in keys.items():
            if isinstance(group, dict) and key in group:
                known = Unknown("sparsity has several groups, each for its own weights")
                used = term if len(section) == 1 else Key(term.fact, lambda *_, known=known: known)
                found = state((*base, index, key), used, group[key], scope)
                said.statements += [found] if found else []


def steps_said(loop: Any, base: Path) -> tuple[Any, set[Path]]:
    """The number of steps, and the places that the trainer does not read: `num_steps` goes before `max_steps`."""
    if not isinstance(loop, dict):
        return None, set()
    if loop.get("num_steps") is not None:
        return loop["num_steps"], {(*base, "max_steps")} if "max_steps" in loop else set()
    return loop.get("max_steps"), set()


def state_decay(said: Said, schedulers: Any, base: Path) -> None:
    """A scheduler of the weight decay sets it at every step, whatever the optimizer's own says."""
    items = schedulers if isinstance(schedulers, list) else [schedulers]
    for index, item in enumerate(items):
        if not _class(item).endswith("wd"):
            continue
        here: Path = (*base, index) if isinstance(schedulers, list) else base
        name = next(iter(item))
        why = Unknown(f"{name} sets the weight decay at every step, in the place of the optimizer's weight_decay")
        said.statements = [
            Statement(each.path, each.fact, why, each.word) if each.fact == "optimizer.weight_decay" else each
            for each in said.statements
        ]
        if not any(each.fact == "optimizer.weight_decay" for each in said.statements):
            said.statements.append(Statement(here, "optimizer.weight_decay", why, name))
        said.silent.update((*here, *path) for path, _ in leaves(item))


def optimizer_defaults(said: Said, name: str) -> None:
    """What the optimizer's class takes where the file says nothing."""
    held = _DEFAULTS.get(name.lower(), {})
    key = f"init.optimizer.{name}"
    assume(said, [Default(f"optimizer.{ours}", value, f"{key}.{ours}") for ours, value in held.items()])


def family(word: Any, scope: Scope) -> Any:
    """`model.name`. `llama`, `mistral` and `mixtral` are one class with GPT-2 in Model Zoo, and take GPT-2's defaults
    (`models/nlp/llama/model.py`): the name alone makes no Llama."""
    from framework.dialects.families.model_zoo import CONSTANTS, PROJECTIONS

    name = str(word).lower().removesuffix("model")
    if name == "gpt2" and not any(at(scope, "init", "model", key) == value for key, value in CONSTANTS.items()):
        return "gpt2"
    if name not in PROJECTIONS:
        return Unknown(f"{word!r} is a class of Model Zoo's, which several families share")
    model = at(scope, "init", "model") or {}
    other = [f"{key}: {value}" for key, value in CONSTANTS.items() if model.get(key) != value]
    if other:
        return Unknown(f"Model Zoo's {word} is a GPT-2 unless it is told {', '.join(other)}")
    return name


def _class(item: Any) -> str:
    """The name of the class of `{Lora: {...}}`, in lower case: Model Zoo finds classes by it."""
    return str(next(iter(item))).lower() if isinstance(item, dict) and len(item) == 1 else ""

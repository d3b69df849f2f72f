"""The names of a model's parameters, and which of them are norms, biases, embeddings or the head, by their modules.

Of torch's modules only what they call themselves is asked, so that nothing of torch is imported.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from hashlib import sha256
from typing import Any, NamedTuple

NORMS, BIASES, EMBEDDINGS, HEAD = KINDS = ("norms", "biases", "embeddings", "head")
"""The words of a group that mean kinds of parameters and no module's name."""
TIED = " = "
"""Between the names of a weight that has several."""
_WRAPPED = (
    ("base_model.model.", ""),  # peft's model around a model
    (".base_layer.", "."),  # a module under an adapter
    (".modules_to_save.default.", "."),  # a module that is trained in full beside an adapter
    (".parametrizations.", "."),  # a weight under learned gates, which is `weight.original`
)
_OUTER = ("module.", "_orig_mod.", "_fsdp_wrapped_module.")
"""What torch's DistributedDataParallel, `torch.compile` and FullyShardedDataParallel put before the names of what they
wrap."""


def unwrapped(name: str) -> str:
    """The name that a parameter has in the model by itself."""
    for wrapped, bare in _WRAPPED:
        name = name.replace(wrapped, bare)
    return name.removesuffix(".original")


class Named(NamedTuple):
    """The parameters of a model as they were looked at: by identity the name of each (those of a tied weight joined by
    ` = `), its size, and whether gradients were asked for; and by name the :data:`KINDS` that it is of."""

    names: dict[int, str]
    sizes: dict[int, int]
    trainable: set[int]
    kinds: dict[str, list[str]]
    head_known: bool


def named(model: Any) -> Named:
    """The parameters of a `torch.nn.Module`, in its order.

    The head is what lies outside the backbone that transformers' models name (`base_model_prefix`); of other models it
    is not known.
    """
    modules = dict(model.named_modules(remove_duplicate=False))
    backbone = _backbone(model)
    names: dict[int, list[str]] = {}
    kinds: dict[int, set[str]] = {}
    sizes: dict[int, int] = {}
    trainable: set[int] = set()
    for full, parameter in model.named_parameters(remove_duplicate=False):
        key = id(parameter)
        name = _bare(full)
        if name not in names.setdefault(key, []):
            names[key].append(name)
        sizes[key] = parameter.numel()
        if parameter.requires_grad:
            trainable.add(key)
        module = modules[full.rpartition(".")[0]]
        kinds.setdefault(key, set()).update(_kinds(module, name, backbone))
    joined = {key: TIED.join(own) for key, own in names.items()}
    of = {joined[key]: [kind for kind in KINDS if kind in own] for key, own in kinds.items()}
    return Named(joined, sizes, trainable, of, backbone is not None)


def decay_of(parts: Iterable[tuple[str, int, Any]]) -> dict[str, dict[str, Any]]:
    """Which trained parameters weight decay shrinks and which it does not, by the names of the run record: how many,
    and a digest of their names.

    Args:
        parts: Name, number of elements and weight decay of each.
    """
    found: dict[str, list[tuple[str, int]]] = {"decayed": [], "undecayed": []}
    for name, size, decay in parts:
        found["decayed" if decay else "undecayed"].append((name, size))
    return {kind: {**counted(own), "names_sha256": _digest(own)} for kind, own in found.items()}


def counted(parts: Sequence[tuple[str, int]]) -> dict[str, int]:
    """How many tensors there are, and how many parameters they hold."""
    return {"tensors": len(parts), "parameters": sum(size for _, size in parts)}


def _digest(parts: Sequence[tuple[str, int]]) -> str:
    return sha256("\n".join(sorted(name for name, _ in parts)).encode()).hexdigest()


def _bare(name: str) -> str:
    """A name without what wraps the whole model, or a part of it."""
    for outer in _OUTER:
        while name.startswith(outer):
            name = name.removeprefix(outer)
        name = name.replace(f".{outer}", ".") if outer != "module." else name
    return unwrapped(name)


def _backbone(model: Any) -> str | None:
    """The attribute that holds all but the head, where the model says it."""
    inner = getattr(getattr(model, "_orig_mod", model), "module", model)
    prefix = getattr(inner, "base_model_prefix", None)
    return prefix if isinstance(prefix, str) and prefix and hasattr(inner, prefix) else None


def _kinds(module: Any, name: str, backbone: str | None) -> Iterator[str]:
    if "norm" in type(module).__name__.lower():
        yield NORMS
    if name == "bias" or name.endswith(".bias"):
        yield BIASES
    if any(each.__name__ == "Embedding" for each in type(module).__mro__):
        yield EMBEDDINGS
    if backbone is not None and name.partition(".")[0] != backbone:
        yield HEAD

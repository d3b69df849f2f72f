"""Components that a config or a script names by their class (`_target_`), and what they do where nothing is said."""

from __future__ import annotations

from typing import Any

from framework.dialects.key_tables import assume
from framework.dialects.terms import Default, Key, Said, Statement, mappings
from framework.names import Path
from framework.reading.nodes import ComputedNode, Document, Opaque
from framework.reading.python.signatures import known_name, signature

_FACTS = {
    "lr": ("optimizer.learning_rate",),
    "betas": ("optimizer.betas[0]", "optimizer.betas[1]"),
    "eps": ("optimizer.eps",),
    "weight_decay": ("optimizer.weight_decay",),
    "momentum": ("optimizer.momentum",),
}
CLIPPING = {"max_norm": Key("max_grad_norm")}
"""What `torch.nn.utils.clip_grad_norm_` is given."""


def section(scope: dict[str, Any]) -> str | None:
    """The kind of section that the arguments of a known class are: `optimizer`, `scheduler`; None for another."""
    target = scope.get("_target_")
    name = known_name(target) if isinstance(target, str) else None
    if name is None:
        return None
    if name.startswith(("torch.optim.lr_scheduler.", "transformers.get_")):
        return "scheduler"
    if name == "torch.nn.utils.clip_grad_norm_":
        return "clipping"
    return "optimizer" if "params" in signature(name).positional else None  # type: ignore[union-attr]


def optimizer_defaults(target: Any) -> dict[str, Any]:
    """What an optimizer does where an argument is not given, by facts; empty for one that is not known."""
    found: dict[str, Any] = {}
    taken = signature(target) if isinstance(target, str) else None
    if taken is None or "params" not in taken.positional:
        return found
    for name, facts in _FACTS.items():
        if name in taken.defaults:
            value = taken.defaults[name]
            values = value if isinstance(value, tuple) and len(facts) == 2 else (value,)
            found.update({fact: each for fact, each in zip(facts, values, strict=False) if len(values) == len(facts)})
    return found


def assume_optimizer(said: Said, data: Any) -> None:
    """Add the defaults of the one optimizer that is named; of several, which one trains is not known here. Groups of
    parameters (`params`) may bring arguments of their own."""
    named = [(path, scope) for path, scope in mappings(data) if section(scope) == "optimizer"]
    if len(named) != 1 or "params" in named[0][1]:
        return
    path, scope = named[0]
    place = ".".join(str(part) for part in path)
    by = f"PyTorch's {str(scope['_target_']).rpartition('.')[2]}"
    assume(
        said,
        [
            Default(fact, value, f"{place}.{_argument(fact)}" if place else fact, by=by, at=path)
            for fact, value in optimizer_defaults(str(scope["_target_"])).items()
            if _argument(fact) not in scope
        ],
    )


def _argument(fact: str) -> str:
    return next(name for name, facts in _FACTS.items() if fact in facts)


def passed_on(document: Document, statements: list[Statement]) -> tuple[list[Statement], set[Path]]:
    """The statements of a program or of gin without those that only pass on what another place states; and the
    places that then state nothing themselves. A value whose own name says nothing is stated where it is passed."""
    if document.format not in ("python", "notebook", "gin"):
        return statements, set()
    leaves = document.leaves()

    def place(node: Any) -> tuple[int, int, int]:
        return id(document.home(node)), node.start, node.stop

    places = {place(node): path for path, node in leaves if not _origin(document, node)}
    for path, leaf in leaves:  # a parameter that a call gives a literal
        if (stated := _origin(document, leaf)) is not None and stated.start == leaf.start:
            places.setdefault(place(leaf), path)
    facts = {each.path: {each.fact, *each.doubt} for each in statements}
    kept: list[Statement] = []
    silent = document.unused | _idle(document, statements)
    statements = [each for each in statements if each.path not in silent]
    first: set[tuple[int, str]] = set()
    """What is stated by a place that says nothing itself: the first who takes it from there states it."""
    for each in statements:
        node = document.node(each.path)
        origin = _origin(document, node) if node is not None else None
        source = places.get(place(origin)) if origin is not None else None
        if source is not None and source != each.path and facts.get(source, set()) & {each.fact, *each.doubt}:
            silent.add(each.path)
            continue
        if origin is not None and source not in facts:
            if source is not None:
                silent.add(source)
            if (origin.start, each.fact) in first:
                silent.add(each.path)
                continue
            first.add((origin.start, each.fact))
        kept.append(each)
    return kept, silent


def _idle(document: Document, statements: list[Statement]) -> set[Path]:
    """The names that a program never reads, while what it builds states the same by itself."""
    built: set[str] = set()
    for each in statements if document.unread else ():
        node, above = document.node(each.path), document.node((*each.path[:-1], "_target_"))
        if node is not None and above is not None and not isinstance(document.value(node), Opaque):
            built.add(each.fact)
    return {each.path for each in statements if each.path in document.unread and each.fact in built}


def _origin(document: Document, node: Any) -> Any:
    if not isinstance(node, ComputedNode) or node.origin is None:
        return None
    return document.origin(node)

"""The variants of the draft: one for each alternative, and one with the adapter that files configure."""

from __future__ import annotations

from typing import Any

from framework.drafting.alternatives import Split
from framework.drafting.clauses_of_trainings import Clauses, excluded
from framework.drafting.drafted_phases import ADAPTER, adapter_of
from framework.drafting.leaves import Leaf, Tree, first_stated
from framework.drafting.trainings import Arranged
from framework.names import parse_path

LORA = "lora"
"""The variant whose steps have the adapter that files configure."""
_NATURAL = ("pretrain", "finetune")
"""What the phases of one variant that follow on each other begin with."""


def variants_of(arranged: Arranged, splits: dict[str, Split]) -> Tree:
    """None where the phases in their order are all there is."""
    chains = _chains(list(splits))
    found: Tree = {}
    for chain in chains:
        found.update(_of_chain(chain, arranged, splits, chains))
    return found


def _chains(phases: list[str]) -> list[list[str]]:
    """The phases that follow on each other, and each other one alone: what nothing puts in an order has none."""
    together = [phase for phase in phases if phase.startswith(_NATURAL) or phase == "sft"]
    return [*([together] if together else []), *([phase] for phase in phases if phase not in together)]


def _of_chain(chain: list[str], arranged: Arranged, splits: dict[str, Split], chains: list[list[str]]) -> Tree:
    alone = len(chains) == 1
    names = list(dict.fromkeys(name for phase in chain if told(splits[phase]) for name in splits[phase].own))
    if names:
        built = {
            (name if alone else f"{name}-{chain[0]}"): [
                _step(phase, splits[phase].shared, splits[phase].own.get(name, {}))
                for phase in chain
                if name in splits[phase].own or not told(splits[phase])
            ]
            for name in names
        }
        return {name: {"steps": steps} for name, steps in built.items()}
    adapted = [phase for phase in chain if adapter_of(splits[phase].shared)]
    found: Tree = {}
    if not adapted and alone:
        return found
    if not adapted or not all(_adapted(arranged, phase) for phase in adapted):
        found["base" if alone else chain[0]] = {"steps": [Leaf(phase) for phase in chain]}
    if adapted:
        found[LORA] = {"steps": [_step(phase, splits[phase].shared, {}) for phase in chain]}
    return found


def told(clauses: Split) -> bool:
    """Whether the alternatives of a phase are variants: they differ in more than in their models."""
    return clauses.kind == "variants" and any(clauses.own.values())


def _step(phase: str, shared: Clauses, own: Clauses) -> Any:
    """A phase as a variant runs it: with its adapter, and with what it sets otherwise."""
    use: Tree = {}
    if lora := adapter_of({**shared, **own}):
        use["adapter"] = {"lora": lora}
    if settings := settings_of(shared, own):
        use["set"] = settings
    return {phase: use} if use else Leaf(phase)


def settings_of(shared: Clauses, own: Clauses) -> Tree:
    """What a variant sets, by clause; sections that the phase does not have are set whole."""
    found: Tree = {}
    for clause, evidence in own.items():
        if clause.startswith(ADAPTER) or excluded(clause, shared):
            continue
        if clause.startswith("early_stopping."):
            found.setdefault("early_stopping", {})[str(parse_path(clause)[-1])] = first_stated(evidence)
        else:
            found[clause] = first_stated(evidence)
    return found


def _adapted(arranged: Arranged, phase: str) -> bool:
    """Whether each training of a phase is one of an adapter."""
    beside = arranged.companions.get(phase, [])
    return all(
        any(
            "adapter.lora.rank" in each
            for each in (training.facts, *(one.facts for one in (*training.companions, *beside)))
        )
        for training in arranged.phases[phase]
    )

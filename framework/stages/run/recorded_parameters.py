"""What a script's recording says of single parameters: their group, whether they were trained, and what is demanded."""

from __future__ import annotations

from typing import Any

from framework.manifest.sections.optimizers import Optimizer
from framework.stages.run.observed import NotRecorded, Observed
from framework.stages.run.recomputed.trained_groups import FAMILIES, Demanded, demanded

_KINDS = ("norms", "biases", "embeddings", "head")


def groups_of(observed: Observed) -> list[dict[str, Any]]:
    """The groups of all optimizers, as the rates of a step are listed.

    Raises:
        NotRecorded: no optimizer was seen.
    """
    found: list[dict[str, Any]] = observed.recorded("observed", "optimizer", "groups")
    return found


def decays(observed: Observed) -> dict[str, Any]:
    """The weight decay of each trained parameter, by name."""
    return {name: group.get("weight_decay") for group in groups_of(observed) for name in group["names"]}


def untrained(observed: Observed) -> list[str]:
    """The parameters of the model that no optimizer trained.

    Raises:
        NotRecorded: the script did not show its model.
    """
    if "untrained" not in observed.facts:
        raise NotRecorded("the script did not show its model (`run.watch`): what is not trained is not known")
    names: list[str] = observed.recorded("observed", "untrained", "names")
    return names


def demands(observed: Observed, optimizer: Optimizer) -> dict[str, Demanded]:
    """What the manifest demands of each parameter of the model, trained or not.

    Raises:
        NotRecorded: names are needed that the script did not tell, or a word means what cannot be told from them.
    """
    needed = bool(optimizer.groups) or optimizer.layer_decay is not None
    if needed and not observed.facts.get("named"):
        raise NotRecorded("the script did not show its model (`run.watch`): which parameter is which is not known")
    kinds = observed.facts.get("kinds")
    known = observed.step.model.family in FAMILIES
    for word in (word for group in optimizer.groups or () for word in group.parameters):
        if word in _KINDS and word not in (kinds or {}) and not known:
            raise NotRecorded(f"which parameters are the {word} is not known of a {observed.step.model.family}")
    if optimizer.layer_decay is not None and not known:
        raise NotRecorded(f"the layers of a {observed.step.model.family} are not known by the names of its parameters")
    names = [*decays(observed), *(observed.facts.get("untrained") or {}).get("names", ())]
    return demanded(optimizer, names, kinds)

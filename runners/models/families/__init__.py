"""One architecture family per file: its sizes in the manifest's words, its inner channels, heads and dimensions."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from framework.manifest.architectures import SIZES
from framework.manifest.sections.models import Model
from runners.models.dimensions import Dimension
from runners.registry import Registry
from runners.sparsity.channels import Layout


@dataclass(frozen=True, slots=True)
class Family:
    """What the runners know about an architecture.

    ``sizes`` gives, for a field of the manifest's model, the attribute of transformers' configuration; ``required``
    are those that a model without a checkpoint must state, and ``implied`` says for others which stated size they
    have by default. ``backbone`` is the attribute of the language model that holds everything but its head,
    ``prepare`` is called once before a model is built. ``channels`` are the inner channels that masks and pruning
    work on, ``heads`` the attention heads, and ``dimensions`` those that can be reordered, by the manifest's name.

    An ``encoder`` reads in both directions: it has no next-token objective, its classifier reads the pooler's state
    of the first token, and ``head`` is the class of transformers that a classifier over it is saved as. ``segments``
    says whether it is told which text of a pair a token belongs to. ``refuses`` says why a method cannot work here:
    `causal_lm`, `permute`, or `adapter` on what the channels lie in. ``unadaptable`` are modules that peft refuses.
    ``switches``: its parts are chosen by the model's `architecture`.
    """

    name: str
    sizes: Mapping[str, str]
    required: tuple[str, ...]
    backbone: str
    channels: Layout
    heads: Layout | None = None
    prepare: Callable[[], None] = lambda: None
    dimensions: Mapping[str, Dimension] = field(default_factory=dict)
    implied: Mapping[str, str] = field(default_factory=dict)
    encoder: bool = False
    segments: bool = False
    head: str = "SequenceClassifier"
    refuses: Mapping[str, str] = field(default_factory=dict)
    unadaptable: frozenset[str] = frozenset()
    switches: bool = False


def size_fault(model: Model, family: Family) -> str | None:
    """Why the stated sizes make no model of the family: one that it does not have, or one that a model without a
    checkpoint must state, or heads that do not divide; None where they do."""
    stated = {name: value for name in SIZES if (value := getattr(model, name)) is not None}
    if model.architecture is not None:
        if not family.switches:
            return f"the parts of a {family.name} are fixed: `architecture` is of the family gpt"
        if model.architecture.activation == "swiglu" and "intermediate" not in stated and not model.path:
            return f"a {family.name} with a gate has no usual width of its feed-forward layers: state `intermediate`"
    if foreign := sorted(set(stated) - set(family.sizes)):
        return f"a {family.name} has no {' and no '.join(foreign)}"
    if not model.path and not model.hub and (missing := [name for name in family.required if name not in stated]):
        return f"a {family.name} without a checkpoint must state {', '.join(missing)}"
    for whole, part in (("hidden", "heads"), ("heads", "key_value_heads")):
        if whole in stated and part in stated and stated[whole] % stated[part]:
            return f"{part} {stated[part]} does not divide {whole} {stated[whole]}"
    if "experts" in stated and (odd := [name for name in ("hidden", "intermediate") if stated.get(name, 0) % 8]):
        return f"{odd[0]} {stated[odd[0]]} is no multiple of 8, which the product of all experts at once needs"
    if stated.get("experts_per_token", 0) > stated.get("experts", stated.get("experts_per_token", 0)):
        return f"experts_per_token {stated['experts_per_token']} is more than experts {stated['experts']}"
    return None


FAMILIES: Registry[Family] = Registry(
    "model family",
    "framework.families",
    {
        "bert": "runners.models.families.bert:BERT",
        "gpt": "runners.models.families.gpt:GPT",
        "gpt2": "runners.models.families.gpt2:GPT2",
        "llama": "runners.models.families.llama:LLAMA",
        "mamba": "runners.models.families.mamba:MAMBA",
        "mistral": "runners.models.families.mistral:MISTRAL",
        "mixtral": "runners.models.families.mixtral:MIXTRAL",
    },
)


def configuration_in(folder: Path | str) -> Any:
    """The configuration in a local folder, of a family of transformers or one that is known here.

    Raises:
        OSError: there is none.
        ValueError: nobody knows its family.
    """
    from transformers import AutoConfig, PretrainedConfig

    stated, _ = PretrainedConfig.get_config_dict(folder)
    kind = stated.get("model_type")
    if isinstance(kind, str) and kind in FAMILIES:
        FAMILIES.get(kind).prepare()
    return AutoConfig.from_pretrained(folder)

"""How many parameters follow from an architecture's numbers: exact formulas, one function for each family.

Each counts what transformers' implementation of the family allocates, tied weights once. The figures that the tests
hold them to are those of the released checkpoints.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

from framework.manifest.sections.models import Model
from framework.manifest.sections.values.switches import Switches

Count = tuple[int, str]
"""A number of parameters, and what it counts."""


def mamba(*, layers: int, hidden: int, state: int, expand: int, vocabulary: int, kernel: int = 4) -> int:
    """Mamba (Gu & Dao 2023, "Mamba: Linear-Time Sequence Modeling with Selective State Spaces", section 3.4; sizes
    of `mamba_ssm/modules/mamba_simple.py`): embedding tied to the head, the step's rank is ceil(hidden / 16), biases
    only in the convolution and in `dt_proj`."""
    inner, rank = expand * hidden, math.ceil(hidden / 16)
    block = (
        hidden * 2 * inner  # in_proj
        + inner * kernel + inner  # conv1d
        + inner * (rank + 2 * state)  # x_proj
        + rank * inner + inner  # dt_proj
        + inner * state + inner  # A_log, D
        + inner * hidden  # out_proj
        + hidden  # the norm before it
    )  # fmt: skip
    return vocabulary * hidden + layers * block + hidden


def gpt2(*, layers: int, hidden: int, intermediate: int, vocabulary: int, positions: int = 1024) -> int:
    """GPT-2 (Radford et al. 2019; `transformers/models/gpt2/modeling_gpt2.py`): learned positions, embedding tied to
    the head, a bias everywhere."""
    block = (
        2 * 2 * hidden  # two LayerNorms
        + hidden * 3 * hidden + 3 * hidden + hidden * hidden + hidden  # attention
        + 2 * hidden * intermediate + intermediate + hidden  # feed-forward
    )  # fmt: skip
    return vocabulary * hidden + positions * hidden + layers * block + 2 * hidden


def llama(
    *, layers: int, hidden: int, intermediate: int, vocabulary: int, heads: int, groups: int, tied: bool = False
) -> int:
    """Llama (Touvron et al. 2023; grouped queries: Ainslie et al. 2023, `groups` key-value heads): RMSNorm, gated
    feed-forward, rotary positions, no bias. Mistral (Jiang et al. 2023) has the same tensors."""
    narrow = hidden // heads * groups
    block = 2 * hidden * hidden + 2 * hidden * narrow + 3 * hidden * intermediate + 2 * hidden
    return vocabulary * hidden * (1 if tied else 2) + layers * block + hidden


def mixtral(
    *,
    layers: int,
    hidden: int,
    intermediate: int,
    vocabulary: int,
    heads: int,
    groups: int,
    experts: int,
    tied: bool = False,
) -> int:
    """Mixtral (Jiang et al. 2024, "Mixtral of Experts"): a Mistral whose feed-forward layers are `experts` times
    there, with one row of the router for each."""
    one = llama(
        layers=layers,
        hidden=hidden,
        intermediate=intermediate,
        vocabulary=vocabulary,
        heads=heads,
        groups=groups,
        tied=tied,
    )
    return one + layers * (experts * hidden + (experts - 1) * 3 * hidden * intermediate)


def bert(
    *, layers: int, hidden: int, intermediate: int, vocabulary: int, positions: int = 512, segments: int = 2
) -> int:
    """BERT's encoder with its pooler (Devlin et al. 2019; `transformers/models/bert/modeling_bert.py`)."""
    block = (
        4 * (hidden * hidden + hidden) + 2 * hidden  # attention and its LayerNorm
        + 2 * hidden * intermediate + intermediate + hidden + 2 * hidden  # feed-forward and its LayerNorm
    )  # fmt: skip
    embeddings = (vocabulary + positions + segments) * hidden + 2 * hidden
    return embeddings + layers * block + hidden * hidden + hidden


def bert_masked_lm(*, hidden: int, vocabulary: int, encoder: int) -> int:
    """BERT with the head for masked words, its decoder tied to the embedding and no pooler."""
    return encoder + 2 * hidden + vocabulary


def gpt(
    switches: Switches,
    *,
    layers: int,
    hidden: int,
    intermediate: int,
    vocabulary: int,
    heads: int,
    groups: int,
    positions: int = 0,
) -> int:
    """The project's own decoder (`runners/models/gpt/`), by its switches; `positions` count where they are learned."""
    narrow, bias = hidden // heads * groups, int(switches.biases)
    norm = 2 if switches.norm == "layernorm" and switches.biases else 1
    wide = 2 if switches.activation == "swiglu" else 1
    block = (
        2 * hidden * hidden + 2 * hidden * narrow + bias * (2 * hidden + 2 * narrow)  # attention
        + (wide + 1) * hidden * intermediate + bias * (wide * intermediate + hidden)  # feed-forward
        + 2 * norm * hidden  # its norms
        + (2 * norm * (hidden // heads) if switches.qk_norm else 0)
    )  # fmt: skip
    learned = positions if switches.position_encoding == "learned" else 0
    last = norm * hidden if switches.norm_place == "before" else 0
    return (vocabulary * (1 if switches.tied else 2) + learned) * hidden + layers * block + last


def _gpt(model: Model) -> Iterator[Count]:
    switches = model.architecture or Switches.model_construct()
    gated = switches.activation == "swiglu"
    if not (model.layers and model.hidden and model.vocabulary and model.heads) or (gated and not model.intermediate):
        return
    if switches.position_encoding == "learned" and not model.positions:
        return
    sizes = {"layers": model.layers, "hidden": model.hidden, "heads": model.heads, "vocabulary": model.vocabulary}
    wide, groups = model.intermediate or 4 * model.hidden, model.key_value_heads or model.heads
    found = gpt(switches, **sizes, intermediate=wide, groups=groups, positions=model.positions or 0)
    yield found, f"{groups} key-value heads, feed-forward {wide} wide"


def _mamba(model: Model) -> Iterator[Count]:
    if model.layers and model.hidden and model.state and model.expand and model.vocabulary:
        sizes = {"layers": model.layers, "hidden": model.hidden, "state": model.state, "expand": model.expand}
        yield mamba(**sizes, vocabulary=model.vocabulary), "embedding tied to the head"


def _gpt2(model: Model) -> Iterator[Count]:
    if model.layers and model.hidden and model.vocabulary:
        wide = model.intermediate or 4 * model.hidden
        sizes = {"layers": model.layers, "hidden": model.hidden, "intermediate": wide, "vocabulary": model.vocabulary}
        for positions in (model.positions,) if model.positions else (1024, 512, 2048):
            spelled = f"{positions} positions, feed-forward {wide} wide, embedding tied to the head"
            yield gpt2(**sizes, positions=positions), spelled


def _llama(model: Model) -> Iterator[Count]:
    if model.layers and model.hidden and model.vocabulary and model.intermediate and model.heads:
        sizes = {"layers": model.layers, "hidden": model.hidden, "heads": model.heads}
        sizes |= {"intermediate": model.intermediate, "vocabulary": model.vocabulary}
        if model.family == "mixtral" and model.experts is None:
            return
        for groups in _groups(model.heads, model.key_value_heads):
            for tied in (False, True):
                spelled = f"{groups} key-value heads, embedding {'tied to' if tied else 'apart from'} the head"
                if model.family == "mixtral" and model.experts:
                    yield mixtral(**sizes, groups=groups, experts=model.experts, tied=tied), spelled
                else:
                    yield llama(**sizes, groups=groups, tied=tied), spelled


def _groups(heads: int, stated: int | None) -> list[int]:
    """How many key-value heads there may be: as many as stated, or any number that divides the heads."""
    return [stated] if stated else [number for number in range(heads, 0, -1) if heads % number == 0]


def _bert(model: Model) -> Iterator[Count]:
    if model.layers and model.hidden and model.vocabulary:
        wide = model.intermediate or 4 * model.hidden
        hidden, vocabulary, positions = model.hidden, model.vocabulary, model.positions or 512
        encoder = bert(
            layers=model.layers, hidden=hidden, intermediate=wide, vocabulary=vocabulary, positions=positions
        )
        masked = bert_masked_lm(hidden=hidden, vocabulary=vocabulary, encoder=encoder)
        yield encoder, "the encoder with its pooler"
        yield encoder - hidden * hidden - hidden, "the encoder without its pooler"
        yield masked, "with the head for masked words"
        yield masked + hidden * hidden + hidden + 2 * hidden + 2, "with both heads of pre-training"


_FAMILIES: dict[str, Callable[[Model], Iterator[Count]]] = {
    "mamba": _mamba,
    "gpt": _gpt,
    "gpt2": _gpt2,
    "llama": _llama,
    "mistral": _llama,
    "mixtral": _llama,
    "bert": _bert,
}


def counts(model: Model) -> list[Count]:
    """The numbers of parameters that a model's declared sizes admit, the usual one first; none where the family is
    not known here, or a size is not declared. There are several where the manifest has no word for a choice."""
    family = _FAMILIES.get(model.family)
    return list(family(model)) if family else []

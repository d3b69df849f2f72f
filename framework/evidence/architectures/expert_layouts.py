"""Experts that lie one by one on disk, and stacked in the model: which names mean the same weights.

transformers 5.23, `conversion_mapping.py` (`_build_checkpoint_conversion_mapping`, `_MODEL_TO_CONVERSION_PATTERN`): on
loading, and the other way on saving, the weights of all experts are stacked (`MergeModulelist(dim=0)`), those of the
gate before those of the input (`Concatenate(dim=1)`): `gate_up_proj` is [experts, 2 * intermediate, hidden],
`down_proj` [experts, hidden, intermediate]. Inputs are the last dimension in both, so that groups of inputs are the
same. Transformers before 5 has in memory what lies on disk.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ExpertLayout:
    """``stacked`` gives for each tensor of the model the modules of one expert whose weights follow each other in it;
    ``block`` how the module around the experts is called on disk and in the model."""

    stacked: Mapping[str, tuple[str, ...]]
    block: tuple[str, str] | None = None

    def renamed(self, name: str) -> str:
        """The model's name of a tensor that is not in an expert."""
        return name.replace(f".{self.block[0]}.", f".{self.block[1]}.") if self.block else name


_MIXTRAL = ExpertLayout({"gate_up_proj": ("w1", "w3"), "down_proj": ("w2",)}, ("block_sparse_moe", "mlp"))
_QWEN = ExpertLayout({"gate_up_proj": ("gate_proj", "up_proj"), "down_proj": ("down_proj",)})

LAYOUTS: Mapping[str, ExpertLayout] = {
    **dict.fromkeys(("mixtral", "minimax", "minimax_m2"), _MIXTRAL),
    **dict.fromkeys(
        (
            *("qwen2_moe", "qwen3_moe", "qwen3_next", "qwen3_omni_moe_thinker", "olmoe", "flex_olmo", "afmoe"),
            *("deepseek_v2", "deepseek_v3", "dots1", "ernie4_5_moe", "exaone_moe", "glm4_moe", "glm4_moe_lite"),
            *("glm4v_moe", "hunyuan_v1_moe", "longcat_flash", "mellum", "solar_open", "cohere2_moe"),
        ),
        _QWEN,
    ),
}
"""By `model_type`: those whose mapping is Mixtral's or Qwen2-MoE's, and no other."""
_EXPERT = re.compile(r"(.+\.experts)\.(\d+)\.([^.]+)\.weight")


def stacks(model_type: str | None, shapes: Mapping[str, tuple[int, ...]]) -> dict[str, list[str]]:
    """Each stacked tensor of the model with the tensors on disk that follow each other in it, expert by expert.

    A stack of which some expert is missing, or whose experts differ in shape, is none: its tensors stay as they are.
    """
    layout = LAYOUTS.get(model_type or "")
    if layout is None:
        return {}
    found: dict[str, dict[tuple[int, str], str]] = {}
    for name in shapes:
        match = _EXPERT.fullmatch(name)
        own = next((each for each, modules in layout.stacked.items() if match and match[3] in modules), None)
        if match and own is not None:
            found.setdefault(f"{layout.renamed(match[1] + '.')}{own}", {})[int(match[2]), match[3]] = name
    whole = {}
    for name, parts in found.items():
        experts, modules = 1 + max(number for number, _ in parts), layout.stacked[name.rpartition(".")[2]]
        ordered = [parts.get((number, module)) for number in range(experts) for module in modules]
        there = [part for part in ordered if part is not None]
        if len(there) == len(ordered) and len({shapes[part] for part in there}) == 1 and len(shapes[there[0]]) == 2:
            whole[name] = there
    return whole


def stacked_shape(name: str, parts: list[str], shape: tuple[int, ...], model_type: str | None) -> tuple[int, ...]:
    """The shape of a stacked tensor; ``shape`` is that of one of its parts."""
    modules = len(LAYOUTS[model_type or ""].stacked[name.rpartition(".")[2]])
    return len(parts) // modules, modules * shape[0], shape[1]


def singles(name: str, shape: tuple[int, ...], model_type: str | None) -> dict[str, tuple[int, ...]]:
    """The weights of single experts that a stacked tensor of the model is made of, by their names on disk."""
    layout, (inside, _, own) = LAYOUTS.get(model_type or ""), name.rpartition(".")
    if layout is None or own not in layout.stacked or not inside.endswith(".experts") or len(shape) != 3:
        return {}
    modules = layout.stacked[own]
    one = (shape[1] // len(modules), shape[2])
    blocks = [inside, *([inside.replace(f".{layout.block[1]}.", f".{layout.block[0]}.")] if layout.block else [])]
    return {f"{block}.{n}.{module}.weight": one for block in blocks for n in range(shape[0]) for module in modules}


def renames(model_type: str | None, names: Iterable[str]) -> dict[str, str]:
    """The model's names of what lies beside the experts under another one, by the names on disk."""
    layout = LAYOUTS.get(model_type or "")
    own = {} if layout is None else {name: layout.renamed(name) for name in names if _EXPERT.fullmatch(name) is None}
    return {name: new for name, new in own.items() if new != name}

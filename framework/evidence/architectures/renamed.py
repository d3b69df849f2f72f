"""One tensor under several names: what wrappers put before it, and what torch's pruning and adapters make of it.

`torch.compile` saves `_orig_mod.X`, data parallel modules `module.X` (torch 2.13, `torch/_dynamo/eval_frame.py`,
`torch/nn/parallel`), peft `base_model.model.X.base_layer.weight`; `torch.nn.utils.prune` keeps `X_orig` and `X_mask` in
place of `X`.
"""

from __future__ import annotations

_WRAPPERS = ("base_model.model.", "_orig_mod.", "module.")


def canonical(name: str) -> str:
    """A tensor's name without what wrappers, adapters and torch's pruning add to it."""
    while (wrapper := next((each for each in _WRAPPERS if name.startswith(each)), None)) is not None:
        name = name.removeprefix(wrapper)
    name = name.replace("._orig_mod.", ".").replace(".base_layer.", ".")
    return name.removesuffix("_orig") if name.endswith("weight_orig") else name

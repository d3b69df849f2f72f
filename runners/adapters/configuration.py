"""peft's configuration of a LoRA over masked weights, saved so that plain peft refuses it.

peft 0.21 warns about a configuration key that it does not know, and goes on: `mode` and `mask_sha256` alone would be
dropped, the adapter loaded as plain LoRA, and the sparsity gone with the first merge. A `peft_type` that it does not
know is a KeyError in every one of its ways in (`PeftModel.from_pretrained`, `load_adapter`, `PeftConfig`,
`AutoPeftModel`, and transformers' own `load_adapter`), so that is what is written. In memory it is a LoRA like others.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from peft import LoraConfig
from torch import nn
from transformers.pytorch_utils import Conv1D

from runners.adapters.masked_lora import SparseLinear

SPARSE_LORA = "SPARSE_LORA"
"""The `peft_type` in the saved `adapter_config.json`."""


@dataclass
class SparseLoraConfig(LoraConfig):
    """A `LoraConfig` whose adapters are `sparse_to_dense` or `sparse_to_sparse`."""

    mode: str = field(default="sparse_to_dense", metadata={"help": "sparse_to_dense or sparse_to_sparse"})
    mask_sha256: str | None = field(default=None, metadata={"help": "the digest of the targets' masks"})

    def __post_init__(self) -> None:
        super().__post_init__()
        self._register_custom_module({nn.Linear: SparseLinear, Conv1D: SparseLinear})

    def to_dict(self) -> dict[str, Any]:
        return {**super().to_dict(), "peft_type": SPARSE_LORA}

"""A language model that does what a test tells it to."""

from __future__ import annotations

from typing import Any

import torch


class Scripted(torch.nn.Module):
    """A language model that gives every next token the same logits, and writes what it is told to."""

    def __init__(self, logits: torch.Tensor, written: list[int]):
        super().__init__()
        self.logits, self.written = logits, written
        self.config = type("Config", (), {})()

    def forward(self, input_ids: torch.Tensor, use_cache: bool = False) -> Any:
        return type("Output", (), {"logits": self.logits.expand(*input_ids.shape, -1)})

    def generate(self, prompts: torch.Tensor, attention_mask: torch.Tensor, generation_config: Any) -> torch.Tensor:
        new = torch.tensor(self.written[: generation_config.max_new_tokens])
        return torch.cat([prompts, new.expand(len(prompts), -1)], dim=1)

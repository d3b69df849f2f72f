"""A sequence classifier over any causal backbone, its tensors named as in the language model."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn


class SequenceClassifier(nn.Module):
    """A backbone, the state at each sequence's last token, and one linear layer without bias.

    The backbone keeps the attribute name that it has in the language model (`backbone`, `model`, `transformer`), so
    that the two models' tensors can be compared by name. This is the pooling of transformers' own classifiers of
    causal models, which it does not have for Mamba. The classes are those of ``config.id2label``.
    """

    def __init__(self, backbone_name: str, backbone: nn.Module, config: Any):
        super().__init__()
        self.config = config
        self.backbone_name = backbone_name
        self.add_module(backbone_name, backbone)
        self.classifier = nn.Linear(config.hidden_size, len(config.id2label), bias=False)
        nn.init.normal_(self.classifier.weight, std=0.02)

    @property
    def classes(self) -> tuple[str, ...]:
        """The classes' names, in the order of the logits."""
        return tuple(name for _, name in sorted(self.config.id2label.items()))

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
        """Logits [batch, classes], float32.

        Args:
            input_ids: [batch, length], padded on the right.
            attention_mask: [batch, length], 1 for tokens and 0 for padding; each sequence has at least one token.
        """
        backbone = getattr(self, self.backbone_name)
        states = backbone(input_ids=input_ids, attention_mask=attention_mask, use_cache=False).last_hidden_state
        last = attention_mask.sum(dim=1) - 1
        pooled = states[torch.arange(len(states), device=states.device), last]
        return self.classifier(pooled.to(self.classifier.weight.dtype)).float()

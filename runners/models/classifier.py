"""A sequence classifier over any backbone, its tensors named as in the language model."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from runners.models.families import Family


class Encoder(nn.Module):
    """An encoder without a head, its backbone under the name that it has below transformers' heads (`bert`)."""

    def __init__(self, backbone_name: str, backbone: nn.Module):
        super().__init__()
        self.config: Any = backbone.config
        self.add_module(backbone_name, backbone)


class SequenceClassifier(nn.Module):
    """A backbone, one state per sequence, and a linear layer.

    Over a causal model the state is that at the last token, and the layer has no bias: the pooling of transformers' own
    classifiers of causal models, which it does not have for Mamba. Over an encoder it is the pooler's state of the
    first token, after dropout, and the layer has a bias, as in transformers' `BertForSequenceClassification`, whose
    tensors these are.

    The backbone keeps the attribute name that it has in the language model (`backbone`, `model`, `transformer`,
    `bert`), so that the two models' tensors can be compared by name. The classes are those of ``config.id2label``.
    """

    def __init__(self, family: Family, backbone: nn.Module, config: Any):
        super().__init__()
        self.config = config
        self.family = family
        self.base_model_prefix = family.backbone  # by transformers' name; peft looks for it
        self.add_module(family.backbone, backbone)
        self.classifier = nn.Linear(config.hidden_size, len(config.id2label), bias=family.encoder)
        nn.init.normal_(self.classifier.weight, std=0.02)
        if family.encoder:
            nn.init.zeros_(self.classifier.bias)
            own = getattr(config, "classifier_dropout", None)
            self.dropout = nn.Dropout(config.hidden_dropout_prob if own is None else own)

    @property
    def classes(self) -> tuple[str, ...]:
        """The classes' names, in the order of the logits."""
        return tuple(name for _, name in sorted(self.config.id2label.items()))

    def forward(self, input_ids: Tensor, attention_mask: Tensor, token_type_ids: Tensor | None = None) -> Tensor:
        """Logits [batch, classes], float32.

        Args:
            input_ids: [batch, length], padded on the right.
            attention_mask: [batch, length], 1 for tokens and 0 for padding; each sequence has at least one token.
            token_type_ids: [batch, length], 0 for the first text of a pair and 1 for the second.
        """
        backbone = getattr(self, self.family.backbone)
        if self.family.encoder:
            segments = {} if token_type_ids is None else {"token_type_ids": token_type_ids}
            pooled = self.dropout(
                backbone(input_ids=input_ids, attention_mask=attention_mask, **segments).pooler_output
            )
        else:
            states = backbone(input_ids=input_ids, attention_mask=attention_mask, use_cache=False).last_hidden_state
            last = attention_mask.sum(dim=1) - 1
            pooled = states[torch.arange(len(states), device=states.device), last]
        return self.classifier(pooled.to(self.classifier.weight.dtype)).float()

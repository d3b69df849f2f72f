"""A decoder with a language model's head, for transformers' loading, saving and writing."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor, nn
from transformers import AutoConfig, AutoModel, AutoModelForCausalLM, GenerationMixin, PreTrainedModel
from transformers.modeling_outputs import BaseModelOutputWithPast, CausalLMOutputWithPast

from runners.models.gpt.gpt_config import GPTConfig
from runners.models.gpt.layers import Added, Block, norm_of, rotation
from runners.models.known_masks import masks_nothing


class GPTPreTrained(PreTrainedModel):
    """How weights are drawn."""

    config_class = GPTConfig
    base_model_prefix = "model"
    supports_gradient_checkpointing = True
    _no_split_modules = ["Block"]
    _supports_sdpa = True

    @torch.no_grad()
    def _init_weights(self, module: nn.Module) -> None:
        drawn = self.config.parts.initialisation
        if isinstance(module, nn.Embedding):
            nn.init.normal_(module.weight, std=drawn.deviation)
        elif isinstance(module, nn.Linear):
            if drawn.name == "xavier":
                nn.init.xavier_uniform_(module.weight)
            elif drawn.name == "he":
                nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
            else:
                nn.init.normal_(module.weight, std=drawn.deviation)
            if isinstance(module, Added) and drawn.residual_scaling:
                module.weight.div_(math.sqrt(2 * self.config.num_hidden_layers))
            if module.bias is not None:
                nn.init.zeros_(module.bias)
        elif isinstance(module, nn.LayerNorm | nn.RMSNorm):
            nn.init.ones_(module.weight)
            if getattr(module, "bias", None) is not None:
                nn.init.zeros_(module.bias)


class GPTModel(GPTPreTrained):
    """The decoder without its head."""

    def __init__(self, config: GPTConfig):
        super().__init__(config)
        switches = config.parts
        self.embed_tokens = nn.Embedding(config.vocab_size, config.hidden_size)
        self.embed_positions = (
            nn.Embedding(config.max_position_embeddings, config.hidden_size)
            if switches.position_encoding == "learned"
            else None
        )
        self.dropout = nn.Dropout(switches.dropouts.embedding)
        self.layers = nn.ModuleList([Block(config) for _ in range(config.num_hidden_layers)])
        self.norm = norm_of(switches, config.hidden_size) if switches.norm_place == "before" else nn.Identity()
        self.base = switches.rope_base if switches.position_encoding == "rope" else None
        self.post_init()

    def forward(self, input_ids: Tensor, attention_mask: Tensor | None = None, **_: Any) -> BaseModelOutputWithPast:
        """Args:
            input_ids: int64 [examples, length].
            attention_mask: int64 [examples, length], 0 for padding, which may stand on either side.

        Raises:
            ValueError: the texts are longer than the positions that are learned.
        """
        length = input_ids.shape[1]
        positions = torch.arange(length, device=input_ids.device)[None]
        allowed = None
        if attention_mask is not None and not masks_nothing(attention_mask):
            present = attention_mask.bool()
            positions = (present.cumsum(1) - 1).clamp(min=0)
            causal = torch.ones(length, length, dtype=torch.bool, device=input_ids.device).tril()
            itself = torch.eye(length, dtype=torch.bool, device=input_ids.device)  # padding reads something, too
            allowed = (causal & present[:, None, None, :]) | itself
        states = self.embed_tokens(input_ids)
        if self.embed_positions is not None:
            if length > self.embed_positions.num_embeddings:
                known = self.embed_positions.num_embeddings
                raise ValueError(f"texts of {length} tokens, and {known} positions are learned")
            states = states + self.embed_positions(positions)
        states = self.dropout(states)
        turned = None if self.base is None else rotation(positions, self.config.head_size, self.base)
        for layer in self.layers:
            states = layer(states, turned, allowed)
        return BaseModelOutputWithPast(last_hidden_state=self.norm(states))


class GPTForCausalLM(GPTPreTrained, GenerationMixin):
    """The decoder with its head."""

    _tied_weights_keys = {"lm_head.weight": "model.embed_tokens.weight"}

    def __init__(self, config: GPTConfig):
        super().__init__(config)
        self.model = GPTModel(config)
        self.lm_head = nn.Linear(config.hidden_size, config.vocab_size, bias=False)
        self.post_init()

    def forward(
        self,
        input_ids: Tensor,
        attention_mask: Tensor | None = None,
        labels: Tensor | None = None,
        logits_to_keep: int = 0,
        **_: Any,
    ) -> CausalLMOutputWithPast:
        """Logits [examples, length, vocabulary], of the last ``logits_to_keep`` tokens where that is not 0; with
        ``labels`` the mean loss of the tokens after the first (-100 is left out)."""
        states = self.model(input_ids, attention_mask).last_hidden_state
        logits = self.lm_head(states[:, -logits_to_keep:] if logits_to_keep else states)
        loss = None
        if labels is not None:
            loss = nn.functional.cross_entropy(logits[:, :-1].flatten(0, 1).float(), labels[:, 1:].flatten())
        return CausalLMOutputWithPast(loss=loss, logits=logits)

    def prepare_inputs_for_generation(
        self, input_ids: Tensor, attention_mask: Tensor | None = None, **_: Any
    ) -> dict[str, Any]:
        """The whole text for each token: no keys and values are kept."""
        return {"input_ids": input_ids, "attention_mask": attention_mask}

    def get_input_embeddings(self) -> nn.Module:
        return self.model.embed_tokens


def register() -> None:
    """Make the family known to transformers; again is no harm."""
    AutoConfig.register("gpt", GPTConfig, exist_ok=True)
    AutoModel.register(GPTConfig, GPTModel, exist_ok=True)
    AutoModelForCausalLM.register(GPTConfig, GPTForCausalLM, exist_ok=True)


register()

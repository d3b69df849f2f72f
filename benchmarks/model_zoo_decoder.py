"""The names and the classes of Cerebras Model Zoo's decoder, with just enough arithmetic for gradients."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from framework.dialects.families import model_zoo


def decoder(grouped: bool) -> nn.Module:
    """The classes and names of Model Zoo's decoder of two layers (`layers/`): what filters and LoRA go by."""
    torch.manual_seed(1)
    heads = 8 if grouped else 16

    class Named(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            for child in self.children():
                x = x + child(x) if child(x).shape == x.shape else child(x)
            return x

    def named(word: str, base: type[nn.Module] = Named, **children: nn.Module) -> nn.Module:
        module = type(word, (base,), {})()
        for name, child in children.items():
            module.add_module(name, child)
        return module

    class Gated(Named):
        def forward(self, x: Tensor) -> Tensor:
            return self.linear_layer(x) * self.linear_layer_for_glu(x).sigmoid()

    class Attending(Named):
        def forward(self, x: Tensor) -> Tensor:
            shared = (self.proj_k_dense_layer(x) + self.proj_v_dense_layer(x)).repeat_interleave(32 // (2 * heads), -1)
            return self.proj_output_dense_layer(self.proj_q_dense_layer(x) * shared)

    def linear(inputs: int, outputs: int) -> nn.Linear:
        return nn.Linear(inputs, outputs, bias=False)

    def layer() -> nn.Module:
        attention = named(
            model_zoo.MULTI_QUERY if grouped else model_zoo.MULTI_HEAD, Attending,
            proj_q_dense_layer=linear(32, 32), proj_k_dense_layer=linear(32, 2 * heads),
            proj_v_dense_layer=linear(32, 2 * heads), proj_output_dense_layer=linear(32, 32),
        )  # fmt: skip
        first = named("SingleFeedForwardLayer", Gated, linear_layer=linear(32, 64), linear_layer_for_glu=linear(32, 64))
        second = named("SingleFeedForwardLayer", linear_layer=linear(64, 32))
        inner = nn.Sequential(first, second)
        return named(model_zoo.DECODER, self_attn=attention, ffn=named(model_zoo.FEED_FORWARD, ffn=inner))

    stack = named("TransformerDecoder", layers=nn.Sequential(layer(), layer()))
    embedding = named("EmbeddingLayer", word_embeddings=nn.Embedding(96, 32))
    return named("Decoder", embedding_layer=embedding, transformer_decoder=stack, lm_head=linear(32, 96))

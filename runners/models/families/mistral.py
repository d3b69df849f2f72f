"""Mistral (Jiang et al. 2023): the tensors of a Llama, with fewer key-value heads and a window of attention."""

from runners.models.families import Family, gated

MISTRAL = Family(
    name="mistral",
    sizes=gated.SIZES,
    required=gated.REQUIRED,
    implied=gated.IMPLIED,
    backbone="model",
    channels=gated.CHANNELS,
    heads=gated.HEADS,
    dimensions={"channel": gated.CHANNEL},
)

"""Llama (Touvron et al. 2023): the inner channels are those of the gated feed-forward layers."""

from runners.models.families import Family, gated

LLAMA = Family(
    name="llama",
    sizes=gated.SIZES,
    required=gated.REQUIRED,
    implied=gated.IMPLIED,
    backbone="model",
    channels=gated.CHANNELS,
    heads=gated.HEADS,
    dimensions={"channel": gated.CHANNEL},
)

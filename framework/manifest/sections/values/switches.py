"""How a model is built beside its sizes: the switches of the family `gpt`."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from framework.manifest.sections.base import Positive, Section, Share


class Dropout(Section):
    """Dropout by place."""

    embedding: Share = 0.0
    """After the embedding."""
    attention: Share = 0.0
    """Of the attention's weights."""
    residual: Share = 0.0
    """After attention and feed-forward, before they are added."""


class Initialisation(Section):
    """How random weights are drawn. Biases begin at 0, norms at 1."""

    name: Literal["normal", "xavier", "he"] = "normal"
    """Of the linear layers: normal with a deviation; uniform by fan-in and fan-out (Glorot & Bengio 2010); normal by
    fan-in (He et al. 2015). Embeddings are normal."""
    deviation: Positive = 0.02
    """The standard deviation of what is normal."""
    residual_scaling: bool = True
    """Whether what is added to the residual stream is drawn smaller by 1/√(2·layers) (Radford et al. 2019)."""


class Switches(Section):
    """What a `gpt` is made of. The defaults are GPT-2's."""

    norm: Literal["layernorm", "rmsnorm"] = "layernorm"
    """LayerNorm (Ba et al. 2016), or RMSNorm (Zhang & Sennrich 2019)."""
    norm_place: Literal["before", "after"] = "before"
    """Before attention and feed-forward with one more at the end (Xiong et al. 2020), or after they were added (Vaswani
    et al. 2017)."""
    norm_eps: Positive = 1e-5
    """The term added to the variance."""
    position_encoding: Literal["learned", "rope", "none"] = "learned"
    """A learned embedding of each position; rotary queries and keys (Su et al. 2021); or none (Kazemnejad et al.
    2023)."""
    rope_base: Positive = 10_000.0
    """The base of the rotary angles."""
    activation: Literal["gelu", "gelu_tanh", "swiglu", "relu", "relu_squared"] = "gelu_tanh"
    """Of the feed-forward layer: exact GELU, its tanh form (GPT-2's), SwiGLU with a gate (Shazeer 2020), ReLU, or ReLU²
    (So et al. 2021)."""
    initialisation: Initialisation = Initialisation.model_construct(
        name="normal", deviation=0.02, residual_scaling=True
    )
    """How weights are drawn."""
    dropout: Annotated[Share | Dropout, Field(union_mode="left_to_right")] = 0.0
    """In all places, or by place."""
    tied: bool = True
    """Whether the head is the embedding."""
    biases: bool = True
    """Whether linear layers and LayerNorms have one."""
    qk_norm: bool = False
    """Whether queries and keys are normalised in each head (Henry et al. 2020)."""

    @model_validator(mode="after")
    def _used(self) -> Self:
        if "rope_base" in self.model_fields_set and self.position_encoding != "rope":
            raise ValueError(f"`rope_base` beside `position_encoding: {self.position_encoding}`: nothing would read it")
        return self

    @property
    def dropouts(self) -> Dropout:
        """The dropout of each place."""
        if isinstance(self.dropout, Dropout):
            return self.dropout
        return Dropout.model_construct(embedding=self.dropout, attention=self.dropout, residual=self.dropout)

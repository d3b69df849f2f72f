"""The configuration of a `gpt`: sizes and switches, as its `config.json` has them."""

from __future__ import annotations

from typing import Any

from transformers import PretrainedConfig

from framework.manifest.sections.values.switches import Switches


class GPTConfig(PretrainedConfig):
    """Sizes under transformers' usual names, and ``switches``: each of the manifest's that is read.

    Raises:
        ValueError: a switch that there is not, or sizes that do not divide.
    """

    model_type = "gpt"
    keys_to_ignore_at_inference = ["past_key_values"]

    def __init__(
        self,
        vocab_size: int = 256,
        hidden_size: int = 128,
        num_hidden_layers: int = 2,
        num_attention_heads: int = 2,
        num_key_value_heads: int | None = None,
        intermediate_size: int | None = None,
        max_position_embeddings: int = 1024,
        switches: dict[str, Any] | None = None,
        **more: Any,
    ):
        self.vocab_size, self.hidden_size, self.num_hidden_layers = vocab_size, hidden_size, num_hidden_layers
        self.num_attention_heads = num_attention_heads
        self.num_key_value_heads = num_key_value_heads or num_attention_heads
        self.intermediate_size = intermediate_size or 4 * hidden_size
        self.max_position_embeddings = max_position_embeddings
        stated = Switches.model_validate(switches or {})
        unread = set() if stated.position_encoding == "rope" else {"rope_base"}
        self.switches = stated.model_dump(exclude=unread)
        more["tie_word_embeddings"] = stated.tied
        more.setdefault("use_cache", False)
        super().__init__(**more)
        if hidden_size % num_attention_heads or num_attention_heads % self.num_key_value_heads:
            sizes = f"{hidden_size} wide, {num_attention_heads} heads, {self.num_key_value_heads} key-value heads"
            raise ValueError(f"{sizes}: each must divide the one before it")
        if stated.position_encoding == "rope" and self.head_size % 2:
            raise ValueError(f"rotary positions turn pairs, and a head is {self.head_size} wide")

    @property
    def head_size(self) -> int:
        return self.hidden_size // self.num_attention_heads

    @property
    def parts(self) -> Switches:
        """The switches, typed."""
        return Switches.model_validate(self.switches)

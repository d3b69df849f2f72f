"""A model's `config.json` on the Hugging Face hub: its architecture and sizes, by each family's own names."""

from __future__ import annotations

from typing import Any

from framework.dialects import values
from framework.dialects.key_tables import read_table
from framework.dialects.terms import Dialect, Key, Recognition, Said, Scope, Unknown, words
from framework.dialects.well_known.keys import keys_of


def _rows(word: Any, scope: Scope) -> Any:
    """The rows of the embedding: state-spaces' Mamba rounds them up (`pad_vocab_size_multiple`, 8 or 16)."""
    multiple = scope.get("pad_vocab_size_multiple")
    whole = isinstance(word, int) and isinstance(multiple, int) and not isinstance(word, bool) and multiple > 0
    return -(-word // multiple) * multiple if whole else values.given(word, scope)


def _name(word: Any, scope: Scope) -> Any:
    local = isinstance(word, str) and ("/" not in word or word.startswith((".", "/", "~")))
    return Unknown("not a repository of the hub") if local and word else values.given(word, scope)


_NAMES = {
    "layers": ("num_hidden_layers", "n_layer", "n_layers", "num_layers"),
    "hidden": ("hidden_size", "d_model", "n_embd", "dim"),
    "state": ("state_size", "ssm_state_size", "d_state"),
    "expand": ("expand",),
    "heads": ("num_attention_heads", "n_head", "n_heads", "num_heads"),
    "key_value_heads": ("num_key_value_heads",),
    "intermediate": ("intermediate_size", "n_inner", "ffn_dim", "d_ff", "d_inner", "hidden_dim", "ffn_hidden_size"),
    "experts": ("num_local_experts", "num_experts"),
    "experts_per_token": ("num_experts_per_tok",),
    "positions": ("max_position_embeddings", "n_positions"),
    "vocabulary": ("vocab_size",),
}
KEYS: dict[str, Key] = {
    "model_type": Key("model.family"),
    "_name_or_path": Key("model.hub", _name),
    **{name: Key(f"model.{fact}", values.given) for fact, names in _NAMES.items() for name in names},
    "vocab_size": Key("model.vocabulary", _rows),
    **keys_of("hf-model-config"),
}
SILENT = words(
    "architectures transformers_version torch_dtype dtype use_cache bos_token_id eos_token_id pad_token_id"
    " sep_token_id cls_token_id decoder_start_token_id return_dict output_attentions output_hidden_states id2label"
    " label2id problem_type tokenizer_class finetuning_task gradient_checkpointing task_specific_params"
    " pad_vocab_size_multiple chunk_size_feed_forward is_encoder_decoder auto_map pruned_heads torchscript use_mambapy"
)


def _recognise(data: Any) -> Recognition | None:
    if not isinstance(data, dict) or "model_type" not in data or "base_model" in data:
        return None
    sizes = [name for names in _NAMES.values() for name in names if name in data]
    if "architectures" in data or "transformers_version" in data or len(sizes) >= 3:
        return Recognition(0.96, f"model_type: {data['model_type']}, with {', '.join(sizes[:3]) or 'architectures'}")
    return None


def _read(data: Any) -> Said:
    return read_table(data, KEYS, SILENT) if isinstance(data, dict) else Said()


DIALECT = Dialect("hf-model-config", "transformers", _recognise, _read, "yaml-1.2", KEYS, beside=True)

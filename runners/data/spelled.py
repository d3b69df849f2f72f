"""How much text tokens stand for, in characters and bytes: a loss over these does not depend on the tokenizer."""

from __future__ import annotations

from typing import Any

import numpy as np
from tokenizers import Tokenizer, decoders, pre_tokenizers

_SLICE = 1 << 22


def spelled_sizes(tokenizer: Any) -> tuple[np.ndarray, np.ndarray] | None:
    """The characters and the bytes of each token, int64 [tokens]; None for a tokenizer that is not of bytes.

    A token of bytes may hold a part of a character: a character counts where its first byte is (in UTF-8 every other
    one is 10xxxxxx), so that the sums over a text are exact, whatever its tokens.
    """
    inner = getattr(tokenizer, "backend_tokenizer", None)
    if not isinstance(inner, Tokenizer) or not isinstance(inner.decoder, decoders.ByteLevel):
        return None
    bytes_of = _bytes_by_letter()
    added = {number: token.content.encode() for number, token in inner.get_added_tokens_decoder().items()}
    vocabulary = inner.get_vocab(with_added_tokens=True)
    characters, sizes = (np.zeros(1 + max(vocabulary.values()), np.int64) for _ in range(2))
    for token, number in vocabulary.items():
        if number in added:
            spelled = added[number]
        elif all(letter in bytes_of for letter in token):
            spelled = bytes(bytes_of[letter] for letter in token)
        else:
            return None
        sizes[number] = len(spelled)
        characters[number] = sum(byte & 0xC0 != 0x80 for byte in spelled)
    return characters, sizes


def _bytes_by_letter() -> dict[str, int]:
    """The byte that each letter of a byte-level vocabulary stands for: printable ones for themselves, the others, in
    their order, for letters from U+0100 on (Radford et al. 2019)."""
    printable = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = [byte for byte in range(256) if byte not in set(printable)]
    found = {chr(byte): byte for byte in printable} | {chr(256 + index): byte for index, byte in enumerate(others)}
    assert set(found) == set(pre_tokenizers.ByteLevel.alphabet())
    return found


def summed(sizes: np.ndarray, tokens: np.ndarray) -> int:
    """The sizes of all tokens, int [...], together, a slice at a time."""
    step = max(1, _SLICE // max(1, tokens[:1].size))
    return sum(int(sizes[tokens[first : first + step]].sum()) for first in range(0, len(tokens), step))

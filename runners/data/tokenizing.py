"""Tokenizers: trained on the data, plain bytes, or a checkpoint's own."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import chain
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers
from torch import Tensor
from transformers import AutoTokenizer, PreTrainedTokenizerFast

from framework.errors import FrameworkError
from framework.manifest.sections.models import Model

END = "<|endoftext|>"
_PADDING, _FIRST, _LAST = _FRAME = ("[PAD]", "[CLS]", "[SEP]")
_BYTES = 256
_ROWS_AT_ONCE = 1000


def tokenizer_for(name: str, model: Model, training_text: Iterable[str], project: Path, framed: bool = False) -> Any:
    """The tokenizer that a model without a parent starts with.

    `train` learns a byte-level BPE (Sennrich et al. 2016; Radford et al. 2019) of ``model.vocabulary`` tokens from the
    training split; `bytes` has the 256 bytes. Both frame texts as BERT reads them where ``framed``: `[CLS]`, the text,
    `[SEP]`, and in a pair the second text and `[SEP]`. Anything else is a folder relative to the project or a hub
    repository, by default the checkpoint's.

    Raises:
        FrameworkError: none is stated and there is no checkpoint, or it cannot be loaded.
    """
    if model.tokenizer == "train":
        if model.vocabulary is None or model.vocabulary <= _BYTES:
            raise FrameworkError(f"models.{name}.vocabulary: a trained tokenizer needs more than {_BYTES} tokens")
        learned = trained(training_text, model.vocabulary, _FRAME if framed else (END,))
        return _framed(learned) if framed else _wrapped(learned, end=END)
    if model.tokenizer == "bytes":
        alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
        plain = _byte_level({token: number for number, token in enumerate(alphabet)})
        return _framed(plain) if framed else _wrapped(plain, end=None)
    source = model.tokenizer or model.path or model.hub
    if source is None:
        raise FrameworkError(f"models.{name}.tokenizer: say `train`, `bytes`, a folder or a hub repository")
    folder = project / source
    own = model.hub is not None and source == model.hub and not folder.is_dir()
    try:
        return AutoTokenizer.from_pretrained(
            folder if folder.is_dir() else source, **({"revision": model.revision} if own and model.revision else {})
        )
    except (OSError, ValueError) as problem:
        raise FrameworkError(
            f"models.{name}.tokenizer: {source} cannot be loaded: {problem}\n"
            "    give a local folder, or use a profile with `tokenizer: train`"
        ) from problem


def trained(texts: Iterable[str], vocabulary: int, special: Sequence[str] = (END,)) -> Tokenizer:
    """A byte-level BPE whose first tokens are ``special``; training it is deterministic.

    Raises:
        FrameworkError: the texts do not hold enough different pairs for that many tokens.
    """
    tokenizer = _byte_level({})
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary,
        special_tokens=list(special),
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    if tokenizer.get_vocab_size() < vocabulary:
        raise FrameworkError(
            f"the training text gives only {tokenizer.get_vocab_size()} tokens, {vocabulary} are declared"
        )
    return tokenizer


def _byte_level(vocabulary: dict[str, int]) -> Tokenizer:
    tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=[]) if vocabulary else models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    return tokenizer


def _wrapped(tokenizer: Tokenizer, end: str | None) -> Any:
    special = {"eos_token": end, "pad_token": end} if end else {}
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, clean_up_tokenization_spaces=False, **special)


def _framed(tokenizer: Tokenizer) -> Any:
    tokenizer.add_special_tokens(list(_FRAME))
    first, last = ((token, tokenizer.token_to_id(token)) for token in (_FIRST, _LAST))
    tokenizer.post_processor = processors.TemplateProcessing(
        single=f"{_FIRST} $A {_LAST}",
        pair=f"{_FIRST} $A {_LAST} $B:1 {_LAST}:1",
        special_tokens=[first, last],
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        clean_up_tokenization_spaces=False,
        cls_token=_FIRST,
        sep_token=_LAST,
        pad_token=_PADDING,
    )


def token_stream(tokenizer: Any, texts: Sequence[tuple[str, ...]], longest: int | None = None) -> Tensor:
    """Running text as one stream of token ids (int32 [tokens]), rows joined as they are, without special tokens.

    Tokenizing stops with the rows that reach ``longest`` tokens.
    """
    parts, tokens = [torch.empty(0, dtype=torch.int32)], 0
    for start in range(0, len(texts), _ROWS_AT_ONCE):
        rows = ["".join(row) for row in texts[start : start + _ROWS_AT_ONCE]]
        ids = tokenizer(rows, add_special_tokens=False, verbose=False)["input_ids"]
        parts.append(torch.tensor(list(chain.from_iterable(ids)), dtype=torch.int32))
        tokens += len(parts[-1])
        if longest is not None and tokens >= longest:
            break
    return torch.cat(parts)


def encode(tokenizer: Any, texts: Sequence[tuple[str, ...]], longest: int) -> tuple[list[list[int]], list[list[int]]]:
    """Token ids of each row, cut to ``longest``, and the segment of each token (0, or 1 in the second text of a pair).

    Pairs go through the tokenizer's own template where it has a separator token, and are joined by a line break where
    it has none.
    """
    columns = [list(column) for column in zip(*texts, strict=True)]
    if len(columns) > 1 and tokenizer.sep_token is None:
        columns = [["\n".join(row) for row in texts]]
    found = tokenizer(*columns, truncation=True, max_length=longest, return_token_type_ids=True)
    return list(found["input_ids"]), list(found["token_type_ids"])

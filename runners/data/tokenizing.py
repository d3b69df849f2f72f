"""Tokenizers: trained on the data, plain bytes, or a checkpoint's own."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import tokenizers
import transformers
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers
from transformers import AutoTokenizer, PreTrainedTokenizerFast

from framework.errors import FrameworkError
from framework.manifest.sections.models import Model

END = "<|endoftext|>"
_PADDING, _FIRST, _LAST = _FRAME = ("[PAD]", "[CLS]", "[SEP]")
_BYTES = 256
_OF_TOKENIZER = (".json", ".txt", ".model", ".jinja", ".py")
"""Endings of the files of tokenizers."""


def tokenizer_for(
    name: str,
    model: Model,
    training_text: Iterable[str],
    project: Path,
    framed: bool = False,
    learn: Callable[[int, Sequence[str]], Tokenizer] | None = None,
) -> Any:
    """The tokenizer that a model without a parent starts with.

    `train` learns a byte-level BPE (Sennrich et al. 2016; Radford et al. 2019) of ``model.vocabulary`` tokens from the
    training split; `bytes` has the 256 bytes. Both frame texts as BERT reads them where ``framed``: `[CLS]`, the text,
    `[SEP]`, and in a pair the second text and `[SEP]`. Anything else is a folder relative to the project or a hub
    repository, by default the checkpoint's.

    Args:
        learn: Gives the tokenizer of so many tokens, the first of them special, without ``training_text``.

    Raises:
        FrameworkError: none is stated and there is no checkpoint, or it cannot be loaded.
    """
    if model.tokenizer == "train":
        if model.vocabulary is None or model.vocabulary <= _BYTES:
            raise FrameworkError(f"models.{name}.vocabulary: a trained tokenizer needs more than {_BYTES} tokens")
        special = _FRAME if framed else (END,)
        learned = learn(model.vocabulary, special) if learn else trained(training_text, model.vocabulary, special)
        return _framed(learned) if framed else _wrapped(learned, end=END)
    if model.tokenizer == "bytes":
        alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
        plain = byte_level({token: number for number, token in enumerate(alphabet)})
        return _framed(plain) if framed else _wrapped(plain, end=None)
    source = _source_of(model)
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


def _source_of(model: Model) -> str | None:
    return model.tokenizer or model.path or model.hub


def files_of_tokenizer(model: Model, project: Path) -> list[Path]:
    """The files that a tokenizer in a local folder is loaded from, without the weights beside them."""
    folder = project / (_source_of(model) or "")
    if model.tokenizer in ("train", "bytes") or not _source_of(model) or not folder.is_dir():
        return []
    return sorted(path for path in folder.iterdir() if path.is_file() and path.suffix in _OF_TOKENIZER)


def trained(texts: Iterable[str], vocabulary: int, special: Sequence[str] = (END,)) -> Tokenizer:
    """A byte-level BPE whose first tokens are ``special``; training it is deterministic.

    Raises:
        FrameworkError: the texts do not hold enough different pairs for that many tokens.
    """
    tokenizer = byte_level({})
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


def byte_level(vocabulary: dict[str, int]) -> Tokenizer:
    """A byte-level BPE with these tokens and no merges."""
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


def plain_ids(tokenizer: Any, texts: Sequence[str]) -> list[list[int]]:
    """Token ids of each text, all of them and no special ones.

    A tokenizer of the `tokenizers` library is asked itself, without the places of the tokens in the text: transformers
    (release 5.23, `tokenization_utils_tokenizers.py`) sets the same switches, asks it for the places too, and drops
    them.
    """
    if getattr(type(tokenizer), "_encode_plus", None) is not PreTrainedTokenizerFast._encode_plus:
        return list(tokenizer(list(texts), add_special_tokens=False, verbose=False)["input_ids"])
    inner: Tokenizer = tokenizer.backend_tokenizer
    inner.no_truncation()
    inner.no_padding()
    inner.encode_special_tokens = tokenizer.split_special_tokens
    return [each.ids for each in inner.encode_batch_fast(list(texts), add_special_tokens=False)]


def as_left_by(tokenizer: Any, objective: str, longest: int, columns: int) -> None:
    """Leave a tokenizer as reading texts for an objective leaves it: a checkpoint is saved with its switches, and has
    the same bytes whether the texts were read now or lay in a store."""
    if objective == "classification":
        encode(tokenizer, [("",) * columns], longest)
    else:
        tokenizer("", verbose=False)


def pieces_of(tokenizer: Tokenizer, texts: Sequence[str]) -> list[list[str]]:
    """The pieces of each text within which a tokenizer that is to be trained looks for tokens."""
    return [[piece for piece, _ in tokenizer.pre_tokenizer.pre_tokenize_str(text)] for text in texts]


def content_of(tokenizer: Any) -> str:
    """A name that no tokenizer with another content has: its vocabulary, rules and templates, and how texts go in."""
    own: dict[str, Any] = {
        "class": f"{type(tokenizer).__module__}.{type(tokenizer).__qualname__}",
        "side": tokenizer.truncation_side,
        "special": {name: str(value) for name, value in tokenizer.special_tokens_map.items()},
        "split": getattr(tokenizer, "split_special_tokens", False),
        "libraries": [tokenizers.__version__, transformers.__version__],
    }
    if getattr(tokenizer, "is_fast", False):
        inner: Tokenizer = tokenizer.backend_tokenizer
        inner.no_truncation()
        inner.no_padding()
        own["content"] = hashlib.sha256(inner.to_str().encode()).hexdigest()
    else:
        own["vocabulary"] = sorted(tokenizer.get_vocab().items())
        own["arguments"] = {name: str(value) for name, value in tokenizer.init_kwargs.items()}
    return hashlib.sha256(json.dumps(own, sort_keys=True).encode()).hexdigest()


def width_of(tokenizer: Any) -> str:
    """The narrowest type that holds every token."""
    largest = max([len(tokenizer) - 1, *tokenizer.get_vocab().values()])
    return "uint16" if largest < 1 << 16 else "uint32"

"""Long texts in parts have the tokens of the whole; files are read as streams, and faults told with their place."""

from __future__ import annotations

import bz2
import gzip
import json
import lzma
import random
from pathlib import Path
from typing import Any

import pyarrow
import pytest
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers
from transformers import AutoTokenizer

from framework.errors import FrameworkError
from framework.manifest.sections.models import Dataset
from runners.data.corpus import split_of
from runners.data.sources import readers
from runners.data.texts import parts_of
from runners.data.tokenizing import plain_ids, trained
from tests.runners.data.test_fingerprints import TOKENIZERS, running_text


def own(pre: Any, normalizer: Any = None) -> Any:
    """A tokenizer whose tokens are single letters and the words that it is split into."""
    words = sorted(set(running_text(3, 300).replace("\n", " ").split(" ")) | set("abcdefghijklmnopqrstuvwxyz \n▁"))
    vocabulary = {word: number for number, word in enumerate(dict.fromkeys(["<unk>", *filter(None, words)]))}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre
    if normalizer is not None:
        tokenizer.normalizer = normalizer
    return tokenizer


KINDS = {
    "words": own(pre_tokenizers.BertPreTokenizer(), normalizers.BertNormalizer(lowercase=True)),
    "whitespace": own(pre_tokenizers.WhitespaceSplit()),
    "metaspace": own(pre_tokenizers.Metaspace()),
    "metaspace at the first": own(pre_tokenizers.Metaspace(prepend_scheme="first")),
    "stripped": own(pre_tokenizers.WhitespaceSplit(), normalizers.Strip()),
    "trained": trained([running_text(4, 3000)], 320),
}


@pytest.mark.parametrize("kind", [*KINDS, *TOKENIZERS])
@pytest.mark.parametrize("seed", range(4))
def test_parts_have_the_tokens_of_the_whole(tmp_path: Path, kind: str, seed: int) -> None:
    if kind in TOKENIZERS:
        TOKENIZERS[kind](tmp_path)
        tokenizer = AutoTokenizer.from_pretrained(tmp_path)
        read = lambda texts: plain_ids(tokenizer, texts)  # noqa: E731
    else:
        read = lambda texts: [KINDS[kind].encode(text, add_special_tokens=False).ids for text in texts]  # noqa: E731
    text = running_text(seed, 4000)
    chosen = random.Random(seed)
    places = sorted(chosen.randrange(len(text)) for _ in range(30))
    blocks = [text[start:end] for start, end in zip([0, *places], [*places, len(text)], strict=True)]
    parts = list(parts_of(blocks, read, 150, 30))
    assert "".join(parts) == text
    assert [token for ids in read(parts) for token in ids] == list(read([text])[0])
    if kind in ("words", "whitespace", "trained", "byte-level"):
        assert max(map(len, parts)) < 1000
    if kind == "whole-text":
        assert len(parts) == 1, "nothing may be parted where a text begins in another way than it goes on"


def test_a_text_without_any_place_is_one_part() -> None:
    letters = "a" * 5000
    assert list(parts_of([letters[:2000], letters[2000:]], lambda texts: [list(text) for text in texts], 100, 10)) == [
        letters
    ]


ROWS = [{"text": f'row {number} é [x] "{{"\n', "n": number} for number in range(400)]
PACK = {
    ".gz": gzip.compress,
    ".bz2": bz2.compress,
    ".xz": lzma.compress,
    ".zst": lambda data: pyarrow.compress(data, codec="zstd", asbytes=True),
}


def texts_in(folder: Path) -> list[str]:
    return [text for (text,) in split_of("data", Dataset(path="."), "train", folder).texts(["text"])]


@pytest.mark.parametrize("packed", ["", *PACK])
@pytest.mark.parametrize("suffix", [".jsonl", ".json", ".txt"])
def test_compressed_files_are_read(tmp_path: Path, suffix: str, packed: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(readers, "_BLOCK", 64)
    text = {
        ".jsonl": "".join(json.dumps(row) + "\n" for row in ROWS),
        ".json": json.dumps(ROWS, indent=2),
        ".txt": "".join(str(row["text"]) for row in ROWS),
    }[suffix]
    pack = PACK.get(packed, bytes)
    (tmp_path / f"train{suffix}{packed}").write_bytes(pack(text.encode()))
    split = split_of("data", Dataset(path="."), "train", tmp_path)
    assert "".join(texts_in(tmp_path)) == "".join(str(row["text"]) for row in ROWS)
    assert split.meter.total == (tmp_path / f"train{suffix}{packed}").stat().st_size
    list(split.texts(["text"]))
    assert split.meter.done == split.meter.total
    if packed:
        (tmp_path / f"train{suffix}{packed}").write_bytes(pack(text.encode())[:-40])
        with pytest.raises(FrameworkError, match=rf"train\{suffix}\{packed}: not a whole compressed file"):
            texts_in(tmp_path)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('{"text": "x"}', r"train\.json:1: a list of rows is expected, not dict"),
        ('[\n{"text": "x"},\n{"text" "y"}]', r"train\.json:3: not JSON: Expecting ':' delimiter"),
        ('[\n{"text": "x"}\n{"text": "y"}]', r"train\.json:3: not JSON: Expecting ',' delimiter"),
        ('[{"text": "x"}, ', r"train\.json:1: not JSON: Expecting value"),
        ('[{"text": "x"}', r"train\.json:1: not JSON: Expecting ',' delimiter"),
        ('[{"text": "x"}]\n[]', r"train\.json:2: not JSON: Extra data"),
        ("[12, 34]", r"train\.json:1: a row is an object with columns, not int"),
        ('[{"text": "x"}, {"txt": "y"}]', r"train\.json:2: no column 'text'.*'txt'"),
    ],
)
def test_what_is_wrong_in_a_list_of_rows_is_told(tmp_path: Path, text: str, told: str) -> None:
    (tmp_path / "train.json").write_text(text)
    with pytest.raises(FrameworkError, match=told):
        texts_in(tmp_path)


@pytest.mark.parametrize("suffix", [".txt", ".jsonl", ".csv", ".json"])
def test_bytes_that_are_no_text_are_told_with_their_line(tmp_path: Path, suffix: str) -> None:
    (tmp_path / f"train{suffix}").write_bytes(b'[{"text":\n"a\xff"}]')
    with pytest.raises(FrameworkError, match=rf"train\{suffix}: not UTF-8: .*line 2, byte 3|:1: not JSON"):
        texts_in(tmp_path)

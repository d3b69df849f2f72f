"""What records hold of their data: the counts and fingerprints of every kind of source and task, as they always were.

A number here never changes: records of earlier runs hold it.
"""

from __future__ import annotations

import csv
import hashlib
import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy
import pyarrow
import pyarrow.parquet
import pytest
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers
from transformers import PreTrainedTokenizerFast

from framework.manifest.sections.models import Dataset, Model
from framework.manifest.sections.phases import Phase
from framework.planning.steps import Training
from runners.data.preparing import Prepared, prepare
from runners.data.sources.builtin import labelled_paragraphs
from runners.data.sources.builtin import running_text as running_text_of

WORDS = "the of and naïve ß 日本 it's we'll 12 3.5 don't A-B ... sparse mask, model\t(of) ÅÅ 🙂 end."


def running_text(seed: int, words: int) -> str:
    """Words, line breaks of all kinds, runs of spaces and empty lines."""
    chosen, own = random.Random(seed), WORDS.split(" ")
    ends = [" "] * 24 + ["\n"] * 4 + ["\n\n", "  ", " \n", "\r\n", "\n\t", "\r", "\u3000", "\n   \n"]
    return "".join(chosen.choice(own) + chosen.choice(ends) for _ in range(words))


def rows_of(seed: int, count: int) -> list[dict[str, Any]]:
    chosen, own = random.Random(seed), WORDS.split(" ")

    def text(most: int) -> str:
        return " ".join(chosen.choice(own) for _ in range(chosen.randrange(1, most)))

    return [
        {
            "text": text(30) + "\n",
            "one": text(12),
            "two": text(20),
            "label": chosen.randrange(3),
            "named": chosen.choice(["yes", "no", "neither"]),
            "question": text(15),
            "endings": [text(4), text(4)],
            "right": chosen.choice(["0", "1"]),
            "solution": f"{text(6)}\n#### {chosen.randrange(99)}",
        }
        for _ in range(count)
    ]


def write(folder: Path, split: str, suffix: str, rows: list[dict[str, Any]]) -> None:
    folder.mkdir(exist_ok=True)
    path = folder / f"{split}{suffix}"
    if suffix == ".jsonl":
        path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), "utf-8")
    elif suffix == ".json":
        path.write_text(json.dumps(rows, indent=1), "utf-8")
    elif suffix == ".parquet":
        pyarrow.parquet.write_table(pyarrow.Table.from_pylist(rows), path, row_group_size=100)
    else:
        with path.open("w", encoding="utf-8", newline="") as stream:
            table = csv.DictWriter(stream, list(rows[0]))
            table.writeheader()
            table.writerows(rows)


def byte_level(folder: Path) -> None:
    """A byte-level BPE with merges over words and an end token."""
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    pairs = [("t", "h"), ("th", "e"), ("Ġ", "the"), ("o", "f"), ("Ġ", "of"), ("Ċ", "Ċ"), ("Ġ", "Ġ"), ("a", "n")]
    vocabulary = {token: number for number, token in enumerate([*alphabet, *("".join(pair) for pair in pairs)])}
    tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=pairs))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    PreTrainedTokenizerFast(tokenizer_object=tokenizer, eos_token="<|end|>").save_pretrained(folder)


def whole_text(folder: Path) -> None:
    """One that reads a text as one piece: spaces are letters, a first one is added, and nothing is split before."""
    letters = sorted(set(WORDS + "\n\r\u3000▁") - {" "})
    pairs = [("▁", "t"), ("▁t", "h"), ("▁th", "e"), ("\n", "\n"), ("e", "▁"), ("\n", "▁")]
    vocabulary = {token: number for number, token in enumerate([*letters, *("".join(pair) for pair in pairs), "<unk>"])}
    tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=pairs, unk_token="<unk>"))
    tokenizer.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
    PreTrainedTokenizerFast(tokenizer_object=tokenizer, unk_token="<unk>").save_pretrained(folder)


TOKENIZERS: dict[str, Callable[[Path], None]] = {"byte-level": byte_level, "whole-text": whole_text}


class Project:
    """A folder with data of every kind and tokenizers."""

    def __init__(self, root: Path):
        self.root = root
        for name, build in TOKENIZERS.items():
            build(root / name)
        for split, seed, count in (("train", 1, 700), ("validation", 2, 90)):
            rows = rows_of(seed, count)
            for suffix in (".jsonl", ".json", ".csv", ".parquet"):
                write(root / suffix[1:], split, suffix, rows)
            (root / "txt").mkdir(exist_ok=True)
            (root / "txt" / f"{split}.txt").write_bytes(running_text(seed, 70 * count).encode())

    def prepare(self, dataset: Dataset, phase: Phase, tokenizer: str, family: str = "mamba") -> Prepared:
        model = Model(family=family, weights="random", layers=1, hidden=8, vocabulary=320, tokenizer=tokenizer)
        return prepare(Training(phase, "data", dataset), "tiny", model, None, self.root)


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    return Project(tmp_path_factory.mktemp("fingerprints"))


PAIR, CHOICES = ["one", "two"], {"prompt": "{question} Answer: ", "choices": "endings", "label": "right"}
STATED = {"prompt": "{question}?", "choices": [" {one}", " no"], "label": "right"}
WRITTEN = {"prompt": "Q: {question}\nA:", "answer": " {solution}"}
CASES: dict[str, tuple[str, dict[str, Any], str, str, str, int]] = {
    # where it lies, what the dataset states, the objective, the tokenizer, the family, the length
    **{
        f"text {kind} {tokenizer}": (kind, {}, "causal_lm", tokenizer, "mamba", 48)
        for kind in ("txt", "jsonl", "json", "csv", "parquet")
        for tokenizer in ("bytes", "byte-level", "whole-text")
    },
    "text txt train": ("txt", {}, "causal_lm", "train", "mamba", 48),
    "text jsonl train": ("jsonl", {}, "causal_lm", "train", "mamba", 48),
    "text in two columns": ("jsonl", {"text": PAIR}, "causal_lm", "byte-level", "mamba", 31),
    "text, a part": ("txt", {"limit": 20, "validation_limit": 3}, "causal_lm", "byte-level", "mamba", 64),
    "text of another length": ("txt", {}, "causal_lm", "byte-level", "mamba", 7),
    **{
        f"classes {kind} {tokenizer}": (kind, {"text": ["one"], "labels": 3}, "classification", tokenizer, "mamba", 24)
        for kind in ("jsonl", "csv", "parquet")
        for tokenizer in ("bytes", "byte-level")
    },
    "classes by name": ("jsonl", {"text": ["one"], "label": "named"}, "classification", "bytes", "mamba", 24),
    "classes, a part": (
        "jsonl",
        {"text": ["one"], "label": "named", "limit": 50, "validation_limit": 7},
        "classification",
        "train",
        "mamba",
        24,
    ),
    "pairs": ("jsonl", {"text": PAIR, "labels": 3}, "classification", "byte-level", "mamba", 40),
    "pairs with segments": ("jsonl", {"text": PAIR, "labels": 3}, "classification", "train", "bert", 24),
    "pairs of bytes with segments": ("parquet", {"text": PAIR, "labels": 3}, "classification", "bytes", "bert", 40),
    "one text with segments": ("csv", {"text": ["one"], "labels": 3}, "classification", "bytes", "bert", 24),
    "choices of a column": ("jsonl", CHOICES, "completion", "byte-level", "mamba", 96),
    "choices of a column, bytes": ("parquet", CHOICES, "completion", "bytes", "mamba", 200),
    "stated choices": ("json", STATED, "completion", "bytes", "mamba", 96),
    "written answers": ("jsonl", WRITTEN, "completion", "train", "mamba", 96),
    "written answers, a part": (
        "csv",
        {**WRITTEN, "limit": 40, "validation_limit": 9},
        "completion",
        "byte-level",
        "mamba",
        96,
    ),
}
PINNED: dict[str, tuple[int, int, int, int, str, str]] = json.loads(
    (Path(__file__).parent / "fingerprints.json").read_text()
)
"""Of each case the examples, the tokens and the first digits of the fingerprint, of both splits."""


def facts_of(project: Project, phase: Callable[..., Phase], case: str) -> list[Any]:
    path, stated, objective, tokenizer, family, length = CASES[case]
    dataset = Dataset.model_validate({"path": path, **stated})
    facts = project.prepare(dataset, phase(objective, sequence_length=length), tokenizer, family).facts
    names = ("train_examples", "validation_examples", "train_tokens", "validation_tokens")
    return [*(facts[name] for name in names), facts["fingerprint"][:16], facts["validation_fingerprint"][:16]]


@pytest.mark.parametrize("case", CASES)
def test_a_record_holds_the_same_numbers(project: Project, phase: Callable[..., Phase], case: str) -> None:
    assert facts_of(project, phase, case) == PINNED[case]


def test_formats_of_the_same_rows_have_the_same_fingerprint() -> None:
    for tokenizer in ("bytes", "byte-level", "whole-text"):
        kinds = [PINNED[f"text {kind} {tokenizer}"][4:] for kind in ("jsonl", "json", "csv", "parquet")]
        assert all(each == kinds[0] for each in kinds)
    assert len({tuple(each) for each in PINNED.values()}) > 20


@pytest.mark.parametrize("case", ["text parquet byte-level", "classes parquet bytes", "choices of a column, bytes"])
def test_the_hub_s_rows_have_the_fingerprints_of_local_ones(
    project: Project, phase: Callable[..., Phase], case: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    import datasets

    load = datasets.load_dataset
    cache = project.root / "arrow"

    def local(*_: Any, split: str, **__: Any) -> Any:
        files = {split: str(project.root / "parquet" / f"{split}.parquet")}
        return load("parquet", data_files=files, split=split, cache_dir=str(cache))

    monkeypatch.setattr(datasets, "load_dataset", local)
    _, stated, objective, tokenizer, family, length = CASES[case]
    dataset = Dataset.model_validate({"hub": "somebody/something", **stated})
    facts = project.prepare(dataset, phase(objective, sequence_length=length), tokenizer, family).facts
    assert [facts["fingerprint"][:16], facts["validation_fingerprint"][:16]] == PINNED[case][4:]


def digest(*parts: bytes) -> str:
    return hashlib.sha256(b"".join(parts)).hexdigest()


def test_built_in_text_is_fingerprinted_as_one_stream(project: Project, phase: Callable[..., Phase]) -> None:
    """What the text says depends on the Python version: beside a stream that is put together here."""
    data = project.prepare(Dataset(builtin="language-reference"), phase(sequence_length=50), "byte-level")
    for validation, key in ((False, "fingerprint"), (True, "validation_fingerprint")):
        rows = [data.tokenizer(text, add_special_tokens=False)["input_ids"] for text in running_text_of(validation)]
        stream = numpy.array([token for row in rows for token in row], "<i4")
        stream = stream[: len(stream) // 50 * 50]
        assert data.facts[key] == digest(b"sequences of 50", stream.tobytes())


def test_built_in_classes_are_fingerprinted_row_by_row(project: Project, phase: Callable[..., Phase]) -> None:
    dataset = Dataset(builtin="reference-topics", labels=3, limit=30)
    data = project.prepare(dataset, phase("classification", sequence_length=20), "bytes", "bert")
    rows, names = labelled_paragraphs("data", 3, validation=False)
    tokens = [data.tokenizer(text, truncation=True, max_length=20)["input_ids"] for text, _ in rows[:30]]
    parts = [f"{label}:{','.join(map(str, row))};" for (_, label), row in zip(rows, tokens, strict=False)]
    segments = [f"{','.join('0' for _ in row)};" for row in tokens]
    assert data.facts["fingerprint"] == digest(b"labelled texts", *(part.encode() for part in parts + segments))
    assert data.classes == names

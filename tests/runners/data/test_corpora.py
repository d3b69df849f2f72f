"""Data: splits that share nothing, files read as they are, and errors that say where."""

from __future__ import annotations

import json
import re
import string
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow
import pyarrow.parquet
import pytest
import torch

from framework.errors import FrameworkError
from framework.manifest.sections.models import Dataset, Model
from framework.manifest.sections.phases import Phase
from framework.planning.steps import Training
from runners.data.corpus import split_of
from runners.data.examples import LabelledTexts
from runners.data.preparing import Prepared, prepare
from runners.data.sources import builtin
from runners.data.tokenizing import encode, tokenizer_for

MODEL = Model(family="mamba", weights="random", layers=1, hidden=8, vocabulary=300, tokenizer="train")
SENTENCES = Dataset(path="data", text=["sentence"], labels=2)


def paragraphs(texts: list[str]) -> set[str]:
    return {" ".join(part.split()) for text in texts for part in text.split("\n\n") if part.strip()}


def test_running_text_splits_share_no_paragraph() -> None:
    train, validation = builtin.running_text(validation=False), builtin.running_text(validation=True)
    assert not paragraphs(train) & paragraphs(validation)
    share = sum(map(len, validation)) / sum(map(len, train + validation))
    assert 0.09 < share <= 0.1
    assert train == builtin.running_text(validation=False)


@pytest.mark.parametrize("labels", [2, 4, 6])
def test_labelled_paragraphs_are_balanced_and_disjoint(labels: int) -> None:
    train, names = builtin.labelled_paragraphs("data", labels, validation=False)
    validation, same_names = builtin.labelled_paragraphs("data", labels, validation=True)
    assert names == same_names
    assert len(names) == labels
    assert not {text for text, _ in train} & {text for text, _ in validation}
    assert len({text for text, _ in train}) == len(train)
    for rows in (train, validation):
        assert len(set(Counter(label for _, label in rows).values())) == 1
    assert [label for _, label in train] != sorted(label for _, label in train)


def write(folder: Path, name: str, rows: list[dict[str, Any]]) -> None:
    folder.mkdir(exist_ok=True)
    path = folder / name
    if path.suffix == ".jsonl":
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    elif path.suffix == ".json":
        path.write_text(json.dumps(rows))
    elif path.suffix == ".csv":
        lines = [",".join(rows[0]), *(",".join(f'"{value}"' for value in row.values()) for row in rows)]
        path.write_text("\n".join(lines) + "\n")
    else:
        pyarrow.parquet.write_table(pyarrow.Table.from_pylist(rows), path)


ROWS = [{"sentence": "a good film", "label": 1}, {"sentence": "bad,\nvery bad", "label": 0}]


@pytest.mark.parametrize("suffix", ["jsonl", "json", "csv", "parquet"])
def test_local_formats_give_the_same_rows(tmp_path: Path, suffix: str) -> None:
    write(tmp_path / "data", f"train.{suffix}", ROWS)
    split = split_of("sst2", SENTENCES, "train", tmp_path)
    assert list(split.texts(["sentence"])) == [("a good film",), ("bad,\nvery bad",)]
    assert [split.label(label) for (label,) in split.read(["label"])] == [1, 0]


def test_a_text_file_is_running_text(tmp_path: Path) -> None:
    (tmp_path / "train.txt").write_text("one\ntwo\n")
    split = split_of("text", Dataset(path="."), "train", tmp_path)
    assert list(split.texts(["text"])) == [("one\ntwo\n",)]
    assert [list(blocks) for blocks in split.documents(["text"])] == [["one\ntwo\n"]]


def classified(project: Path, phase: Callable[..., Phase], dataset: Dataset = SENTENCES) -> Prepared:
    model = MODEL.model_copy(update={"tokenizer": "bytes"})
    return prepare(Training(phase("classification", sequence_length=12), "sst2", dataset), "tiny", model, None, project)


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([ROWS[0], {"sentense": "x", "label": 1}], r"train\.jsonl:2: no column 'sentence'.*'sentense'"),
        ([ROWS[0], {"sentence": "x"}], r"train\.jsonl:2: no column 'label'"),
        ([ROWS[0], {"sentence": 3, "label": 1}], r"train\.jsonl:2: 'sentence' is 3, not text"),
        ([ROWS[0], {"sentence": "x", "label": None}], r"train\.jsonl:2: 'label' is None, not a class"),
        ([ROWS[0], {"sentence": "x", "label": 2}], r"train\.jsonl:2: unknown label 2; classes are 0 to 1"),
        ([ROWS[0], {"sentence": "x", "label": -1}], r"train\.jsonl:2: unknown label -1"),
        ([{"sentence": "x", "label": name} for name in "abc"], r"2 classes are declared, .*has 3: a, b, c"),
    ],
)
def test_a_bad_row_is_an_error_with_file_and_line(
    tmp_path: Path, phase: Callable[..., Phase], rows: list[dict[str, Any]], message: str
) -> None:
    write(tmp_path / "data", "train.jsonl", rows)
    write(tmp_path / "data", "validation.jsonl", ROWS)
    with pytest.raises(FrameworkError, match=message):
        classified(tmp_path, phase)


def test_named_classes_are_those_of_the_training_split(tmp_path: Path, phase: Callable[..., Phase]) -> None:
    write(tmp_path / "data", "train.jsonl", [{"sentence": "x", "label": name} for name in ("yes", "no")])
    write(tmp_path / "data", "validation.jsonl", [{"sentence": "x", "label": name} for name in ("no", "yes", "no")])
    data = classified(tmp_path, phase)
    assert data.classes == ("no", "yes")
    for examples, expected in ((data.train, [1, 0]), (data.validation, [0, 1, 0])):
        labels = examples.batch(range(len(examples))).labels
        assert labels is not None
        assert labels.tolist() == expected
    write(tmp_path / "data", "validation.jsonl", [{"sentence": "x", "label": name} for name in ("no", "jes")])
    with pytest.raises(FrameworkError, match=r"validation\.jsonl:2: unknown label 'jes'; did you mean 'yes'"):
        classified(tmp_path, phase)


def test_files_must_be_one(tmp_path: Path) -> None:
    with pytest.raises(FrameworkError, match=re.escape("datasets.sst2: no file for the split 'train'")):
        split_of("sst2", SENTENCES, "train", tmp_path)
    for suffix in ("csv", "json"):
        write(tmp_path / "data", f"train.{suffix}", ROWS)
    with pytest.raises(FrameworkError, match=r"several files: train\.json, train\.csv"):
        split_of("sst2", SENTENCES, "train", tmp_path)


def test_an_unreachable_hub_is_an_error_with_advice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import datasets

    def offline(*_: Any, **__: Any) -> None:
        raise ConnectionError("no route to host")

    monkeypatch.setattr(datasets, "load_dataset", offline)
    with pytest.raises(FrameworkError, match=r"(?s)datasets\.wiki: Salesforce/wikitext.*no route.*local `path`"):
        split_of("wiki", Dataset(hub="Salesforce/wikitext", name="x"), "train", tmp_path)


def test_hub_rows_are_read_by_their_columns(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import datasets

    features = datasets.Features({"q": datasets.Value("string"), "label": datasets.ClassLabel(names=["no", "yes"])})
    rows = datasets.Dataset.from_dict({"q": ["a", "b"], "label": [1, 0]}, features=features)
    monkeypatch.setattr(datasets, "load_dataset", lambda *_, **__: rows)
    split = split_of("qa", Dataset(hub="x/y", text=["q"]), "train", tmp_path)
    assert (list(split.read(["q", "label"])), split.names) == ([("a", 1), ("b", 0)], ("no", "yes"))
    with pytest.raises(FrameworkError, match="no column 'question'"):
        list(split.texts(["question"]))


def test_the_token_stream_is_cut_and_its_rest_dropped(tmp_path: Path, phase: Callable[..., Phase]) -> None:
    (tmp_path / "train.txt").write_text("abcdefghij" * 10 + "xyz")
    (tmp_path / "validation.txt").write_text("abcdefghij")
    bytes_model = MODEL.model_copy(update={"tokenizer": "bytes", "vocabulary": 256})
    work = Training(phase(sequence_length=10), "text", Dataset(path="."))
    data = prepare(work, "tiny", bytes_model, None, tmp_path)
    assert (len(data.train), len(data.validation)) == (10, 1)
    batch = data.train.batch([0, 9])
    assert data.tokenizer.batch_decode(batch.input_ids) == ["abcdefghij"] * 2
    assert (batch.tokens, batch.predictions, batch.labels) == (20, 18, None)
    limited = prepare(
        Training(work.phase, "text", Dataset(path=".", limit=3)), "tiny", bytes_model, data.tokenizer, tmp_path
    )
    assert limited.facts["train_examples"] == 3
    assert limited.facts["fingerprint"] != data.facts["fingerprint"]
    assert limited.facts["validation_fingerprint"] == data.facts["validation_fingerprint"]


def test_classification_batches_are_cut_and_padded_on_the_right(tmp_path: Path, phase: Callable[..., Phase]) -> None:
    for split in ("train", "validation"):
        write(tmp_path / "data", f"{split}.jsonl", ROWS)
    work = Training(phase("classification", sequence_length=12), "sst2", SENTENCES)
    model = MODEL.model_copy(update={"tokenizer": "bytes"})
    batch = prepare(work, "tiny", model, None, tmp_path).train.batch([0, 1])
    assert batch.attention_mask.sum(dim=1).tolist() == [11, 12]
    assert batch.attention_mask[0].tolist() == [1] * 11 + [0]
    assert batch.labels is not None
    assert batch.labels.tolist() == [1, 0]
    assert (batch.tokens, batch.predictions) == (23, 2)


def test_an_empty_text_is_an_error_with_its_place(tmp_path: Path, phase: Callable[..., Phase]) -> None:
    for split in ("train", "validation"):
        write(tmp_path / "data", f"{split}.jsonl", [ROWS[0], {"sentence": "", "label": 0}])
    work = Training(phase("classification"), "sst2", SENTENCES)
    model = MODEL.model_copy(update={"tokenizer": "bytes"})
    with pytest.raises(FrameworkError, match=r"train\.jsonl:2: an empty text"):
        prepare(work, "tiny", model, None, tmp_path)


def test_a_trained_tokenizer_has_the_declared_size_and_is_lossless() -> None:
    texts = builtin.running_text(validation=False)[:5]
    tokenizer = tokenizer_for("tiny", MODEL, texts, Path())
    assert len(tokenizer) == 300
    ((ids,), _) = encode(tokenizer, [("naïve  \n\ttext 日本",)], longest=100)
    assert tokenizer.decode(ids) == "naïve  \n\ttext 日本"
    with pytest.raises(FrameworkError, match=r"only \d+ tokens, 300 are declared"):
        tokenizer_for("tiny", MODEL, ["aaa"], Path())


def test_a_tokenizer_is_trained_on_all_of_the_text() -> None:
    tokenizer = tokenizer_for("tiny", MODEL, [string.ascii_letters * 40, "zqzqzqzq " * 2000], Path())
    assert len(encode(tokenizer, [("zqzqzqzq",)], longest=100)[0][0]) == 1


def test_pairs_are_joined_where_there_is_no_separator() -> None:
    tokenizer = tokenizer_for("tiny", MODEL.model_copy(update={"tokenizer": "bytes"}), (), Path())
    ((ids,), _) = encode(tokenizer, [("ab", "cd")], longest=10)
    assert tokenizer.decode(ids) == "ab\ncd"


# What an encoder reads


@pytest.mark.parametrize("kind", ["bytes", "train"])
def test_an_encoder_s_texts_are_framed(kind: str) -> None:
    model = MODEL.model_copy(update={"tokenizer": kind})
    texts = [string.printable * 40, "one two three one two three " * 2000]
    tokenizer = tokenizer_for("tiny", model, texts, Path(), framed=True)
    assert len(tokenizer) == (259 if kind == "bytes" else MODEL.vocabulary)
    rows, segments = encode(tokenizer, [("one", "two three"), ("three", "")], longest=20)
    first, last = tokenizer.cls_token_id, tokenizer.sep_token_id
    for row, sides in zip(rows, segments, strict=True):
        assert (row[0], row[-1], row.count(first), row.count(last)) == (first, last, 1, 2)
        assert sides == [0] * (row.index(last) + 1) + [1] * (len(row) - row.index(last) - 1)
    assert tokenizer.decode(rows[0], skip_special_tokens=True) == "onetwo three"
    (alone,), (sides,) = encode(tokenizer, [("one",)], longest=20)
    assert (alone[0], alone[-1], set(sides)) == (first, last, {0})
    assert len(encode(tokenizer, [("one " * 50, "two " * 50)], longest=12)[0][0]) == 12


def test_segments_go_with_their_rows() -> None:
    rows, segments = [[1, 5, 2, 6, 2], [1, 2, 2]], [[0, 0, 0, 1, 1], [0, 0, 1]]
    examples = LabelledTexts(rows, [1, 0], 9, None, segments)
    batch = examples.batch([1, 0])
    assert batch.segments is not None
    assert batch.segments.tolist() == [[0, 0, 1, 0, 0], [0, 0, 0, 1, 1]]
    assert batch.input_ids.tolist() == [[1, 2, 2, 9, 9], [1, 5, 2, 6, 2]]
    moved = batch.to(torch.device("meta"))
    assert moved.segments is not None
    assert moved.segments.device.type == "meta"
    plain = LabelledTexts(rows, [1, 0], 9, None)
    assert plain.batch([0]).segments is None
    others = LabelledTexts(rows, [1, 0], 9, None, [[0, 0, 0, 0, 1], [0, 0, 1]])
    assert len({plain.fingerprint(), examples.fingerprint(), others.fingerprint()}) == 3
    assert LabelledTexts(rows, [1, 0], 9, 1, segments).batch([0]).segments is not None

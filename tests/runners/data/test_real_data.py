"""Local files of the hub's own schema: real datasets load through the same code as those that tests write."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from framework.manifest.sections.models import Dataset
from runners.data.corpus import split_of


@pytest.mark.parametrize(
    ("path", "text", "train", "validation"),
    [
        ("glue/sst2", ["sentence"], 67_349, 872),
        ("glue/mrpc", ["sentence1", "sentence2"], 3_667, 408),
        ("glue/qnli", ["question", "sentence"], 4_463, 1_000),
    ],
)
def test_a_classification_task_has_its_rows_and_classes(
    real_data: Path, path: str, text: list[str], train: int, validation: int
) -> None:
    dataset = Dataset(path=path, text=text, labels=2)
    found = {}
    for split in ("train", "validation"):
        rows = split_of("task", dataset, split, real_data).read([*text, dataset.label])
        found[split] = Counter((len(row), row[-1]) for row in rows)
    assert [sum(counts.values()) for counts in found.values()] == [train, validation]
    assert found["train"].keys() == found["validation"].keys() == {(len(text) + 1, 0), (len(text) + 1, 1)}


def test_a_split_may_be_called_otherwise(real_data: Path) -> None:
    dataset = Dataset(path="glue/mnli", text=["premise", "hypothesis"], labels=3, validation_split="validation_matched")
    rows = split_of("mnli", dataset, dataset.validation_split, real_data).texts(dataset.text)
    assert len(list(rows)) == 121


def test_running_text_is_read_whole(real_data: Path) -> None:
    dataset = Dataset(path="wikitext2")
    ((text,),) = split_of("wikitext2", dataset, "train", real_data).texts(["text"])
    assert len(text) > 1_000_000
    assert "Robert" in text
    ((*blocks,),) = split_of("wikitext2", dataset, "train", real_data).documents(["text"])
    assert "".join(blocks) == text

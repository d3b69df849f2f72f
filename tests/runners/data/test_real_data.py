"""Local files of the hub's own schema: real datasets load through the same code as those that tests write."""

from __future__ import annotations

from pathlib import Path

import pytest

from framework.manifest.sections.models import Dataset
from runners.data.corpus import classes_of, load


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
    training = load("task", dataset, "train", real_data, labelled=True)
    assert (len(training.texts), len(load("task", dataset, "validation", real_data, labelled=True).texts)) == (
        train,
        validation,
    )
    assert len(training.texts[0]) == len(text)
    assert len(classes_of("task", dataset, training)) == 2


def test_a_split_may_be_called_otherwise(real_data: Path) -> None:
    dataset = Dataset(path="glue/mnli", text=["premise", "hypothesis"], labels=3, validation_split="validation_matched")
    rows = load("mnli", dataset, dataset.validation_split, real_data, labelled=True)
    assert len(rows.texts) == 121


def test_running_text_is_read_whole(real_data: Path) -> None:
    dataset = Dataset(path="wikitext2")
    text = "".join("".join(row) for row in load("wikitext2", dataset, "train", real_data, labelled=False).texts)
    assert len(text) > 1_000_000
    assert "Robert" in text

"""The seed of a search, in the program that starts it, is not the training's."""

from __future__ import annotations

from pathlib import Path

import pytest

from framework.dialects.flags import said
from framework.dialects.registry import dialect
from framework.names import format_path
from framework.reading.formats import read

CALLS = (
    "TPESampler(seed=7)",
    "samplers.RandomSampler(seed=7)",
    "samplers.CmaEsSampler(n_startup_trials=3, seed=7)",
    "OptunaSearch(metric='loss', mode='min', seed=7)",
    "TuneBOHB(seed=7)",
    "RandomSearch(build, seed=7)",
)


def seeds(folder: Path, text: str) -> list[str]:
    (folder / "search.py").write_text(text)
    document = read(folder / "search.py", "search.py")
    assert document.root is not None
    heard = said(dialect("generic"), document.value(document.root), document)
    return [format_path(each.path) for each in heard.statements if each.fact.startswith("seed")]


@pytest.mark.parametrize("call", CALLS)
def test_the_seed_of_a_search_is_no_training_s(tmp_path: Path, call: str) -> None:
    assert seeds(tmp_path, f"import torch\nseed = 42\nstudy = create({call})\n") == ["seed"]


def test_the_seed_of_another_class_still_is_one(tmp_path: Path) -> None:
    assert seeds(tmp_path, "sampler = DistributedSampler(dataset, seed=7)\n") == ["DistributedSampler.seed"]

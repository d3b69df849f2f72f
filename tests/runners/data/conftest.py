"""What the tests of the data share."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from runners.data.tokenizing import tokenizer_for


@pytest.fixture
def tokenizer() -> Any:
    from tests.runners.conftest import Laboratory

    return tokenizer_for("tiny", Laboratory.model, [], Path())

"""The commit that a model of the hub was read at, as its cache tells."""

from __future__ import annotations

from pathlib import Path

import pytest
from huggingface_hub import constants

from framework.manifest.sections.models import Model
from runners.models.building import source_of

COMMIT = "0123456789abcdef0123456789abcdef01234567"


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    repository = tmp_path / "models--lab--tiny"
    (repository / "snapshots" / COMMIT).mkdir(parents=True)
    (repository / "snapshots" / COMMIT / "config.json").write_text("{}")
    (repository / "refs").mkdir()
    (repository / "refs" / "main").write_text(COMMIT)
    return tmp_path


@pytest.mark.parametrize("revision", [None, "main", COMMIT])
def test_the_record_has_the_commit_whatever_revision_is_declared(revision: str | None) -> None:
    assert source_of(Model(family="gpt2", hub="lab/tiny", revision=revision))["commit"] == COMMIT


@pytest.mark.parametrize("model", [{"hub": "lab/other"}, {"hub": "lab/tiny", "path": "models/tiny"}])
def test_there_is_none_of_what_was_not_read_from_the_hub(model: dict[str, str]) -> None:
    assert "commit" not in source_of(Model(family="gpt2", **model))

"""Pretrained models that come as packages."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.packaged import packaged_model


def test_a_packaged_model_is_found_without_importing_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "a_packaged_model"
    (package / "model").mkdir(parents=True)
    (package / "__init__.py").write_text("raise ImportError('sentence-transformers is missing')")
    monkeypatch.syspath_prepend(tmp_path)
    assert packaged_model("a_packaged_model") is None, "without weights there is no model"
    for name in ("config.json", "model.safetensors"):
        (package / "model" / name).touch()
    assert packaged_model("a_packaged_model") == package / "model"
    assert packaged_model("a_package_that_is_not_there") is None


def test_the_pretrained_model_is_the_one_that_the_tests_mean(minilm: Path) -> None:
    from framework.evidence.tensors import TensorFile
    from framework.stages.manifest.parameter_counts import bert

    tensors = TensorFile(minilm / "model.safetensors").tensors
    sizes = [tensor.elements for name, tensor in tensors.items() if not name.endswith("position_ids")]
    assert sum(sizes) == bert(layers=6, hidden=384, intermediate=1536, vocabulary=30522)

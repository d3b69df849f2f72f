"""A saved model is held alike whatever form its weights lie in: zeros are counted from bitmasks and torch's masks."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy
import pytest

from framework.evidence.forms.weights import WeightsFile
from framework.evidence.tensors import TensorFile
from tests.support.evidence import Evidence
from tests.support.project import Project
from tests.support.run_folders import seal
from tests.support.saved_models import ZEROS
from tests.support.statuses import codes
from tests.support.stored_forms import Entry, bitmask, torch_pruned
from tests.support.tensors import save_tensors, stored

Write = Callable[[str, Any], dict[str, Entry]]
FORMS: dict[str, Write] = {
    "bitmask": lambda name, values: bitmask(name.removesuffix(".weight"), values),
    "torch": lambda name, values: torch_pruned(name, numpy.where(values == 0, 7.0, values), values != 0),
}


def rewritten(folder: Path, write: Write, returned: str | None = None) -> None:
    """The same model with its pruned weights in another form; in ``returned`` the first one is not zero any more."""
    path = folder / "model" / "model.safetensors"
    plain = TensorFile(path)
    weights = {name: numpy.array(plain.bits(name)).view("<f4") for name in plain.tensors}
    if returned:
        weights[returned][0, 0] = 3.0
    entries: dict[str, Entry] = {}
    for name, values in weights.items():
        entries |= write(name, values) if name in ZEROS else {name: stored(values)}
    save_tensors(path, entries)
    assert WeightsFile(path).tensors.keys() == weights.keys()
    seal(folder)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("step", ["prune", "finetune"])
def test_a_model_in_another_form_conforms(project: Project, evidence: Evidence, form: str, step: str) -> None:
    rewritten(evidence.folder("pruned", step), FORMS[form])
    assert codes(project.verify()) == []


@pytest.mark.parametrize("form", FORMS)
def test_a_weight_that_came_back_is_found_in_another_form(project: Project, evidence: Evidence, form: str) -> None:
    rewritten(evidence.folder("pruned", "finetune"), FORMS[form], "h.1.in_proj.weight")
    found = project.verify()
    assert "T101" in codes(found)
    assert any("1 of 22 masked weights" in finding.message for finding in found.findings)

"""Options of peft that make a saved adapter another than rank, alpha and targets say."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from framework.conformance import Stage, Status
from tests.support.evidence import Evidence
from tests.support.project import Project
from tests.support.run_folders import seal
from tests.support.statuses import status_of

V, U, C = Status.VIOLATED, Status.UNVERIFIED, Status.CONFORMS


@pytest.mark.parametrize(
    ("options", "alpha", "targets"),
    [
        ({}, C, C),
        ({"use_rslora": True}, V, C),
        ({"alpha_pattern": {"in_proj": 64}}, V, C),
        ({"alpha_pattern": {"^in_proj": 64}}, C, C),  # it matches no module
        ({"alpha_pattern": {"h.0.in_proj": 64}}, V, C),
        ({"use_dora": True}, U, C),
        ({"init_lora_weights": "pissa_niter_4"}, U, C),
        ({"init_lora_weights": "gaussian"}, C, C),
        ({"modules_to_save": ["lm_head"]}, C, U),
        ({"modules_to_save": ["classifier"]}, C, C),
        ({"layers_to_transform": [0]}, C, U),
        ({"exclude_modules": ["h.1"]}, C, U),
        ({"bias": "all"}, C, U),
        ({"target_parameters": ["experts.gate_up_proj"]}, C, U),
    ],
)
def test_what_an_option_leaves_of_a_saved_adapter(
    tmp_path: Path, options: dict[str, Any], alpha: Status, targets: Status
) -> None:
    project = Project(tmp_path)
    evidence = Evidence(project)
    for seed in (1, 2, 3):
        folder = evidence.folder("pruned", "finetune", seed)
        path = folder / "adapter" / "adapter_config.json"
        path.write_text(json.dumps(json.loads(path.read_text()) | options))
        seal(folder)
    result = project.verify()
    place = next(each.id.removesuffix(".alpha") for each in result.matrix.clauses if each.id.endswith("lora.alpha"))
    assert status_of(result, f"{place}.alpha", Stage.CHECKPOINT) is alpha
    assert status_of(result, f"{place}.targets", Stage.CHECKPOINT) is targets

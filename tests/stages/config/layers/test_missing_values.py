"""`???` over a value keeps the value (omegaconf 2.3.1 and 2.4.0): what the base says is what runs."""

from __future__ import annotations

from pathlib import Path

import pytest

from framework.conformance import Status
from tests.stages.config.layers.test_command_words import EPOCHS, LR, PHASE, RIGHT, WRONG
from tests.support.held import STUDY, error_places, held


@pytest.mark.parametrize(("rate", "status"), [("1e-3", RIGHT), ("5e-2", WRONG)])
@pytest.mark.parametrize("own", ["optimizer:\n  lr: ???", "optimizer: ???"])
def test_a_missing_value_keeps_that_of_its_base(tmp_path: Path, rate: str, status: Status, own: str) -> None:
    files = {
        "conf/config.yaml": f"defaults: [base, _self_]\n{own}\nepochs: 20\n",
        "conf/base.yaml": f"optimizer:\n  lr: {rate}\nepochs: 3\n",
    }
    bound = "  - {file: conf/config.yaml, dialect: hydra, describes: phases.train}\n"
    result = held(tmp_path, STUDY + PHASE + bound, files)
    assert result.statuses[LR] is status
    assert result.statuses[EPOCHS] is RIGHT
    assert (("C101", "base.yaml:2") in error_places(result)) is (status is WRONG)


def test_one_without_a_base_states_nothing(tmp_path: Path) -> None:
    files = {"conf/config.yaml": "defaults: [_self_]\noptimizer:\n  lr: ???\nepochs: 20\n"}
    bound = "  - {file: conf/config.yaml, dialect: hydra, describes: phases.train}\n"
    assert held(tmp_path, STUDY + PHASE + bound, files).statuses[LR] is Status.UNVERIFIED

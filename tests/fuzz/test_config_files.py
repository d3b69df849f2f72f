"""Config files and manifests that are nearly right end in an answer, in every language and dialect, repaired or not."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from framework.errors import FrameworkError, InputError
from framework.manifest.loading import load
from framework.planning.build import build
from framework.stages.check import check
from tests.dialects.examples import EXAMPLES
from tests.fuzz.config_files import Case, bound, dialects, manifests, project_of, texts
from tests.fuzz.spoiling import asked
from tests.support.project import MANIFEST

SECONDS = {"texts": 3.0, "dialects": 4.0, "bound": 6.0, "manifests": 5.0}
GENERATORS = {
    "texts": lambda root, chance: texts(chance),
    "dialects": lambda root, chance: dialects(chance),
    "bound": bound,
    "manifests": manifests,
}


def answered(case: Case) -> str | None:
    def trial() -> None:
        with suppress(FrameworkError):
            case[1]()

    return asked(trial)


@pytest.mark.slow
@pytest.mark.parametrize("kind", GENERATORS)
def test_whatever_is_tried_is_answered(tmp_path: Path, kind: str) -> None:
    cases: Iterator[Case] = GENERATORS[kind](tmp_path, random.Random(0))
    end, tried = time.monotonic() + SECONDS[kind], 0
    while time.monotonic() < end:
        case = next(cases)
        tried += 1
        assert (outcome := answered(case)) is None, f"{outcome}\n{case[0]}"
    assert tried > 5


HUGE = "1" + "0" * 400
NUMBERS: dict[str, tuple[str, str, str]] = {
    "a share of a rate": ("deepspeed", '"cos_min_ratio": 0', f'"cos_min_ratio": {HUGE}'),
    "a warmup": ("hf-training-arguments", "warmup_ratio: 0.1", f"warmup_steps: {HUGE}"),
    "epochs": ("ultralytics", "epochs: 3", "epochs: 1e308"),
    "a decay": ("ultralytics", "weight_decay: 0.1", f"weight_decay: {HUGE}"),
    "a micro batch of nothing": ("ms-swift", "per_device_train_batch_size: 8", "per_device_train_batch_size: 0"),
}


@pytest.mark.parametrize("case", NUMBERS)
def test_numbers_beyond_all_floats_are_answered(tmp_path: Path, case: str) -> None:
    name, old, new = NUMBERS[case]
    example = next(each for each in EXAMPLES if each.dialect == name)
    experiment = project_of(tmp_path, example)
    assert old in example.text, example.text
    (tmp_path / example.file).write_text(example.text.replace(old, new))
    assert [each for each in check(experiment).findings if each.code in ("C101", "C110", "C120", "C121")]


def test_a_derived_value_of_one_that_has_none_is_an_error_at_both_places(tmp_path: Path) -> None:
    text = MANIFEST.partition("configs:\n")[0].replace("learning_rate: 2e-4", "learning_rate: -Infinity")
    (tmp_path / "experiment.yaml").write_text(text)
    with pytest.raises(InputError) as raised:
        load(tmp_path / "experiment.yaml")
    assert len([problem for problem in raised.value.problems if "'Infinity'" in problem.message]) == 2


def test_a_name_that_no_file_system_takes_is_a_file_that_is_not_there(tmp_path: Path) -> None:
    text = MANIFEST.partition("configs:\n")[0]
    for old, new in (("tokenizer: bytes", "tokenizer: ./" + "x" * 300), ("weights: random", f"path: {'x' * 5000}")):
        (tmp_path / "experiment.yaml").write_text(text.replace(old, new))
        assert build(load(tmp_path / "experiment.yaml")).steps

"""A parameter that a sweep searches states what can come of it.

What comes was drawn with sweeps 0.3.0 (`next_run`, 400 draws of each parameter below), and mappings with wandb 0.31.0.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from framework.conformance import Stage, Status
from framework.stages.check import CheckResult
from tests.dialects.examples import PHASE
from tests.dialects.test_binding import errors, held

VIOLATED, OPEN, CONFORMS = Status.VIOLATED, Status.UNVERIFIED, Status.CONFORMS
RATE, DECAY, EPOCHS = (f"{PHASE}.{name}" for name in ("optimizer.learning_rate", "optimizer.weight_decay", "epochs"))
WARMUP, BATCH, NAME = (f"{PHASE}.{name}" for name in ("schedule.warmup", "batch_size", "optimizer.name"))
BINDING = "  - {file: s.yaml, dialect: wandb-sweep, describes: phases.train}\n"


def swept(root: Path, parameters: str, head: str = "method: random", *changes: tuple[str, str]) -> CheckResult:
    return held(root, BINDING, {"s.yaml": f"{head}\nparameters:\n  {parameters}\n"}, *changes)


def looked(result: CheckResult, clause: str) -> Status | None:
    found = next(each for each in result.experiment.clauses if each.id == clause)
    return result.matrix.seen(found, Stage.CONFIG)


DRAWS = [
    # lr is 2e-4, weight decay 0.1, 3 epochs, warmup 10 % of 3000 steps, batch 64
    ("lr: {distribution: inv_log_uniform, min: 4.6, max: 11.5}", RATE, OPEN),  # 1e-5 .. 1e-2
    ("lr: {distribution: inv_log_uniform, min: 2, max: 8}", RATE, VIOLATED),  # 3.4e-4 .. 0.14
    ("lr: {distribution: inv_log_uniform_values, min: 0.00001, max: 0.01}", RATE, OPEN),
    ("lr: {distribution: log_uniform, min: -10, max: -2}", RATE, OPEN),
    ("lr: {distribution: log_uniform, min: -8, max: -2}", RATE, VIOLATED),
    ("lr: {distribution: log_uniform_values, min: 0.00001, max: 0.01}", RATE, OPEN),
    ("lr: {min: 0, max: 1}", RATE, VIOLATED),  # whole numbers
    ("lr: {min: 0, max: 1.0}", RATE, OPEN),
    ("lr: {distribution: uniform, min: 0, max: 1}", RATE, OPEN),
    ("lr: {distribution: int_uniform, min: 0, max: 1}", RATE, VIOLATED),
    ("lr: {distribution: q_uniform, min: 0.0, max: 0.1}", RATE, VIOLATED),  # q is 1: always 0
    ("lr: {distribution: q_uniform, min: 0.0, max: 0.001, q: 0.0001}", RATE, OPEN),
    ("lr: {distribution: q_uniform, min: 0.0, max: 0.001, q: 0.0003}", RATE, VIOLATED),
    ("lr: {distribution: q_log_uniform_values, min: 0.00001, max: 0.01, q: 0.0001}", RATE, OPEN),
    ("lr: {distribution: q_log_uniform_values, min: 0.00001, max: 0.01, q: 0.00015}", RATE, VIOLATED),
    ("lr: {distribution: log_normal, mu: -8, sigma: 1}", RATE, OPEN),
    ("lr: {distribution: normal}", RATE, OPEN),
    ("lr: {distribution: beta, a: 2, b: 5}", RATE, OPEN),
    ("epochs: {distribution: q_normal, mu: 4, sigma: 2, q: 2}", EPOCHS, VIOLATED),  # even numbers
    ("epochs: {distribution: q_normal, mu: 4, sigma: 2, q: 3}", EPOCHS, OPEN),
    ("epochs: {distribution: q_uniform, min: 2, max: 10, q: 3}", EPOCHS, OPEN),  # 3, 6, 9
    ("epochs: {distribution: q_uniform, min: 4, max: 10, q: 3}", EPOCHS, OPEN),  # 4 is rounded to 3
    ("epochs: {distribution: q_uniform, min: 5, max: 10, q: 3}", EPOCHS, VIOLATED),
    ("lr: {values: [0.0001, 0.0002], probabilities: [0, 1]}", RATE, CONFORMS),
    ("lr: {values: [0.0001, 0.0002], probabilities: [1, 0]}", RATE, VIOLATED),
    ("lr: {values: [0.0001, 0.0002], probabilities: [0.5, 0.5]}", RATE, OPEN),
    ("lr: {values: [0.0002]}", RATE, CONFORMS),
    ("lr: {values: [0.0002, 2e-4]}", RATE, CONFORMS),
    # a share, a batch, a term of the field
    ("warmup_ratio: {values: [0.05, 0.1]}", WARMUP, OPEN),
    ("warmup_ratio: {values: [0.05, 0.2]}", WARMUP, VIOLATED),
    ("warmup_ratio: {min: 0.0, max: 0.2}", WARMUP, OPEN),
    ("warmup_ratio: {min: 0.2, max: 0.3}", WARMUP, VIOLATED),
    ("warmup_steps: {values: [100, 300]}", WARMUP, OPEN),
    ("warmup_steps: {values: [100, 1000]}", WARMUP, VIOLATED),
    ("warmup_steps: {min: 100, max: 500}", WARMUP, OPEN),
    ("warmup_steps: {distribution: q_uniform, min: 100, max: 500, q: 100}", WARMUP, OPEN),
    ("warmup_steps: {distribution: q_uniform, min: 100, max: 900, q: 250}", WARMUP, VIOLATED),
    ("global_batch_size: {values: [32, 64]}", BATCH, OPEN),
    ("global_batch_size: {values: [32, 128]}", BATCH, VIOLATED),
    ("global_batch_size: {min: 16, max: 128}", BATCH, OPEN),
    ("global_batch_size: {distribution: q_log_uniform_values, min: 16, max: 128, q: 24}", BATCH, VIOLATED),
    ("per_device_train_batch_size: {values: [8, 16]}", BATCH, OPEN),
    ("optimizer: {values: [sgd, torch.optim.AdamW]}", NAME, OPEN),
    ("optimizer: {values: [sgd, adam]}", NAME, VIOLATED),
    ("optimizer: {values: [AdamW, adamw_torch]}", NAME, CONFORMS),
    # mappings
    ("optimizer: {value: {name: AdamW, lr: 0.0002}}", RATE, CONFORMS),
    ("optimizer: {value: {name: AdamW, lr: 0.0003}}", RATE, VIOLATED),
    ("optimizer: {value: {name: AdamW, lr: 0.0002}}", NAME, CONFORMS),
    ("optimizer: {values: [{name: sgd, lr: 0.1}, {name: AdamW, lr: 0.0002}]}", RATE, OPEN),
    ("optimizer: {values: [{name: sgd, lr: 0.1}, {name: adam, lr: 0.0003}]}", RATE, VIOLATED),
    ("optimizer: {values: [{name: sgd, lr: 0.1}, {name: AdamW}]}", RATE, OPEN),
    ("optimizer: {values: [{name: sgd, lr: 0.1}, {name: adam}]}", NAME, VIOLATED),
]


@pytest.mark.parametrize(("parameters", "clause", "expected"), DRAWS, ids=[f"{c[0]} {c[1]}" for c in DRAWS])
def test_what_can_be_drawn_decides(tmp_path: Path, parameters: str, clause: str, expected: Status) -> None:
    result = swept(tmp_path, parameters)
    assert looked(result, clause) is expected, [each.message for each in result.findings]
    assert [each for each in result.findings if each.code in ("C109", "C120")] == []


GRIDS = [
    ("epochs: {distribution: q_uniform, min: 3, max: 10, q: 4}", OPEN),  # 3, 7
    ("epochs: {distribution: q_uniform, min: 1, max: 3, q: 2}", VIOLATED),  # 1: `max` is left out
    ("epochs: {distribution: q_uniform, min: 2, max: 4, q: 1}", OPEN),
    ("epochs: {min: 1, max: 3}", OPEN),
]


@pytest.mark.parametrize(("parameters", "expected"), GRIDS, ids=[each[0] for each in GRIDS])
def test_a_grid_starts_at_the_least_and_leaves_the_most_out(tmp_path: Path, parameters: str, expected: Status) -> None:
    assert looked(swept(tmp_path, parameters, "method: grid"), EPOCHS) is expected


SEEDS = [
    ("method: grid", "seed: {values: [1, 2, 3]}", CONFORMS),
    ("method: grid", "seed: {values: [3, 1, 2]}", CONFORMS),
    ("method: grid", "seed: {min: 1, max: 3}", CONFORMS),
    ("method: grid", "seed: {distribution: q_uniform, min: 1, max: 4}", CONFORMS),
    ("method: grid", "seed: {values: [1, 2]}", VIOLATED),
    ("method: grid", "seed: {min: 1, max: 4}", VIOLATED),
    ("method: grid\nrun_cap: 3", "seed: {values: [1, 2, 3]}", CONFORMS),
    ("method: grid\nrun_cap: 2", "seed: {values: [1, 2, 3]}", OPEN),
    ("method: random", "seed: {values: [1, 2, 3]}", OPEN),
    ("method: bayes", "seed: {min: 1, max: 3}", OPEN),
    ("method: random", "seed: {min: 0, max: 100}", OPEN),
    ("method: random", "seed: {values: [1, 2, 4]}", VIOLATED),
    ("method: random", "seed: {min: 2, max: 9}", VIOLATED),
    ("method: random", "seed: {value: 2}", CONFORMS),
]


@pytest.mark.parametrize(("head", "parameters", "expected"), SEEDS, ids=[f"{c[0]} {c[1]}" for c in SEEDS])
def test_only_a_whole_grid_runs_every_seed(tmp_path: Path, head: str, parameters: str, expected: Status) -> None:
    result = swept(tmp_path, parameters, head, ("seeds: [42]", "seeds: [1, 2, 3]"))
    assert looked(result, "seeds") is expected, [each.message for each in result.findings]


def test_a_grid_that_is_cut_short_by_its_other_parameters_may_leave_seeds_out(tmp_path: Path) -> None:
    both = "seed: {values: [1, 2]}\n  dropout: {values: [0.1, 0.2]}"
    for cap, expected in ((4, CONFORMS), (3, OPEN)):
        result = swept(tmp_path, both, f"method: grid\nrun_cap: {cap}", ("seeds: [42]", "seeds: [1, 2]"))
        assert looked(result, "seeds") is expected


def test_a_search_that_ends_runs_early_settles_no_length(tmp_path: Path) -> None:
    head = "method: random\nearly_terminate: {type: hyperband, min_iter: 1}"
    fixed = "epochs: {value: %s}\n  lr: {value: 0.0002}"
    result = swept(tmp_path, fixed % 3, head)
    assert looked(result, EPOCHS) is OPEN
    assert looked(result, RATE) is CONFORMS
    assert looked(swept(tmp_path, fixed % 3), EPOCHS) is CONFORMS
    assert errors(swept(tmp_path, fixed % 4, head)) == [("C101", EPOCHS)]
    assert looked(swept(tmp_path, "epochs: {values: [1, 3]}", head), EPOCHS) is OPEN


def test_a_bare_batch_is_the_whole_where_there_is_one_device(tmp_path: Path) -> None:
    one = ("count: 2", "count: 1")
    for values, expected in (("[32, 64]", OPEN), ("[32, 128]", VIOLATED), ("[64]", CONFORMS)):
        assert looked(swept(tmp_path, f"batch_size: {{values: {values}}}", "method: grid", one), BATCH) is expected
    several = swept(tmp_path, "batch_size: {values: [32, 64]}\n  lr: {value: 0.0002}")
    assert [each.code for each in several.findings if "batch_size" in each.message] == ["C130"]


def test_a_sweep_that_searches_all_that_it_states_is_an_answer(tmp_path: Path) -> None:
    """It names what is left open, and is no refusal to check."""
    result = swept(tmp_path, "lr: {values: [0.0001, 0.0002]}\n  weight_decay: {min: 0.0, max: 0.2}")
    assert {looked(result, RATE), looked(result, DECAY)} == {OPEN}
    assert errors(result) == []


def test_factors_of_a_batch_that_are_searched_are_multiplied_out(tmp_path: Path) -> None:
    """64 on two devices; a factor that nothing states may be what is lacking."""
    factors = "per_device_train_batch_size: {values: %s}\n  gradient_accumulation_steps: {value: 4}"
    assert looked(swept(tmp_path, factors % "[4, 8]", "method: grid"), BATCH) is OPEN
    result = swept(tmp_path, factors % "[4, 16]", "method: grid")
    assert errors(result) == [("C110", BATCH)]
    assert looked(swept(tmp_path, factors % "[4, 16]", "method: grid"), BATCH) is VIOLATED
    assert errors(swept(tmp_path, "per_device_train_batch_size: {values: [5, 24]}")) == [("C110", BATCH)]

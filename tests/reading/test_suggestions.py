"""`trial.suggest_*` and `tune.*` in Python source are spaces: what can come of them is told, where it is certain.

What comes of Optuna's is drawn with Optuna itself.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from framework.conformance import Stage, Status
from framework.conformance.meaning import compare
from framework.reading.hydra.override_values import hydra_value
from framework.reading.nodes import Opaque
from framework.reading.python.reader import parse_python
from tests.dialects.examples import PHASE
from tests.dialects.test_binding import held

PATH = ("phases", "p", "optimizer", "learning_rate")

SPACES: list[tuple[str, tuple[Any, ...], tuple[Any, ...]]] = [
    # the call, values that can come, values that cannot
    ('trial.suggest_float("x", 1e-5, 1e-3, log=True)', (1e-5, 2e-4, 1e-3), (1e-6, 2e-3)),
    ('trial.suggest_float("x", low=0.0, high=0.1, step=0.02)', (0.0, 0.06, 0.1), (0.05, 0.12)),
    ('trial.suggest_float("x", 0.0, 0.1, step=0.04)', (0.08,), (0.1,)),
    ('trial.suggest_loguniform("x", 1e-5, 1e-3)', (1e-4,), (1e-2,)),
    ('trial.suggest_uniform("x", 0, 1)', (0.5,), (1.5,)),
    ('trial.suggest_discrete_uniform("x", 0.0, 1.0, 0.5)', (0.5, 1.0), (0.25,)),
    ('trial.suggest_int("x", 1, 9, step=4)', (1, 5, 9), (3, 10, 1.5)),
    ('trial.suggest_int("x", 1, 4)', (4,), (0, 5, 2.5)),
    ('trial.suggest_int("x", 1, LAYERS * 2)', (8,), (9,)),
    ('trial.suggest_int("x", 1, 1024, log=True)', (1024,), (2000,)),
    ('trial.suggest_categorical("x", [16, 32])', (16, 32), (24,)),
    ('trial.suggest_categorical("x", choices=("a", "b"))', ("a",), ("c",)),
    ("tune.loguniform(1e-4, 1e-1)", (1e-3,), (1.0,)),
    ("tune.randint(1, 4)", (1, 3), (4, 0)),
    ("tune.choice([8, 16])", (8,), (12,)),
    ("tune.quniform(1, 10, 4)", (0, 12), (13,)),
    ("tune.grid_search([1, 2])", (1, 2), (3,)),
]


def space_of(call: str) -> Any:
    document = parse_python(f"LAYERS = 4\nspace = {{'x': {call}}}\n", "s.py")
    node = document.node(("space", "x"))
    assert node is not None
    return document.value(node)


@pytest.mark.parametrize(("call", "can", "cannot"), SPACES, ids=[each[0] for each in SPACES])
def test_what_can_come_is_unverified_and_what_cannot_is_another(
    call: str, can: tuple[Any, ...], cannot: tuple[Any, ...]
) -> None:
    found = space_of(call)
    assert isinstance(found, Opaque)
    assert "computed" not in found.reason
    assert [compare(PATH, value, found).same for value in can] == [None] * len(can)
    assert [compare(PATH, value, found).same for value in cannot] == [False] * len(cannot)


@pytest.mark.parametrize("call", [each[0] for each in SPACES if each[0].startswith("trial.")])
@pytest.mark.filterwarnings("ignore::FutureWarning")
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_nothing_that_optuna_draws_is_called_another(call: str) -> None:
    optuna = pytest.importorskip("optuna", reason="drawing needs the extra `sweeps`")
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    study, found = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=1)), space_of(call)
    drawn = [eval(call, {"trial": study.ask(), "LAYERS": 4}) for _ in range(40)]
    assert [value for value in drawn if compare(PATH, value, found).same is False] == []


@pytest.mark.parametrize(
    "call",
    [
        'trial.suggest_float("x", LOW, 1e-3)',
        'trial.suggest_int("x", 1, len(layers))',
        'trial.suggest_categorical("x", CHOICES)',
        'trial.suggest_categorical("x", [1, f()])',
        "tune.sample_from(lambda spec: 1)",
        "tune.uniform(low, 1)",
        'trial.suggest_float("x")',
        'trial.suggest_float("x", *bounds)',
        'trial.suggest_int("x", 5, 1)',
        'trial.suggest_int("x", 1, 5, step=0)',
        'trial.suggest_float("x", 0, 1e308 * 10)',
        'trial.suggest_categorical("x", [])',
        'trial.suggest_float("x", "a", "b")',
    ],
)
def test_what_is_computed_is_not_known(call: str) -> None:
    found = space_of(call)
    assert isinstance(found, Opaque)
    assert compare(PATH, 1e-4, found).same is None


SOURCE = """\
import optuna
def objective(trial):
    lr = trial.suggest_float("rate", 1e-5, 1e-3, log=True)
    decay = trial.suggest_float("decay", 0.2, 0.3)
    layers = trial.suggest_int("layers", 1, DEPTH)
    return fit(TrainingArguments(learning_rate=lr, weight_decay=decay))
def hp_space(trial):
    return {"epochs": trial.suggest_int("epochs", 1, 2)}
"""


def test_a_local_name_carries_its_space_and_the_others_stand_under_their_own(tmp_path: Path) -> None:
    document = parse_python(SOURCE, "s.py")
    found = document.value(document.root)  # type: ignore[arg-type]
    assert {*found} == {"layers", "TrainingArguments", "epochs"}
    assert found["TrainingArguments"]["learning_rate"].between == (1e-5, 1e-3)
    assert found["epochs"].among == (1, 2)
    assert "computed" in found["layers"].reason


def test_the_papers_value_must_be_able_to_come(tmp_path: Path) -> None:
    """The manifest states 2e-4, a weight decay of 0.1 and 3 epochs."""
    keys = (
        "{TrainingArguments.learning_rate: optimizer.learning_rate, epochs: epochs,"
        " TrainingArguments.weight_decay: optimizer.weight_decay}"
    )
    binding = f"  - {{file: s.py, dialect: generic, describes: phases.train, keys: {keys}, ignore: [layers]}}\n"
    result = held(tmp_path, binding, {"s.py": SOURCE})
    assert {each.clause for each in result.findings if each.code == "C101"} == {
        f"{PHASE}.optimizer.weight_decay",
        f"{PHASE}.epochs",
    }
    rate = next(each for each in result.experiment.clauses if each.id == f"{PHASE}.optimizer.learning_rate")
    assert result.matrix.seen(rate, Stage.CONFIG) is Status.UNVERIFIED


@pytest.mark.parametrize(("text", "same"), [("choice(1e-4,3e-4)", None), ("choice(3e-4,1e-3)", False)])
def test_of_hydra_s_choice_only_what_it_names_can_come(text: str, same: bool | None) -> None:
    assert compare(PATH, 1e-4, hydra_value(text)).same is same
    assert compare(("phases", "p", "optimizer", "name"), "adamw", hydra_value("choice(sgd,adam)")).same is False

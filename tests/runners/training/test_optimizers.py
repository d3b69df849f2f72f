"""The optimizers of torch.optim: what they are given, that they train, and that they go on from what was saved."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import Any

import pytest
import torch
from torch.optim.lr_scheduler import LambdaLR

from framework.errors import FrameworkError
from framework.manifest.sections.optimizers import OPTIMIZERS
from framework.planning.recipes import RecipeOptimizer
from framework.planning.refusing.optimizer_arguments import ARGUMENTS, TAKES
from runners.training.checkpointing.checkpoint_files import CheckpointFolder
from runners.training.checkpointing.state import TrainingState
from runners.training.muon import MuonAndAdamW
from runners.training.optimizers import build_optimizer, needs_groups, observed_optimizer
from runners.training.parameter_groups import Group, grouped, parts_of
from tests.runners.models.tiny import build

CLASSES = {kind.__name__.lower(): kind for kind in vars(torch.optim).values() if inspect.isclass(kind)}
VALUES: dict[str, Any] = {"weight_decay": 0.02, "betas": [0.8, 0.95], "eps": 1e-5, "momentum": 0.7, "nesterov": True}
SETTINGS: dict[str, Any] = {
    "rho": 0.8,
    "beta2_decay": -0.7,
    "d": 1.5,
    "lr_decay": 0.01,
    "initial_accumulator_value": 0.1,
    "amsgrad": True,
    "lambd": 1e-3,
    "alpha": 0.8,
    "t0": 5.0,
    "ns_steps": 4,
    "adjust_lr_fn": "match_rms_adamw",
    "momentum_decay": 0.01,
    "decoupled_weight_decay": True,
    "centered": True,
    "etas": [0.4, 1.3],
    "step_sizes": [1e-7, 10.0],
    "dampening": 0.1,
}


def everything(name: str) -> RecipeOptimizer:
    """An optimizer with all that it takes, other than torch's defaults."""
    settings = {"settings": {key: SETTINGS[key] for key in ARGUMENTS[name]}} if name in ARGUMENTS else {}
    stated = {key: VALUES[key] for key in TAKES[name]}
    if name == "sgd":
        stated["nesterov"] = False  # which goes with no dampening
    return RecipeOptimizer(name=name, learning_rate=1e-3, **settings, **stated)


def made(stated: RecipeOptimizer, model: Any) -> tuple[Any, list[Group] | None]:
    parameters = list(model.parameters())
    groups = grouped(stated, parts_of(model, "transformer"), parameters) if needs_groups(stated) else None
    return build_optimizer(stated, parameters, [], groups), groups


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_the_table_says_what_torchs_class_takes(name: str) -> None:
    takes = set(inspect.signature(CLASSES[name]).parameters)
    assert set(ARGUMENTS.get(name, {})) <= takes
    ours = set(TAKES[name]) - ({"betas"} if name == "muon" else set())
    assert ours <= takes
    not_ours = {"eps"} if name == "adafactor" else set()  # a pair
    assert takes & set(VALUES) - not_ours == ours


def test_all_of_torch_but_those_that_need_another_loop() -> None:
    assert set(CLASSES) - set(OPTIMIZERS) == {"optimizer", "lbfgs", "sparseadam"}


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_it_is_given_all_that_is_stated(name: str) -> None:
    stated = everything(name)
    optimizer, groups = made(stated, build("gpt2"))
    facts = observed_optimizer(optimizer, stated, groups)
    assert facts["class"] == CLASSES[name].__name__
    assert facts["learning_rate"] == 1e-3
    for key in TAKES[name]:
        assert facts[key] == getattr(stated, key), key
    assert facts.get("settings") == stated.settings
    assert all(group["lr"] == 1e-3 for group in optimizer.param_groups)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_where_nothing_is_stated_torchs_defaults_hold(name: str) -> None:
    optimizer, _ = made(RecipeOptimizer(name=name, learning_rate=1e-3), build("gpt2"))
    kind = CLASSES[name]
    for key, parameter in inspect.signature(kind).parameters.items():
        if key in (*VALUES, *ARGUMENTS.get(name, {})):
            assert optimizer.param_groups[0][key] == parameter.default, key


def train(model: Any, optimizer: Any, schedule: Any, steps: range) -> None:
    for step in steps:
        torch.manual_seed(step)
        loss = model(input_ids=torch.randint(256, (2, 8)), labels=torch.randint(256, (2, 8))).loss
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        schedule.step()


def state(model: Any, optimizer: Any) -> TrainingState:
    schedule = LambdaLR(optimizer, lambda step: 0.9**step)
    return TrainingState(model, optimizer, schedule, None, [], None, None)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_it_goes_on_from_what_was_saved_to_the_bit(name: str, tmp_path: Path) -> None:
    stated = everything(name)
    whole = build("gpt2")
    before = [parameter.clone() for parameter in whole.parameters()]
    through = state(whole, made(stated, whole)[0])
    train(whole, through.optimizer, through.schedule, range(3))
    folder = CheckpointFolder(tmp_path)
    folder.write(3, through.tensors(), {"step": 3, "lines": {}, "training": through.facts()})
    train(whole, through.optimizer, through.schedule, range(3, 6))

    again = build("gpt2", seed=9)
    resumed = state(again, made(stated, again)[0])
    saved = folder.newest(print)
    assert saved is not None
    resumed.load(saved)
    train(again, resumed.optimizer, resumed.schedule, range(3, 6))
    pairs = list(zip(whole.parameters(), again.parameters(), before, strict=True))
    assert all(torch.equal(one, other) for one, other, _ in pairs)
    assert not any(torch.equal(one, start) for one, _, start in pairs)


def test_muon_trains_the_hidden_matrices_and_adamw_the_rest() -> None:
    """As torch's two optimizers would, each over its own parameters."""
    stated = RecipeOptimizer(name="muon", learning_rate=0.02, weight_decay=0.05, momentum=0.9, betas=[0.8, 0.9])
    ours, theirs = build("gpt2"), build("gpt2")
    optimizer, groups = made(stated, ours)
    assert isinstance(optimizer, MuonAndAdamW)
    hidden = [
        ".".join(name) for name in (n.split(".") for n, p in theirs.named_parameters() if p.ndim == 2) if "h" in name
    ]
    assert len(hidden) == 8
    facts = observed_optimizer(optimizer, stated, groups)
    assert [(fact["class"], fact["tensors"], fact["learning_rate"]) for fact in facts["groups"]] == [
        ("Muon", 8, 0.02),
        ("AdamW", 20, 0.02),
    ]
    assert facts["groups"][0]["names"] == hidden
    named = dict(theirs.named_parameters())
    muon = torch.optim.Muon([named.pop(name) for name in hidden], lr=0.02, weight_decay=0.05, momentum=0.9)
    adamw = torch.optim.AdamW(named.values(), lr=0.02, weight_decay=0.05, betas=(0.8, 0.9))
    idle = LambdaLR(optimizer, lambda step: 1.0)
    train(ours, optimizer, idle, range(3))
    for each in (muon, adamw):
        each.zero_grad()
    for step in range(3):
        torch.manual_seed(step)
        theirs(input_ids=torch.randint(256, (2, 8)), labels=torch.randint(256, (2, 8))).loss.backward()
        for each in (muon, adamw):
            each.step()
            each.zero_grad()
    assert all(torch.equal(one, two) for one, two in zip(ours.parameters(), theirs.parameters(), strict=True))


def test_what_torch_refuses_is_an_error_before_training() -> None:
    stated = RecipeOptimizer(name="muon", learning_rate=1e-3, settings={"adjust_lr_fn": "mine"})
    with pytest.raises(FrameworkError, match=r"optimizer: muon of torch\.optim says: .*mine is not supported"):
        made(stated, build("gpt2"))
    with pytest.raises(FrameworkError, match="optimizer: rprop has no weight_decay"):
        made(RecipeOptimizer(name="rprop", learning_rate=1e-3, weight_decay=0.1), build("gpt2"))


def test_none_of_what_an_optimizer_does_not_have_is_nothing() -> None:
    optimizer, _ = made(
        RecipeOptimizer(name="rprop", learning_rate=1e-3, weight_decay=0.0, nesterov=False), build("gpt2")
    )
    assert type(optimizer) is torch.optim.Rprop

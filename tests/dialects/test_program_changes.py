"""A config that something changes under another name: what is written in it is not what the program has."""

from __future__ import annotations

from pathlib import Path

import pytest

from framework.conformance import Stage, Status
from framework.repair.proposal import propose
from framework.stages.check import CheckResult
from tests.dialects import programs
from tests.support.statuses import status_of

MANIFEST = programs.MANIFEST.replace("1e-4", "2e-4").replace(", warmup: 10%", "")
HEAD = "from ml_collections import ConfigDict\nfrom torch.optim import AdamW\nepochs = 3\n"
RATE = "phases.train.optimizer.learning_rate"
STEP = "AdamW(m.parameters(), lr={}, weight_decay=0.1)\n"
CONFIG = "cfg = {'rate_': UNUSED}\n"
USE = STEP.format("cfg['rate_']")
OBJECT, USE_OBJECT = "cfg = ConfigDict({'rate_': UNUSED})\n", STEP.format("cfg.rate_")
FIELDS = "@dataclass\nclass Config:\n    lr: float = UNUSED\n"
PARSED = "p = argparse.ArgumentParser()\np.add_argument('--lr', type=float, default=UNUSED)\nargs = p.parse_args()\n"
SET = "given['rate_'] = 3e-4"

CHANGED = {
    "an item": f"{CONFIG}def setup(given):\n    {SET}\nsetup(cfg)\n{USE}",
    "by keyword": f"{CONFIG}def setup(*, given):\n    {SET}\nsetup(given=cfg)\n{USE}",
    "partial": f"{CONFIG}def setup(given):\n    {SET}\npartial(setup, cfg)()\n{USE}",
    "an update": f"{CONFIG}def setup(given):\n    given.update(rate_=3e-4)\nsetup(cfg)\n{USE}",
    "an update by others": f"{CONFIG}def setup(given):\n    given.update(read())\nsetup(cfg)\n{USE}",
    "an update in place": f"{CONFIG}def setup(given):\n    given |= read()\nsetup(cfg)\n{USE}",
    "a computed key": f"{CONFIG}def setup(given):\n    given[key] = 3e-4\nsetup(cfg)\n{USE}",
    "taken out": f"{CONFIG}def setup(given):\n    given.pop('rate_')\nsetup(cfg)\n{USE}",
    "deleted": f"{CONFIG}def setup(given):\n    del given['rate_']\nsetup(cfg)\n{USE}",
    "through two functions": f"{CONFIG}def inner(x):\n    x['rate_'] = 3e-4\ndef setup(given):\n    inner(given)\n"
    f"setup(cfg)\n{USE}",
    "a method": f"{CONFIG}class T:\n    def setup(self, given):\n        {SET}\nT().setup(cfg)\n{USE}",
    "a constructor": f"{CONFIG}class T:\n    def __init__(self, given):\n        {SET}\nT(cfg)\n{USE}",
    "an attribute of an object": f"{CONFIG}class T:\n    def __init__(self, given):\n        self.given = given\n"
    f"    def go(self):\n        self.{SET}\nT(cfg).go()\n{USE}",
    "a lambda": f"{CONFIG}setup = lambda given: given.update(rate_=3e-4)\nsetup(cfg)\n{USE}",
    "a loop": f"{CONFIG}for each in [cfg, other]:\n    each['rate_'] = 3e-4\n{USE}",
    "a name of the function's own": f"{CONFIG}def setup():\n    own = cfg\n    own['rate_'] = 3e-4\nsetup()\n{USE}",
    "setattr": f"{OBJECT}def setup(given):\n    setattr(given, 'rate_', 3e-4)\nsetup(cfg)\n{USE_OBJECT}",
    "an attribute": f"{OBJECT}def setup(given):\n    given.rate_ = 3e-4\nsetup(cfg)\n{USE_OBJECT}",
    "a part": f"cfg = {{'optim': {{'rate_': UNUSED}}}}\ndef setup(given):\n    {SET}\nsetup(cfg['optim'])\n"
    + STEP.format("cfg['optim']['rate_']"),
    "a function's config": "def main():\n    cfg = {'lr': UNUSED}\n    setup(cfg)\n    run(cfg)\n"
    "def setup(given):\n    given['lr'] = 3e-4\n",
    "a name that is no config's": "OPTIONS = {'rate_': UNUSED}\ndef setup():\n    OPTIONS['rate_'] = 3e-4\nsetup()\n"
    + STEP.format("OPTIONS['rate_']"),
    "an object of a dataclass": f"{FIELDS}cfg = Config()\ndef setup(given):\n    given.lr = 3e-4\nsetup(cfg)\n"
    + STEP.format("cfg.lr"),
    "arguments": f"{PARSED}def setup(given):\n    given.lr = 3e-4\nsetup(args)\n{STEP.format('args.lr')}",
    "a call is given another": "lr = UNUSED\ndef go(trial):\n    train(lr=trial.suggest_float('lr', 0, 1))\n",
    "a call is given a literal": "lr = UNUSED\ntrain(lr=5e-4)\n",
    "after the fields": f"{FIELDS}    def __post_init__(self):\n        self.lr = self.lr * 8\ncfg = Config()\n"
    + STEP.format("cfg.lr"),
}
UNCHANGED = {
    "another key": f"{CONFIG}def setup(given):\n    given['other'] = 1\nsetup(cfg)\n{USE}",
    "it is only read": f"{CONFIG}def show(given):\n    print(given['rate_'])\nshow(cfg)\n{USE}",
    "a copy of it": f"{CONFIG}def setup(given):\n    given = dict(given)\n    {SET}\nsetup(cfg)\n{USE}",
    "another is changed": f"{CONFIG}def setup(given):\n    {SET}\nsetup(other)\n{USE}",
    "another type of it": f"{CONFIG}def setup(given):\n    given['rate_'] = float(given['rate_'])\nsetup(cfg)\n{USE}",
    "another type after the fields": f"{FIELDS}    def __post_init__(self):\n        self.lr = float(self.lr)\n"
    f"cfg = Config()\n{STEP.format('cfg.lr')}",
    "a call is given it": "lr = UNUSED\ntrain(lr=lr)\n",
    "a call is given it and another": "lr = UNUSED\ntrain(lr=lr * 1)\nprint(lr)\n",
    "another part": f"cfg = {{'a': {{'rate_': UNUSED}}, 'b': {{}}}}\ndef setup(given):\n    {SET}\nsetup(cfg['b'])\n"
    + STEP.format("cfg['a']['rate_']"),
}  # fmt: skip


def checked(tmp_path: Path, text: str, value: str) -> CheckResult:
    return programs.checked(tmp_path, HEAD + text.replace("UNUSED", value), MANIFEST)


@pytest.mark.parametrize("value", ["2e-4", "3e-4"])
@pytest.mark.parametrize("shape", CHANGED)
def test_what_another_name_changes_is_unverified_and_left_as_it_is(tmp_path: Path, shape: str, value: str) -> None:
    result = checked(tmp_path, CHANGED[shape], value)
    assert status_of(result, RATE, Stage.CONFIG) is Status.UNVERIFIED
    assert "C101" not in {each.code for each in result.findings}
    assert propose(result.experiment, result.findings).patches == []


@pytest.mark.parametrize("shape", UNCHANGED)
def test_what_nothing_changes_is_held(tmp_path: Path, shape: str) -> None:
    assert status_of(checked(tmp_path, UNCHANGED[shape], "2e-4"), RATE, Stage.CONFIG) is Status.CONFORMS
    assert status_of(checked(tmp_path, UNCHANGED[shape], "3e-4"), RATE, Stage.CONFIG) is Status.VIOLATED


def test_what_a_function_sets_of_what_it_is_given_is_stated_there(tmp_path: Path) -> None:
    text = "cfg = {'lr': 2e-4}\ndef setup(config):\n    config['lr'] = UNUSED\nsetup(cfg)\n"
    result = checked(tmp_path, text, "3e-4")
    assert status_of(result, RATE, Stage.CONFIG) is not Status.CONFORMS

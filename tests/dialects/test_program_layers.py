"""Values of a Python program that another replaces on their way: only the one that is used is held, and repaired."""

from __future__ import annotations

from pathlib import Path

import pytest

from framework.conformance import Stage, Status
from framework.repair.proposal import propose
from framework.stages.check import CheckResult
from tests.dialects import programs
from tests.support.project import Project
from tests.support.statuses import status_of

MANIFEST = programs.MANIFEST.replace("1e-4", "2e-4").replace(", warmup: 10%", "")
HEAD = """\
import copy, functools, fire, click, argparse
from dataclasses import dataclass, field, replace
from torch.optim import AdamW
from ml_collections import ConfigDict
epochs = 3
"""
STEP = "AdamW(m.parameters(), lr={}, weight_decay=0.1)"
MAIN = f"def main(data=None, lr=UNUSED):\n    {STEP.format('lr')}\n"
KEEP = f"def main(data=None, lr=USED):\n    {STEP.format('lr')}\n"
CLASS = f"class Trainer:\n    def __init__(self, m, lr=UNUSED):\n        self.o = {STEP.format('lr')}\n"
FIELDS = "@dataclass\nclass Config:\n    lr: float = UNUSED\n"
NESTED = "@dataclass\nclass Optim:\n    lr: float = UNUSED\n@dataclass\nclass Config:\n    optim: Optim = "
ITEM = STEP.format("cfg['lr']")
OWN_ITEM = STEP.format("cfg['rate_']")
PARSED = "p = argparse.ArgumentParser()\np.add_argument('--lr', type=float, default=UNUSED)\nargs = p.parse_args()\n"

USED = {
    "nobody calls it": KEEP,
    "no call passes it": f"{KEEP}main(3)\n",
    "a command line calls it": f"{KEEP}if __name__ == '__main__':\n    fire.Fire(main)\n",
    "by keyword": f"{MAIN}main(lr=USED)\n",
    "by position": f"{MAIN}main(1, USED)\n",
    "above the function": f"def run():\n    main(lr=USED)\n{MAIN}run()\n",
    "under the main guard": f"{MAIN}if __name__ == '__main__':\n    main(lr=USED)\n",
    "unpacked in place": f"{MAIN}main(**{{'lr': USED}})\n",
    "partial": f"{MAIN}run = functools.partial(main, lr=USED)\nrun()\n",
    "partial that is handed on": f"{MAIN}launch(functools.partial(main, lr=USED))\n",
    "partial and by position": f"{MAIN}run = functools.partial(main, 1)\nrun(USED)\n",
    "a constant": f"RATE_ = USED\n{MAIN}main(lr=RATE_)\n",
    "of another function": f"{MAIN}def start(lr=USED):\n    main(lr=lr)\nstart()\n",
    "through two functions": f"{MAIN}def start(data, lr):\n    main(lr=lr)\nstart(1, lr=USED)\n",
    "it calls itself": f"{MAIN}    main(lr=lr)\nmain(lr=USED)\n",
    "another name": f"def main(rate=UNUSED):\n    {STEP.format('rate')}\nmain(rate=USED)\n",
    "of a parser": f"{MAIN}p = argparse.ArgumentParser()\np.add_argument('--lr', type=float, default=USED)\n"
    "args = p.parse_args()\nmain(lr=args.lr)\n",
    "ray": f"{MAIN}main.remote(lr=USED)\n",
    "click": f"@click.command()\n@click.option('--lr', default=USED)\n{MAIN}main()\n",
    "a class": f"{CLASS}Trainer(m, lr=USED)\n",
    "a class by position": f"{CLASS}Trainer(m, USED)\n",
    "super": f"{CLASS}class Mine(Trainer):\n    def __init__(self):\n        super().__init__(m, lr=USED)\nMine()\n",
    "cls": f"{CLASS}    @classmethod\n    def make(cls):\n        return cls(m, lr=USED)\nTrainer.make()\n",
    "a dataclass": f"{FIELDS}cfg = Config(lr=USED)\n{STEP.format('cfg.lr')}\n",
    "a dataclass by position": f"{FIELDS}cfg = Config(USED)\n{STEP.format('cfg.lr')}\n",
    "a dataclass as it is": f"{FIELDS.replace('UNUSED', 'USED')}cfg = Config()\n{STEP.format('cfg.lr')}\n",
    "a dataclass made from another": f"{FIELDS}@dataclass\nclass More(Config):\n    x: int = 1\nMore(lr=USED)\n",
    "typer": f"def main(lr: float = typer.Option(USED)):\n    {STEP.format('lr')}\ntyper.run(main)\n",
    "nested": f"{NESTED}Optim(lr=USED)\ncfg = Config()\n",
    "nested, by a factory": f"{NESTED}field(default_factory=lambda: Optim(lr=USED))\ncfg = Config()\n",
    "nested, as it is": f"{NESTED.replace('UNUSED', 'USED')}field(default_factory=Optim)\ncfg = Config()\n",
    "nested, at the call": f"{NESTED}field(default_factory=Optim)\ncfg = Config(optim=Optim(lr=USED))\n",
    "nested, instead of a default": f"{NESTED}Optim(lr=UNUSED)\ncfg = Config(optim=Optim(lr=USED))\n",
}
USED |= {
    "unpacked over": "BASE = {'lr': UNUSED, 'x': 1}\ncfg = {**BASE, 'lr': USED}\n",
    "unpacked under": "OVER = {'lr': USED, 'x': 1}\ncfg = {'lr': UNUSED, **OVER}\n",
    "dict": "BASE = {'lr': UNUSED}\ncfg = dict(BASE, lr=USED)\n",
    "dict, unpacked": "BASE = dict(lr=UNUSED)\ncfg = dict(**BASE, **{'lr': USED})\n",
    "an or": "BASE = {'lr': UNUSED}\ncfg = BASE | {'lr': USED}\n",
    "a copy": f"BASE = {{'lr': USED}}\ncfg = {{**BASE, 'x': 2}}\n{ITEM}\n",
    "an update": "cfg = {'lr': UNUSED}\ncfg.update(lr=USED)\n",
    "an update by a dictionary": "cfg = {'lr': UNUSED}\ncfg.update({'lr': USED})\n",
    "an update in place": "cfg = {'lr': UNUSED}\ncfg |= {'lr': USED}\n",
    "a deep copy": "BASE = {'lr': UNUSED}\ncfg = copy.deepcopy(BASE)\ncfg['lr'] = USED\n",
    "an item": f"cfg = {{'lr': UNUSED}}\ncfg['lr'] = USED\n{ITEM}\n",
    "an item in a function": "def main():\n    cfg = {'lr': UNUSED}\n    cfg['lr'] = USED\n    run(cfg)\n",
    "set before its default": "cfg = {'lr': USED}\ncfg.setdefault('lr', UNUSED)\n",
    "its default alone": "cfg = {}\ncfg.setdefault('lr', USED)\n",
    "an attribute": f"class T:\n    def __init__(self, lr=UNUSED):\n        self.lr = lr\n    def go(self, m):\n"
    f"        {STEP.format('self.lr')}\nT(lr=USED)\n",
    "an attribute's literal": "class T:\n    def __init__(self):\n        self.rate_ = USED\n    def go(self, m):\n"
    f"        {STEP.format('self.rate_')}\n",
    "a class's own": f"class T:\n    rate_ = USED\n    def go(self, m):\n        {STEP.format('self.rate_')}\n",
    "hyperparameters": "class T:\n    def __init__(self, lr=UNUSED):\n        self.save_hyperparameters()\n"
    f"    def go(self, m):\n        {STEP.format('self.hparams.lr')}\nT(lr=USED)\n",
    "after parsing": f"{PARSED}args.lr = USED\n{STEP.format('args.lr')}\n",
    "set_defaults": f"p = argparse.ArgumentParser()\np.add_argument('--lr', type=float, default=UNUSED)\n"
    f"p.set_defaults(lr=USED)\nargs = p.parse_args()\n{STEP.format('args.lr')}\n",
    "set_defaults of a group": "p = argparse.ArgumentParser()\ng = p.add_argument_group('x')\n"
    "g.add_argument('--lr', type=float, default=UNUSED)\np.set_defaults(lr=USED)\nargs = p.parse_args()\n",
    "set_defaults before": "p = argparse.ArgumentParser()\np.set_defaults(lr=UNUSED)\n"
    "p.add_argument('--lr', type=float, default=USED)\nargs = p.parse_args()\n",
    "ml_collections": "config = ConfigDict()\nconfig.optim = ConfigDict()\nconfig.optim.lr = USED\n",
    "ml_collections, set again": "def get_config():\n    config = ConfigDict({'lr': UNUSED})\n"
    "    with config.unlocked():\n        config.lr = USED\n    return config\n",
    "ml_collections, by a part": "def get_config():\n    config = ConfigDict()\n"
    "    config.optim = optim = ConfigDict()\n    optim.lr = USED\n    return config\n",
    "ml_collections, by a name": "def get_config():\n    config = ConfigDict(dict(optim=dict(x=1)))\n"
    "    o = config.optim\n    o.lr = USED\n    return config\n",
    "ml_collections, a reference": "config = ConfigDict()\nconfig.lr = FieldReference(USED)\n",
    "both branches": "if debug:\n    lr = USED\nelse:\n    lr = USED\n",
    "whether it fails or not": "try:\n    lr = USED\nexcept E:\n    lr = USED\n",
}
NOT_REPAIRED = {"both branches", "whether it fails or not", "after parsing", "an attribute's literal", "a class's own"}
NOT_REPAIRED |= {"a constant", "of another function", "through two functions", "another name", "of a parser"}
UNCLEAR = {
    "several values": f"{MAIN}main(lr=2e-4)\nmain(lr=3e-4)\n",
    "in one call alone": f"{MAIN}main(lr=5e-4)\nmain()\n",
    "branches": f"{MAIN}if debug:\n    main(lr=2e-4)\nelse:\n    main(lr=1e-5)\n",
    "a variable": f"{MAIN}main(lr=found)\n",
    "an expression": f"{MAIN}main(lr=2e-4 * scale)\n",
    "in a loop": f"{MAIN}for lr in rates:\n    main(lr=lr)\n",
    "unpacked": f"{MAIN}main(**config)\n",
    "unpacked by position": f"{MAIN}main(*given)\n",
    "handed on": f"{MAIN}mp.spawn(main, args=(1, 2e-4))\n",
    "a thread": f"{MAIN}Process(target=main, kwargs=given)\n",
    "assigned": f"{MAIN}run = main\nrun(lr=3e-4)\n",
    "two functions of one name": "def main(lr=2e-4): ...\ndef main(lr=2e-4): ...\nmain(lr=2e-4)\n",
    "click without a default": f"@click.command()\n@click.option('--lr', type=float)\n{MAIN}main()\n",
    "it is changed inside": f"def main(rate=2e-4):\n    rate = rate * 2\n    {STEP.format('rate')}\nmain()\n",
    "a class": f"{CLASS}Trainer(m, lr=other)\n",
    "a dataclass with two values": f"{FIELDS}a, b = Config(lr=2e-4), Config(lr=3e-4)\n",
    "a dataclass copied": f"{FIELDS}cfg = replace(Config(), lr=3e-4)\n",
    "from a checkpoint": f"{CLASS}Trainer.load_from_checkpoint(path, lr=3e-4)\n",
    "two classes": f"{FIELDS}@dataclass\nclass More(Config):\n    x: int = 1\nMore(lr=2e-4), Config(lr=3e-4)\n",
    "nested in two ways": f"{NESTED}Optim(lr=2e-4)\na = Config()\nb = Config(optim=Optim(lr=3e-4))\n",
}
UNCLEAR |= {
    "unpacked from elsewhere": "cfg = {'lr': 2e-4, **other}\n",
    "updated from elsewhere": "cfg = {'lr': 2e-4}\ncfg.update(other)\n",
    "updated by what is unpacked": "cfg = {'lr': 2e-4}\ncfg.update(**other)\n",
    "updated perhaps": "cfg = {'lr': 2e-4}\nif debug:\n    cfg.update(lr=3e-4)\n",
    "used between": "cfg = {'lr': 2e-4}\nrun(cfg)\ncfg['lr'] = 3e-4\nrun(cfg)\n",
    "a function may use it between": "cfg = {'lr': 2e-4}\ndef f():\n    run(cfg)\nf()\ncfg['lr'] = 3e-4\n",
    "a part that is used between": "def f():\n    config = ConfigDict()\n"
    "    config.optim = o = ConfigDict(dict(lr=2e-4))\n    run(o)\n    o.lr = 3e-4\n",
    "set in two functions": "def f():\n    config.lr = 2e-4\ndef g():\n    config.lr = 3e-4\n",
    "a base that is used": "BASE = {'lr': 2e-4}\nrun(BASE)\ncfg = {**BASE, 'lr': 3e-4}\n",
    "an attribute set twice": "class T:\n    def a(self):\n        self.rate_ = 2e-4\n"
    "    def b(self):\n        self.rate_ = 3e-4\n"
    f"    def go(self, m):\n        {STEP.format('self.rate_')}\n",
    "an attribute set perhaps": "class T:\n    def a(self):\n        if x:\n            self.rate_ = 2e-4\n"
    f"    def go(self, m):\n        {STEP.format('self.rate_')}\n",
    "an attribute set from outside": "class T:\n    def a(self):\n        self.rate_ = 2e-4\n"
    f"    def go(self, m):\n        {STEP.format('self.rate_')}\nt.rate_ = 3e-4\n",
    "an attribute set below": "class T:\n    def a(self):\n        self.rate_ = 2e-4\n"
    f"    def go(self, m):\n        {STEP.format('self.rate_')}\n"
    "class S(T):\n    def b(self):\n        self.rate_ = 3e-4\n",
    "a class's own, and another's below": f"class T:\n    rate_ = 2e-4\n    def go(self, m):\n"
    f"        {STEP.format('self.rate_')}\nclass S(T):\n    rate_ = 3e-4\n    def x(self): ...\n",
    "a second name": f"cfg = {{'rate_': 2e-4}}\nother = cfg\nother['rate_'] = 3e-4\n{OWN_ITEM}\n",
    "perhaps after parsing": f"{PARSED}if debug:\n    args.lr = 3e-4\n",
    "set_defaults of another parser": "p.add_argument('--lr', type=float, default=2e-4)\nq.set_defaults(lr=3e-4)\n",
    "set_defaults after parsing": f"{PARSED}p.set_defaults(lr=2e-4)\n",
    "set_defaults perhaps": "p.add_argument('--lr', type=float, default=2e-4)\nif x:\n    p.set_defaults(lr=3e-4)\n",
    "branches that disagree": "if debug:\n    lr = 2e-4\nelse:\n    lr = 3e-4\n",
    "one branch": "if debug:\n    lr = 2e-4\n",
    "it may fail": "try:\n    lr = 2e-4\nexcept E:\n    lr = 3e-4\n",
}
DECORATED = {
    "gin": f"import gin\n@gin.configurable\n{MAIN}main()\n",
    "gin, by a name of its own": f"from gin import configurable\n@configurable('train')\n{MAIN}main()\n",
    "gin, a class": f"import gin\n@gin.configurable\n{CLASS}Trainer(m)\n",
    "sacred": f"@ex.automain\n{MAIN}",
    "sacred, captured": f"@ex.capture\n{MAIN}main(3)\n",
    "one of the program's own": f"def sweep(f):\n    def inner(*a, **k):\n        return f(*a, lr=3e-4, **k)\n"
    f"    return inner\n@sweep\n{MAIN}main(3)\n",
    "that is called": f"def sweep(rate):\n    def outer(f):\n        return lambda data: f(data, rate)\n"
    f"    return outer\n@sweep(3e-4)\n{MAIN}main(3)\n",
    "that changes what it passes on": f"def sweep(f):\n    def inner(*a, **k):\n        k['lr'] = 3e-4\n"
    f"        return f(*a, **k)\n    return inner\n@sweep\n{MAIN}main(3)\n",
}
HARMLESS = {
    "torch": f"@torch.no_grad()\n{KEEP}main(3)\n",
    "one that measures": f"def timed(f):\n    @functools.wraps(f)\n    def inner(*a, **k):\n        print('start')\n"
    f"        return f(*a, **k)\n    return inner\n@timed\n{KEEP}main(3)\n",
    "one that registers": f"def register(name):\n    def inner(f):\n        KNOWN[name] = f\n        return f\n"
    f"    return inner\n@register('main')\n{KEEP}main(3)\n",
}
RATE = "phases.train.optimizer.learning_rate"


def checked(tmp_path: Path, text: str) -> CheckResult:
    return programs.checked(tmp_path, HEAD + text, MANIFEST)


def repaired(result: CheckResult) -> list[str]:
    return [patch.text for patch in propose(result.experiment, result.findings).patches]


@pytest.mark.parametrize("shape", USED)
def test_a_value_that_is_used_and_drifts_is_told_and_repaired_in_its_place(tmp_path: Path, shape: str) -> None:
    text = HEAD + USED[shape].replace("UNUSED", "2e-4").replace("USED", "3e-4")
    result = checked(tmp_path, text.removeprefix(HEAD))
    assert status_of(result, RATE, Stage.CONFIG) is Status.VIOLATED
    drifted = [each.location for each in result.findings if each.code == "C101"]
    assert len(drifted) == 1
    if shape in NOT_REPAIRED:
        assert repaired(result) in ([], [text.replace("3e-4", "2e-4")])
    else:
        line = text.split("\n")[drifted[0].line - 1]
        assert line[drifted[0].column - 1 :].startswith("3e-4")
        assert repaired(result) == [text.replace("3e-4", "2e-4")]


@pytest.mark.parametrize("shape", USED)
def test_one_that_is_not_used_may_drift(tmp_path: Path, shape: str) -> None:
    result = checked(tmp_path, USED[shape].replace("UNUSED", "3e-4").replace("USED", "2e-4"))
    assert status_of(result, RATE, Stage.CONFIG) is Status.CONFORMS
    assert [each.code for each in result.findings if each.code in ("C101", "C109")] == []
    assert repaired(result) == []


@pytest.mark.parametrize("default", ["2e-4", "3e-4"])
@pytest.mark.parametrize("shape", UNCLEAR)
def test_what_cannot_be_followed_is_unverified_and_left_as_it_is(tmp_path: Path, shape: str, default: str) -> None:
    result = checked(tmp_path, UNCLEAR[shape].replace("UNUSED", default))
    assert status_of(result, RATE, Stage.CONFIG) is Status.UNVERIFIED
    assert "C101" not in {each.code for each in result.findings}
    assert repaired(result) == []


@pytest.mark.parametrize("default", ["2e-4", "3e-4"])
@pytest.mark.parametrize("shape", DECORATED)
def test_a_decorator_that_may_pass_another_value_leaves_the_default_open(
    tmp_path: Path, shape: str, default: str
) -> None:
    result = checked(tmp_path, DECORATED[shape].replace("UNUSED", default))
    assert status_of(result, RATE, Stage.CONFIG) is Status.UNVERIFIED
    assert "C101" not in {each.code for each in result.findings}
    assert repaired(result) == []


@pytest.mark.parametrize("shape", HARMLESS)
def test_any_other_decorator_changes_nothing(tmp_path: Path, shape: str) -> None:
    right = checked(tmp_path, HARMLESS[shape].replace("USED", "2e-4"))
    assert status_of(right, RATE, Stage.CONFIG) is Status.CONFORMS
    wrong = checked(tmp_path, HARMLESS[shape].replace("USED", "3e-4"))
    assert status_of(wrong, RATE, Stage.CONFIG) is Status.VIOLATED


@pytest.mark.parametrize("default", ["2e-4", "3e-4"])
@pytest.mark.parametrize(
    "changed",
    [
        "    global rate\n    rate = 3e-4\n",
        "    global rate\n    rate *= 2\n",
        "    global x, rate\n    x, rate = f()\n",
    ],
)
def test_a_name_of_the_module_that_a_function_sets_is_not_known(tmp_path: Path, changed: str, default: str) -> None:
    text = f"rate = {default}\ndef setup():\n{changed}setup()\n{STEP.format('rate')}\n"
    result = checked(tmp_path, text)
    assert status_of(result, RATE, Stage.CONFIG) is Status.UNVERIFIED
    assert repaired(result) == []


def test_a_global_name_that_is_only_read_stays_known(tmp_path: Path) -> None:
    text = f"rate = 2e-4\ndef setup():\n    global rate\n    print(rate)\nsetup()\n{STEP.format('rate')}\n"
    assert status_of(checked(tmp_path, text), RATE, Stage.CONFIG) is Status.CONFORMS


@pytest.mark.parametrize("shape", ["by keyword", "partial", "a class", "a dataclass"])
def test_the_chain_shows_the_default_and_what_a_call_passes_instead(tmp_path: Path, shape: str) -> None:
    project = Project(tmp_path, MANIFEST)
    project.write("train.py", HEAD + USED[shape].replace("UNUSED", "1e-3").replace("USED", "2e-4"))
    key = {"a class": "Trainer.lr", "a dataclass": "Config.lr"}.get(shape, "main.lr")
    shown = project.cli("explain", "--value", "train.py", key, "--format", "json").json
    layers = shown["chains"][0]["layers"]
    assert [(each["kind"], each["value"]) for each in layers] == [("default", 1e-3), ("program", 2e-4)]
    assert shown["chains"][0]["clause"] == RATE

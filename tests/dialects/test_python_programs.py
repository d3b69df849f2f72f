"""What a Python program states of its training: loaders, arguments that it changes, and what its classes do."""

from __future__ import annotations

from pathlib import Path

import pytest

from framework.conformance import Stage, Status
from tests.dialects.programs import MANIFEST, checked
from tests.support.project import Project
from tests.support.statuses import status_of

TORCH = """\
import argparse
from torch.optim import AdamW
from torch.utils.data import DataLoader
epochs = 3
"""
CONFORMS, VIOLATED, UNVERIFIED = Status.CONFORMS, Status.VIOLATED, Status.UNVERIFIED
BATCH, DECAY, RATE = (
    f"phases.train.{name}" for name in ("batch_size", "optimizer.weight_decay", "optimizer.learning_rate")
)


@pytest.mark.parametrize(
    ("loaders", "expected"),
    [
        ("train_loader = DataLoader(train_set, 32)\nval_loader = DataLoader(val_set, 64)", CONFORMS),
        ("train_loader = DataLoader(train_set, 16)\nval_loader = DataLoader(val_set, 32)", VIOLATED),
        ("loader = DataLoader(data, batch_size=32)\nother = DataLoader(ds['validation'], batch_size=64)", CONFORMS),
        ("loader = DataLoader(data, 32)\nothers = {'dev': DataLoader(x, 64), 'test': DataLoader(y, 8)}", CONFORMS),
        ("a, test_dl = DataLoader(data, 32), DataLoader(data, 64)", CONFORMS),
        ("loader = DataLoader(data, 32)\ndef test_dataloader(self):\n    return DataLoader(self.x, 64)", CONFORMS),
        ("fit(DataLoader(data, 32), eval_loader=DataLoader(x, 64))", CONFORMS),
        ("loader = DataLoader(data, 32)\nl = DataLoader(load_dataset('x', split='test'), 64)", CONFORMS),
        ("loader = DataLoader(data, 32)\nl = DataLoader(evalData, batch_size=64)", CONFORMS),
        ("test_loader = DataLoader(data, 64)", UNVERIFIED),
        ("one = DataLoader(data, 32)\ntwo = DataLoader(other, 64)", UNVERIFIED),
        ("train_val_loader = DataLoader(data, 64)", VIOLATED),
        ("loader = DataLoader(trainval, 64)", VIOLATED),
        ("loader = DataLoader(data.to(device), 64)", VIOLATED),
    ],
)
def test_what_a_loader_of_the_evaluation_is_given_is_not_the_trainings(
    tmp_path: Path, loaders: str, expected: Status
) -> None:
    assert status_of(checked(tmp_path, f"{TORCH}{loaders}\n"), BATCH, Stage.CONFIG) is expected


PARSER = "p = argparse.ArgumentParser()\np.add_argument('--wd', type=float, default=0.2)\nargs = p.parse_args()\n"


@pytest.mark.parametrize(
    ("after", "expected"),
    [
        ("", VIOLATED),
        ("args.wd = float(args.wd)", VIOLATED),
        ("args.other = 1", VIOLATED),
        ("setattr(args, 'other', 1)", VIOLATED),
        ("p.set_defaults(run=main)", VIOLATED),
        ("args.wd = args.wd * 2", UNVERIFIED),
        ("args.wd /= 2", UNVERIFIED),
        ("setattr(args, 'wd', 1)", UNVERIFIED),
        ("for name, value in file.items():\n    setattr(args, name, value)", UNVERIFIED),
        ("vars(args).update(file)", UNVERIFIED),
        ("args.__dict__.update(file)", UNVERIFIED),
        ("p.set_defaults(**file)", UNVERIFIED),
        ("p.set_defaults(wd=0.1)", UNVERIFIED),
    ],
)
def test_an_argument_that_the_program_changes_is_not_held_by_its_default(
    tmp_path: Path, after: str, expected: Status
) -> None:
    assert status_of(checked(tmp_path, f"{TORCH}{PARSER}{after}\n"), DECAY, Stage.CONFIG) is expected


def test_what_a_class_does_by_itself_is_told_at_its_call_and_by_its_name(tmp_path: Path) -> None:
    result = checked(tmp_path, f"{TORCH}\no = AdamW(model.parameters(), lr=1e-4)\n")
    finding = next(each for each in result.findings if each.code == "C131")
    assert "PyTorch's AdamW takes 0.01" in finding.message
    assert (finding.location.line, finding.location.column) == (6, 5)


ARGUMENTS = """\
from trl import {name}
config = {name}(num_train_epochs=3, per_device_train_batch_size=32, warmup_ratio=0.1, weight_decay=0.1)
"""


@pytest.mark.parametrize(
    ("name", "release", "rate", "expected"),
    [
        ("SFTConfig", "0.19.0", "2e-5", CONFORMS),
        ("SFTConfig", "0.19.0", "5e-5", VIOLATED),
        ("SFTConfig", "0.11.0", "5e-5", CONFORMS),
        ("SFTConfig", "", "5e-5", UNVERIFIED),
        ("SFTConfig", "", "1e-4", VIOLATED),
        ("DPOConfig", "0.19.0", "1e-6", CONFORMS),
        ("DPOConfig", "0.19.0", "5e-5", VIOLATED),
        ("GRPOConfig", "", "1e-6", CONFORMS),
        ("GRPOConfig", "", "5e-5", VIOLATED),
        ("RewardConfig", "0.24.0", "1e-4", CONFORMS),
        ("ORPOConfig", "0.19.0", "5e-5", UNVERIFIED),
        ("TrainingArguments", "0.19.0", "5e-5", CONFORMS),
        ("TrainingArguments", "0.19.0", "2e-5", VIOLATED),
    ],
)
def test_the_class_of_the_arguments_says_whose_defaults_hold(
    tmp_path: Path, name: str, release: str, rate: str, expected: Status
) -> None:
    manifest = MANIFEST.replace("learning_rate: 1e-4", f"learning_rate: {rate}").replace(
        "generic", "hf-training-arguments"
    )
    project = Project(tmp_path, manifest)
    project.write("train.py", ARGUMENTS.format(name=name))
    if release:
        project.write("requirements.txt", f"trl=={release}\n")
    result = project.check()
    assert status_of(result, RATE, Stage.CONFIG) is expected
    assert status_of(result, "phases.train.schedule.warmup", Stage.CONFIG) is CONFORMS


LITERALS = {
    "a function's own name": ("def main():\n    rate = 1e-4\n    {call}", CONFORMS),
    "another one": ("def main():\n    rate = 2e-4\n    {call}", VIOLATED),
    "under a file": ("def main():\n    with open(x):\n        rate = 2e-4\n    {call}", VIOLATED),
    "of the function around": ("def main():\n    rate = 2e-4\n    def make():\n        {call}", VIOLATED),
    "it hides the module's": ("rate = 1e-4\ndef main():\n    rate = 2e-4\n    {call}", VIOLATED),
    "computed": ("def main():\n    rate = 1e-5 * 10\n    {call}", CONFORMS),
    "an argument hides the module's": ("rate = 2e-4\ndef main(rate):\n    {call}", UNVERIFIED),
    "it is set twice": ("def main():\n    rate = 2e-4\n    rate = rate * x\n    {call}", UNVERIFIED),
    "it is set perhaps": ("def main():\n    if x:\n        rate = 2e-4\n    {call}", UNVERIFIED),
    "it changes in a loop": ("def main():\n    for rate in rates:\n        {call}", UNVERIFIED),
    "it is the module's": ("rate = 2e-4\ndef main():\n    global rate\n    {call}", VIOLATED),
    "another function's": ("def other():\n    rate = 2e-4\ndef main():\n    {call}", UNVERIFIED),
    "of itself": ("def main():\n    rate = rate\n    {call}", UNVERIFIED),
}


@pytest.mark.parametrize(("text", "expected"), LITERALS.values(), ids=LITERALS)
def test_a_name_stands_for_what_its_function_gives_it(tmp_path: Path, text: str, expected: Status) -> None:
    program = text.format(call="AdamW(model.parameters(), lr=rate)")
    assert status_of(checked(tmp_path, f"{TORCH}{program}\n"), RATE, Stage.CONFIG) is expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("AdamW(m.parameters(), lr=cfg.get('lr', 2e-4))", UNVERIFIED),
        ("cfg['lr'] = 2e-4\nAdamW(m.parameters(), lr=cfg.get('lr', 1e-4))", VIOLATED),
        ("cfg['lr'] = 1e-4\nAdamW(m.parameters(), lr=cfg.get('lr', 2e-4))", CONFORMS),
        ("AdamW(m.parameters(), lr=cfg.get('lr', other))", UNVERIFIED),
    ],
)
def test_what_is_looked_up_with_a_default(tmp_path: Path, text: str, expected: Status) -> None:
    assert status_of(checked(tmp_path, f"{TORCH}{text}\n"), RATE, Stage.CONFIG) is expected


@pytest.mark.parametrize(("default", "expected"), [("None", UNVERIFIED), ("16", VIOLATED), ("32", CONFORMS)])
def test_a_parser_without_a_default_states_nothing_under_a_key_either(
    tmp_path: Path, default: str, expected: Status
) -> None:
    manifest = MANIFEST.replace("variant: one}", 'variant: one, keys: {"--batch-size": phases.train.batch_size}}')
    flag = f"p = argparse.ArgumentParser()\np.add_argument('--batch-size', type=int, default={default})\n"
    assert status_of(checked(tmp_path, f"{TORCH}{flag}", manifest), BATCH, Stage.CONFIG) is expected

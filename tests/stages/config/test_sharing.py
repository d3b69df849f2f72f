"""Files share what they have in common: a check of many says of each what a check of that file alone says.

The quick paths are a matter of cost only. Whatever files agree in, be it lines, keys, values or nothing, none may get
another one's verdict, place or value.
"""

from __future__ import annotations

import json
import os
from collections import Counter
from contextlib import chdir
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from framework.conformance import Stage
from framework.errors import InputError
from framework.manifest.loading import load
from framework.reading.yaml import lines as yaml_lines
from framework.reading.yaml import parsing
from framework.stages.check import check
from framework.stages.config import matching as reading_bound

MANIFEST = """\
version: 1
paper: {title: A study}
hardware: {count: 1}
models:
  tiny: {family: gpt2, weights: random, layers: 2, hidden: 4, tokenizer: bytes}
datasets:
  text: {builtin: language-reference, train_examples: 3200}
  topics: {builtin: reference-topics, labels: 2, train_examples: 640}
phases:
  pretrain:
    objective: causal_lm
    dataset: text
    optimizer: {name: adamw, learning_rate: 2e-4, weight_decay: 0.1, betas: [0.9, 0.98]}
    schedule: {name: cosine, warmup: 10%, min_learning_rate: 2e-5}
    batch_size: 32
    epochs: 5
  finetune:
    objective: classification
    dataset: topics
    optimizer: {name: adamw, learning_rate: 1e-4}
    batch_size: 32
    epochs: 3
variants:
  M_base: {steps: [pretrain]}
  M_full: {from: M_base, steps: [finetune]}
seeds: [42, 43]
waivers:
  - {clause: phases.pretrain.optimizer.weight_decay, reason: their default, until: 2100-01-01, owner: lab}
configs:
"""
KEYS = """\
    keys:
      lr: optimizer.learning_rate
      optim.wd: optimizer.weight_decay
      optim.betas: optimizer.betas
      optim.name: optimizer.name
      micro: batch_size.micro
      acc: batch_size.accumulation
      epochs: epochs
      warmup: schedule.warmup.ratio
    ignore: [note]
"""
ONE = MANIFEST + '  - file: "c/*"\n    describes: phases.pretrain\n' + KEYS
TWO = (
    ONE + '  - file: "c/*[13579].yaml"\n    describes: phases.finetune\n    keys: {tune.lr: optimizer.learning_rate}\n'
)
DIALECT = (
    MANIFEST + '  - {file: "c/*", describes: phases.pretrain, dialect: generic, keys: {lr: optimizer.learning_rate}}\n'
)

GOOD = """\
lr: 2e-4
micro: 8
acc: 4
epochs: 5
warmup: 0.1
optim:
  wd: 0.1
  betas: [0.9, 0.98]
  name: adamw
"""
"""A file that conforms in every key."""

_GOOD = {
    "lr": ["lr: 2e-4", "lr: 2e-4", "lr:  0.0002", "lr: 2.0e-4", "lr: &r 2e-4"],
    "micro": ["micro: 8", "micro: 8", "micro: 16"],
    "acc": ["acc: 4", "acc: 4", "acc: 2"],
    "epochs": ["epochs: 5", "epochs: 5 # in all"],
    "warmup": ["warmup: 0.1", "warmup: 1e-1"],
    "optim": [
        "optim:\n  wd: 0.1\n  betas: [0.9, 0.98]\n  name: adamw",
        "optim:\n    wd: 1e-1\n    betas: [.9, 0.98]\n    name: AdamW",
        "optim:\n  wd: 0.1\n  betas:\n  - 0.9\n  - 0.98\n  name: 'adamw'",
    ],
}
"""Ways to state what the manifest states."""
_ANY = {
    "lr": ["lr: 3e-4", "lr: '2e-4'", "lr: ~", "lr:", "lr: !!float 2e-4", "lr: [2e-4]", "lr: 0.00021"],
    "micro": ["micro: 4", "micro: 0", "micro: 8.0", "micro: true", "micro: '8'", "micro: ${lr}", "micro: x"],
    "acc": ["acc: 1", "acc: 8", "acc: *r", "acc: ${micro}", "acc: 3"],
    "epochs": ["num_epochs: 5", "epochs: 6", "epochs: 5\nmax_steps: 17", "epochs: 5\nmax_steps: 500"],
    "warmup": ["warmup: 0.2", "warmup_steps: 600", "warmup: 10%", "warmup: 0.1\nwarmup_steps: 50"],
    "optim": [
        "optim:\n  wd: 0.2\n  betas: [0.9, 0.98]\n  name: adamw",
        "optim:\n  wd: 0.1\n  wd: 0.1\n  betas: [0.9]\n  name: adamw",
        "optim:\n  wd: 0.1\n  betas: []\n  name: {a: adamw}",
        "optim:\n  weight_decay: 0.3\n  betas: [0.9, 0.99]\n  name: sgd",
    ],
}
"""Ways to state something else, or nothing, or nobody knows what."""
_BESIDE = {
    "seed": ["seed: 42", "seed: 43", "seed: 7", "run:\n  seed: 8"],
    "note": ["note: |\n  lr: 3e-4\n  # kept", "note: {a: [1, 2]}", "note: m-base", "note: 'a  b'", "note: x"],
    "tune": ["tune:\n  lr: 1e-4", "tune: {lr: 1e-4}", "tune:\n  lr: 5e-4", "tune:\n  lr: *r"],
    "max_steps": ["max_steps: -1", "max_steps: -1", "max_steps: 17", "max_steps: 500"],
    "learning_rate": ["learning_rate: 2e-4", "learning_rate: 1e-4", "learnin_rate: 1e-4"],
}
_BETWEEN = ["", "", "", "# as launched\n", "\n", "   # odd\n\n"]


@st.composite
def _texts(draw: st.DrawFn) -> str:
    """A config that states what the manifest states, but for a key or two; and what else may stand beside."""
    odd = draw(st.lists(st.sampled_from(sorted(_ANY)), max_size=2))
    lines = [draw(st.sampled_from((_ANY if name in odd else _GOOD)[name])) for name in _GOOD]
    beside = draw(st.lists(st.sampled_from(sorted(_BESIDE)), unique=True, max_size=2))
    lines += [draw(st.sampled_from(_BESIDE[name])) for name in beside]
    if draw(st.booleans()):
        lines = lines[3:] + lines[:3]
    text = "".join(f"{draw(st.sampled_from(_BETWEEN))}{line}\n" for line in lines)
    return text if draw(st.integers(0, 9)) else text.replace("\n", "\r\n")


Said = Counter[str] | list[str]
"""All that a check says about config files, or what keeps it from saying anything."""


def _said(manifest: str, files: dict[str, str]) -> Said:
    with TemporaryDirectory() as folder, chdir(folder):
        os.mkdir("c")
        Path("experiment.yaml").write_text(manifest)
        for name, text in files.items():
            Path("c", name).write_bytes(text.encode())
        try:
            result = check(load())
        except InputError as failure:
            return sorted(str(problem) for problem in failure.problems)
        # C109, and that a file is silent of what others state, are about the files together.
        own = [each for each in result.findings if each.code.startswith("C") and each.code != "C109"]
        findings = [json.dumps(each.as_dict(), sort_keys=True) for each in own]
        looked = [v for v in result.matrix.verdicts if v.stage is Stage.CONFIG]
        looks = [repr(v.as_dict()) for v in looked if not v.reason.endswith("says nothing of it")]
        return Counter([*findings, *looks])


def _bound(manifest: str, name: str) -> str:
    """The manifest without a binding that does not match the one file there is."""
    return ONE if manifest == TWO and int(name.removesuffix(".yaml")) % 2 == 0 else manifest


def _alone(manifest: str, files: dict[str, str]) -> Said:
    """What is said of each file when there is no other, and nothing but the real parser."""
    few, parsing._FEW = parsing._FEW, 1 << 60
    try:
        each = [_said(_bound(manifest, name), {name: text}) for name, text in files.items()]
    finally:
        parsing._FEW = few
    refused = [problem for said in each if isinstance(said, list) for problem in said]
    return sorted(refused) or sum((said for said in each if isinstance(said, Counter)), Counter())


@pytest.mark.parametrize("manifest", [ONE, TWO, DIALECT], ids=["keys", "two bindings", "dialect"])
@settings(max_examples=20, deadline=None, derandomize=True)
@given(texts=st.lists(_texts(), min_size=2, max_size=4), again=st.lists(st.integers(0, 3), max_size=3))
def test_a_check_of_many_files_says_what_checks_of_each_alone_say(
    manifest: str, texts: list[str], again: list[int]
) -> None:
    """Some texts stand in several files; further ones are those with a line more at their top."""
    texts = texts + [texts[number % len(texts)] for number in again] + [f"# moved\n\n{texts[0]}"]
    files = {f"{number:02d}.yaml": text for number, text in enumerate(texts)}
    assert _said(manifest, files) == _alone(manifest, files)


def test_the_files_of_the_property_pass_and_fail_and_are_refused() -> None:
    said = _said(ONE, {"a.yaml": GOOD, "b.yaml": GOOD.replace("2e-4", "3e-4")})
    assert isinstance(said, Counter)
    assert any('"C101"' in text for text in said)
    assert any("'conforms'" in text and "c/a.yaml:1:5" in text for text in said)
    assert isinstance(_said(ONE, {"a.yaml": "lr: *unknown\n"}), list)


def test_each_file_has_its_own_places_values_and_findings() -> None:
    """Files of one shape: the same keys, elsewhere in the file, with another value, and one that conforms."""
    files = {
        "a.yaml": "lr: 3e-4\nmicro: 8\nacc: 4\n",
        "b.yaml": "# a comment\n\nlr:   4e-4\nmicro: 8\nacc: 4\n",
        "c.yaml": "lr: 2e-4\nmicro: 8\n\nacc: 4\n",
        "d.yaml": "lr: 2e-4\nmicro: 16\nacc: 4\n",
    }
    with TemporaryDirectory() as folder, chdir(folder):
        os.mkdir("c")
        Path("experiment.yaml").write_text(ONE)
        for name, text in files.items():
            Path("c", name).write_text(text)
        result = check(load())
        drifted = [(str(f.location), f.actual) for f in result.findings if f.code == "C101"]
        assert drifted == [("c/a.yaml:1:5", 3e-4), ("c/b.yaml:3:7", 4e-4)]
        assert [str(f.location) for f in result.findings if f.code == "C110"] == ["c/d.yaml:2:8"]
        rate = next(c for c in result.matrix.clauses if c.id == "phases.pretrain.optimizer.learning_rate")
        conforming = [v for v in result.matrix.looks(rate, Stage.CONFIG) if v.status == "conforms"]
        assert sorted(str(v.evidence) for v in conforming) == ["c/c.yaml:1:5", "c/d.yaml:1:5"]


def test_a_dialect_goes_by_the_values_of_each_file() -> None:
    """`max_steps: -1` states nothing to the trainer, `max_steps: 17` another length than declared: one shape, two
    readings."""
    manifest = DIALECT.replace("generic", "hf-training-arguments").replace(", keys: {lr: optimizer.learning_rate}", "")
    text = "learning_rate: 2.0e-4\nnum_train_epochs: 5\nmax_steps: -1\n"
    said = _said(manifest, {"a.yaml": text, "b.yaml": text.replace("-1", "17"), "c.yaml": text})
    assert isinstance(said, Counter)
    epochs = [each for each in said if "'clause': 'phases.pretrain.epochs'" in each]
    assert {("c/a.yaml" in each, "'conforms'" in each) for each in epochs} >= {(True, True)}
    assert not [each for each in epochs if "c/b.yaml" in each and "'conforms'" in each]
    assert [each for each in epochs if "c/b.yaml" in each and "'violated'" in each]


def test_a_file_that_changed_after_the_check_of_another_is_read_anew() -> None:
    with TemporaryDirectory() as folder, chdir(folder):
        os.mkdir("c")
        Path("experiment.yaml").write_text(ONE)
        for number, rate in enumerate(("2e-4", "3e-4", "2e-4")):
            Path("c/a.yaml").write_text(f"lr: {rate}\nnote: {'x' * number}\n")
            codes = [f.code for f in check(load()).findings if f.code == "C101"]
            assert codes == ["C101"] * (rate == "3e-4")


def test_what_is_kept_of_files_does_not_grow_with_their_number(monkeypatch: pytest.MonkeyPatch) -> None:
    """No document stays open, and no more of them are kept for another check than the bound says."""
    monkeypatch.setattr(reading_bound, "_MOST", 4)
    reading_bound._documents.clear()
    monkeypatch.setattr(yaml_lines, "_MOST_LINES", 40)
    with TemporaryDirectory() as folder, chdir(folder):
        os.mkdir("c")
        Path("experiment.yaml").write_text(ONE)
        for number in range(60):
            Path(f"c/{number}.yaml").write_text(f"{GOOD}note: {number}\n")
        result = check(load())
        assert len(result.files) == 60
        assert len(reading_bound._documents) <= 4
        assert len(yaml_lines._lines) <= 40 + GOOD.count("\n") + 2
        (shared,) = (each for each in result.matrix._conforming if "learning_rate" in str(each.keys))
        assert len(shared.files) == 60
        assert all(bound._document is None and bound._kept is None for bound in shared.files)

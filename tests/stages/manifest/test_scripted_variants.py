"""Two variants of one phase are one run, or two, by what trains them."""

from __future__ import annotations

from pathlib import Path

import pytest

from framework.planning.sharing import coinciding
from tests.support.manifests import STATED
from tests.support.study import Study
from tests.support.texts import replaced

MANIFEST = replaced(
    STATED,
    (STATED[STATED.index("  lora:") : STATED.index("seeds:")], "  theirs: {steps: [train]}\n"),
)
FLAGS = ", flags: {dialect: hf-training-arguments, keys: {block_size: sequence_length}}"
OURS, THEIRS = (
    f"{{phase: train, variants: [full], command: [python, a.py]{FLAGS}}}",
    (f"{{phase: train, variants: [theirs], command: [python, b.py]{FLAGS}}}"),
)
BOTH = "train: {command: [python, a.py]%s}"
CASES = {
    # runners, and whether the variants are one run
    "none": ("", True),
    "one for both": (BOTH % FLAGS, True),
    "one for both that is told which": (BOTH.replace("a.py", "a.py, '{variant}'") % FLAGS, False),
    "a script each": (f"ours: {OURS}\n  theirs: {THEIRS}", False),
    "one of them by a script": (f"theirs: {THEIRS}", False),
    "one script under two names": (f"ours: {OURS}\n  theirs: {THEIRS.replace('b.py', 'a.py')}", True),
    "one script with another environment": (
        f"ours: {OURS}\n  theirs: {THEIRS.replace('b.py', 'a.py').replace('phase:', 'environment: {X: y}, phase:')}",
        False,
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_what_trains_a_variant_is_a_part_of_what_it_is(tmp_path: Path, case: str) -> None:
    runners, one = CASES[case]
    study = Study(tmp_path, MANIFEST + (f"runners:\n  {runners}\n" if runners else ""))
    (tmp_path / "k.yaml").write_text("lr: 2e-4\n")
    binding = "configs:\n  - {file: k.yaml, describes: phases.train, keys: {lr: optimizer.learning_rate}}\n"
    study.manifest.write_text(study.manifest.read_text() + binding)
    for name in ("a.py", "b.py"):
        (tmp_path / name).write_text(name)
    assert ("M112" in {finding.code for finding in study.check().findings}) is one
    assert bool(coinciding(study.plan())) is one, "the plan says the same"

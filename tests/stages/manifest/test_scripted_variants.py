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


STEPS = {
    "a phase": "theirs: {steps: [train]}",
    "a phase with nothing of its own": "theirs: {steps: [{train: {}}], description: the other lab's code}",
    "with settings": "theirs: {steps: [train], settings: {kernel: fused}}",
    "an adapter": "theirs: {steps: [{train: {adapter: {lora: {rank: 8, alpha: 16, targets: [q_proj]}}}}]}",
    "a variant before it": "theirs: {from: full, steps: [train]}",
}


@pytest.mark.parametrize("case", STEPS)
def test_two_that_are_meant_to_be_alike_are_waived_as_the_message_says(tmp_path: Path, case: str) -> None:
    ours = STEPS[case].replace("theirs", "ours")
    changes = ("  theirs: {steps: [train]}\n", f"  {ours}\n  {STEPS[case]}\n")
    study = Study(tmp_path, replaced(MANIFEST, changes))
    (tmp_path / "k.yaml").write_text("lr: 2e-4\n")
    binding = "configs:\n  - {file: k.yaml, describes: phases.train, keys: {lr: optimizer.learning_rate}}\n"
    stated = study.manifest.read_text() + binding
    study.manifest.write_text(stated)
    found = [finding for finding in study.check().findings if finding.code == "M112"]
    assert found
    named = [(finding.advice or "").split("waive `")[1].split("`")[0] for finding in found]
    end = "stage: manifest, reason: r, owner: o, until: 2099-01-01"
    waivers = "".join(f"  - {{clause: {name}, {end}}}\n" for name in named)
    study.manifest.write_text(f"{stated}waivers:\n{waivers}")
    assert [finding.code for finding in study.check().findings if finding.code in ("M112", "M121")] == []
    study.manifest.write_text(f"{stated}waivers:\n{waivers.replace('2099', '2020')}")
    assert {"M112", "M120"} <= {finding.code for finding in study.check().findings}, "until its last day"

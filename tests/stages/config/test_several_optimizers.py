"""Phases with several optimizers: a section that is named as one of them says whose its keys are."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.project import Project

MANIFEST = """\
version: 1
paper: {title: A game of two}
phases:
  train:
    optimizers:
      generator: {name: adam, learning_rate: 2e-4, betas: [0.5, 0.999]}
      discriminator: {name: adam, learning_rate: 4e-4, betas: [0.5, 0.999]}
    batch_size: 64
configs:
  - {file: configs/pretrain.yaml, dialect: generic, describes: phases.train}
"""
WRITTEN = {
    "sections": "generator: {lr: 2e-4}\ndiscriminator: {lr: RATE}\n",
    "below one section": "optimizer:\n  generator: {lr: 2e-4}\n  discriminator: {lr: RATE}\n",
    "sections called optimizers": "generator_optimizer: {lr: 2e-4}\ndiscriminator_optimizer: {lr: RATE}\n",
    "sections called so the other way round": "opt_generator: {lr: 2e-4}\nopt_discriminator: {lr: RATE}\n",
}


@pytest.mark.parametrize("text", WRITTEN.values(), ids=WRITTEN)
def test_a_section_named_as_an_optimizer_is_about_it(tmp_path: Path, text: str) -> None:
    project = Project(tmp_path, MANIFEST, text.replace("RATE", "4e-4") + "batch_size: 64\n")
    assert project.check().findings == []
    project.config("4e-4", "«2e-4")
    (finding,) = project.check().findings
    assert (finding.code, finding.clause) == ("C101", "phases.train.optimizers.discriminator.learning_rate")
    assert str(finding.location) == project.place


@pytest.mark.parametrize("section", ["critic", "discriminator"])
def test_another_training_beside_is_none_of_the_phase_s_own(tmp_path: Path, section: str) -> None:
    manifest = MANIFEST.partition("    optimizers:")[0] + "    optimizer: {learning_rate: 2e-4}\n    batch_size: 64\n"
    manifest += MANIFEST[MANIFEST.index("configs:") :]
    project = Project(tmp_path, manifest, f"lr: 2e-4\nbatch_size: 64\n{section}: {{lr: 9e-4}}\n")
    assert [finding.code for finding in project.check().findings] == ["C120"]

"""`framework export gpt2` and `llama`: checkpoints of a `gpt` that transformers loads by itself, with equal logits."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from runners.models.checkpoints import load_checkpoint
from tests.support.project import Project

MANIFEST = """\
version: 1
paper: {title: A decoder that goes elsewhere}
hardware: {accelerator: cpu}
models:
  tiny:
    {family: gpt, weights: random, layers: 1, hidden: 16, heads: 2, positions: 32, vocabulary: 300, tokenizer: train}
datasets:
  manual: {builtin: language-reference, limit: 16, validation_limit: 8}
phases:
  train:
    objective: causal_lm
    dataset: manual
    optimizer: {name: adamw, learning_rate: 1e-2}
    batch_size: 8
    max_steps: 2
    sequence_length: 32
variants:
  plain: {steps: [train]}
  gated:
    model:
      intermediate: 24
      architecture.norm: rmsnorm
      architecture.position_encoding: rope
      architecture.activation: swiglu
      architecture.biases: false
    steps: [train]
configs: [{file: configs/pretrain.yaml, describes: phases.train, keys: {batch: batch_size}}]
"""


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    made = Project(tmp_path_factory.mktemp("exported"), MANIFEST, "batch: 8\n")
    outcome = made.cli("run", "--all")
    assert outcome.code == 0, outcome.err
    return made


@pytest.mark.parametrize(("variant", "family"), [("plain", "gpt2"), ("gated", "llama")])
def test_transformers_loads_what_was_exported_with_equal_logits(project: Project, variant: str, family: str) -> None:
    outcome = project.cli("export", family, "--variant", variant)
    assert outcome.code == 0, outcome.err
    (folder,) = project.path(f"exported/{family}").iterdir()
    other = AutoModelForCausalLM.from_pretrained(folder).eval()
    assert other.config.model_type == family
    own = load_checkpoint(project.path("runs") / folder.name)
    ids = AutoTokenizer.from_pretrained(folder)("The yield statement", return_tensors="pt").input_ids
    assert ids.tolist() == own.tokenizer("The yield statement", return_tensors="pt").input_ids.tolist()
    with torch.no_grad():
        torch.testing.assert_close(other(ids).logits, own.model.eval()(ids).logits, atol=1e-5, rtol=1e-5)
    again = project.cli("export", family, "--variant", variant)
    assert (again.code, "--force replaces it" in again.err) == (2, True)
    assert project.cli("export", family, "--variant", variant, "--force").code == 0


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("gpt2", "--variant", "gated"), "a gpt2 has no `norm: rmsnorm`"),
        (("llama", "--all"), "a llama has no `norm: layernorm`"),
        (("gpt2", "--variant", "plain", "--seed", "7"), "has no finished run"),
    ],
)
def test_what_another_family_does_not_have_is_refused_and_nothing_written(
    project: Project, tmp_path: Path, arguments: tuple[str, ...], said: str
) -> None:
    outcome = project.cli("export", *arguments, "--output", str(tmp_path / "out"))
    assert outcome.code == 2
    assert said in outcome.err
    assert not (tmp_path / "out").exists()

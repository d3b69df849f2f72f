"""What `framework export cerebras` does not write: what would train something else than is declared."""

from __future__ import annotations

from pathlib import Path

import pytest

from framework.errors import InputError
from tests.support.exported import ATTENTION, ExportedStudy

SHAPE = "name: cosine, warmup: 10%, min_learning_rate: 0.1 * learning_rate"
ADAMW = "name: adamw, learning_rate: 2e-4, weight_decay: 0.1, betas: [0.9, 0.95], eps: 1e-8"
REFUSED = {
    "one projection": ((ATTENTION, "targets: [q_proj]"), "adapter.lora.targets", "no fewer"),
    "a mode": (("rank: 16", "mode: sparse_to_sparse, rank: 16"), "sparse_to_sparse", "no mask holds"),
    "a hybrid adapter": (
        ("{lora: {rank: 16, alpha: 32, dropout: 0.05, targets: [q_proj, k_proj, v_proj, o_proj]}}",
         "{sgh: {importance: magnitude, targets: [q_proj]}}"), "adapter.sgh.importance", "nothing that does this"),
    "a learned mask": (
        ("steps: [train]", "steps: [{train: {mask: {sdm: {target_sparsity: 0.5}}}}]"),
        "mask.sdm.target_sparsity", "nothing that does this"),
    "an unknown length": (("example/corpus, train_examples: 6400", "example/corpus"), "schedule.name", "count steps"),
    "a family": (("family: llama", "family: gpt2"), "models", "'gpt2'"),
    "a setting of the model's own": (
        ("family: llama,", "family: llama, settings: {attention_bias: true},"),
        "models.small.settings.attention_bias", "nothing that does this"),
    "a warmup that takes the whole training": (("warmup: 10%", "warmup: 300 steps"), "schedule.warmup", "leaves none"),
    "a warmup in another shape": (("warmup: 10%", "warmup: {ratio: 0.1, shape: cosine}"), "warmup.shape", "nothing"),
    **{f"the schedule {name}": ((SHAPE, f"name: {name}{more}"), "schedule.name", f"and not {name}")
       for name, more in (("step", ", every: 100 steps"), ("milestones", ", milestones: [100 steps]"),
                          ("polynomial", ", power: 2"), ("inverse_sqrt", ""), ("one_cycle", ""),
                          ("cosine_restarts", ", cycles: 2"), ("exponential", ", gamma: 0.9, every: 9 steps"))},
    **{f"the optimizer {name}": ((ADAMW, f"name: {name}, learning_rate: 2e-4"), "optimizer.name", "adamw, adam, sgd")
       for name in ("lion", "adafactor", "rmsprop", "adamw_8bit")},
    "a module": (("o_proj]}}]\n  lora", "embed_tokens]}}]\n  lora"), "embed_tokens are masked", "not known here"),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_what_would_train_something_else_is_refused_at_its_clause(tmp_path: Path, case: str) -> None:
    change, *words = REFUSED[case]
    extra = [("key_value_heads: 2, ", "")] if case == "a family" else []
    if case == "a module":
        extra, change = [], ("v_proj, o_proj]}}]", "embed_tokens]}}]")
    study = ExportedStudy(tmp_path, change, *extra)
    with pytest.raises(InputError) as refusal:
        study.export("lora")
    assert any(all(word in str(each) for word in words[1:]) for each in refusal.value.problems), refusal.value
    assert all(each.location is not None and each.location.file == "experiment.yaml" for each in refusal.value.problems)


def test_only_what_is_refused_for_the_length_is_told_to_state_it(tmp_path: Path) -> None:
    for change, told in ((REFUSED["an unknown length"][0], True), (REFUSED["the schedule step"][0], False)):
        with pytest.raises(InputError) as refusal:
            ExportedStudy(tmp_path, change).export("lora")
        assert any("train_examples" in (each.advice or "") for each in refusal.value.problems) is told


def test_a_classifier_is_refused(tmp_path: Path) -> None:
    labels = ('boolq: {hub: example/boolq, prompt: "{q}", choices: [a, b]', "boolq: {hub: example/boolq, labels: 2")
    arc = ('arc: {hub: example/arc, prompt: "{q}", choices: [a, b]', "arc: {hub: example/arc, labels: 2")
    study = ExportedStudy(tmp_path, labels, arc, ("objective: completion", "objective: classification"))
    with pytest.raises(InputError, match="no head for classes"):
        study.export("lora")

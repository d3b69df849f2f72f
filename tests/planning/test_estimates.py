"""What a plan says that it would take."""

from __future__ import annotations

from pathlib import Path

import pytest

from framework.manifest.sections.models import Model
from framework.planning.estimates import Estimate, estimate, short
from framework.planning.steps import Step
from framework.stages.manifest.flops import Forward, attention, per_token
from tests.support.project import MANIFEST, Project

COUNTED = "{builtin: language-reference, train_examples: 10}"
UNCOUNTED = "{builtin: language-reference}"
WEIGHTS, ATTENTION, HEAD = 2 * 2 * (4 * 4 * 4 + 2 * 4 * 16), 2 * 4 * 4, 2 * 4 * 16
"""By hand, per token: 2 layers of width 4 with a feed-forward layer of 16; attention for each token of a sequence; and
a head of 16 tokens."""
PRETRAINING = 3 * (WEIGHTS + 8 * ATTENTION + HEAD) * 4 * 10 * 8
"""4 epochs of 10 sequences of 8 tokens."""


def of(tmp_path: Path, variant: str, name: str, manifest: str = MANIFEST) -> Estimate:
    plan = Project(tmp_path, manifest).plan(variants=[variant], seeds=[1])
    return estimate(next(step for step in plan.steps if step.name == name))


def test_a_full_training_is_three_forward_passes_over_all_tokens(tmp_path: Path) -> None:
    """12 steps in batches of 4, the last of each epoch with 2 sequences."""
    found = of(tmp_path, "dense", "pretrain")
    assert found == Estimate(12, 4 * 10 * 8, PRETRAINING)


def test_frozen_weights_have_no_gradients_and_a_classifier_has_no_language_model_head(tmp_path: Path) -> None:
    manifest = MANIFEST.replace("    batch_size: 2\n", "    batch_size: 2\n    sequence_length: 8\n")
    found = of(tmp_path, "pruned", "finetune", manifest)
    tokens = 2 * 6 * 8
    assert (found.optimizer_steps, found.tokens, found.flops) == (6, tokens, (2 * WEIGHTS + 3 * 8 * ATTENTION) * tokens)
    assert found.at_most == "it may stop early and texts may be shorter than `sequence_length`"


def test_without_a_number_of_examples_it_is_unknown_and_says_why(tmp_path: Path) -> None:
    manifest = MANIFEST.replace(COUNTED, UNCOUNTED)
    assert of(tmp_path, "dense", "pretrain", manifest) == Estimate(unknown="datasets.manual states no `train_examples`")


def test_a_number_of_steps_needs_no_number_of_examples(tmp_path: Path) -> None:
    manifest = MANIFEST.replace(COUNTED, UNCOUNTED)
    found = of(tmp_path, "dense", "pretrain", manifest.replace("    epochs: 4\n", "    max_steps: 7\n"))
    assert (found.optimizer_steps, found.tokens) == (7, 7 * 4 * 8)


@pytest.mark.parametrize(("limit", "samples"), [(3, 3), (10, 10), (11, 10)])
def test_the_examples_are_the_fewer_of_those_that_are_there_and_those_that_are_used(
    tmp_path: Path, limit: int, samples: int
) -> None:
    manifest = MANIFEST.replace("language-reference, train", f"language-reference, limit: {limit}, train")
    assert of(tmp_path, "dense", "pretrain", manifest).tokens == 4 * samples * 8


def test_a_limit_alone_is_an_upper_bound(tmp_path: Path) -> None:
    manifest = MANIFEST.replace("language-reference, train_examples: 10", "language-reference, limit: 10")
    assert "fewer examples than its `limit`" in (of(tmp_path, "dense", "pretrain", manifest).at_most or "")


@pytest.mark.parametrize("missing", ["    vocabulary: 16\n", "    layers: 2\n"])
def test_without_a_size_the_flops_are_unknown_and_the_steps_are_not(tmp_path: Path, missing: str) -> None:
    manifest = (
        MANIFEST.replace(missing, "").replace("weights: random", "hub: a/b").replace("    parameters: 2608\n", "")
    )
    found = of(tmp_path, "dense", "pretrain", manifest)
    assert (found.optimizer_steps, found.tokens, found.flops) == (12, 320, None)
    assert found.unknown == "models.tiny states not all sizes that decide its FLOPs"


def test_what_does_not_train_takes_nothing(tmp_path: Path) -> None:
    assert of(tmp_path, "pruned", "prune") == Estimate(0, 0, 0)


def test_most_work_is_in_the_weights_where_sequences_are_short() -> None:
    """2N per token: Kaplan et al. 2020, section 2.1, whose attention term of 2 * layers * length * hidden counts one of
    the two products."""
    model = Model(family="gpt2", weights="random", layers=12, hidden=768, vocabulary=50257)
    weights = 12 * 12 * 768 * 768 + 50257 * 768
    forward = per_token(model, 1, language_model=True)
    assert forward == Forward(2 * weights, 12 * attention(768, 1))


@pytest.mark.parametrize(
    ("value", "said"),
    [(0, "0 FLOP"), (999, "999 FLOP"), (1000, "1 kFLOP"), (999_999, "1 MFLOP"), (15_800_000_000_000_000, "15.8 PFLOP")],
)
def test_large_numbers_are_short(value: int, said: str) -> None:
    assert short(value, "FLOP") == said


def test_tokens_are_short_too() -> None:
    assert short(43_123_456, "tokens") == "43.1M tokens"


# The command


def test_a_plan_for_people_says_what_it_takes_in_all(tmp_path: Path) -> None:
    out = Project(tmp_path).cli("plan", "--variant", "dense", "--seed", "1").out
    assert "12 optimizer steps, 320 tokens, " in out
    assert "12 optimizer steps and 320 tokens in 1 of 1 trainings" in out
    assert f"{short(PRETRAINING, 'FLOP')} of training in 1 of 1" in out


def test_a_plan_for_people_says_what_nobody_can_tell(tmp_path: Path) -> None:
    project = Project(tmp_path).replace(COUNTED, UNCOUNTED)
    out = project.cli("plan", "--variant", "pruned", "--seed", "1").out
    assert "dense · pretrain · tiny · seed 1, steps unknown" in out
    assert "in 1 of 3 trainings" in out
    assert "unknown: datasets.manual states no `train_examples`" in out


def test_a_plan_for_programs_has_the_same_and_null_for_what_is_unknown(tmp_path: Path) -> None:
    project = Project(tmp_path).replace(COUNTED, UNCOUNTED)
    steps = project.cli("plan", "--variant", "pruned", "--seed", "1", "--format", "json").json["steps"]
    found = {f"{step['variants'][0]} {step['step']}": step for step in steps}
    unknown = found["dense pretrain"]
    assert (unknown["optimizer_steps"], unknown["tokens"], unknown["training_flops"]) == (None, None, None)
    assert found["pruned prune"]["optimizer_steps"] == 0
    known = found["pruned finetune"]
    assert known["training_flops"] == (2 * WEIGHTS + 3 * 512 * ATTENTION) * known["tokens"]


def test_what_is_done_is_not_to_be_done(tmp_path: Path) -> None:
    from tests.support.evidence import Evidence

    project = Project(tmp_path)
    Evidence(project, variants=["dense"], seeds=[1])
    out = project.cli("plan", "--variant", "dense", "--seed", "1").out
    assert "1 steps: 1 done, 0 to run" in out
    assert "trainings" not in out


def test_a_step_is_estimated_once_for_each_task(tmp_path: Path) -> None:
    manifest = MANIFEST.replace("topics: {epochs: 2, metric: f1}", "topics: {epochs: 2}\n      manual: {epochs: 1}")
    steps = [step for step in Project(tmp_path, manifest).plan(seeds=[1]).steps if isinstance(step, Step) and step.task]
    assert [estimate(step).optimizer_steps for step in steps] == [6, 5]

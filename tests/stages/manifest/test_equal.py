"""Variants that must be alike: what the statement says of it, and what it leaves open, which is never a pass."""

from __future__ import annotations

from pathlib import Path

import pytest

from framework.conformance import Finding, Stage, Status
from tests.support.project import Project
from tests.support.statuses import codes, status_of

MANIFEST = """\
version: 1
paper: {title: A study}
models:
  tiny: {family: gpt2, weights: random, layers: 2, hidden: 4, vocabulary: 16, positions: 1024, tokenizer: bytes}
datasets:
  text: {builtin: language-reference, train_examples: 3200}
  other: {builtin: reference-topics, train_examples: 3200}
phases:
  pretrain:
    objective: causal_lm
    dataset: text
    optimizer: {name: adamw, learning_rate: 2e-4}
    batch_size: 32
    epochs: 5
    sequence_length: 8
    settings: {penalty: 0.1}
  more: {objective: causal_lm, dataset: text, optimizer: {learning_rate: 1e-4}, batch_size: 32, max_steps: 100,
         sequence_length: 8}
variants:
  A: {steps: [pretrain], settings: {tuning_trials: 100}}
  B: {steps: [{pretrain: {set: {SET}}}], settings: {tuning_trials: 100}}
rules:
  - equal: {variants: [A, B], of: [OF]}
configs:
  - {file: configs/pretrain.yaml, describes: phases.pretrain, keys: {objective: objective}}
"""
CLAUSE = "rules[0].equal.of"


def findings(made: Project) -> list[Finding]:
    """All but that no variant runs a phase here, and none reads a dataset."""
    return [finding for finding in made.check().findings if finding.code != "M180"]


def project(folder: Path, of: str, set_: str = "optimizer.eps: 1e-9", *changes: tuple[str, str]) -> Project:
    made = Project(folder, MANIFEST.replace("SET", set_).replace("OF", of), "objective: causal_lm\n")
    for old, new in changes:
        made.replace(old, new)
    return made


def status(made: Project) -> tuple[Status | None, str]:
    """The cell of the rule at the manifest stage, and its first reason that is no pass."""
    result = made.check()
    clause = next(each for each in result.matrix.clauses if each.id == CLAUSE)
    looks = [look for look in result.matrix.looks(clause, Stage.MANIFEST) if look.status is not Status.CONFORMS]
    return status_of(result, CLAUSE, Stage.MANIFEST), looks[0].reason if looks else ""


EQUAL = {
    "all that is counted": ("optimizer_steps, samples, tokens, flops, parameters, trainable_parameters, data", ""),
    "the same steps in another unit": ("optimizer_steps, tokens", "epochs: null, max_steps: 500"),
    "the same samples in another batch": ("samples, tokens, flops", "batch_size: 64"),
    "within a share": ("optimizer_steps], within: 1%, variants: [A, B", "epochs: null, max_steps: 505"),
    "within a number": ("optimizer_steps], within: 0.01, variants: [A, B", "epochs: null, max_steps: 495"),
    "a clause of a step": ("optimizer.learning_rate", "optimizer.learning_rate: 0.0002, epochs: 4"),
    "an own setting of a phase": ("settings.penalty", ""),
    "a whole section": ("schedule", ""),
    "an own setting of a variant": ("settings.tuning_trials", ""),
}


def written(of: str) -> tuple[str, tuple[tuple[str, str], ...]]:
    """A case whose `of` goes on with other keys of the rule: these are not stated twice."""
    return of, ((("variants: [A, B], of:", "of:"),) if "variants" in of else ())


@pytest.mark.parametrize("case", EQUAL)
def test_what_is_alike_conforms(tmp_path: Path, case: str) -> None:
    of, changes = written(EQUAL[case][0])
    made = project(tmp_path, of, EQUAL[case][1] or "optimizer.eps: 1e-9", *changes)
    assert status(made) == (Status.CONFORMS, "")
    assert findings(made) == []


APART = {
    # of, what the other variant sets, what the finding says
    "steps": ("optimizer_steps", "epochs: 6", "optimizer_steps, and state 500 and 600"),
    "beyond the share": (
        "optimizer_steps], within: 1%, variants: [A, B",
        "epochs: null, max_steps: 506",
        "within 1%, and state 500 and 506",
    ),
    "samples": ("samples", "epochs: 6", "samples, and state 16,000 and 19,200"),
    "tokens": ("tokens", "sequence_length: 16", "tokens, and state 128,000 and 256,000"),
    "flops": ("flops", "epochs: 6", "equal in flops"),
    "data by its name": ("data", "dataset: other", "data, and state dataset 'text' and 'other'"),
    "data by its order": ("data", "batch_size: 64", "data, and state batch_size 32 and 64"),
    "data by its sequences": ("data", "sequence_length: 16", "data, and state sequence_length 8 and 16"),
    "a clause": ("optimizer.learning_rate", "optimizer.learning_rate: 3e-4", "and state 0.0002 and 0.0003"),
    "an own setting": ("settings.penalty", "settings.penalty: 0.2", "settings.penalty, and state 0.1 and 0.2"),
}


@pytest.mark.parametrize("case", APART)
def test_what_is_apart_is_found_at_the_other_variant(tmp_path: Path, case: str) -> None:
    of, set_, message = APART[case]
    of, changes = written(of)
    made = project(tmp_path, of, set_, *changes).replace("  B:", "  «B:")
    (finding,) = findings(made)
    assert (finding.code, str(finding.location), finding.clause) == ("M113", made.place, CLAUSE)
    assert message in finding.message
    assert finding.advice


def test_variants_own_settings_that_differ_are_found(tmp_path: Path) -> None:
    made = project(tmp_path, "settings.tuning_trials").replace("penalty: 0.1", "penalty: 0.2")
    text = made.read()
    made.write("experiment.yaml", text[: text.rindex("100}")] + "200}" + text[text.rindex("100}") + 4 :])
    assert "state 100 and 200" in findings(made)[0].message


def test_what_a_variant_starts_from_is_counted_with_it(tmp_path: Path) -> None:
    """500 steps and 100 more are not 500, and what both start from is the same for both."""
    steps = "  B: {steps: [{pretrain: {set: {optimizer.eps: 1e-9}}}], settings: {tuning_trials: 100}}"
    made = project(tmp_path, "optimizer_steps", "optimizer.eps: 1e-9", (steps, "  B: {from: A, steps: [more]}"))
    assert "state 500 and 600" in findings(made)[0].message
    made.replace(
        "  A: {steps: [pretrain]",
        "  Z: {steps: [pretrain, {more: {set: {optimizer.eps: 1e-9}}}]}\n  A: {steps: [pretrain]",
    )
    made.replace("variants: [A, B]", "variants: [Z, B]")
    assert findings(made) == []


def test_a_share_is_of_all_that_was_spent(tmp_path: Path) -> None:
    """104 steps after 500 are within 1% of 100 after 500."""
    steps = "  B: {steps: [{pretrain: {set: {optimizer.eps: 1e-9}}}], settings: {tuning_trials: 100}}"
    both = "  B: {from: A, steps: [more]}\n  C: {from: A, steps: [{more: {set: {max_steps: 104}}}]}"
    made = project(
        tmp_path, "optimizer_steps", "optimizer.eps: 1e-9", (steps, both), ("[A, B], of", "[B, C], within: 1%, of")
    )
    assert findings(made) == []


NO_COUNT = ("{builtin: language-reference, train_examples: 3200}", "{builtin: language-reference}")
NO_BATCH = (("    batch_size: 32\n", ""),)
EPOCHS = "epochs: 5\n    sequence"
OPEN = {
    # of, what the other variant sets, changes, what is missing
    "the size of the data": ("optimizer_steps", "epochs: 6", (NO_COUNT,), "datasets.text states no `train_examples`"),
    "a length": (
        "tokens",
        "optimizer.eps: 1e-9",
        ((EPOCHS, "sequence"),),
        "phases.pretrain states no length",
    ),
    "a batch": ("samples", "epochs: 6", NO_BATCH, "phases.pretrain states no `batch_size`"),
    "a batch, for the order": ("data", "epochs: 6", NO_BATCH, "phases.pretrain states no batch_size"),
    "an early stop": (
        "optimizer_steps",
        "optimizer.eps: 1e-9",
        ((EPOCHS, "early_stopping: {metric: loss, patience: 2}\n    epochs: 5\n    sequence"),),
        "phases.pretrain may stop early",
    ),
    "a rounded length": (
        "optimizer_steps",
        "max_steps: 500",
        ((EPOCHS, "max_steps: about 500\n    sequence"),),
        "phases.pretrain.max_steps is rounded",
    ),
    "what is no token": (
        "tokens",
        "epochs: 6",
        (("objective: causal_lm\n", "objective: denoising\n"),),
        "the examples of phases.pretrain need not fill its sequences",
    ),
    "sizes": ("flops", "epochs: 6", (("layers: 2, ", ""),), "models.tiny states not all sizes that decide its FLOPs"),
    "an environment": (
        "optimizer_steps",
        "epochs: null, length: 5M environment steps",
        (),
        "phases.pretrain.length is stated in environment steps",
    ),
    "a model": ("parameters", "epochs: 6", (), "the manifest states no model"),
    "trained parameters": ("trainable_parameters", "settings.penalty: 0.2", (), "only the run tells"),
    "a clause": ("optimizer.weight_decay", "optimizer.weight_decay: 0.1", (), "states no optimizer.weight_decay"),
    "a clause in both": ("optimizer.momentum", "epochs: 6", (), "no step that both do states optimizer.momentum"),
}  # fmt: skip


@pytest.mark.parametrize("case", OPEN)
def test_what_is_not_known_is_unverified_with_what_is_missing(tmp_path: Path, case: str) -> None:
    of, set_, changes, missing = OPEN[case]
    made = project(tmp_path, of, set_, *changes)
    if case == "a model":
        text = made.read()
        made.write("experiment.yaml", text[: text.index("models:")] + text[text.index("datasets:") :])
    if case == "what is no token":
        made.config("causal_lm", "denoising")
    found, reason = status(made)
    assert found is Status.UNVERIFIED
    assert missing in reason
    assert "M113" not in codes(made.check())


def test_what_is_not_known_but_surely_alike_conforms(tmp_path: Path) -> None:
    """As many epochs of one dataset in one batch, however large it is."""
    made = project(tmp_path, "optimizer_steps, samples, tokens, flops", "optimizer.eps: 1e-9", NO_COUNT)
    assert status(made) == (Status.CONFORMS, "")


def test_a_method_that_one_has_and_the_other_has_not_is_apart(tmp_path: Path) -> None:
    masked = "{pretrain: {mask: {sdm: {target_sparsity: 0.5}}}}"
    made = project(tmp_path, "mask", "epochs: 5", ("{pretrain: {set: {epochs: 5}}}", masked))
    assert [each.code for each in findings(made)] == ["M113"]


def test_tasks_are_compared_each_with_its_own(tmp_path: Path) -> None:
    tasks = "tasks: {text: {epochs: 5}, other: {epochs: 6}}\n    optimizer: {name"
    made = project(
        tmp_path, "optimizer_steps", "optimizer.eps: 1e-9", ("    dataset: text\n    optimizer: {name", f"    {tasks}")
    )
    assert findings(made) == []
    made.replace("optimizer.eps: 1e-9", "tasks.other.epochs: 7")
    (finding,) = findings(made)
    assert "state 600 and 700 (other)" in finding.message


def test_a_grid_s_axis_makes_a_rule_for_each_of_its_values(tmp_path: Path) -> None:
    made = project(
        tmp_path, "optimizer_steps", "optimizer.eps: 1e-9", ("variants: [A, B]", "variants: [g/x/$n, g/y/$n]")
    )
    made.append(
        "grids:\n  g:\n    over: {m: {x: 3e-4, y: 4e-4}, n: [4, 5]}\n"
        "    steps: [{pretrain: {set: {optimizer.learning_rate: $m, epochs: $n}}}]\n"
    )
    assert findings(made) == []
    assert [rule.chosen[1].variants for rule in made.load().stated.rules] == [["g/x/4", "g/y/4"], ["g/x/5", "g/y/5"]]


def test_what_a_profile_makes_unequal_is_found(tmp_path: Path) -> None:
    made = project(tmp_path, "optimizer_steps")
    made.append('profiles:\n  smoke: {reason: small, set: {"variants.B.steps[0].pretrain.set": {epochs: 1}}}\n')
    assert [each.code for each in findings(made)] == ["M191"]
    made.replace('{"variants.B.steps[0].pretrain.set": {epochs: 1}}', "{phases.pretrain.epochs: 1}")
    assert findings(made) == []


@pytest.mark.parametrize(
    ("of", "said"),
    [
        ("«optimizer_step", "did you mean 'optimizer_steps'?"),
        ("«optimizer.learning_rat", "did you mean 'optimizer.learning_rate'?"),
        ("«nothing", "'nothing' is no budget, and no clause of these variants"),
    ],
)
def test_what_is_neither_a_budget_nor_a_clause_is_refused_at_its_place(tmp_path: Path, of: str, said: str) -> None:
    made = project(tmp_path, of)
    (problem,) = made.problems()
    assert problem.startswith(made.place)
    assert said in problem


@pytest.mark.parametrize(
    ("within", "said"), [("«1 percent", "not a share"), ("«100%", "less than 1"), ("«-1", "greater than or equal to 0")]
)
def test_a_tolerance_is_a_share(tmp_path: Path, within: str, said: str) -> None:
    made = project(tmp_path, "tokens", "epochs: 5", ("of: [tokens]", f"of: [tokens], within: {within}"))
    (problem,) = made.problems()
    assert problem.startswith(made.place)
    assert said in problem


def test_a_tolerance_of_nothing_that_is_counted_is_refused(tmp_path: Path) -> None:
    made = project(tmp_path, "data", "epochs: 5", ("of: [data]", "of: [data], within: 1%"))
    assert "`within` is about what is counted" in made.problems()[0]

"""Everything that is wrong with a manifest is told in one answer, and nothing that is only wrong because of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.project import Project

FAULTS = {
    # what is wrong: the text that is replaced, by what, and what is said of it
    "a value": ("epochs: 4\n", "epochs: some\n", "not 'some'"),
    "a key": ("sequence_length: 8", "sequence_len: 8", "unknown key 'sequence_len'"),
    "a key twice": ("    batch_size: 4\n", "    batch_size: 4\n    batch_size: 8\n", "stands twice"),
    "a unit": ("warmup: 20%", "warmup: 20 percents", "has no unit"),
    "a name of a dataset": ("dataset: manual", "dataset: manuel", "unknown dataset 'manuel'"),
    "a name of a step": ("steps: [pretrain]", "steps: [pretrian]", "unknown step 'pretrian'"),
    "a name of a parent": ("from: dense\n    steps: [{", "from: dence\n    steps: [{", "unknown variant 'dence'"),
    "a name in a rule": ("[masked, pruned]", "[masked, prunned]", "unknown variant 'prunned'"),
    "a formula": ("0.1 * learning_rate", "0.1 * learning_rat", "names 'learning_rat'"),
    "a binding": ("describes: phases.pretrain", "describes: phases.pretrian", "no clause 'phases.pretrian'"),
    "a tag": ("title: A small study", "title: !custom A small study", "a tag that a manifest cannot hold"),
}


def test_all_kinds_of_faults_at_once(tmp_path: Path) -> None:
    project = Project(tmp_path)
    for old, new, _ in FAULTS.values():
        project.replace(old, new)
    problems = project.problems()
    missing = [name for name, (_, _, said) in FAULTS.items() if not any(said in problem for problem in problems)]
    assert missing == []


@pytest.mark.parametrize("name", FAULTS)
def test_each_alone_is_told_once(tmp_path: Path, name: str) -> None:
    old, new, said = FAULTS[name]
    (problem,) = Project(tmp_path).replace(old, new).problems()
    assert said in problem


REFUSED = {
    # what else names the thing that is refused
    "a variant that rules and others name": ("    steps: [pretrain]", "    steps: pretrain"),
    "a dataset that a phase names": ("{builtin: language-reference,", "{builtin: 3,"),
    "a rate that a formula names": ("learning_rate: 2e-4", "learning_rate: fast"),
    "a phase that variants and bindings name": ("    objective: causal_lm", "    objectives: causal_lm"),
    "a task that runs": ("topics: {epochs: 2,", "topics: {epoch: 2,"),
    "the models": ("    family: gpt2", "    famly: gpt2"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_nothing_is_said_of_what_names_the_refused(tmp_path: Path, name: str) -> None:
    (problem,) = Project(tmp_path).replace(*REFUSED[name]).problems()
    assert "unknown " not in problem.replace("unknown key", "")


def test_places_are_those_of_the_manifest_also_after_a_refused_item(tmp_path: Path) -> None:
    project = Project(tmp_path).replace("  - iso_sparsity: {variants: [masked, pruned], scope: layer}", "  - iso: 1")
    project.replace("variants: [dense, masked], clauses", "variants: [dense, «maskd], clauses")
    assert any(problem.startswith(f"{project.place}: ") for problem in project.problems())


def test_the_grid_of_a_refused_axis_leaves_no_false_names(tmp_path: Path) -> None:
    grid = "grids:\n  g:\n    axes: {level: [0.1, 0.2]}\n    name: g/$levl\n    variant: {steps: [pretrain]}\n"
    project = Project(tmp_path).append(grid).replace("variants: [dense, masked]", "variants: [dense, g/0.1]")
    assert not any("unknown variant" in problem for problem in project.problems())


def test_claims_and_bindings_in_one_answer(tmp_path: Path) -> None:
    project = Project(tmp_path).replace("perplexity(masked)", "perplexity(nobody)")
    err = project.replace("optim.lr: optimizer.learning_rate", "optim.lr: optimizer.lr").cli("check").err
    assert "nobody" in err
    assert "no clause 'optimizer.lr'" in err


def test_what_is_below_a_refused_part_is_not_called_unknown_too(tmp_path: Path) -> None:
    """A phase whose values are refused is there: who names it, or a clause of it, names something."""
    text = (
        "version: 1\npaper: {title: A study, sources: {phases.p.epochs: table 1}}\n"
        "phases:\n  p: {objective: causal_lm, optimizer: {name: adamw, learning_rate: fast}, epochs: 3}\n"
        "variants:\n  v: {steps: [q]}\n"
        "configs:\n  - {file: a.yaml, describes: phases.p}\n  - {file: b.yaml, describes: phases.r}\n"
        "waivers: [{clause: phases.p.optimizer, reason: r, owner: o, until: 2099-01-01}]\n"
    )
    told = Project(tmp_path, text).problems()
    assert [line for line in told if "no clause 'phases.p" in line] == []
    assert len([line for line in told if "no clause 'phases.r'" in line]) == 1
    assert len([line for line in told if "unknown step 'q'" in line]) == 1
    assert len([line for line in told if "'fast'" in line]) == 1

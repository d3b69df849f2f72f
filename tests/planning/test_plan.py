"""From variants to the graph of steps."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from framework.errors import InputError, UsageError
from framework.planning.steps import Step, Training
from tests.support.project import MANIFEST, Project


def labels(steps: list[Step] | tuple[Step, ...]) -> list[str]:
    return [f"{step.variant} {step.name}" + (f" {step.task}" if step.task else "") for step in steps]


def one_seed(tmp_path: Path) -> Project:
    return Project(tmp_path, MANIFEST.replace("seeds: [1, 2, 3]", "seeds: [1]"))


def test_each_step_comes_after_those_it_reads(tmp_path: Path) -> None:
    seen: set[str] = set()
    for step in Project(tmp_path).plan().steps:
        assert step.parent is None or step.parent in seen
        assert set(step.references.values()) <= seen
        seen.add(step.key)


def test_what_several_variants_share_is_one_step(tmp_path: Path) -> None:
    plan = one_seed(tmp_path).plan()
    assert labels(plan.steps) == [
        "dense pretrain",
        "masked pretrain",
        "reordered permute",
        "pruned prune",
        "pruned finetune topics",
    ]
    dense = plan.steps[0]
    assert {step.parent for step in plan.steps if step.name in ("permute", "prune")} == {dense.key}


def test_two_variants_that_state_the_same_steps_share_them(tmp_path: Path) -> None:
    project = one_seed(tmp_path).replace("variants:\n", "variants:\n  again:\n    steps: [pretrain]\n")
    step = project.plan().steps[0]
    assert step.variants == ("again", "dense")
    assert step.variant == "again"


def test_a_step_starts_from_the_last_checkpoint_of_the_variant_it_is_from(tmp_path: Path) -> None:
    plan = one_seed(tmp_path).plan()
    dense, _, _, prune, finetune = plan.steps
    assert (dense.parent, prune.parent, finetune.parent) == (None, dense.key, prune.key)
    assert [step.depth for step in plan.steps] == [0, 0, 1, 1, 2]
    assert [step.index for step in plan.steps] == [0, 0, 0, 0, 1]


def test_same_as_refers_to_the_checkpoint_of_the_same_model_and_seed(tmp_path: Path) -> None:
    plan = Project(tmp_path).plan()
    for step in plan.steps:
        if step.name == "prune":
            reference = plan.step(step.references["same_as"])
            assert (reference.variant, reference.model_name, reference.seed) == ("masked", step.model_name, step.seed)


def test_same_as_refers_to_the_last_step_of_a_variant(tmp_path: Path) -> None:
    project = one_seed(tmp_path).replace("{same_as: masked}", "{same_as: reordered}")
    plan = project.plan()
    prune = next(step for step in plan.steps if step.name == "prune")
    assert plan.step(prune.references["same_as"]).name == "permute"


def test_same_as_with_a_variant_that_ends_once_for_each_task_is_refused(tmp_path: Path) -> None:
    variants = "  tuned: {from: dense, steps: [finetune]}\n  pruned:\n"
    project = one_seed(tmp_path).replace("  pruned:\n", variants).replace("{same_as: masked}", "{same_as: «tuned}")
    with pytest.raises(InputError, match="'tuned' ends in one checkpoint for each task") as failure:
        project.plan()
    assert project.place in str(failure.value)


def two_tasks(tmp_path: Path) -> Project:
    return one_seed(tmp_path).replace(
        "topics: {epochs: 2, metric: f1}", "topics: {epochs: 2, metric: f1}\n      manual: {epochs: 1, batch_size: 3}"
    )


def test_a_phase_with_tasks_is_one_step_for_each(tmp_path: Path) -> None:
    plan = two_tasks(tmp_path).plan(variants=["pruned"])
    tasks = [step for step in plan.steps if step.task]
    assert [step.task for step in tasks] == ["topics", "manual"]
    works = [step.work for step in tasks]
    assert all(isinstance(work, Training) for work in works)
    facts = [(work.dataset_name, work.phase.epochs, work.phase.batch_size) for work in works]  # type: ignore[union-attr]
    assert facts == [("topics", 2, 2), ("manual", 1, 3)]


def test_a_step_after_the_tasks_is_made_for_each_of_them(tmp_path: Path) -> None:
    project = two_tasks(tmp_path).replace(
        "rules:\n", "  late: {from: pruned, steps: [finetune, {permute: csp}]}\nrules:\n"
    )
    plan = project.plan(variants=["late"])
    late = [step for step in plan.steps if step.variants == ("late",)]
    assert [(step.name, step.task) for step in late] == [
        ("finetune", "topics"),
        ("finetune", "manual"),
        ("permute", "topics"),
        ("permute", "manual"),
    ]
    for step in late:
        assert step.parent is not None
        assert plan.step(step.parent).task == step.task


def test_the_final_steps_of_a_variant_are_its_checkpoints(tmp_path: Path) -> None:
    plan = two_tasks(tmp_path).plan()
    assert [(step.name, step.task) for step in plan.final("pruned")] == [("finetune", "topics"), ("finetune", "manual")]
    assert [step.name for step in plan.final("dense")] == ["pretrain"]


# Selections


def test_a_selection_holds_what_its_variants_need(tmp_path: Path) -> None:
    plan = one_seed(tmp_path).plan(variants=["pruned"])
    assert labels(plan.steps) == ["dense pretrain", "masked pretrain", "pruned prune", "pruned finetune topics"]


def test_an_empty_choice_means_all(tmp_path: Path) -> None:
    project = Project(tmp_path)
    everything = project.plan()
    named = project.plan(variants=["dense", "masked", "reordered", "pruned"], models=["tiny"], seeds=[1, 2, 3])
    assert {step.key for step in everything.steps} == {step.key for step in named.steps}
    assert len(everything.steps) == 15


@pytest.mark.parametrize(
    ("selection", "count"),
    [
        ({"variants": ["dense"]}, 3),
        ({"seeds": [2]}, 5),
        ({"variants": ["dense", "masked"], "seeds": [1, 3]}, 4),
        ({"tasks": ["topics"], "variants": ["pruned"], "seeds": [1]}, 4),
    ],
)
def test_a_selection_narrows_the_plan(tmp_path: Path, selection: dict[str, Any], count: int) -> None:
    plan = Project(tmp_path).plan(**selection)
    assert len(plan.steps) == count
    assert {step.seed for step in plan.steps} == set(selection.get("seeds", [1, 2, 3]))


def test_a_selection_of_tasks_leaves_the_others_out(tmp_path: Path) -> None:
    plan = two_tasks(tmp_path).plan(tasks=["manual"])
    assert {step.task for step in plan.steps} == {None, "manual"}


def test_a_selection_changes_no_key(tmp_path: Path) -> None:
    project = two_tasks(tmp_path)
    everything = {step.key for step in project.plan().steps}
    assert {step.key for step in project.plan(variants=["pruned"], tasks=["manual"]).steps} <= everything


@pytest.mark.parametrize(
    ("selection", "words"),
    [
        ({"variants": ["Dense"]}, "unknown variant 'Dense': did you mean 'dense'"),
        ({"models": ["huge"]}, "unknown model 'huge': known: tiny"),
        ({"tasks": ["topic"]}, "unknown task 'topic': did you mean 'topics'"),
    ],
)
def test_a_selection_of_what_is_not_stated_is_refused(tmp_path: Path, selection: dict[str, Any], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        Project(tmp_path).plan(**selection)


# A variant's own settings


def own(tmp_path: Path, settings: str) -> Training:
    project = one_seed(tmp_path).replace("steps: [pretrain]", f"steps: [{{pretrain: {{set: {settings}}}}}]")
    work = project.plan(variants=["dense"]).steps[0].work
    assert isinstance(work, Training)
    return work


@pytest.mark.parametrize(
    "settings",
    [
        "{optimizer.learning_rate: 1e-3}",
        "{optimizer: {learning_rate: 1e-3}}",
        "{'optimizer.\"learning_rate\"': 1e-3}",
    ],
)
def test_a_variant_may_set_what_its_phase_states_otherwise(tmp_path: Path, settings: str) -> None:
    work = own(tmp_path, settings)
    assert work.phase.optimizer.learning_rate == 1e-3
    assert work.phase.optimizer.weight_decay == 0.1
    assert work.phase.min_learning_rate() == pytest.approx(1e-4)


def test_settings_hold_together_and_not_one_by_one(tmp_path: Path) -> None:
    work = own(tmp_path, "{epochs: null, max_steps: 7}")
    assert (work.phase.epochs, work.phase.max_steps) == (None, 7)


def test_a_setting_may_name_another_dataset(tmp_path: Path) -> None:
    assert own(tmp_path, "{dataset: topics}").dataset.labels == 2


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ("{optimizer.learning_rat: «1}", "unknown key 'learning_rat' in optimizer"),
        ("{optimizer.learning_rate: «fast}", "optimizer.learning_rate: input should be a valid number"),
        ("{optimiser.learning_rate: «1}", "'optimiser.learning_rate' is not in the manifest"),
        ("{max_steps: «7}", "give one of epochs and max_steps"),
        ("{momentum: «null}", "there is nothing to remove"),
    ],
)
def test_a_setting_that_a_phase_does_not_take_is_refused(tmp_path: Path, settings: str, words: str) -> None:
    project = one_seed(tmp_path).replace("steps: [pretrain]", f"steps: [{{pretrain: {{set: {settings}}}}}]")
    outcome = project.cli("plan")
    assert outcome.code == 2
    assert words in outcome.err
    assert outcome.err.startswith(f"{project.place.rsplit(':', 1)[0]}:")


# Folders


def test_a_run_folder_says_what_is_in_it(tmp_path: Path) -> None:
    step = next(step for step in one_seed(tmp_path).plan().steps if step.task)
    assert step.folder == f"pruned.1-finetune.topics.tiny.seed1.{step.key[:10]}"


@pytest.mark.parametrize("name", ["../dense", "a/b", "a\\b", "/tmp"])
def test_a_run_folder_lies_right_below_the_runs_whatever_names_hold(tmp_path: Path, name: str) -> None:
    project = one_seed(tmp_path).replace("variants:\n", f"variants:\n  '{name}': {{steps: [pretrain]}}\n")
    step = project.plan().steps[0]
    assert step.variant == name
    assert Path(step.folder).name == step.folder
    assert ".." not in Path(step.folder).parts
    assert "\\" not in step.folder


# Knobs


def test_knobs_come_from_the_bound_files(tmp_path: Path) -> None:
    plan = one_seed(tmp_path).plan()
    assert plan.steps[0].knobs.micro_batch_size == 1
    assert plan.steps[-1].knobs.micro_batch_size is None


@pytest.mark.parametrize("value", ["fast", "1.5", "true", "[1]", "'${MICRO}'"])
def test_a_knob_of_another_kind_is_refused_at_its_place(tmp_path: Path, value: str) -> None:
    project = Project(tmp_path).config("micro: 1", f"micro: «{value}")
    outcome = project.cli("plan")
    assert outcome.code == 2
    assert outcome.err.startswith(f"{project.place}: error: micro_batch_size: ")


def test_a_knob_with_two_values_is_refused_with_both_places(tmp_path: Path) -> None:
    project = Project(tmp_path).append("  - {file: configs/b.yaml, knobs: {micro: micro_batch_size}}\n")
    project.write("configs/b.yaml", "micro: «2\n")
    outcome = project.cli("plan")
    assert outcome.code == 2
    assert outcome.err.startswith(f"{project.place}: error: micro_batch_size is 2 here and 1 at configs/pretrain.yaml:")


# Profiles


def test_steps_under_a_profile_say_so_and_are_other_runs(tmp_path: Path) -> None:
    project = one_seed(tmp_path).append("profiles:\n  small: {reason: quick, set: {phases.pretrain.epochs: 1}}\n")
    stated, small = project.plan(), project.plan(profile="small")
    assert {step.profile for step in stated.steps} == {None}
    assert {step.profile for step in small.steps} == {"small"}
    assert not {step.key for step in stated.steps} & {step.key for step in small.steps}


def test_the_folder_of_a_long_name_fits_into_a_file_system(tmp_path: Path) -> None:
    name = "a" * 300
    plan = one_seed(tmp_path).replace("variants:\n", f"variants:\n  {name}:\n    steps: [pretrain]\n").plan()
    step = next(each for each in plan.steps if name in each.variants)
    (tmp_path / step.folder).mkdir()
    assert step.folder.endswith(f".{step.key[:10]}")

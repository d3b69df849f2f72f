"""The study of `examples/sparse_lora`: what it declares, what of that is one run, and what holds it together."""

from __future__ import annotations

import json
import runpy
import shutil
from collections.abc import Iterator
from contextlib import chdir
from pathlib import Path
from typing import Any

import pytest

from framework.conformance import Stage, Status
from framework.errors import InputError
from framework.manifest.experiment import Experiment
from framework.manifest.loading import load
from framework.manifest.sections.methods import Prune
from framework.manifest.sections.statements import DifferOnlyIn, IsoSparsity
from framework.planning.build import build
from framework.planning.sharing import coinciding, declared_runs, distinct_runs
from framework.planning.steps import Training
from framework.stages.check import check
from tests.support.project import Project

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "sparse_lora"
METHODS, MODES = ("unstructured", "structured", "random"), ("sparse_to_dense", "sparse_to_sparse")
LEVELS = ("0", *(f"0.{tenth}" for tenth in range(1, 10)))


class Copy(Project):
    """The example's files in a folder of its own, to break."""

    def __init__(self, root: Path):
        self.root = root
        for name in ("configs", "smoke"):
            shutil.copytree(EXAMPLE / name, root / name)
        shutil.copy(EXAMPLE / "experiment.yaml", root)


@pytest.fixture
def project(tmp_path: Path) -> Copy:
    return Copy(tmp_path)


@pytest.fixture(scope="module")
def experiment() -> Iterator[Experiment]:
    with chdir(EXAMPLE):
        yield load()


def test_two_models_three_tasks_three_methods_ten_levels_and_two_modes_are_360_runs(experiment: Experiment) -> None:
    manifest = experiment.manifest
    assert sorted(model.family for model in manifest.models.values()) == ["llama", "mistral"]
    assert list(manifest.phases["finetune"].tasks) == ["boolq", "hellaswag", "gsm8k"]
    assert list(manifest.variants) == [f"sparse/{a}/{b}/{c}" for a in METHODS for b in LEVELS for c in MODES]
    assert declared_runs(build(experiment)) == 2 * 3 * 3 * 10 * 2 == 360


def test_without_zeros_methods_and_modes_are_one_run(experiment: Experiment) -> None:
    """Six declared runs are one for each model and task: 360 are 360 - 2 * 3 * 5."""
    plan = build(experiment)
    assert distinct_runs(plan) == 330
    assert coinciding(plan) == [tuple(f"sparse/{method}/0/{mode}" for method in METHODS for mode in MODES)]


def test_the_modes_share_what_is_pruned_and_differ_in_the_adapter_alone(experiment: Experiment) -> None:
    plan = build(experiment)
    prunes = [step for step in plan.steps if isinstance(step.work, Prune)]
    assert len(prunes) == 2 * (1 + 3 * 9)
    trained = {
        step.variant: step
        for step in plan.steps
        if (step.model_name, step.task) == ("llama", "boolq") and isinstance(step.work, Training)
    }
    one, other = (trained[f"sparse/structured/0.5/{mode}"] for mode in MODES)
    assert one.parent == other.parent
    assert one.key != other.key
    first, second = (json.loads(json.dumps(step.identity)) for step in (one, other))
    assert [first["does"]["adapter"]["lora"].pop("mode"), second["does"]["adapter"]["lora"].pop("mode")] == list(MODES)
    assert first == second


def test_the_plan_says_how_many_coincide_and_which(project: Copy) -> None:
    told = project.cli("plan").out
    assert "360 declared runs are 330: these variants coincide, and run once" in told
    line = told.splitlines()[-1]
    assert line.startswith("  sparse/unstructured/0/sparse_to_dense = sparse/unstructured/0/sparse_to_sparse = ")
    assert line.endswith(" and 2 more")


def test_the_rules_are_one_for_each_level_and_for_each_pair_of_modes(experiment: Experiment) -> None:
    rules = [rule.chosen[1] for rule in experiment.manifest.rules]
    equal = [rule for rule in rules if isinstance(rule, IsoSparsity)]
    assert len(equal) == len(LEVELS)
    for level, rule in zip(LEVELS, equal, strict=True):
        assert rule.scope == "layer"
        assert rule.variants == [f"sparse/{a}/{level}/{b}" for a in ("unstructured", "random") for b in MODES]
    pairs = [rule.variants for rule in rules if isinstance(rule, DifferOnlyIn)]
    assert pairs == [[f"sparse/{a}/{b}/{mode}" for mode in MODES] for a in METHODS for b in LEVELS]


def test_it_conforms_and_every_key_is_bound(project: Copy) -> None:
    done = project.cli("check")
    assert done.code == 0, done.out
    assert "506 of 506 keys bound, 100 %" in done.out
    assert "0 violated" in done.out


def test_the_cerebras_configs_are_what_the_manifest_exports(project: Copy) -> None:
    done = project.cli("export", "cerebras", "--variant", "sparse/unstructured/0.5/sparse_to_dense")
    assert done.code == 0, done.err
    assert done.out.count("as it was configs/cerebras/") == 6
    drifted = next((project.root / "configs/cerebras").glob("*gsm8k.mistral*.yaml"))
    drifted.write_text(drifted.read_text().replace("r: 16\n", "r: 8\n"))
    broken = project.cli("check")
    assert broken.code == 1
    assert f"{drifted.relative_to(project.root)}:" in broken.out
    assert "lora.rank = 16" in broken.out


def test_what_the_grid_states_once_is_held_in_all_its_variants(project: Copy) -> None:
    with chdir(project.root):
        result = check(load())
    seen = {clause.path[2:]: set() for clause in result.matrix.clauses if clause.section == "variants"}  # type: ignore[var-annotated]
    for clause in result.matrix.clauses:
        if clause.section == "variants":
            seen[clause.path[2:]].add(result.matrix.status(clause, Stage.CONFIG))
    held = {path: statuses for path, statuses in seen.items() if path[-1] != "description"}
    assert set(map(frozenset, held.values())) == {frozenset({Status.CONFORMS})}


@pytest.mark.parametrize(
    ("file", "old", "new", "clause"),
    [
        ("configs/finetune.yaml", "learning_rate: 2.0e-4\nweight", "learning_rate: «3.0e-4\nweight", "phases.finetune"),
        ("configs/lora_sparse_to_sparse.json", '"r": 16', '"r": «8', "adapter.lora.rank = 16"),
        (
            "configs/lora_sparse_to_sparse.json",
            '"sparse_to_sparse"',
            '«"sparse_to_dense"',
            "lora.mode = 'sparse_to_sparse'",
        ),
        ("configs/pruning.yaml", "0.8, 0.9]", "«0.85, 0.9]", '"sparse/unstructured/0.8/sparse_to_dense"'),
        ("configs/pruning.yaml", "structure: channel", "structure: «output", "prune.structure = 'channel'"),
    ],
)
def test_a_value_that_drifted_is_named_once_with_its_file_and_line(
    project: Copy, file: str, old: str, new: str, clause: str
) -> None:
    project.replace(old, new, file)
    done = project.cli("check")
    assert done.code == 1
    assert f"--> {project.place}" in done.out
    assert clause in done.out
    assert done.out.count("error[C101]") == 1


def test_configs_of_two_modes_that_say_the_same_are_found(project: Copy) -> None:
    project.replace('"sparse_to_sparse"', '"sparse_to_dense"', "configs/lora_sparse_to_sparse.json")
    assert "error[C150] identical-files: configs/lora_sparse_to_sparse.json" in project.cli("check").out


def test_a_level_that_only_one_method_has_breaks_the_rule_of_that_level(project: Copy) -> None:
    """Written out: a grid cannot state it, a variant beside the grid can."""
    project.replace(
        "variants: {}",
        "variants:\n"
        "  other:\n"
        "    steps:\n"
        "      - prune: {score: random, scope: layer, sparsity: 0.45, tensors: [gate_proj, up_proj, down_proj]}",
    )
    project.replace("        - sparse/random/$sparsity/sparse_to_dense\n", "        - other\n")
    done = project.cli("check", "--select", "M150", "--format", "json")
    found = [finding["message"] for finding in done.json["findings"]]
    assert len(found) == len(LEVELS)
    assert all("other" in message and "equally sparse" in message for message in found)


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("- sparse/random/$sparsity/sparse_to_dense", "- «sparse/random/$sparsty/sparse_to_dense", "did you mean"),
        ("- sparse/random/$sparsity/sparse_to_dense", "- «sparsed/random/$sparsity/x", "begin the name with"),
    ],
)
def test_an_axis_that_no_grid_has_is_refused_at_its_place(project: Copy, old: str, new: str, told: str) -> None:
    project.replace(old, new)
    with chdir(project.root), pytest.raises(InputError) as refused:
        load()
    (problem,) = refused.value.problems
    assert str(problem.location) == project.place
    assert told in str(problem)


def test_without_a_hub_it_is_refused_with_the_profile_that_works(project: Copy) -> None:
    refused = project.cli("run", "--all")
    assert refused.code == 2
    for words in ("models.llama.hub = meta-llama/Llama-3.2-1B", "datasets.hellaswag.hub = Rowan/hellaswag"):
        assert words in refused.err
    assert "--profile smoke" in refused.err
    assert not project.path("runs").exists()


def test_a_set_that_is_not_there_is_named_with_the_files_that_would_do(project: Copy) -> None:
    refused = project.cli("run", "--profile", "local", "--task", "hellaswag", "--variant", "sparse/random/0.5/*")
    assert refused.code == 2
    assert "datasets.hellaswag.path = data/hellaswag" in refused.err
    assert "one of train.jsonl, " in refused.err
    assert "--profile smoke" in refused.err


def test_the_made_up_questions_are_what_their_program_writes() -> None:
    made = runpy.run_path(str(EXAMPLE / "smoke" / "make.py"))
    for name in ("boolq", "hellaswag", "gsm8k"):
        written = {path.name: path.read_text("utf-8") for path in (EXAMPLE / "smoke" / name).iterdir()}
        assert made["text"](name) == written


def test_hub_files_of_hellaswag_are_read_under_the_local_profile(project: Copy) -> None:
    """The published schema, with the columns that are not used here beside."""
    from runners.data.corpus import split_of
    from runners.data.prompts import questions

    row: dict[str, Any] = {
        "ind": 4, "activity_label": "Removing ice", "ctx_a": "A man", "ctx_b": "he", "ctx": "A man is there. he",
        "endings": ["sleeps.", "runs.", "sings.", "scrapes."], "source_id": "a~b", "split": "train",
        "split_type": "indomain", "label": "3",
    }  # fmt: skip
    for split in ("train", "validation"):
        project.write(f"data/hellaswag/{split}.jsonl", json.dumps(row) + "\n")
    with chdir(project.root):
        dataset = load(profile="local").manifest.datasets["hellaswag"]
    (question,) = questions(dataset, split_of("hellaswag", dataset, "train", project.root))
    assert question.prompt == "Removing ice: A man is there. he"
    assert question.answer == " scrapes."
    assert question.right == 3

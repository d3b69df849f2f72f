"""A binding that captures parts of file names is one binding for each that they name."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.project import Project

MANIFEST = """\
version: 1
paper: {title: A grid}
models: {llama: {layers: 2}, mistral: {layers: 4}}
datasets: {boolq: {}, sst_2: {}, gsm8k: {}}
phases:
  tune:
    tasks:
      boolq: {epochs: 3}
      sst_2: {epochs: 5}
      gsm8k: {epochs: 8}
    optimizer: {name: adamw, learning_rate: 1e-4}
    batch_size: 16
variants:
  sparse/lora: {steps: [tune]}
  sparse/full: {steps: [{tune: {set: {optimizer.learning_rate: 1e-5}}}]}
configs:
"""
BINDING = """\
  - file: configs/{model}/{task}_{mode}.yaml
    describes: phases.tune.tasks.{task}
    variant: sparse/{mode}
    model: "{model}"
    keys: {lr: optimizer.learning_rate, epochs: epochs, layers: "models.{model}.layers"}
"""
EPOCHS = {"boolq": 3, "sst_2": 5, "gsm8k": 8}
RATES = {"lora": "1e-4", "full": "1e-5"}
LAYERS = {"llama": 2, "mistral": 4}


def grid(folder: Path, binding: str = BINDING, name: str = "configs/{model}/{task}_{mode}.yaml") -> Project:
    """A file for each model, task and mode, all as the manifest states them."""
    project = Project(folder, MANIFEST + binding)
    project.path("configs/pretrain.yaml").unlink()
    for model, layers in LAYERS.items():
        for task, epochs in EPOCHS.items():
            for mode, rate in RATES.items():
                file = name.format(model=model, task=task, mode=mode)
                project.write(file, f"lr: {rate}\nepochs: {epochs}\nlayers: {layers}\n")
    return project


def drifted(project: Project) -> list[tuple[str, str]]:
    return [(str(finding.location), str(finding.clause)) for finding in project.check().findings]


def test_each_file_is_held_to_what_its_name_says(tmp_path: Path) -> None:
    project = grid(tmp_path)
    assert drifted(project) == []
    summary = project.check().summary()
    assert (summary["files"], summary["unbound"]) == (12, 0)


@pytest.mark.parametrize(
    ("file", "old", "new", "clause"),
    [
        ("configs/llama/boolq_lora.yaml", "epochs: 3", "epochs: 5", "phases.tune.tasks.boolq.epochs"),
        ("configs/mistral/sst_2_full.yaml", "epochs: 5", "epochs: 3", "phases.tune.tasks.sst_2.epochs"),
        (
            "configs/llama/gsm8k_full.yaml",
            "lr: 1e-5",
            "lr: 2e-5",
            'variants.sparse/full.steps[0].tune.set."optimizer.learning_rate"',
        ),
        ("configs/mistral/gsm8k_lora.yaml", "lr: 1e-4", "lr: 2e-4", "phases.tune.optimizer.learning_rate"),
        ("configs/mistral/boolq_lora.yaml", "layers: 4", "layers: 2", "models.mistral.layers"),
    ],
)
def test_a_file_of_another_name_would_be_right(tmp_path: Path, file: str, old: str, new: str, clause: str) -> None:
    project = grid(tmp_path).replace(old, new, file)
    assert [(place.partition(":")[0], about) for place, about in drifted(project)] == [(file, clause)]


def test_a_name_is_taken_apart_as_the_manifest_has_it(tmp_path: Path) -> None:
    """`sst_2_lora` is the task `sst_2`, and not `sst` of the mode `2_lora`."""
    project = grid(tmp_path).replace("epochs: 5", "epochs: 6", "configs/llama/sst_2_lora.yaml")
    assert [about for _, about in drifted(project)] == ["phases.tune.tasks.sst_2.epochs"]


def test_file_names_may_have_words_of_their_own(tmp_path: Path) -> None:
    binding = BINDING.replace("    describes", "    captures: {task: {qa: boolq, glue: sst_2}}\n    describes")
    project = grid(tmp_path, binding)
    for model in LAYERS:
        for mode in RATES:
            for word, task in {"qa": "boolq", "glue": "sst_2"}.items():
                project.path(f"configs/{model}/{task}_{mode}.yaml").rename(
                    project.path(f"configs/{model}/{word}_{mode}.yaml")
                )
    assert drifted(project) == []
    project.replace("epochs: 3", "epochs: 5", "configs/llama/qa_lora.yaml")
    assert [about for _, about in drifted(project)] == ["phases.tune.tasks.boolq.epochs"]


def test_a_list_leaves_the_other_files_alone(tmp_path: Path) -> None:
    binding = BINDING.replace("    describes", "    captures: {task: [boolq, gsm8k]}\n    describes")
    project = grid(tmp_path, binding).replace("epochs: 5", "epochs: 6", "configs/llama/sst_2_lora.yaml")
    assert project.check().summary()["files"] == 8
    assert drifted(project) == []


def test_one_capture_twice_is_one_word(tmp_path: Path) -> None:
    binding = BINDING.replace("{model}/{task}_", "{model}/{model}-{task}_")
    project = grid(tmp_path, binding, "configs/{model}/{model}-{task}_{mode}.yaml")
    project.write("configs/llama/mistral-boolq_lora.yaml", "lr: 7\n")
    assert (project.check().summary()["files"], drifted(project)) == (12, [])


def test_wildcards_beside_captures(tmp_path: Path) -> None:
    binding = BINDING.replace("configs/{model}/{task}_{mode}.yaml", "conf*/**/{model}/{task}_{mode}.y*ml")
    project = grid(tmp_path, binding, "configs/a/b/{model}/{task}_{mode}.yml")
    project.replace("epochs: 3", "epochs: 5", "configs/a/b/llama/boolq_full.yml")
    assert [about for _, about in drifted(project)] == ["phases.tune.tasks.boolq.epochs"]


def test_every_name_that_the_manifest_does_not_have_is_said(tmp_path: Path) -> None:
    project = grid(tmp_path)
    project.write("configs/llama/boolk_lora.yaml", "lr: 1e-4\n")
    project.write("configs/lama/boolq_lora.yaml", "lr: 1e-4\n")
    outcome = project.cli("check")
    assert outcome.code == 2
    assert "configs/llama/boolk_lora.yaml is bound, and no clause 'phases.tune.tasks.boolk'" in outcome.err
    assert "did you mean 'phases.tune.tasks.boolq'?" in outcome.err
    assert "configs/lama/boolq_lora.yaml is bound, and unknown model 'lama'" in outcome.err
    assert "`captures`" in outcome.err


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("variant: sparse/{mode}", "variant: sparse/{mod}", "captures no {mod}; it has {model}, {task}, {mode}"),
        ("{task}_{mode}", "{task}{mode}", "two captures beside each other"),
        ("    variant", "    captures: {tsk: [boolq]}\n    variant", "`captures` names {tsk}"),
    ],
)
def test_a_capture_that_cannot_be_is_refused_where_it_stands(tmp_path: Path, old: str, new: str, said: str) -> None:
    (problem,) = grid(tmp_path, BINDING.replace(old, new)).problems()
    assert said in problem
    assert "experiment.yaml:17:5: " in problem


def test_names_that_are_none_in_the_list_bind_nothing(tmp_path: Path) -> None:
    binding = BINDING.replace("    describes", "    captures: {task: [none]}\n    describes")
    assert "matches no file with these `captures`" in grid(tmp_path, binding).cli("check").err


def test_a_drifted_file_is_mended(tmp_path: Path) -> None:
    project = grid(tmp_path).replace("epochs: 8", "epochs: 9", "configs/mistral/gsm8k_full.yaml")
    assert project.cli("check", "--fix").code == 0
    assert "epochs: 8" in project.read("configs/mistral/gsm8k_full.yaml")


def test_knobs_are_those_of_the_variants_own_files(tmp_path: Path) -> None:
    binding = BINDING + "    knobs: {micro: micro_batch_size}\n"
    project = grid(tmp_path, binding)
    for model in LAYERS:
        for task in EPOCHS:
            project.append("micro: 4\n", f"configs/{model}/{task}_lora.yaml")
            project.append("micro: 2\n", f"configs/{model}/{task}_full.yaml")
    steps = {step.variant: step.knobs.micro_batch_size for step in project.plan().steps}
    assert steps == {"sparse/lora": 4, "sparse/full": 2}


@pytest.mark.parametrize("name", ["variant", "model"])
def test_a_capture_whose_name_says_what_it_is_must_be_used(tmp_path: Path, name: str) -> None:
    """`runs/{variant}.yaml` without `variant: "{variant}"` would bind each file to no variant, and say nothing."""
    used = {"variant": "{variant: sparse/lora}", "model": "{describes: phases.tune}"}[name]
    binding = f"  - {{file: 'runs/{{{name}}}.yaml', {used[1:-1]}, keys: {{batch: phases.tune.batch_size}}}}\n"
    project = Project(tmp_path, MANIFEST + binding)
    project.write("runs/lora.yaml", "batch: 16\n")
    (problem,) = project.problems()
    assert f'`{name}: "{{{name}}}"`' in problem
    assert "experiment.yaml:17:5: " in problem
    project = Project(tmp_path, MANIFEST + binding.replace(f"{{{name}}}", "*"))
    assert project.check().findings == []

"""`framework init`: a first manifest that loads, says where each value is from, and marks what disagrees."""

from __future__ import annotations

from pathlib import Path

import pytest

from framework.cli.main import run
from framework.conformance import Severity
from framework.manifest.loading import load
from framework.stages.check import check
from tests.dialects.examples import EXAMPLES

ARGS = """\
output_dir: out
model_name_or_path: example/llama-small
learning_rate: 0.0002
weight_decay: 0.1
lr_scheduler_type: cosine
warmup_ratio: 0.1
num_train_epochs: 3
per_device_train_batch_size: 8
gradient_accumulation_steps: 4
seed: 1
"""


def project(root: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return root


def errors(root: Path) -> list[str]:
    return [each.message for each in check(load(root)).findings if each.severity is Severity.ERROR]


def test_what_is_written_loads_and_checks(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    project(tmp_path, {"configs/args.yaml": ARGS})
    assert run(["init", str(tmp_path)]) == 0
    assert errors(tmp_path) == []
    manifest = load(tmp_path).stated
    phase = manifest.phases["train"]
    assert (phase.optimizer.learning_rate, phase.batch_size, phase.epochs) == (2e-4, 32, 3)
    assert str(phase.schedule.warmup) == "10%"
    assert manifest.seeds == [1]
    assert manifest.models["llama-small"].hub == "example/llama-small"
    assert manifest.models["llama-small"].family == "llama"
    text = (tmp_path / "experiment.yaml").read_text()
    assert "learning_rate: 0.0002 # from configs/args.yaml:3\n" in text
    assert "dialect: hf-training-arguments" in text
    assert "DISAGREES:" not in text
    assert "0 disagreements" in capsys.readouterr().out


def test_what_two_files_of_one_training_disagree_on_is_marked_with_both_places(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A DeepSpeed config that a training names is the same training's: both cannot be right."""
    json = (
        '{"train_micro_batch_size_per_gpu": "auto", "zero_optimization": {"stage": 2},'
        ' "optimizer": {"type": "AdamW", "params": {"lr": 0.0003, "weight_decay": 0.1}}}'
    )
    project(tmp_path, {"configs/a.yaml": ARGS + "deepspeed: configs/ds.json\n", "configs/ds.json": json})
    assert run(["init", str(tmp_path)]) == 0
    text = (tmp_path / "experiment.yaml").read_text()
    rate = next(line for line in text.splitlines() if "learning_rate:" in line and "min" not in line)
    assert "0.0002 # from configs/a.yaml:3" in rate
    assert "DISAGREES: configs/ds.json:1 says 0.0003" in rate
    said = capsys.readouterr().out
    assert "disagrees: configs/ds.json:1: optimizer.params.lr is 0.0003" in said
    assert "which is taken from configs/a.yaml:3; the paper decides" in said
    assert "1 disagreement" in said
    assert len(errors(tmp_path)) == 1
    assert run(["check", "--manifest", str(tmp_path / "experiment.yaml")]) == 1


@pytest.mark.parametrize("example", EXAMPLES, ids=[example.dialect for example in EXAMPLES])
def test_each_dialect_alone_gives_a_manifest_that_holds_or_a_clear_refusal(
    tmp_path: Path, example: object, capsys: pytest.CaptureFixture[str]
) -> None:
    project(tmp_path, {example.file: example.text})  # type: ignore[attr-defined]
    code = run(["init", str(tmp_path)])
    if code == 2:
        assert "nothing to start from" in capsys.readouterr().err
    else:
        assert code == 0
        assert errors(tmp_path) == []


def test_all_dialects_together_give_a_manifest_whose_marks_are_the_errors(tmp_path: Path) -> None:
    project(tmp_path, {example.file: example.text for example in EXAMPLES})
    assert run(["init", str(tmp_path)]) == 0
    text = (tmp_path / "experiment.yaml").read_text()
    result = check(load(tmp_path))
    for finding in result.findings:
        if finding.severity is Severity.ERROR and finding.location is not None:
            name = Path(finding.location.file).name
            assert any("DISAGREES" in line and name in line for line in text.splitlines()), finding.message


def test_phases_and_tasks_come_from_the_sections_names(tmp_path: Path) -> None:
    text = """\
training:
  pretrain: {lr: 1e-3, max_steps: 100, global_batch_size: 16}
  finetune: {lr: 1e-4, epochs: {sst2: 5, mnli: 10}, global_batch_size: 8}
"""
    project(tmp_path, {"run.yaml": text})
    assert run(["init", str(tmp_path)]) == 0
    manifest = load(tmp_path).stated
    assert list(manifest.phases) == ["pretrain", "finetune"]
    assert manifest.phases["pretrain"].max_steps == 100
    assert {name: task.epochs for name, task in manifest.phases["finetune"].tasks.items()} == {"sst2": 5, "mnli": 10}
    assert errors(tmp_path) == []


def test_an_existing_file_stays_without_force(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    project(tmp_path, {"args.yaml": ARGS, "experiment.yaml": "mine\n"})
    assert run(["init", str(tmp_path)]) == 2
    assert "--force" in capsys.readouterr().err
    assert (tmp_path / "experiment.yaml").read_text() == "mine\n"
    assert run(["init", str(tmp_path), "--force"]) == 0
    assert load(tmp_path).stated.phases
    assert sorted(path.name for path in tmp_path.iterdir()) == ["args.yaml", "experiment.yaml"]


def test_nothing_recognisable_is_a_refusal_that_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    project(
        tmp_path, {"package.json": '{"name": "x", "version": "1"}', "bad.yaml": "a: [", "node_modules/a.yaml": ARGS}
    )
    assert run(["init", str(tmp_path)]) == 2
    message = capsys.readouterr().err
    assert "no config file of a known trainer" in message
    assert "hf-training-arguments" in message
    assert not (tmp_path / "experiment.yaml").exists()


def test_links_out_of_the_repository_and_large_files_are_not_read(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    project(outside, {"args.yaml": ARGS})
    inside = project(tmp_path / "inside", {"large.yaml": ARGS + "#" * 300_000})
    (inside / "args.yaml").symlink_to(outside / "args.yaml")
    (inside / "folder").symlink_to(outside)
    assert run(["init", str(inside)]) == 2


def test_a_composed_tree_is_bound_once_with_each_values_own_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Parts of a Hydra config and the other choices of its groups are no trainings of their own."""
    project(
        tmp_path,
        {
            "conf/train.yaml": "defaults: [_self_, optim: adamw, trainer: one]\nseed: 3\n",
            "conf/optim/adamw.yaml": "_target_: torch.optim.AdamW\nlr: 0.001\n",
            "conf/optim/sgd.yaml": "_target_: torch.optim.SGD\nlr: 0.1\n",
            "conf/trainer/one.yaml": "_target_: lightning.Trainer\nmax_epochs: 4\n",
        },
    )
    assert run(["init", str(tmp_path)]) == 0
    said = capsys.readouterr().out
    assert "left out: conf/optim/adamw.yaml (conf/train.yaml composes it)" in said
    assert "left out: conf/optim/sgd.yaml (another choice of a group of conf/train.yaml)" in said
    manifest = load(tmp_path).stated
    assert [each.file for each in manifest.configs] == ["conf/train.yaml"]
    assert manifest.phases["train"].optimizer.learning_rate == 1e-3
    text = (tmp_path / "experiment.yaml").read_text()
    assert "learning_rate: 0.001 # from conf/optim/adamw.yaml:2\n" in text
    assert "epochs: 4 # from conf/trainer/one.yaml:2\n" in text
    assert errors(tmp_path) == []


def test_a_file_that_trains_nothing_is_no_start(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    generation = "model: {_component_: x.llama}\ndtype: bf16\ntemperature: 0.6\n"
    project(tmp_path, {"generate.yaml": generation})
    assert run(["init", str(tmp_path)]) == 2
    assert "says nothing about a training" in capsys.readouterr().err
    assert not (tmp_path / "experiment.yaml").exists()


def test_python_settings_are_read_and_other_python_is_not(tmp_path: Path) -> None:
    settings = "batch_size = 12\nblock_size = 64\ngradient_accumulation_steps = 5 * 8\nmax_iters = 100\nlr = 1e-3\n"
    project(tmp_path, {"config/train_gpt2.py": settings, "train.py": settings.replace("100", "7")})
    assert run(["init", str(tmp_path)]) == 0
    manifest = load(tmp_path).stated
    assert [each.file for each in manifest.configs] == ["config/train_gpt2.py"]
    assert (manifest.phases["train"].batch_size, manifest.phases["train"].max_steps) == (480, 100)
    assert errors(tmp_path) == []


def test_many_differences_stay_a_line_that_people_read(tmp_path: Path) -> None:
    project(tmp_path, {f"{index:02}.yaml": ARGS.replace("0.0002", f"0.0{index + 11}") for index in range(12)})
    assert run(["init", str(tmp_path)]) == 0
    line = next(line for line in (tmp_path / "experiment.yaml").read_text().splitlines() if "learning_rate" in line)
    assert line.count(" says ") == 8
    assert line.endswith(", and 4 more")


def test_two_repositories_of_one_name_are_two_models(tmp_path: Path) -> None:
    one = ARGS.replace("example/llama-small", "one/llama-small")
    project(tmp_path, {"a.yaml": one, "b.yaml": one.replace("one/", "two/")})
    assert run(["init", str(tmp_path)]) == 0
    assert {each.hub for each in load(tmp_path).stated.models.values()} == {"one/llama-small", "two/llama-small"}
    assert errors(tmp_path) == []


def test_a_file_of_a_trainer_that_evaluates_is_left_out(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    train = "optimizer: {_component_: torch.optim.AdamW, lr: 1e-4}\nepochs: 1\nbatch_size: 2\ndtype: bf16\n"
    project(tmp_path, {"train.yaml": train, "eval.yaml": "model: {_component_: x.llama}\nbatch_size: 8\ndtype: bf16\n"})
    project(tmp_path, {"generate.yaml": "model: {_component_: x.llama}\ndtype: fp16\nseed: 1\n"})
    assert run(["init", str(tmp_path)]) == 0
    assert "left out: generate.yaml (it says nothing about a training)" in capsys.readouterr().out
    found = check(load(tmp_path)).findings
    assert not [each for each in found if each.code == "C131"]

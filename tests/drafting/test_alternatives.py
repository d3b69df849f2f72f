"""Several files of one phase: what all share is stated once, and what differs is a task's, a variant's or nobody's."""

from __future__ import annotations

from pathlib import Path

import pytest

from framework.cli.main import run
from framework.drafting.alternatives import distinguished, is_data
from framework.manifest.loading import load
from tests.drafting.test_any_repository import CONFIG, checked, drafted
from tests.drafting.test_init import errors

OTHER = CONFIG.replace("1e-3", "2e-3")


def test_one_file_for_each_dataset_makes_tasks(tmp_path: Path) -> None:
    other = OTHER + "penalty: 0.5\n"
    made = drafted(tmp_path, {"configs/cifar10.yaml": CONFIG + "penalty: 0.1\n", "configs/imagenet.yaml": other})
    phase = made.phases["train"]
    assert (phase.batch_size, phase.epochs, phase.optimizer.learning_rate, phase.settings) == (32, 10, None, None)
    assert {name: (task.learning_rate, task.settings) for name, task in phase.tasks.items()} == {
        "cifar10": (1e-3, {"penalty": 0.1}),
        "imagenet": (2e-3, {"penalty": 0.5}),
    }
    assert {each.file: each.describes for each in made.configs} == {
        "configs/cifar10.yaml": "phases.train.tasks.cifar10",
        "configs/imagenet.yaml": "phases.train.tasks.imagenet",
    }
    assert checked(tmp_path) == 0
    (tmp_path / "configs/imagenet.yaml").write_text(other.replace("0.5", "0.7"))
    assert [message.partition(";")[0] for message in errors(tmp_path)] == ["penalty is 0.7"]


def test_what_differs_of_a_tasks_optimizer_is_held(tmp_path: Path) -> None:
    files = {"mnist.yaml": CONFIG + "weight_decay: 0.1\n", "svhn.yaml": CONFIG + "weight_decay: 0.2\n"}
    made = drafted(tmp_path, files)
    assert [task.optimizer.weight_decay for task in made.phases["train"].tasks.values() if task.optimizer] == [0.1, 0.2]
    assert checked(tmp_path) == 0
    (tmp_path / "svhn.yaml").write_text(files["svhn.yaml"].replace("0.2", "0.3"))
    assert len(errors(tmp_path)) == 1


def test_a_key_says_which_dataset_a_file_is_for(tmp_path: Path) -> None:
    made = drafted(tmp_path, {"a.yaml": CONFIG + "dataset: birds\n", "b.yaml": OTHER + "dataset: flowers\n"})
    assert {name: task.learning_rate for name, task in made.phases["train"].tasks.items()} == {
        "birds": 1e-3,
        "flowers": 2e-3,
    }
    assert checked(tmp_path) == 0


@pytest.mark.parametrize(
    ("names", "variants"),
    [
        (("configs/ablation.yaml", "configs/full.yaml"), ["ablation", "full"]),
        (("vit_b16.yaml", "vit_l32.yaml"), ["b16", "l32"]),
        (("resnet/train.yaml", "convnext/train.yaml"), ["convnext", "resnet"]),
        (("config_v1.yaml", "config_v2.yaml"), ["v1", "v2"]),
    ],
)
def test_other_names_that_tell_make_variants(tmp_path: Path, names: tuple[str, str], variants: list[str]) -> None:
    made = drafted(tmp_path, {names[0]: CONFIG, names[1]: OTHER})
    assert sorted(made.variants) == variants
    assert made.phases["train"].optimizer.learning_rate is None
    rates = [variant.steps[0]["train"].set["optimizer.learning_rate"] for variant in made.variants.values()]  # type: ignore[index]
    assert sorted(rates) == [1e-3, 2e-3]
    assert sorted(each.variant or "" for each in made.configs) == variants
    assert checked(tmp_path) == 0
    (tmp_path / names[1]).write_text(OTHER.replace("2e-3", "5e-3"))
    assert len(errors(tmp_path)) == 1


def test_the_key_of_a_model_makes_variants_where_names_say_nothing(tmp_path: Path) -> None:
    made = drafted(tmp_path, {"1.yaml": CONFIG + "model: alexnet\n", "2.yaml": OTHER + "model: vgg\n"})
    assert list(made.variants) == ["alexnet", "vgg"]
    assert checked(tmp_path) == 0


def test_where_nothing_tells_the_shared_values_are_stated_and_the_others_are_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    made = drafted(tmp_path, {"a.yaml": CONFIG, "b.yaml": OTHER, "c.yaml": OTHER})
    phase = made.phases["train"]
    assert (phase.optimizer.learning_rate, phase.batch_size, phase.epochs) == (None, 32, 10)
    assert list(made.variants) == ["default"]
    text = (tmp_path / "experiment.yaml").read_text()
    assert "# differs: optimizer.learning_rate: a.yaml says 0.001, b.yaml says 0.002, c.yaml says 0.002\n" in text
    said = capsys.readouterr().out
    assert "differs: phases.train.optimizer.learning_rate: a.yaml:1 says 0.001, b.yaml:1 says 0.002" in said
    assert "the paper decides" in said
    assert checked(tmp_path) == 0


def test_what_a_trainer_takes_by_default_differs_from_what_another_file_states(tmp_path: Path) -> None:
    args = "output_dir: out\nlearning_rate: 0.001\nper_device_train_batch_size: 8\nnum_train_epochs: 1\n"
    drafted(tmp_path, {"a.yaml": args + "weight_decay: 0.1\n", "b.yaml": args})
    text = (tmp_path / "experiment.yaml").read_text()
    assert "# differs: optimizer.weight_decay: a.yaml says 0.1, b.yaml says 0" in text
    assert checked(tmp_path) == 0


def test_pretraining_and_finetuning_follow_on_each_other_and_other_trainings_do_not(tmp_path: Path) -> None:
    made = drafted(tmp_path / "one", {"pretrain.yaml": CONFIG, "finetune.yaml": OTHER})
    assert {name: variant.steps for name, variant in made.variants.items()} == {"default": ["pretrain", "finetune"]}
    made = drafted(tmp_path / "two", {"pretrain.yaml": CONFIG, "policy.yaml": OTHER})
    assert {name: variant.steps for name, variant in made.variants.items()} == {
        "pretrain": ["pretrain"],
        "train": ["train"],
    }
    assert checked(tmp_path / "one") == checked(tmp_path / "two") == 0


def test_many_files_are_no_comparison(tmp_path: Path) -> None:
    names = [
        f"{first}{second}" for first in ("alpha", "bravo", "coral", "delta", "ember", "frost") for second in "abcde"
    ]
    made = drafted(tmp_path, {f"{name}.yaml": CONFIG.replace("1e-3", f"{at + 1}e-3") for at, name in enumerate(names)})
    assert list(made.variants) == ["default"]
    assert len(made.configs) == 30
    assert checked(tmp_path) == 0


def test_a_default_fills_in_what_one_of_two_files_leaves_out(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    parser = (
        "import argparse\nparser = argparse.ArgumentParser()\n"
        'parser.add_argument("--lr", type=float, default=7e-3)\n'
        'parser.add_argument("--lambda_tr", "--tr", type=float, default=0.01)\n'
    )
    files = {"opt.py": parser, "geometry.yaml": CONFIG, "rendering.yaml": CONFIG + "lambda_tr: 1\n"}
    made = drafted(tmp_path, files)
    sets = {name: variant.steps[0]["train"].set for name, variant in made.variants.items()}  # type: ignore[index]
    assert sets == {"geometry": {"settings.lambda_tr": 0.01}, "rendering": {"settings.lambda_tr": 1}}
    said = capsys.readouterr().out
    assert "geometry.yaml:1 says 0.001, which is taken; the default is 0.007 (opt.py:3); the paper decides" in said
    assert checked(tmp_path) == 0
    (tmp_path / "opt.py").write_text(parser.replace("0.01", "0.02"))
    assert len(errors(tmp_path)) == 1


def test_a_flag_by_its_other_name_replaces_the_default(tmp_path: Path) -> None:
    parser = (
        "import argparse\nparser = argparse.ArgumentParser()\n"
        'parser.add_argument("--base_rate", "--br", type=float, default=0.03)\n'
        'parser.add_argument("--epochs", type=int, default=5)\n'
        'parser.add_argument("--weight_decay", type=float, default=1e-4)\n'
    )
    script = "python main.py --br 1.0 --weight_decay 1e-5 --epochs 7\n"
    made = drafted(tmp_path, {"opt.py": parser, "run.sh": script})
    assert made.phases["train"].settings == {"br": 1.0}
    assert made.phases["train"].optimizer.weight_decay == 1e-5
    assert checked(tmp_path) == 0


def test_what_a_script_passes_from_outside_is_not_the_default(tmp_path: Path) -> None:
    parser = (
        "import argparse\nparser = argparse.ArgumentParser()\n"
        'parser.add_argument("--lr", type=float, default=1e-3)\n'
        'parser.add_argument("--epochs", type=int, default=5)\n'
        'parser.add_argument("--penalty", type=float, default=0.5)\n'
    )
    script = "python main.py --lr 2e-3 --weight_decay 0.1 --epochs ${1:-7} --penalty $2\n"
    phase = drafted(tmp_path, {"opt.py": parser, "run.sh": script}).phases["train"]
    assert (phase.optimizer.learning_rate, phase.optimizer.weight_decay) == (2e-3, 0.1)
    assert (phase.epochs, phase.settings) == (None, None)
    assert checked(tmp_path) == 0


def test_each_training_has_the_batch_of_its_own_devices(tmp_path: Path) -> None:
    text = "lr: 1e-3\nepochs: 3\nmicro_batch_size: 8\ngradient_accumulation_steps: 4\n"
    made = drafted(tmp_path, {"single.yaml": text, "cluster.yaml": text + "num_gpus: 2\n"})
    sets = {name: variant.steps[0]["train"].set for name, variant in made.variants.items()}  # type: ignore[index]
    assert sets == {"cluster": {"batch_size": 64}, "single": {"batch_size": 32}}
    assert "hardware" not in made.model_fields_set
    assert checked(tmp_path) == 0


def test_sections_of_several_optimizers_are_theirs(tmp_path: Path) -> None:
    text = "actor_opt: {opt: adam, lr: 8e-5, wd: 1e-6}\ncritic_opt: {opt: adam, lr: 2e-4, clip: 100}\nbatch_size: 16\n"
    made = drafted(tmp_path, {"config.yaml": text})
    optimizers = made.phases["train"].optimizers
    assert optimizers is not None
    assert {name: each.learning_rate for name, each in optimizers.items()} == {"actor": 8e-5, "critic": 2e-4}
    assert optimizers["critic"].settings == {"clip": 100}
    assert checked(tmp_path) == 0
    (tmp_path / "config.yaml").write_text(text.replace("8e-5", "9e-5"))
    assert len(errors(tmp_path)) == 1


def test_another_sections_rate_is_not_the_trainings(tmp_path: Path) -> None:
    made = drafted(tmp_path, {"config.yaml": "TRACK: {LR: 0.33}\nTRAIN: {BATCH_SIZE: 80, BASE_LR: 0.005, EPOCH: 20}\n"})
    assert made.phases["train"].optimizer.learning_rate is None
    assert made.phases["train"].settings == {"TRACK": {"LR": 0.33}, "BASE_LR": 0.005}
    assert checked(tmp_path) == 0


def test_a_part_of_a_batch_is_no_batch(tmp_path: Path) -> None:
    made = drafted(tmp_path, {"config.yaml": "lr: 1e-3\nmicro_batch_size: 8\ntrain_steps: 100\n"})
    assert made.phases["train"].batch_size is None
    assert made.phases["train"].settings == {"micro_batch_size": 8}
    assert checked(tmp_path) == 0


def test_a_named_file_is_the_same_training(tmp_path: Path) -> None:
    """What a script passes goes before what is in the file that it names."""
    made = drafted(
        tmp_path, {"run.sh": "python train.py --config base.yaml --lr 5e-3 --epochs 3\n", "base.yaml": CONFIG}
    )
    phase = made.phases["train"]
    assert (phase.optimizer.learning_rate, phase.epochs, phase.batch_size) == (5e-3, 3, 32)
    assert checked(tmp_path) == 0


def test_a_trainers_own_words_in_variants_are_held(tmp_path: Path) -> None:
    args = (
        "output_dir: out\nlearning_rate: 0.0002\nlr_scheduler_type: cosine\nwarmup_ratio: 0.1\nnum_train_epochs: 3\n"
        "per_device_train_batch_size: 8\ngradient_accumulation_steps: 4\n"
    )
    files = {"small.yaml": args, "large.yaml": args.replace("0.1", "0.2").replace("steps: 4", "steps: 2")}
    made = drafted(tmp_path, files)
    sets = {name: variant.steps[0]["train"].set for name, variant in made.variants.items()}  # type: ignore[index]
    assert sets["small"] == {"schedule.warmup": "10%", "batch_size": 32}
    assert sets["large"] == {"schedule.warmup": "20%", "batch_size": 16}
    assert checked(tmp_path) == 0
    (tmp_path / "large.yaml").write_text(files["large.yaml"].replace("0.2", "0.3", 2))
    assert errors(tmp_path) != []


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["configs/a/train.yaml", "configs/b/train.yaml"], ["a", "b"]),
        (["train_cifar10.sh", "train_mnist.sh"], ["cifar10", "mnist"]),
        (["train.yaml", "train_large.yaml"], ["train", "large"]),
    ],
)
def test_names_are_told_apart_by_what_the_others_lack(names: list[str], expected: list[str]) -> None:
    assert distinguished(names) == expected


def test_names_of_data_are_known_by_their_words() -> None:
    assert all(map(is_data, ("cifar10", "imagenet", "hopper_random", "halfcheetah-medium-v2", "CIFAR-10")))
    assert not any(map(is_data, ("large", "ablation", "b16")))


def test_draft_of_a_lora_without_scale_states_its_values_by_name(tmp_path: Path) -> None:
    made = drafted(tmp_path, {"config.yaml": CONFIG + "lora_rank: 8\nlora_dropout: 0.05\n"})
    assert made.phases["train"].settings == {"lora_rank": 8, "lora_dropout": 0.05}
    assert list(made.variants) == ["default"]
    assert checked(tmp_path) == 0


def test_what_cannot_be_held_is_left_out_and_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A file whose own trainer takes its number for a text is named; the draft still passes its check."""
    args = "output_dir: out\nlearning_rate: 2e-4\nper_device_train_batch_size: 8\nnum_train_epochs: 1\n"
    drafted(tmp_path, {"args.yaml": args})
    assert run(["check", "--manifest", str(tmp_path / "experiment.yaml")]) == 0
    said = capsys.readouterr().out
    assert "left out: phases.train.optimizer.learning_rate" in said
    assert load(tmp_path).stated.phases["train"].optimizer.learning_rate is None

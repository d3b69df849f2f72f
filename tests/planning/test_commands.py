"""From a runner to a command: every stated value is passed once, or it is said why not."""

from __future__ import annotations

import json
from contextlib import chdir
from dataclasses import replace
from pathlib import Path

import pytest

from framework.errors import InputError
from framework.manifest.loading import load
from framework.planning.commands.argument_texts import as_arguments, names_in
from framework.planning.commands.command import filled
from framework.planning.commands.read_back import contradictions
from framework.planning.reasons import differences
from framework.stages.check import check
from tests.support.scripted import HF, ON_FLAGS, ScriptedStudy, flag


def refusals(study: ScriptedStudy, variant: str = "full") -> list[str]:
    try:
        study.plan(variant)
    except InputError as problem:
        return [str(each).replace("\n    ", " | ") for each in problem.problems]
    return []


# Values


def test_values_are_arguments_and_no_shell_reads_them(tmp_path: Path) -> None:
    odd = "a b; rm -rf /tmp/x $(touch /tmp/y) `z` \"q\" 'q'"
    runner = ON_FLAGS.replace("keys: {block", "keys: {name: model.hub, block").replace("'{output}'", "'{model}'")
    study = ScriptedStudy(tmp_path, runner, ("hub: example/small", f"hub: {json.dumps(odd)}"))
    command = study.command()
    assert command.argv[:4] == ("python", "train.py", "--output_dir", odd)
    assert flag(command.argv, "--name") == odd
    assert contradictions(study.step(), command) == []


def test_flags_have_the_dialects_names_and_the_manifests_values(tmp_path: Path) -> None:
    argv = ScriptedStudy(tmp_path).command().argv
    assert argv[:4] == ("python", "train.py", "--output_dir", "{output}")
    assert float(flag(argv, "--learning_rate")) == 2e-4
    assert json.loads(flag(argv, "--lr_scheduler_kwargs")) == {"min_lr": 2e-5}
    assert flag(argv, "--lr_scheduler_type") == "cosine_with_min_lr"
    assert (flag(argv, "--bf16"), flag(argv, "--fp16")) == ("True", "False")
    assert flag(argv, "--num_train_epochs") == "3"
    assert flag(argv, "--block_size") == "1024"
    # 64 sequences on 2 processes: 32 each, which is one micro-batch.
    assert (flag(argv, "--per_device_train_batch_size"), flag(argv, "--gradient_accumulation_steps")) == ("32", "1")
    # 10% of 3 x 64000 / 64 steps.
    assert flag(argv, "--warmup_steps") == "300"


def test_the_batch_is_made_of_the_bound_micro_batch(tmp_path: Path) -> None:
    study = ScriptedStudy(tmp_path)
    manifest = tmp_path / "experiment.yaml"
    binding = "configs:\n  - {file: k.yaml, describes: phases.train, knobs: {micro: micro_batch_size}}\n"
    manifest.write_text(manifest.read_text() + binding)
    (tmp_path / "k.yaml").write_text("micro: 4\n")
    argv = study.command().argv
    assert (flag(argv, "--per_device_train_batch_size"), flag(argv, "--gradient_accumulation_steps")) == ("4", "8")
    (tmp_path / "k.yaml").write_text("micro: 5\n")
    assert "a batch of 64 is no multiple of 2 processes x micro-batches of 5" in refusals(study)[0]


def test_a_task_has_its_own_values(tmp_path: Path) -> None:
    runner = HF.replace("'{output}'", "'{output}', '{task}', '{dataset}', '{model}'")
    study = ScriptedStudy(tmp_path, runner, name="tune")
    argv = study.command("tuned", "tune").argv
    assert argv[4:7] == ("pairs", "example/pairs", "{model}")
    assert (flag(argv, "--learning_rate"), flag(argv, "--num_train_epochs")) == ("0.0001", "2")


def test_a_variants_own_setting_is_passed(tmp_path: Path) -> None:
    study = ScriptedStudy(
        tmp_path, ON_FLAGS, ("  full: {steps: [train]}", "  full: {steps: [{train: {set: {max_grad_norm: 0.5}}}]}")
    )
    assert flag(study.command().argv, "--max_grad_norm") == "0.5"


def test_a_value_of_the_phase_goes_under_a_name_of_the_scripts_own(tmp_path: Path) -> None:
    runner = (
        "    command: [python, train.py]\n    flags:\n      dialect: hf-training-arguments\n"
        "      keys: {lr: optimizer.learning_rate, '-b2': 'optimizer.betas[1]', length: sequence_length,"
        " warm: schedule.warmup.ratio}\n"
    )
    study = ScriptedStudy(tmp_path, runner)
    argv = study.command().argv
    assert "--learning_rate" not in argv  # the explicit name goes before the dialect's
    assert "--warmup_steps" not in argv
    assert (flag(argv, "--lr"), flag(argv, "-b2"), flag(argv, "--length")) == ("0.0002", "0.95", "1024")
    assert float(flag(argv, "--warm")) == 0.1
    assert flag(argv, "--adam_beta1") == "0.9"
    assert "--adam_beta2" not in argv
    assert contradictions(study.step(), study.command()) == []


def test_a_script_of_ones_own_needs_no_dialect(tmp_path: Path) -> None:
    keys = {
        "optim.lr": "optimizer.learning_rate", "optim.name": "optimizer.name", "optim.betas": "optimizer.betas",
        "optim.eps": "optimizer.eps", "optim.wd": "optimizer.weight_decay", "sched": "schedule.name",
        "warmup": "schedule.warmup.steps", "floor": "schedule.min_learning_rate", "mb": "batch_size.micro",
        "accum": "batch_size.accumulation", "epochs": "epochs", "length": "sequence_length", "clip": "max_grad_norm",
        "dtype": "precision", "seed": "seeds",
    }  # fmt: skip
    config = {"keys": keys, "values": {"out": "{output}", "optim.fused": True, "task": "{phase}"}}
    runner = f"    command: [python, train.py, '{{c.yaml}}']\n    configs: {{c.yaml: {json.dumps(config)}}}\n"
    study = ScriptedStudy(tmp_path, runner)
    data = study.data("c.yaml")
    assert data["optim"] == {
        "fused": True, "lr": 2e-4, "name": "adamw", "betas": [0.9, 0.95], "eps": 1e-8, "wd": 0.1
    }  # fmt: skip
    assert (data["warmup"], data["mb"], data["accum"], data["seed"], data["task"]) == (300, 32, 1, 42, "train")
    step = study.step()
    assert step.command is not None
    assert contradictions(step, step.command) == []
    drifted = {**step.command.configs["c.yaml"], "seed": 43}
    assert "43" in contradictions(step, replace(step.command, configs={"c.yaml": drifted}))[0]


def test_a_flag_that_the_command_states_itself_is_held_too(tmp_path: Path) -> None:
    study = ScriptedStudy(
        tmp_path, ON_FLAGS.replace("'{output}'", "'{output}', --seed, '{seed}', --learning_rate=2e-4")
    )
    argv = study.command().argv
    assert argv.count("--seed") == 1
    assert "--learning_rate" not in argv
    assert contradictions(study.step(), study.command()) == []
    study = ScriptedStudy(tmp_path, ON_FLAGS.replace("'{output}'", "'{output}', --learning_rate=3e-4"))
    (found,) = contradictions(study.step(), study.command())
    assert "0.0003" in found
    assert "0.0002" in found


def test_flags_stand_where_the_command_says(tmp_path: Path) -> None:
    runner = ON_FLAGS.replace("'{output}'", "'{output}', '{flags}', --, rest")
    argv = ScriptedStudy(tmp_path, runner).command().argv
    assert argv[-2:] == ("--", "rest")
    assert "{flags}" not in argv


def test_hydras_overrides(tmp_path: Path) -> None:
    unpassed = "[optimizer.name, schedule, batch_size, epochs, sequence_length, max_grad_norm, precision, seed]"
    runner = (
        f"    command: [python, train.py]\n    unpassed: {unpassed}\n    flags: {{style: key=value, keys: "
        "{optim.lr: optimizer.learning_rate, optim.betas: optimizer.betas, optim.wd: optimizer.weight_decay,"
        " optim.eps: optimizer.eps}}\n"
    )
    study = ScriptedStudy(tmp_path, runner)
    assert study.command().argv[2:] == ("optim.lr=0.0002", "optim.betas=[0.9,0.95]", "optim.wd=0.1", "optim.eps=1e-08")
    step = study.step()
    assert step.command is not None
    assert contradictions(step, step.command) == []
    drifted = tuple(each.replace("0.95", "0.99") for each in step.command.argv)
    assert "0.99" in contradictions(step, replace(step.command, argv=drifted))[0]


@pytest.mark.parametrize(
    ("style", "arguments"),
    [
        ("--key value", ["--a", "1", "--b", "x", "y", "-c", "True", "--d", '{"e": 0.5}']),
        ("--key=value", ["--a=1", '--b=["x", "y"]', "-c=True", '--d={"e": 0.5}']),
        ("key=value", ["a=1", "b=[x,y]", "-c=true", "d.e=0.5"]),
    ],
)
def test_styles(style: str, arguments: list[str]) -> None:
    assert as_arguments({"a": 1, "b": ["x", "y"], "-c": True, "d": {"e": 0.5}}, style) == arguments


def test_names_of_flags() -> None:
    stated = ("torchrun", "--nproc-per-node=2", "train.py", "-b", "4", "a.b=1", "+c=2", "x", "-1", "--")
    assert names_in(stated) == {"nproc_per_node", "b", "a.b", "c"}


# What is left out


def test_a_stated_value_that_is_passed_nowhere_is_an_error_at_its_place(tmp_path: Path) -> None:
    (found,) = refusals(ScriptedStudy(tmp_path, HF))
    line = (tmp_path / "experiment.yaml").read_text().split("\n").index("    sequence_length: 1024") + 1
    assert found.startswith(f"experiment.yaml:{line}:")
    assert "phases.train.sequence_length = 1024 is passed nowhere by runners.train" in found
    assert "flags (hf-training-arguments) has no key for it" in found
    assert "`keys: {NAME: sequence_length}`" in found
    assert "`unpassed`" in found


def test_what_the_script_does_by_itself_is_noted(tmp_path: Path) -> None:
    command = ScriptedStudy(tmp_path, HF + "    unpassed: [sequence_length]\n").command()
    assert any("phases.train.sequence_length = 1024; the script does it by itself" in note for note in command.notes)


def test_defaults_of_the_manifest_that_are_not_passed_are_noted(tmp_path: Path) -> None:
    study = ScriptedStudy(tmp_path, HF.replace("'{output}'", "'{model}'"), name="tune")
    notes = study.command("tuned", "tune").notes
    assert "not passed, and not stated: sequence_length = 512 by default" in notes
    assert "not passed: the dataset; the script has its own" in notes
    assert not any("the model" in note for note in notes)


def test_an_adapter_of_a_variant_must_be_passed(tmp_path: Path) -> None:
    found = refusals(ScriptedStudy(tmp_path), "lora")
    assert [each.split(" = ")[0].rpartition(".")[2] for each in found] == ["rank", "alpha", "dropout", "targets"]


def test_runners_train_only_the_variants_that_they_name(tmp_path: Path) -> None:
    study = ScriptedStudy(tmp_path, ON_FLAGS + "    variants: [full]\n")
    assert study.step("full").command is not None
    assert study.step("lora").command is None


@pytest.mark.parametrize(
    ("runner", "words"),
    [
        (ON_FLAGS.replace("block_size: seq", "block_size: sqe"), "no clause 'sqeuence_length' of a training step"),
        (ON_FLAGS.replace("hf-training-arguments", "hf-arguments"), "no dialect 'hf-arguments' can be written"),
        (ON_FLAGS + "    unpassed: [weight_decay]\n", "did you mean 'optimizer.weight_decay'"),
        (ON_FLAGS + "    outputs: {log: a.log, format: jsonl}\n", "no format of logs is called 'jsonl'"),
        (ON_FLAGS.replace("'{output}'", "'{task}'"), "the phase 'train' has no tasks"),
        (ON_FLAGS.replace("'{output}'", "'{output}', --block-size, '8'"), "states 'block_size' itself already"),
        (ON_FLAGS.replace("keys: {block", "keys: {w: schedule.warmup, block"), "two units"),
        (
            "    command: [x, '{c.yaml}']\n    configs: {c.yaml: {dialect: generic, values: {epochs: 4}}}\n",
            "`values` state epochs = 4; the manifest makes it 3",
        ),
    ],
)
def test_what_cannot_be_is_refused(tmp_path: Path, runner: str, words: str) -> None:
    found = refusals(ScriptedStudy(tmp_path, runner))
    assert any(words in each for each in found), found


def test_the_command_takes_the_checkpoint_that_it_starts_from(tmp_path: Path) -> None:
    found = refusals(ScriptedStudy(tmp_path, HF, name="tune"), "tuned")
    assert any("which the command does not take: write {model}" in each for each in found), found


def test_a_model_without_an_origin_cannot_be_named(tmp_path: Path) -> None:
    study = ScriptedStudy(
        tmp_path, ON_FLAGS.replace("'{output}'", "'{model}'"), ("hub: example/small,", "weights: random,")
    )
    assert "models.small has neither `path` nor `hub`" in refusals(study)[0]


def test_a_warmup_in_a_unit_that_cannot_be_known(tmp_path: Path) -> None:
    runner = ON_FLAGS.replace("keys: {block", "keys: {w: schedule.warmup.steps, block")
    found = refusals(ScriptedStudy(tmp_path, runner, (", train_examples: 64_000", "")))
    assert "the number of optimizer steps is not known" in found[0]


@pytest.mark.parametrize(
    ("schedule", "fact"),
    [
        ("{name: linear, warmup: {steps: 20, factor: 0.1}}", "schedule.warmup.factor = 0.1"),
        ("{name: linear, warmup: {steps: 20, from: 1e-5}}", "schedule.warmup.from = 1e-05"),
        ("{name: linear, warmup: {steps: 20, shape: cosine}}", "schedule.warmup.shape = cosine"),
        ("{name: polynomial, power: 2}", "schedule.power = 2"),
        ("{name: exponential, gamma: 0.9}", "schedule.gamma = 0.9"),
        ("{name: step, every: 1 epochs}", "schedule.every = 1 epochs"),
        ("{name: milestones, milestones: [5 steps]}", "schedule.milestones = [5 steps]"),
        ("{name: cosine_restarts, cycles: 2}", "schedule.cycles = 2"),
        ("{name: constant, decay: {length: 10%}}", "schedule.decay.length = "),
        ("{segments: [{shape: linear, to: 0.0}]}", "schedule.segments[0]"),
    ],
)
def test_a_schedule_is_passed_whole_or_said_to_be_the_scripts_own(tmp_path: Path, schedule: str, fact: str) -> None:
    change = ("{name: cosine, warmup: 10%, min_learning_rate: 0.1 * learning_rate}", schedule)
    keys = "{block_size: sequence_length, s: schedule.name}"
    runner = ON_FLAGS.replace("{block_size: sequence_length}", keys)
    found = refusals(ScriptedStudy(tmp_path, runner, change))
    assert any(f"phases.train.{fact}" in each and "is passed nowhere by runners.train" in each for each in found), found
    name = ".".join(fact.split(" ")[0].split("[")[0].split(".")[: 3 if "warmup" in fact else 2])
    assert refusals(ScriptedStudy(tmp_path, f"{runner}    unpassed: [{name}]\n", change)) == []


@pytest.mark.parametrize(
    ("schedule", "unpassed", "left"),
    [
        ("{name: constant, decay: {length: 10%}}", "schedule.decay.length", None),
        ("{name: constant, decay: {length: 10%}}", "phases.train.schedule.decay.length", None),
        ("{name: constant, decay: {length: 10%, shape: cosine}}", "schedule.decay.length", "schedule.decay.shape = "),
        ("{segments: [{shape: linear, to: 0.0}]}", "schedule.segments[0]", None),
        ("{segments: [{shape: linear, to: 0.0}]}", "schedule.segments[0].to", "schedule.segments[0].shape = linear"),
        ("{name: constant, decay: {length: 10%}}", "schedule.decay.lenght", "no clause 'schedule.decay.lenght'"),
    ],
)
def test_the_clause_that_the_refusal_names_can_be_listed(
    tmp_path: Path, schedule: str, unpassed: str, left: str | None
) -> None:
    """A part of a schedule is a clause of its own: where only some are the script's matter, the rest is still asked."""
    change = ("{name: cosine, warmup: 10%, min_learning_rate: 0.1 * learning_rate}", schedule)
    keys = "{block_size: sequence_length, s: schedule.name}"
    runner = ON_FLAGS.replace("{block_size: sequence_length}", keys) + f"    unpassed: ['{unpassed}']\n"
    found = refusals(ScriptedStudy(tmp_path, runner, change))
    assert len(found) == (left is not None)
    assert left is None or left in found[0]


@pytest.mark.parametrize("stated", ["master_weights: bf16", "loss_normalization: micro_batch"])
def test_what_updates_are_made_of_is_passed_or_said_to_be_the_scripts_own(tmp_path: Path, stated: str) -> None:
    change = ("max_grad_norm: 1.0", f"max_grad_norm: 1.0\n    {stated}")
    name, _, value = stated.partition(": ")
    (found,) = refusals(ScriptedStudy(tmp_path / "a", ON_FLAGS, change))
    assert f"phases.train.{name} = {value} is passed nowhere by runners.train" in found
    assert refusals(ScriptedStudy(tmp_path / "b", f"{ON_FLAGS}    unpassed: [{name}]\n", change)) == []
    keyed = ON_FLAGS.replace("{block_size:", f"{{k: {name}, block_size:")
    assert flag(ScriptedStudy(tmp_path / "c", keyed, change).command().argv, "--k") == value


def test_a_warmup_with_a_start_is_read_back_in_the_unit_that_is_passed(tmp_path: Path) -> None:
    runner = ON_FLAGS.replace("{block_size:", "{f: schedule.warmup.factor, w: schedule.warmup.steps, block_size:")
    change = ("warmup: 10%", "warmup: {ratio: 0.0999, factor: 0.25, rounded: down}")
    study = ScriptedStudy(tmp_path, runner, change)
    command = study.command()
    assert flag(command.argv, "--w") == "299"  # of 299.7
    assert contradictions(study.step(), command) == []
    drifted = replace(command, argv=tuple("300" if each == "299" else each for each in command.argv))
    assert contradictions(study.step(), drifted)


def test_the_start_of_a_warmup_is_passed_under_a_key(tmp_path: Path) -> None:
    runner = ON_FLAGS.replace("{block_size:", "{factor: schedule.warmup.factor, block_size:")
    study = ScriptedStudy(tmp_path, runner, ("warmup: 10%", "warmup: {ratio: 0.1, factor: 0.25}"))
    command = study.command()
    assert flag(command.argv, "--factor") == "0.25"
    assert contradictions(study.step(), command) == []


# Identity


def test_the_key_covers_the_arguments_the_configs_and_the_script(tmp_path: Path) -> None:
    first = ScriptedStudy(tmp_path).step()
    (tmp_path / "train.py").write_text("print('trains otherwise')\n")
    second = ScriptedStudy(tmp_path).step()
    assert first.key != second.key
    (change,) = differences(first.identity, second.identity)
    assert change.startswith("command.sources.train.py: ")
    third = ScriptedStudy(tmp_path, ON_FLAGS.replace("train.py", "train.py, --extra")).step()
    assert third.key != second.key
    generic = "    command: [python, train.py, '{c.yaml}']\n    configs: {c.yaml: generic}\n"
    assert ScriptedStudy(tmp_path, generic).step().key != third.key


def test_the_key_does_not_cover_where_it_runs_or_what_it_leaves(tmp_path: Path) -> None:
    keys = set()
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        keys.add(ScriptedStudy(tmp_path / name).step().key)
    more = "    timeout_hours: 2\n    outputs: {log: trainer_state.json}\n    resume: {arguments: ['--go']}\n"
    keys.add(ScriptedStudy(tmp_path / "one", ON_FLAGS + more).step().key)
    assert len(keys) == 1


def test_further_sources_and_modules_count(tmp_path: Path) -> None:
    (tmp_path / "pkg").mkdir()
    (tmp_path / "pkg" / "train.py").write_text("1")
    (tmp_path / "pkg" / "model.py").write_text("1")
    (tmp_path / "acc.yaml").write_text("1")
    runner = ON_FLAGS.replace("python, train.py", "accelerate, launch, --config_file=acc.yaml, -m, pkg.train")
    study = ScriptedStudy(tmp_path, runner + "    sources: [pkg/*.py]\n")
    assert sorted(study.command().sources) == ["acc.yaml", "pkg/model.py", "pkg/train.py"]


def test_no_runner_no_difference(tmp_path: Path) -> None:
    """A manifest without runners has the keys that it always had."""
    step = ScriptedStudy(tmp_path, ON_FLAGS + "    variants: [lora]\n").step()
    assert "command" not in step.identity


def test_placeholders_of_places_are_filled_when_it_runs() -> None:
    data = {"a": ["{output}/x", 1], "b": '{unknown} ${output} {{"c": 1}}'}
    assert filled(data, {"output": "/o"}) == {"a": ["/o/x", 1], "b": '{unknown} ${output} {{"c": 1}}'}


def test_check_tells_sources_that_are_not_there(tmp_path: Path) -> None:
    study = ScriptedStudy(tmp_path, ON_FLAGS + "    variants: [full]\n    sources: [src/*.py]\n")
    (tmp_path / "k.yaml").write_text("lr: 2e-4\n")
    binding = "configs:\n  - {file: k.yaml, describes: phases.train, keys: {lr: optimizer.learning_rate}}\n"
    study.manifest.write_text(study.manifest.read_text() + binding)
    with pytest.raises(InputError, match=r"names 'src/\*\.py', which matches no file"):
        study.check()


def test_check_tells_what_a_runner_leaves_out_and_starts_nothing(tmp_path: Path) -> None:
    ScriptedStudy(tmp_path, HF)
    manifest = tmp_path / "experiment.yaml"
    (tmp_path / "k.yaml").write_text("lr: 2e-4\n")
    binding = "configs:\n  - {file: k.yaml, describes: phases.train, keys: {lr: optimizer.learning_rate}}\n"
    manifest.write_text(manifest.read_text() + binding)
    with chdir(tmp_path), pytest.raises(InputError, match="sequence_length = 1024 is passed nowhere"):
        check(load())
    manifest.write_text(manifest.read_text().replace(HF, ON_FLAGS + "    variants: [full]\n"))
    with chdir(tmp_path):
        assert not check(load()).failed

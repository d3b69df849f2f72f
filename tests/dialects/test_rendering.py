"""Dialects in reverse, by one table: what is written, read back by the same dialect, says what the manifest says."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some

from framework.dialects.registry import names as readable
from framework.dialects.rendering.file_texts import text_of
from framework.dialects.rendering.registry import names
from framework.errors import InputError
from framework.planning.commands.read_back import contradictions
from framework.reading.scalars import resolve
from tests.support.scripted import ScriptedStudy

PARTIAL = {"accelerate", "peft-adapter", "hf-model-config"}
"""Dialects of files that hold no training."""
CASES: dict[str, tuple[tuple[str, str], ...]] = {
    "as it is": (),
    "an unknown number of steps": ((", train_examples: 64_000", ""),),
    "a warmup in steps": (("warmup: 10%", "warmup: 500 steps"),),
    "no warmup": (("warmup: 10%", "warmup: 0 steps"),),
    "linear": (("name: cosine", "name: linear"), ("min_learning_rate: 0.1 * learning_rate", "min_learning_rate: 0")),
    "constant": (("name: cosine", "name: constant"),),
    "constant, not warmed up": (("name: cosine", "name: constant"), ("warmup: 10%", "warmup: 0 steps")),
    "steps": (("epochs: 3\n    seq", "max_steps: 1500\n    seq"),),
    "adam": (("name: adamw", "name: adam"),),
    "sgd": (("name: adamw", "name: sgd"), ("betas: [0.9, 0.95], eps: 1e-8", "momentum: 0.9")),
    "full precision": (("precision: bf16", "precision: fp32"),),
    "fp16": (("precision: bf16", "precision: fp16"),),
    "one process": (("count: 2", "count: 1"),),
    "small numbers": (("learning_rate: 2e-4", "learning_rate: 1.7e-7"), ("eps: 1e-8", "eps: 1e-12")),
    "early stopping": (
        ("precision: bf16", "precision: bf16\n    early_stopping: {metric: loss, patience: 3, min_delta: 0.001}"),
    ),
}


UNKNOWN_WORDS = {
    **{f"the optimizer {name}": (("name: adamw", f"name: {name}"),) for name in ("lion", "adafactor", "muon")},
    **{
        f"the schedule {name}": (
            ("min_learning_rate: 0.1 * learning_rate", "min_learning_rate: 0"),
            ("name: cosine", name),
        )
        for name in (
            "name: step, every: 100 steps",
            "name: milestones, milestones: [100 steps]",
            "name: polynomial, power: 2",
            "name: inverse_sqrt",
            "name: cosine_restarts, cycles: 2",
            "name: one_cycle",
            "name: exponential, gamma: 0.99, every: 1 steps",
        )
    },
    "the precision fp8": (("precision: bf16", "precision: fp8"),),
    **{f"a warmup of {length}": (("warmup: 10%", f"warmup: {length}"),) for length in ("1 epochs", "1000 samples")},
    "a warmup of epochs of unknown steps": (("warmup: 10%", "warmup: 1 epochs"), (", train_examples: 64_000", "")),
}
"""Terms that few trainers have a word for, and lengths that few count in."""


def runner(dialect: str, unpassed: list[str]) -> str:
    return (
        f"    command: [python, train.py, '{{c.yaml}}', '{{output}}']\n    unpassed: {json.dumps(unpassed)}\n"
        f"    configs: {{c.yaml: {dialect}}}\n"
    )


_PASSED_NOWHERE = re.compile(
    r"(?:phases\.train\.|variants\.lora\.steps\[0\]\.train\.)?(\S+) = .* is passed nowhere by runners\.train: (.*)"
)


def left_out(problem: InputError) -> Iterator[tuple[str, str]]:
    """The facts that a refusal says are passed nowhere, and why."""
    for each in problem.problems:
        found = _PASSED_NOWHERE.fullmatch(each.message)
        assert found, each.message
        yield found[1].replace("seeds", "seed"), found[2]


def written(root: Path, dialect: str, variant: str, *changes: tuple[str, str]) -> tuple[ScriptedStudy, dict[str, str]]:
    """A study that passes what the dialect can say; and what it cannot, with the reasons."""
    try:
        study = ScriptedStudy(root, runner(dialect, []), *changes)
        study.command(variant)
        return study, {}
    except InputError as problem:
        missing = dict(left_out(problem))
        return ScriptedStudy(root, runner(dialect, list(missing)), *changes), missing


WORDS_OF_TRANSFORMERS = ("axolotl", "hf-training-arguments", "llama-factory", "ms-swift", "trl")
READ_ONLY = {
    "detectron2",
    "gpt-neox",
    "lightning-cli",
    "megatron",
    "mmengine",
    "nanotron",
    "openrlhf",
    "timm",
    "ultralytics",
    "verl",
}


def test_every_dialect_can_be_written_but_those_that_are_only_read() -> None:
    assert {*readable()} - {*names()} == READ_ONLY
    assert {*names()} <= {*readable()}


@pytest.mark.parametrize("dialect", names())
@pytest.mark.parametrize("case", CASES)
def test_what_is_written_says_the_same_when_it_is_read(tmp_path: Path, dialect: str, case: str) -> None:
    for variant in ("full", "lora") if case == "as it is" else ("full",):
        study, _ = written(tmp_path, dialect, variant, *CASES[case])
        step = study.step(variant)
        assert step.command is not None
        assert contradictions(step, step.command) == []


@pytest.mark.parametrize("dialect", names())
def test_a_trainer_without_a_word_for_a_term_is_told_nothing_of_it(tmp_path: Path, dialect: str) -> None:
    for number, (case, changes) in enumerate(UNKNOWN_WORDS.items()):
        study, missing = written(tmp_path / str(number), dialect, "full", *changes)
        step = study.step("full")
        assert step.command is not None
        assert contradictions(step, step.command) == [], case
        assert all(missing.values()), case
        if case == "the schedule name: one_cycle" and dialect in WORDS_OF_TRANSFORMERS:
            assert "arguments are not written here" in missing["schedule.name"]


def test_a_constant_schedule_is_warmed_up_in_any_unit(tmp_path: Path) -> None:
    for number, length in enumerate(("1 epochs", "1000 samples", "10%", "3 steps")):
        study = ScriptedStudy(
            tmp_path / str(number), runner("trl", []), *CASES["constant"], ("warmup: 10%", f"warmup: {length}")
        )
        assert study.data("c.yaml")["lr_scheduler_type"] == "constant_with_warmup", length


@pytest.mark.parametrize("dialect", sorted({*names()} - PARTIAL))
def test_a_trainers_dialect_says_nearly_everything(tmp_path: Path, dialect: str) -> None:
    """What it leaves out is listed here, with the trainer's reason, and nothing else is."""
    _, missing = written(tmp_path, dialect, "lora")
    assert sorted(missing) == LEFT_OUT.get(dialect, [])


LORA = ["adapter.lora.alpha", "adapter.lora.dropout", "adapter.lora.rank", "adapter.lora.targets"]
SCHEDULE = ["schedule.min_learning_rate", "schedule.name", "schedule.warmup"]
LEFT_OUT = {
    "hf-training-arguments": [*LORA, "sequence_length"],
    "trl": [],
    "ms-swift": [],
    "deepspeed": [*LORA, "epochs", *SCHEDULE, "seed", "sequence_length"],
    "torchtune": ["adapter.lora.targets", "schedule.min_learning_rate"],
    "cerebras": LORA,
}


@pytest.mark.parametrize(
    ("dialect", "case", "fact", "why"),
    [
        ("hf-training-arguments", "adam", "optimizer.name", "no Adam without decoupled weight decay"),
        ("hf-training-arguments", "sgd", "optimizer.momentum", "no argument for momentum"),
        ("llama-factory", "adam", "optimizer.name", "no Adam without decoupled weight decay"),
        ("torchtune", "steps", "max_steps", "torchtune counts epochs"),
        ("torchtune", "constant", "schedule.warmup", "no constant schedule with a warmup"),
        ("torchtune", "as it is", "schedule.min_learning_rate", "schedules end at 0"),
        ("deepspeed", "linear", "schedule.name", "a step away"),
        ("cerebras", "an unknown number of steps", "schedule.name", "number is not known here"),
        ("axolotl", "early stopping", "early_stopping.metric", "validation loss"),
    ],
)
def test_what_a_trainer_would_take_for_something_else_is_refused(
    tmp_path: Path, dialect: str, case: str, fact: str, why: str
) -> None:
    _, missing = written(tmp_path, dialect, "full", *CASES[case])
    assert why in missing[fact]


def test_a_linear_decay_above_zero_is_no_schedule_of_transformers(tmp_path: Path) -> None:
    for dialect in ("hf-training-arguments", "llama-factory", "axolotl"):
        _, missing = written(tmp_path, dialect, "full", ("name: cosine", "name: linear"))
        assert "always ends at 0" in missing["schedule.min_learning_rate"]


@pytest.mark.parametrize("dialect", names())
def test_a_value_that_says_something_else_is_seen_before_anything_starts(tmp_path: Path, dialect: str) -> None:
    """The proof can fail: each value of the rendered config in turn is changed, and reading it back says so."""
    study, _ = written(tmp_path, dialect, "lora")
    step = study.step("lora")
    command = step.command
    assert command is not None
    seen = 0
    for other in changed_numbers(command.configs["c.yaml"]):
        seen += bool(contradictions(step, replace(command, configs={"c.yaml": other})))
    total = len(list(changed_numbers(command.configs["c.yaml"])))
    assert seen >= max(1, total - 3), f"{seen} of {total} changes were seen"


def changed_numbers(data: Any) -> Iterator[Any]:
    """The data with each number in turn made another."""
    if isinstance(data, (dict, list)):
        for key in data if isinstance(data, dict) else range(len(data)):
            for other in changed_numbers(data[key]):
                copy = dict(data) if isinstance(data, dict) else list(data)
                copy[key] = other
                yield copy
    elif isinstance(data, (int, float)) and not isinstance(data, bool) and data:
        yield data * 3


NUMBERS = some.floats(min_value=1e-12, max_value=0.9, allow_nan=False)


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    dialect=some.sampled_from(sorted({*names()} - PARTIAL)),
    peak=NUMBERS,
    eps=NUMBERS,
    decay=NUMBERS,
    micro=some.integers(1, 64),
    accumulation=some.integers(1, 64),
    processes=some.integers(1, 64),
)
def test_any_numbers_survive(
    tmp_path: Path, dialect: str, peak: float, eps: float, decay: float, micro: int, accumulation: int, processes: int
) -> None:
    changes = (
        ("learning_rate: 2e-4", f"learning_rate: {peak!r}"),
        ("eps: 1e-8", f"eps: {eps!r}"),
        ("weight_decay: 0.1", f"weight_decay: {decay!r}"),
        ("count: 2", f"count: {processes}"),
        ("batch_size: 64\n    epochs: 3", f"batch_size: {micro * accumulation * processes}\n    max_steps: 1000"),
    )
    study, _ = written(tmp_path, dialect, "full", *changes)
    step = study.step("full")
    assert step.command is not None
    assert contradictions(step, step.command) == []


ODD = {
    "a": {"b c": [1, 2e-5, True, "no", "2e-4", "1:30", 'é"\\\n', ""]},
    "x.y": 0.1,
    "on": "off",
    "list": [{"k": 1.0}],
}


@pytest.mark.parametrize("suffix", [".yaml", ".json", ".toml"])
def test_a_config_is_read_as_it_was_meant(suffix: str) -> None:
    text = text_of(ODD, suffix)
    readers = {
        ".json": [json.loads],
        ".toml": [tomllib.loads],
        ".yaml": [yaml.safe_load, lambda text: yaml.load(text, Loader=yaml.CSafeLoader)],
    }
    for read in readers[suffix]:
        assert read(text) == ODD


def test_yaml_says_the_same_to_readers_of_1_1_and_1_2() -> None:
    for value in ("2e-4", "no", "1:30", "0o17", "017", "1_000", ".5", "~", "null", "0x1f", "2001-01-01"):
        token = text_of({"k": value}, ".yaml").removeprefix("k: ").rstrip("\n")
        assert token[0] in "\"'", token
    for value in (2e-4, 1e-5, 1e-12, 1e22, 3, 0.1):
        token = text_of({"k": value}, ".yaml").removeprefix("k: ").rstrip("\n")
        assert [resolve(token, rules) for rules in ("yaml-1.2", "pyyaml", "omegaconf")] == [value] * 3


def test_toml_has_no_empty_values() -> None:
    with pytest.raises(ValueError, match="no word for an empty value"):
        text_of({"a": None}, ".toml")


def test_model_zoos_schedulers_take_all_steps_and_no_more(tmp_path: Path) -> None:
    study, _ = written(tmp_path, "cerebras", "full")
    (chain,) = study.data("c.yaml")["trainer"]["init"]["schedulers"]
    stages = [next(iter(stage.values())) for stage in chain["SequentialLR"]["schedulers"]]
    assert [stage["total_iters"] for stage in stages] == [300, 2700]  # 3 epochs of 64000 / 64 steps, 10% of them warmup
    assert (stages[0]["initial_learning_rate"], stages[0]["end_learning_rate"]) == (0.0, 2e-4)
    assert (stages[1]["initial_learning_rate"], stages[1]["end_learning_rate"]) == (2e-4, pytest.approx(2e-5))

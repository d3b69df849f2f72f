"""What a paper may state: rounded and derived values, lengths and batches in any unit, facts of its own, absence."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest

from framework.conformance import Stage, Status
from framework.conformance.meaning import compare
from framework.manifest.clauses import Clause
from framework.manifest.sections.batches import Batch
from framework.manifest.sections.durations import Duration, Scale
from framework.manifest.sections.quantities import About, number_of
from framework.stages.check import CheckResult
from tests.support.project import Project

HEAD = "version: 1\npaper: {title: A paper}\nseeds: [1]\n"


def checked(folder: Path, statement: str, keys: str, file: str) -> CheckResult:
    """A statement with one config file: `keys` are those of its binding."""
    binding = f"configs: [{{file: a.yaml, describes: phases.p, keys: {{{keys}, seed: 'seeds[0]'}}}}]\n"
    project = Project(folder, HEAD + statement + binding)
    project.write("a.yaml", f"{file}seed: 1\n")
    return project.check()


def _looked(result: CheckResult, clause: Clause) -> bool:
    return bool(result.matrix.looks(clause, Stage.CONFIG))


def verdict(folder: Path, statement: str, key: str, value: str) -> Status | None:
    result = checked(folder, statement, f"k: {key}", f"k: {value}\n" if value else "other: 1\n")
    clause = next(each for each in result.experiment.clauses if each.section != "seeds" and _looked(result, each))
    return result.matrix.status(clause, Stage.CONFIG)


# Numbers


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("130M", 130_000_000),
        ("1.5B", 1_500_000_000),
        ("10k", 10_000),
        ("2e-4", 2e-4),
        ("1_000", 1000),
        ("1,281,167", 1281167),
    ],
)
def test_a_number_is_written_as_papers_write_it(text: str, value: float) -> None:
    found = number_of(text)
    assert (found, type(found)) == (value, type(value))


@pytest.mark.parametrize("text", ["", "M", "1M2", "one", "1..2", "0x10", "1e999"])
def test_other_texts_are_no_numbers(text: str) -> None:
    assert number_of(text) is None


@pytest.mark.parametrize(
    ("text", "low", "high"),
    [
        ("about 1000", 950, 1050),
        ("~ 130M", 123.5e6, 136.5e6),
        ("about 130M within 1%", 128.7e6, 131.3e6),
        ("130M within 1%", 128.7e6, 131.3e6),
        ("130M ± 2M", 128e6, 132e6),
        ("2e-4 to 3e-4", 2e-4, 3e-4),
        ("-3 .. -1", -3, -1),
    ],
)
def test_a_rounded_number_is_a_range_whose_ends_count(text: str, low: float, high: float) -> None:
    about = About.of(text)
    assert about is not None
    assert (about.low, about.high) == (pytest.approx(low), pytest.approx(high))
    assert about.holds(low)
    assert about.holds(high)
    assert not about.holds(math.nextafter(high, math.inf) * (1.001 if high > 0 else 0.999))


@pytest.mark.parametrize("text", ["1000", "about", "about many", "3 to 2", "within 1%", "1 within 2"])
def test_other_texts_round_nothing(text: str) -> None:
    assert About.of(text) is None


@pytest.mark.parametrize(
    ("stated", "value", "status"),
    [
        ("about 1000", "1040", Status.CONFORMS),
        ("about 1000", "1060", Status.VIOLATED),
        ("2e-4 to 3e-4", "2.5e-4", Status.CONFORMS),
        ("2e-4 to 3e-4", "1e-4", Status.VIOLATED),
        ("about 1000", "${other}", Status.UNVERIFIED),
        ("about 1000", "many", Status.VIOLATED),
    ],
)
def test_files_are_held_to_what_the_paper_rounds(tmp_path: Path, stated: str, value: str, status: Status) -> None:
    assert verdict(tmp_path, f"phases: {{p: {{settings: {{width: {stated}}}}}}}\n", "settings.width", value) is status


# Derived values

DERIVED = """\
hardware: {count: 4}
settings: {base: 512}
models: {m: {hidden: 64, settings: {ratio: 4}}}
phases:
  p:
    optimizer: {learning_rate: 5e-4 * batch_size / settings.base, weight_decay: 0.1}
    schedule: {name: linear, min_learning_rate: 0.1 * learning_rate}
    batch_size: 64 per device
    max_steps: max(10, epochs_total) * 2
    settings: {epochs_total: 7, inner: hidden * ratio, note: grad-ascent, half: models.m.hidden // 2 - 1}
    tasks: {t: {batch_size: 512}}
variants:
  plain: {steps: [p]}
  slow: {steps: [{p: {set: {batch_size: 128}}}]}
"""


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("optimizer.learning_rate", "2.5e-4"),
        ("schedule.min_learning_rate", "2.5e-5"),
        ("max_steps", "20"),
        ("settings.inner", "256"),
        ("settings.half", "31"),
        ("settings.note", "grad-ascent"),
    ],
)
def test_a_value_follows_from_the_clauses_that_it_names(tmp_path: Path, key: str, value: str) -> None:
    assert verdict(tmp_path, DERIVED, key, value) is Status.CONFORMS


@pytest.mark.parametrize(
    ("binding", "rate"),
    [("variant: slow", "1.25e-4"), ("describes: phases.p.tasks.t", "5e-4"), ("variant: plain", "2.5e-4")],
)
def test_it_follows_what_a_variant_or_a_task_has_in_their_place(tmp_path: Path, binding: str, rate: str) -> None:
    described = "" if "describes" in binding else ", describes: phases.p"
    keys = "keys: {lr: optimizer.learning_rate}"
    project = Project(tmp_path, f"{HEAD}{DERIVED}configs: [{{file: a.yaml, {binding}{described}, {keys}}}]\n")
    project.write("a.yaml", f"lr: {rate}\n")
    if "tasks" in binding:
        project.replace("lr: optimizer.learning_rate", "lr: phases.p.optimizer.learning_rate")
    assert project.check().findings == []
    project.write("a.yaml", "lr: 7e-4\n")
    assert [each.code for each in project.check().findings] == ["C101"]


@pytest.mark.parametrize(
    ("stated", "words"),
    [
        ("0.1 * learning_rat", "did you mean 'learning_rate'"),
        ("learning_rate / (1 - 1)", "divides by zero"),
        ("2 * settings.x", "follow from each other"),
        ("learning_rate - 1", "greater than or equal to 0"),
    ],
)
def test_a_derivation_without_a_value_is_told_at_its_place(tmp_path: Path, stated: str, words: str) -> None:
    schedule = f"schedule: {{min_learning_rate: «{stated}}}"
    own = "2 * settings.x" if "settings" in stated else 1
    text = f"phases: {{p: {{optimizer: {{learning_rate: 0.1}}, {schedule}, settings: {{x: {own}}}}}}}\n"
    project = Project(tmp_path)
    project.write("experiment.yaml", HEAD + text)
    (problem,) = project.problems()
    assert problem.startswith(f"{project.place}: ")
    assert words in problem


def test_what_it_names_may_be_left_unstated(tmp_path: Path) -> None:
    statement = "phases: {p: {optimizer: {learning_rate: 5e-4 * batch_size / 512}}}\n"
    assert verdict(tmp_path, statement, "optimizer.learning_rate", "1e-3") is Status.UNVERIFIED


# Lengths and batches


@pytest.mark.parametrize(
    ("text", "unit", "amount"),
    [
        ("5 epochs", "epochs", 5),
        ("2000 steps", "steps", 2000),
        ("20k optimizer steps", "steps", 20_000),
        ("300M tokens", "tokens", 300e6),
        ("1.28M images", "samples", 1.28e6),
        ("50M environment steps", "environment_steps", 50e6),
        ("10M frames", "environment_steps", 10e6),
        ("10%", "ratio", 0.1),
        ("none", "steps", 0),
        ("about 600B tokens", "tokens", 600e9),
    ],
)
def test_a_length_has_a_unit(text: str, unit: str, amount: float) -> None:
    duration = Duration.model_validate(text)
    assert (duration.unit, duration.amount) == (unit, amount)
    assert Duration.model_validate(str(duration)) == duration


SCALE = Scale(steps_per_epoch=100, samples_per_step=8, tokens_per_step=8 * 512)


@pytest.mark.parametrize(
    ("text", "steps"),
    [("2 epochs", 200), ("7 steps", 7), ("80 samples", 10), ("81 samples", 11), ("8192 tokens", 2), ("10%", 50)],
)
def test_a_length_comes_to_steps_where_a_step_is_known(text: str, steps: int) -> None:
    assert Duration.model_validate(text).in_steps(500, SCALE) == steps


@pytest.mark.parametrize(
    ("text", "lacking"),
    [("2 epochs", "training examples"), ("3 samples", "batch size"), ("5 tokens", "sequence length")],
)
def test_where_it_is_not_known_the_message_says_what_is_missing(text: str, lacking: str) -> None:
    with pytest.raises(ValueError, match=lacking):
        Duration.model_validate(text).in_steps(500)


LENGTHS = """\
datasets: {d: {train_examples: 1000}}
phases:
  p: {dataset: d, batch_size: 10, sequence_length: 100, length: 20 epochs, schedule: {warmup: 2 epochs}}
"""


@pytest.mark.parametrize(
    ("key", "value", "status"),
    [
        ("length.epochs", "20", Status.CONFORMS),
        ("length.steps", "2000", Status.CONFORMS),
        ("length.samples", "20000", Status.CONFORMS),
        ("length.tokens", "2000000", Status.CONFORMS),
        ("length.steps", "1900", Status.VIOLATED),
        ("schedule.warmup.steps", "200", Status.CONFORMS),
        ("schedule.warmup.steps", "300", Status.VIOLATED),
    ],
)
def test_a_length_is_held_in_whatever_unit_a_file_has_it(tmp_path: Path, key: str, value: str, status: Status) -> None:
    assert verdict(tmp_path, LENGTHS, key, value) is status


def test_a_length_that_cannot_be_converted_is_unverified_with_what_is_missing(tmp_path: Path) -> None:
    text = LENGTHS.replace("{train_examples: 1000}", "{}")
    result = checked(tmp_path, text, "k: length.steps", "k: 2000\n")
    clause = next(each for each in result.experiment.clauses if each.id == "phases.p.length")
    (look,) = result.matrix.looks(clause, Stage.CONFIG)
    assert look.status is Status.UNVERIFIED
    assert "the number of training examples and the batch size is not known here" in look.reason


@pytest.mark.parametrize(
    ("stated", "key", "value", "status"),
    [
        ("1M tokens", "batch_size.tokens", "1000000", Status.CONFORMS),
        ("1M tokens", "batch_size.tokens", "1048576", Status.CONFORMS),
        ("1M tokens", "batch_size.tokens", "1100000", Status.VIOLATED),
        ("32 per device", "batch_size.per_device", "32", Status.CONFORMS),
        ("32 per GPU", "batch_size.per_device", "64", Status.VIOLATED),
        ("50 sequences", "batch_size", "50", Status.CONFORMS),
    ],
)
def test_a_batch_is_held_in_its_unit(tmp_path: Path, stated: str, key: str, value: str, status: Status) -> None:
    assert verdict(tmp_path, f"phases: {{p: {{batch_size: {stated}}}}}\n", key, value) is status


def test_a_batch_in_tokens_comes_to_examples_by_the_sequence_length() -> None:
    batch = Batch.of("4096 tokens")
    assert isinstance(batch, Batch)
    assert (batch.examples(512, None), batch.examples(None, 8)) == (8, None)


# Absence


@pytest.mark.parametrize(
    ("stated", "key"),
    [
        ("optimizer: {weight_decay: none}", "optimizer.weight_decay"),
        ("schedule: {warmup: none}", "schedule.warmup.steps"),
        ("settings: {dropout: none}", "settings.dropout"),
        ("settings: {dropout: null}", "settings.dropout"),
    ],
)
def test_none_is_held_to_files_that_say_nothing_or_nothing_of_it(tmp_path: Path, stated: str, key: str) -> None:
    statement = f"phases: {{p: {{{stated}}}}}\n"
    for nothing in ("", "0", "false", "none", "null"):
        assert verdict(tmp_path, statement, key, nothing) is Status.CONFORMS, nothing
    assert verdict(tmp_path, statement, key, "0.1") is Status.VIOLATED


# Facts of the paper's own


@pytest.mark.parametrize(
    "place",
    ["settings", "models.m.settings", "datasets.d.settings", "phases.p.settings", "phases.p.optimizer.settings"],
)
def test_own_facts_stand_at_every_level(tmp_path: Path, place: str) -> None:
    text, own = "", {"a": "1", "b": "{c: [1, 2], d: x}", "e": "[[1, 2], [3]]"}
    for name, value in own.items():
        text += f"{name}: {value}, "
    nested = f"{{{text}}}"
    for part in reversed(place.split(".")):
        nested = f"{{{part}: {nested}}}"
    statement = "".join(f"{line}\n" for line in [nested[1:-1]])
    extra = "" if place.startswith("phases") else "phases: {p: {batch_size: 1}}\n"
    keys = f"a: {place}.a, c: {place}.b.c, d: {place}.b.d, e: {place}.e"
    file = "a: 1\nc: [1, 2]\nd: x\ne: [[1, 2], [3]]\n"
    assert checked(tmp_path, statement + extra, keys, file).findings == []
    drifted = checked(tmp_path, statement + extra, keys, file.replace("[3]", "[4]").replace("d: x", "d: y"))
    assert [(each.code, each.clause) for each in drifted.findings] == [
        ("C101", f"{place}.b.d"),
        ("C101", f"{place}.e"),
    ]


def test_a_misspelled_known_key_says_how_to_state_it_as_one_s_own(tmp_path: Path) -> None:
    project = Project(tmp_path, HEAD + "phases: {p: {«batch_sizes: 3}}\n")
    told = f"{project.place}: unknown key 'batch_sizes' in phases.p\n    did you mean 'batch_size'?"
    assert project.problems() == [f"{told} Or state it under `settings`"]


def test_they_may_be_set_by_variants_and_profiles_also_new_ones(tmp_path: Path) -> None:
    statement = """\
phases: {p: {settings: {a: 1}}}
variants: {v: {steps: [{p: {set: {settings.a: 2, settings.deep.new: 3}}}]}}
profiles: {small: {reason: quick, set: {phases.p.settings.a: 4, phases.p.settings.other: 5}}}
"""
    project = Project(tmp_path, HEAD + statement)
    (step,) = project.plan().steps
    assert step.work.phase.settings == {"a": 2, "deep": {"new": 3}}  # type: ignore[union-attr]
    assert project.load("small").manifest.phases["p"].settings == {"a": 4, "other": 5}


def test_models_and_datasets_say_what_phases_do_otherwise_with_them(tmp_path: Path) -> None:
    statement = """\
models:
  small: {family: gpt2}
  large: {family: gpt2, set: {optimizer.learning_rate: 1e-4, phases.q.epochs: 9, mask.sdm.target_sparsity: 0.4}}
datasets: {d: {set: {settings.penalty: 0.1}}}
phases:
  p: {dataset: d, optimizer: {learning_rate: 2e-4}, epochs: 1, settings: {penalty: 5}}
  q: {optimizer: {learning_rate: 3e-4}, epochs: 2}
variants: {v: {steps: [{p: {mask: {sdm: {target_sparsity: 0.3}}}}, q]}}
"""
    found: dict[tuple[str, str], tuple[Any, ...]] = {}
    for step in Project(tmp_path, HEAD + statement).plan().steps:
        phase, mask = step.work.phase, step.work.mask  # type: ignore[union-attr]
        sparsity = mask.sdm.target_sparsity if mask and mask.sdm else None
        found[step.model_name, step.name] = (phase.optimizer.learning_rate, phase.epochs, phase.settings, sparsity)
    assert found == {
        ("small", "p"): (2e-4, 1, {"penalty": 0.1}, 0.3),
        ("small", "q"): (3e-4, 2, None, None),
        ("large", "p"): (1e-4, 1, {"penalty": 0.1}, 0.4),
        ("large", "q"): (1e-4, 9, None, None),
    }


def test_a_text_that_is_no_arithmetic_over_clauses_stays_a_text() -> None:
    for value in ("a-b", "x/y", "grad-ascent"):
        assert compare(("phases", "p", "settings", "k"), value, value).same

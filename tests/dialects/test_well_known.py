"""Settings bind by themselves: the catalogue's by any name that a trainer gives them, a paper's own by their own."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest

from framework.conformance import Severity, Status
from framework.dialects import synonyms
from framework.dialects.registry import names, recognise
from framework.dialects.well_known import named
from framework.dialects.well_known.facts import BY_NAME, FACTS, Fact
from framework.dialects.well_known.trainer_words import TRAINERS, Trainer
from framework.manifest.loading import load
from framework.stages.check import CheckResult, check

VALUES: dict[str, tuple[Any, Any]] = {
    "share": (0.25, 0.5), "weight": (0.25, 0.5), "number": (2.5, 3.5), "count": (7, 8), "pixels": (64, 32),
    "tokens": (33, 44), "steps": (77, 88), "term": ("linear", "sigmoid"), "switch": (True, False),
}  # fmt: skip
"""A value of each kind, and another."""
DIALECTS: dict[str, dict[str, Any]] = {
    "megatron": {"micro_batch_size": 4, "train_iters": 9, "lr": 1e-4},
    "gpt-neox": {"pipe_parallel_size": 1, "optimizer": {"type": "Adam"}},
    "hf-training-arguments": {"output_dir": "out", "learning_rate": 1e-4, "num_train_epochs": 3, "logging_steps": 1},
    "llama-factory": {"stage": "dpo", "do_train": True, "finetuning_type": "full", "learning_rate": 1e-4},
    "axolotl": {"base_model": "a/b", "sequence_len": 64, "micro_batch_size": 2, "num_epochs": 3},
    "torchtune": {"optimizer": {"_component_": "torch.optim.AdamW", "lr": 1e-4}, "epochs": 3},
    "hf-model-config": {"model_type": "bert", "architectures": ["BertModel"]},
}
"""The least of a file of each dialect whose trainer has words for facts."""
GENERIC = "dialect: generic, describes: phases.train"
SECTIONS = {"phase": "phases.train", "model": "models.net", "dataset": "datasets.data"}


def manifest(configs: str, **settings: Any) -> str:
    """A manifest whose sections (`phase`, `model`, `dataset`, `task`, `variant`, `top`) have these settings."""

    def stated(section: str) -> str:
        return f"settings: {json.dumps(settings[section])}" if section in settings else ""

    def below(section: str) -> str:
        return f"{{{stated(section)}}}"

    top = f"{stated('top')}\n" if "top" in settings else ""
    tasks = (
        f"    tasks: {{one: {{dataset: data, {stated('task')}}}}}\n" if "task" in settings else "    dataset: data\n"
    )
    phase = f"    {stated('phase')}\n" if "phase" in settings else ""
    changed = f"set: {json.dumps(settings['set'])}" if "set" in settings else ""
    variant = f"variants:\n  full: {{steps: [{{train: {{{changed}}}}}], {stated('variant')}}}\n"
    return (
        f"version: 1\npaper: {{title: A study}}\nseeds: [3]\n{top}models: {{net: {below('model')}}}\n"
        f"datasets: {{data: {below('dataset')}}}\nphases:\n  train:\n    objective: any\n{tasks}{phase}"
        f"{variant if {'set', 'variant'} & settings.keys() else ''}configs:\n{configs}"
    )


def held(root: Path, data: Any, binding: str = GENERIC, **settings: Any) -> CheckResult:
    """A JSON file, one leaf per line, held to settings; it also states the seed, so that something is bound."""
    swept = {**data, "parameters": {**data.get("parameters", {}), "seed": {"value": 3}}}
    seeded = swept if "method" in data else {"seed": 3, **data}
    (root / "a.json").write_text(json.dumps(seeded, indent=1))
    (root / "experiment.yaml").write_text(manifest(f"  - {{file: a.json, {binding}}}\n", **settings))
    return check(load(root / "experiment.yaml"))


def errors(result: CheckResult) -> list[tuple[str, str | None]]:
    return [(each.code, each.clause) for each in result.findings if each.severity is Severity.ERROR]


def unbound(result: CheckResult) -> set[str | None]:
    return {each.location.key for each in result.findings if each.code == "C120" and each.location}


def put(data: dict[str, Any], place: str, value: Any) -> dict[str, Any]:
    """A copy of the data with a value at a dotted place, last in its section."""
    head, _, rest = place.partition(".")
    return {**data, head: put(data.get(head, {}), rest, value) if rest else value}


def assert_held(root: Path, fact: Fact, data: dict[str, Any], place: str, binding: str) -> None:
    """That what says the same conforms, and that another value is drift at its line."""
    right, wrong = VALUES[fact.kind]
    settings = {fact.section: {fact.name: right}}
    clause = f"{SECTIONS[fact.section]}.settings.{fact.name}"
    same = held(root, put(data, place, right), binding, **settings)
    assert errors(same) == []
    assert same.statuses[clause] is Status.CONFORMS
    other = held(root, put(data, place, wrong), binding, **settings)
    assert errors(other) == [("C101", clause)]
    found = next(each for each in other.findings if each.code == "C101")
    assert found.location is not None
    assert found.location.key == place
    text = (root / "a.json").read_text().splitlines()[found.location.line - 1]
    assert f'"{place.rpartition(".")[2]}"' in text


SPELLED = [(fact, name) for fact in FACTS for name in (fact.name, *fact.spellings)]
BELOW = [(fact, place) for fact in FACTS for place in named.sections_for(fact.name)]
OF_DIALECTS = [
    (trainer, BY_NAME[fact], key)
    for trainer in TRAINERS
    for fact, keys in trainer.words.items()
    for key in keys.split()
    if trainer.dialect
]
OF_MARKS = [
    (trainer, BY_NAME[fact], key)
    for trainer in TRAINERS
    for fact, keys in trainer.words.items()
    for key in keys.split()
    if not trainer.dialect
]


@pytest.mark.parametrize(("fact", "name"), SPELLED, ids=[name for _, name in SPELLED])
def test_every_spelling_binds_to_its_fact(tmp_path: Path, fact: Fact, name: str) -> None:
    assert_held(tmp_path, fact, {}, name, GENERIC)


@pytest.mark.parametrize(("fact", "place"), BELOW, ids=[place for _, place in BELOW])
def test_a_section_says_what_a_name_below_it_is(tmp_path: Path, fact: Fact, place: str) -> None:
    assert_held(tmp_path, fact, {}, place, GENERIC)


@pytest.mark.parametrize(("trainer", "fact", "key"), OF_DIALECTS, ids=[f"{t.dialect}: {k}" for t, _, k in OF_DIALECTS])
def test_every_word_of_a_dialect_s_trainer_binds(tmp_path: Path, trainer: Trainer, fact: Fact, key: str) -> None:
    about = "models.net" if trainer.dialect == "hf-model-config" else "phases.train"
    binding = f"dialect: {trainer.dialect}, describes: {about}, required: false"
    assert_held(tmp_path, fact, DIALECTS[trainer.dialect], key, binding)


@pytest.mark.parametrize(("trainer", "fact", "key"), OF_MARKS, ids=[f"{t.name}: {k}" for t, _, k in OF_MARKS])
@pytest.mark.parametrize("dialect", ["generic", "hydra"])
def test_every_word_of_a_trainer_binds_beside_one_of_its_marks(
    tmp_path: Path, trainer: Trainer, fact: Fact, key: str, dialect: str
) -> None:
    mark = next(mark for mark in trainer.marks if named.PLAIN.get(named.folded(mark)) != fact.name and mark != key)
    assert_held(tmp_path, fact, {mark: None}, key, f"dialect: {dialect}, describes: phases.train")


def test_no_name_means_two_things() -> None:
    spelled: dict[str, set[str]] = defaultdict(set)
    for fact, name in SPELLED:
        spelled[named.folded(name)].add(fact.name)
    assert {name: facts for name, facts in spelled.items() if len(facts) > 1} == {}
    fields = {named.folded(name) for name in synonyms._MEANING}
    assert spelled.keys() & fields == set()
    assert {trainer.dialect for trainer in TRAINERS} <= {"", *names()}
    assert {fact for trainer in TRAINERS for fact in trainer.words} <= BY_NAME.keys()


@pytest.mark.parametrize("name", ["beta", "gamma", "alpha", "tau", "n_steps", "buffer_size", "resolution"])
def test_a_bare_name_that_means_several_things_binds_to_none(tmp_path: Path, name: str) -> None:
    assert named.plainly(name, None) is None
    phase = {"discount": 1, "kl_coefficient": 1, "target_network_update": 1, "rollout_length": 1, "mixup": 1}
    result = held(tmp_path, {name: 2}, phase={**phase, "replay_buffer_size": 1, "image_size": 1})
    assert errors(result) == []
    assert unbound(result) == {name}


def test_a_bare_name_gives_way_where_the_file_says_the_fact_by_its_whole_name(tmp_path: Path) -> None:
    phase = {"passes_per_rollout": 10}
    result = held(tmp_path, {"env": "x", "n_epochs": 100, "ppo_epochs": 10}, phase=phase)
    assert errors(result) == []
    alone = held(tmp_path, {"env": "x", "n_epochs": 100}, phase=phase)
    assert errors(alone) == [("C101", "phases.train.settings.passes_per_rollout")]


def test_a_name_that_is_a_field_elsewhere_is_the_field_where_no_setting_is_stated(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("clip_range: 0.2\nn_epochs: 4\n")
    text = manifest("  - {file: a.yaml, dialect: generic, describes: phases.train}\n")
    (tmp_path / "experiment.yaml").write_text(text.replace("objective: any", "epochs: 5"))
    assert errors(check(load(tmp_path / "experiment.yaml"))) == [("C101", "phases.train.epochs")]


@pytest.mark.parametrize("section", ["phase", "model", "dataset", "task", "variant", "top"])
@pytest.mark.parametrize("name", ["dropout", "own_name"])
def test_a_setting_binds_wherever_it_is_stated(tmp_path: Path, section: str, name: str) -> None:
    result = held(tmp_path, {name: 0.5}, **{section: {name: 0.25}})
    assert len(errors(result)) == 1
    code, clause = errors(result)[0]
    assert code == "C101"
    assert (clause or "").endswith(f"settings.{name}")


@pytest.mark.parametrize("name", ["dropout", "own_name"])
def test_the_narrowest_section_counts(tmp_path: Path, name: str) -> None:
    sections = {"top": 1, "dataset": 2, "model": 3, "phase": 4, "variant": 5, "task": 6}
    settings: dict[str, Any] = {}
    for section, value in sections.items():
        settings[section] = {name: value}
        about = "phases.train.tasks.one" if section == "task" else "phases.train"
        variant = ", variant: full" if section in ("variant", "task") else ""
        binding = f"dialect: generic, describes: {about}{variant}"
        assert errors(held(tmp_path, {name: value}, binding, **settings)) == [], section
    settings["set"] = {f"settings.{name}": 7}
    binding = "dialect: generic, describes: phases.train.tasks.one, variant: full"
    assert errors(held(tmp_path, {name: 7}, binding, **settings)) == []


def test_a_setting_that_nobody_states_stays_unbound(tmp_path: Path) -> None:
    result = held(tmp_path, {"dropout": 0.1, "lambda_tr": 0.01, "gamma": 0.9})
    assert errors(result) == []
    assert unbound(result) == {"dropout", "lambda_tr", "gamma"}


@pytest.mark.parametrize("dialect", ["generic", "hydra"])
@pytest.mark.parametrize(
    ("settings", "place"),
    [
        ({"lambda_tr": 1}, "lambda_tr"),
        ({"lambda_tr": 1}, "loss.lambda-tr"),
        ({"lambda_tr": 1}, "lambdaTR"),
        ({"loss_weights": {"kl": 1}}, "loss_weights.kl"),
        ({"loss_weights": {"kl": 1}}, "model.loss_weights.kl"),
        ({"loss_weights": {"kl": 1}}, "loss_weights_kl"),
        ({"loss_weights": {"kl": 1}}, "kl"),
        ({"sampling": {"width": 1}}, "sampling.width"),
        ({"compile": 1}, "compile"),
        ({"ppo": {"clip_range": 1}}, "clip_range"),
        ({"clip_range": 1}, "ppo.clip_range"),
        ({"attn_dropout": 1}, "attention_probs_dropout_prob"),
        ({"gamma": 1, "gae_lambda": 1}, "discount_factor"),
        ({"gamma": 1}, "gamma"),
        ({"epochs_of_critic": 1, "n_epochs": 1}, "n_epochs"),
    ],
)
def test_own_settings_bind_by_name(tmp_path: Path, settings: dict[str, Any], place: str, dialect: str) -> None:
    binding = f"dialect: {dialect}, describes: phases.train"
    right = held(tmp_path, put({}, place, 1), binding, phase=settings)
    assert (errors(right), unbound(right)) == ([], set())
    wrong = held(tmp_path, put({}, place, 2), binding, phase=settings)
    assert [code for code, _ in errors(wrong)] == ["C101"]


@pytest.mark.parametrize("dialect", ["hf-training-arguments", "axolotl"])
def test_own_settings_are_left_alone_in_files_of_a_fixed_form(tmp_path: Path, dialect: str) -> None:
    data = {**DIALECTS[dialect], "lambda_tr": 2}
    result = held(tmp_path, data, f"dialect: {dialect}, describes: phases.train", phase={"lambda_tr": 1})
    assert "lambda_tr" in unbound(result)


@pytest.mark.parametrize(
    ("settings", "data"),
    [
        ({"a": {"kl": 1}, "b": {"kl": 2}}, {"kl": 1}),
        ({"encoder": {"dropout": 0.1}, "decoder": {"dropout": 0.2}}, {"dropout": 0.1}),
    ],
)
def test_a_key_that_could_be_several_settings_is_reported(
    tmp_path: Path, settings: dict[str, Any], data: dict[str, Any]
) -> None:
    result = held(tmp_path, data, phase=settings)
    assert errors(result) == []
    found = [each for each in result.findings if each.code == "C130"]
    assert len(found) == 1
    key = next(iter(data))
    for outer in settings:
        assert f"`{key}: phases.train.settings.{outer}.{key}`" in (found[0].advice or "")


def test_sections_of_settings_bind_to_sections_of_their_names(tmp_path: Path) -> None:
    phase = {"encoder": {"dropout": 0.1}, "decoder": {"dropout": 0.2}}
    assert errors(held(tmp_path, phase, phase=phase)) == []
    swapped = held(tmp_path, {"encoder": {"dropout": 0.2}, "decoder": {"dropout": 0.2}}, phase=phase)
    assert errors(swapped) == [("C101", "phases.train.settings.encoder.dropout")]


def test_two_sections_that_state_one_setting_differently_are_reported(tmp_path: Path) -> None:
    result = held(tmp_path, {"left": {"width": 64}, "right": {"width": 32}}, phase={"width": 64})
    assert errors(result) == []
    assert [each.code for each in result.findings].count("C130") == 2


def test_keys_of_what_is_no_training_state_no_setting(tmp_path: Path) -> None:
    data = {"eval": {"lambda_tr": 2, "dropout": 0.5}, "embedding": {"dropout": 0.5}}
    result = held(tmp_path, data, phase={"lambda_tr": 1, "dropout": 0.1})
    assert errors(result) == []
    of_part = held(tmp_path, {"dropout": 0.5}, phase={"embedding": {"dropout": 0.1}})
    assert (errors(of_part), unbound(of_part)) == ([], {"dropout"})
    assert errors(held(tmp_path, {"embedding": {"dropout": 0.5}}, phase={"embedding": {"dropout": 0.1}})) != []


def test_what_is_none_in_the_manifest_may_be_empty_in_the_file(tmp_path: Path) -> None:
    for word in (None, 0, False, "none"):
        assert errors(held(tmp_path, {"dropout": word, "own": word}, phase={"dropout": "none", "own": "none"})) == []
    result = held(tmp_path, {"dropout": 0.1, "own": 0.1}, phase={"dropout": "none", "own": "none"})
    assert [code for code, _ in errors(result)] == ["C101", "C101"]


@pytest.mark.parametrize(
    ("fact", "declared", "words", "wrong"),
    [
        ("image_size", 224, [224, [224, 224], [3, 224, 224]], [196, [224, 196], [3, 196, 196]]),
        ("image_size", [224, 196], [[224, 196]], [[196, 224], 224]),
        ("noise_schedule", "cosine", ["cosine", "squaredcos_cap_v2", "Cosine"], ["linear"]),
        ("max_grad_value", 0.5, [0.5], [1.0]),
    ],
)
def test_a_trainer_s_word_is_held_by_what_it_means(
    tmp_path: Path, fact: str, declared: Any, words: list[Any], wrong: list[Any]
) -> None:
    for word in words:
        assert errors(held(tmp_path, {fact: word}, phase={fact: declared})) == [], word
    for word in wrong:
        assert [code for code, _ in errors(held(tmp_path, {fact: word}, phase={fact: declared}))] == ["C101"], word


@pytest.mark.parametrize(
    "data",
    [{"gradient_clip_val": 1, "gradient_clip_algorithm": "value"}, {"clip_grad": 1, "clip_mode": "value"}],
)
def test_clipping_by_value_is_no_clipping_by_norm(tmp_path: Path, data: dict[str, Any]) -> None:
    result = held(tmp_path, data, phase={"max_grad_value": 0.5})
    assert errors(result) == [("C101", "phases.train.settings.max_grad_value")]
    by_norm = held(tmp_path, {next(iter(data)): 1}, phase={"max_grad_value": 0.5})
    assert errors(by_norm) == []


def test_transformers_smooths_no_labels_unless_it_is_told(tmp_path: Path) -> None:
    binding = "dialect: hf-training-arguments, describes: phases.train"
    result = held(tmp_path, DIALECTS["hf-training-arguments"], binding, phase={"label_smoothing": 0.1})
    assert errors(result) == [("C131", "phases.train.settings.label_smoothing")]


def test_a_sweep_that_leaves_out_the_setting_is_drift(tmp_path: Path) -> None:
    binding = "dialect: wandb-sweep, describes: phases.train"
    for values, expected in (([0.1, 0.2], []), ([0.2, 0.3], [("C101", "phases.train.settings.dropout")])):
        data = {"method": "grid", "parameters": {"dropout_rate": {"values": values}}}
        assert errors(held(tmp_path, data, binding, phase={"dropout": 0.1})) == expected


def test_settings_alone_make_no_file_a_training_s() -> None:
    facts = {"dropout": 0.1, "discount": 0.9, "gae_lambda": 0.9, "clip_range": 0.2, "num_envs": 8, "n_epochs": 4}
    assert recognise(facts) is None
    found = recognise({**facts, "lr": 1e-3})
    assert found is not None
    assert found[0].name == "generic"
    assert "dropout" not in found[1].why


def test_a_check_without_dialects_and_settings_reads_no_catalogue(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text('{"epochs": 3}')
    text = manifest("  - {file: a.json, describes: phases.train, keys: {epochs: epochs}}\n")
    (tmp_path / "experiment.yaml").write_text(text.replace("objective: any", "epochs: 3"))
    code = (
        "import sys\nfrom framework.__main__ import main\nmain(['check', '--no-cache'])\n"
        "print([name for name in sys.modules if 'well_known' in name])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False, timeout=60
    )
    assert done.stdout.splitlines()[-1] == "[]", done.stdout + done.stderr

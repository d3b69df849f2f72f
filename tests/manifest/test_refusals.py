"""A manifest that is none: one message for each problem with file, line and column, exit 2, and nothing written.

In the texts below `«` stands before the place that the message must name, and is taken out.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.project import MANIFEST, MARK, Project


def refused(project: Project, *arguments: str) -> str:
    """What a refused command says; nothing else may have happened."""
    before = project.files()
    outcome = project.cli(*(arguments or ("check",)))
    assert outcome.code == 2, outcome
    assert outcome.out == ""
    assert "Traceback" not in outcome.err
    assert project.files() == before
    return outcome.err


DEEP_ALIASES = "a0: &a0 " + "[" * 60 + "]" * 60 + "\n"
DEEP_ALIASES += "".join(f"a{i}: &a{i} " + "[" * 60 + f"*a{i - 1}" + "]" * 60 + "\n" for i in range(1, 40))
BOMB = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n"
BOMB += "".join(f"a{i}: &a{i} [" + ", ".join([f"*a{i - 1}"] * 10) + "]\n" for i in range(1, 12))

TAILS: dict[str, tuple[str | bytes, str]] = {
    "tab in the indentation": ("x:\n«\t- 1\n", "a tab in the indentation"),
    "duplicate key": ("«seeds: [4]\n", "the key 'seeds' stands twice"),
    "duplicate key further in": ("documents: {directory: a, «directory: b}\n", "'directory' stands twice"),
    "control character": ("x: a«\x07b\n", "#x0007"),
    "NUL": ("x: a«\x00b\n", "#x0000"),
    "second document": ("«---\nversion: 1\n", "second document"),
    "Python tag": ("x: «!!python/object/apply:os.system [id]\n", "python/object/apply:os.system"),
    "Python tag on a key": ("«!!python/name:os.system x: 1\n", "python/name:os.system"),
    "custom tag": ("x: {y: «!env HOME}\n", "!env"),
    "recursive alias": ("x: &x [1, «*x]\n", "*x"),
    "alias of nothing": ("x: «*nothing\n", "nothing"),
    "key that is a list": ("? «[a, b]\n: 1\n", "key that is not a scalar"),
    "merge of a list": ("x: {«<<: [1]}\n", "<<"),
    "deep nesting": ("x: " + "[" * 99 + MARK + "[" * 20 + "]" * 119 + "\n", "nested deeper than 100 levels"),
    "deep nesting by aliases": (DEEP_ALIASES.replace("*a0", "«*a0"), "nested deeper than 100 levels"),
    "not UTF-8": ("x: «".encode() + b"\xff\n", "not UTF-8: the byte 0xff"),
    "not UTF-8 after other characters": ("x: é «".encode() + b"\xe9\n", "not UTF-8: the byte 0xe9"),
}


@pytest.mark.parametrize("case", TAILS)
def test_what_is_not_yaml_is_refused_at_its_place(tmp_path: Path, case: str) -> None:
    tail, words = TAILS[case]
    project = Project(tmp_path)
    project.write("experiment.yaml", MANIFEST.encode() + (tail if isinstance(tail, bytes) else tail.encode()))
    message = refused(project)
    assert message.startswith(f"{project.place}: error: "), message
    assert words in message


@pytest.mark.parametrize(
    ("tail", "words"), [(BOMB, "1,000,000 values"), ("x: [1, 2\n", "not YAML"), ("x: 'a\n", "not YAML")]
)
def test_what_goes_wrong_only_later_is_refused_with_a_place(tmp_path: Path, tail: str, words: str) -> None:
    message = refused(Project(tmp_path).append(tail))
    place, words_said = message.split(": error: ")
    file, line, column = place.split(":")
    assert file == "experiment.yaml"
    assert MANIFEST.count("\n") < int(line) <= (MANIFEST + tail).count("\n") + 1
    assert int(column) >= 1
    assert words in words_said


def test_a_byte_order_mark_does_not_move_the_place_of_a_wrong_byte(tmp_path: Path) -> None:
    project = Project(tmp_path)
    project.write("experiment.yaml", b"\xef\xbb\xbfversion: 1\nx: \xff\n")
    assert refused(project).startswith("experiment.yaml:2:4: error: not UTF-8: the byte 0xff")


WHOLE: dict[str, tuple[str, str]] = {
    "empty": ("", "experiment.yaml:1:1: error: the manifest is empty"),
    "only comments": ("# nothing yet\n\n", "experiment.yaml:1:1: error: the manifest is empty"),
    "null": ("~\n", "experiment.yaml:1:1: error: "),
    "a list": ("- version: 1\n", "experiment.yaml:1:1: error: a manifest is a mapping of sections"),
    "a text": ("version 1\n", "experiment.yaml:1:1: error: a manifest is a mapping of sections"),
    "too large": ("version: 1 #" + "x" * (33 * 2**20), "experiment.yaml:1:1: error: larger than 32 MiB"),
}


@pytest.mark.parametrize("case", WHOLE)
def test_a_file_that_cannot_be_a_manifest_is_refused(tmp_path: Path, case: str) -> None:
    text, message = WHOLE[case]
    assert refused(Project(tmp_path, text)).startswith(message)


def test_a_text_where_a_mapping_belongs_is_told_what_that_needs(tmp_path: Path) -> None:
    text = "version: 1\npaper: {title: x}\nhardware: none\nclaims:\n  - accuracy(a) > 1\n"
    outcome = Project(tmp_path, text).cli("check")
    assert "claims[0] should be a mapping, not 'accuracy(a) > 1'\n    write {id: ..., assert: ...}" in outcome.err
    assert "hardware should be a mapping, not 'none'\n    known: accelerator, count" in outcome.err


def test_a_missing_manifest_is_refused(tmp_path: Path) -> None:
    project = Project(tmp_path)
    project.path("experiment.yaml").unlink()
    assert refused(project).startswith("experiment.yaml:1:1: error: no such file")
    assert refused(project, "check", "--manifest", "other.yaml").startswith("other.yaml:1:1: error: no such file")


def test_a_folder_is_no_manifest(tmp_path: Path) -> None:
    project = Project(tmp_path)
    assert refused(project, "check", "--manifest", "configs").startswith("configs:1:1: error: a folder, not a file")


def test_a_folder_stands_for_the_manifest_in_it(tmp_path: Path) -> None:
    Project(tmp_path / "inner")
    assert Project(tmp_path).cli("check", "--manifest", "inner").code == 0


def test_a_name_that_no_file_can_have_is_refused(tmp_path: Path) -> None:
    assert "File name too long" in refused(Project(tmp_path), "check", "--manifest", "a" * 300)


WAIVER = "waivers: [{clause: seeds, reason: r, owner: o, until: «UNTIL}]\nseeds: [1, 2, 3]"

VALUES: dict[str, tuple[str, str, str]] = {
    # what is wrong: (what stands in the manifest, what is put there, words of the message)
    "text for a number": ("learning_rate: 2e-4", "learning_rate: «fast", "valid number, not 'fast'"),
    "quoted number": ("learning_rate: 2e-4", 'learning_rate: «"2e-4"', "valid number, not '2e-4'"),
    "true for a number": ("batch_size: 4", "batch_size: «true", "valid integer, not True"),
    "fraction for a whole number": ("batch_size: 4", "batch_size: «4.5", "not 4.5"),
    "zero for a count": ("batch_size: 4", "batch_size: «0", "greater than or equal to 1"),
    "negative learning rate": ("learning_rate: 2e-4", "learning_rate: «-2e-4", "greater than 0"),
    "NaN": ("learning_rate: 2e-4", "learning_rate: «.nan", "not nan"),
    "infinity": ("learning_rate: 2e-4", "learning_rate: «1e999", "not inf"),
    "more digits than a number has": ("learning_rate: 2e-4", "learning_rate: «" + "9" * 400, "valid number"),
    "number for a text": ("title: A small study", "title: «5", "valid string, not 5"),
    "empty value": ("title: A small study", "title:«", "valid string, not empty"),
    "list for a mapping": ("documents: {}\n", "«documents: [1]\n", "not a list"),
    "mapping for a list": ("seeds: [1, 2, 3]", "«seeds: {a: 1}", "not a mapping"),
    "list too long": ("betas: [0.9, 0.98]", "«betas: [0.9, 0.98, 0.99, 0.999]", "3 items"),
    "unknown choice": ("weights: random", "weights: «randm", "'pretrained' or 'random'"),
    "no unit": ("warmup: 20%", "warmup: «0.2", "0.2 has no unit: write a share such as '10%'"),
    "share of one": ("warmup: 20%", "warmup: «100%", "less than 1"),
    "no seeds": ("seeds: [1, 2, 3]", "«seeds: []", "at least 1 item"),
    "other version": ("version: 1", "version: «2", "should be 1"),
    "not a date": ("seeds: [1, 2, 3]", WAIVER.replace("UNTIL", "tomorrow"), "write YYYY-MM-DD"),
    "no such day": ("seeds: [1, 2, 3]", WAIVER.replace("UNTIL", "2026-02-30"), "'2026-02-30'"),
    "documents outside": ("documents: {}", "documents: {directory: «../elsewhere}", "below the manifest"),
    "documents at the root": ("documents: {}", "documents: {directory: «/tmp}", "below the manifest"),
}


@pytest.mark.parametrize("case", VALUES)
def test_a_value_of_another_kind_is_refused_at_its_place(tmp_path: Path, case: str) -> None:
    old, new, words = VALUES[case]
    project = Project(tmp_path, MANIFEST + "documents: {}\n").replace(old, new)
    message = refused(project)
    assert f"{project.place}: error: " in message
    assert words in message


REFERENCES: dict[str, tuple[str, str, str]] = {
    "variant in from": ("    from: dense\n    steps: [{permute", "    from: «dens\n    steps: [{permute", "'dens'"),
    "phase in steps": ("steps: [pretrain]", "steps: [«pretrian]", "'pretrian'"),
    "dataset": ("dataset: manual", "dataset: «manuel", "'manuel'"),
    "dataset of a task": ("topics: {epochs: 2,", "«topic: {epochs: 2,", "'topic'"),
    "dataset that a task names": ("topics: {epochs: 2,", "topics: {dataset: «topic, epochs: 2,", "'topic'"),
    "variant in same_as": ("same_as: masked", "same_as: «maskd", "'maskd'"),
    "variant in a rule": ("variants: [masked, pruned]", "variants: [masked, «prund]", "'prund'"),
    "variant in a claim": ('"perplexity(masked)', '«"perplexity(maskd)', "'maskd'"),
    "task in a claim": ('"perplexity(masked)', '«"perplexity(masked, topic)', "'topic'"),
    "clause in a binding": ("optim.lr: optimizer.learning_rate", "optim.lr: «optimizer.learning_rat", "learning_rat'"),
    "what a binding describes": ("describes: phases.pretrain", "describes: «phases.pretrian", "pretrian"),
    "setting of a variant": (
        "steps: [pretrain]",
        "steps: [{pretrain: {set: {optimizer.learning_rat: «1}}}]",
        "'learning_rat'",
    ),
    "dataset that a variant sets": (
        "steps: [pretrain]",
        "steps: [{pretrain: {set: {dataset: «manua}}}]",
        "'manua'",
    ),
}


@pytest.mark.parametrize("case", REFERENCES)
def test_a_name_that_names_nothing_is_refused_with_the_near_one(tmp_path: Path, case: str) -> None:
    old, new, words = REFERENCES[case]
    project = Project(tmp_path).replace(old, new)
    message = refused(project)
    assert f"{project.place}: error: " in message
    assert words in message
    assert "did you mean" in message


@pytest.mark.parametrize("text", ["perplexity(dense)", "perplexity(dense) == 1", "1 < perplexity(dense) != 2"])
def test_a_claim_that_is_not_one_comparison_is_refused(tmp_path: Path, text: str) -> None:
    claim = "perplexity(masked) <= 1.05 * perplexity(dense)"
    project = Project(tmp_path).replace(f'"{claim}"', f"«'{text}'")
    assert refused(project).startswith(f"{project.place}: error: not one comparison")


@pytest.mark.parametrize(
    "text",
    [
        "perplexity(dense) <= 1.05 *",
        "perplexity(dense) <= ",
        "perplexity(dense) <= 2 ** 3",
        "perplexity(dense) <= (lambda: 1)()",
        "perplexity(dense) <= __import__.x",
        "1 <= 2",
    ],
)
def test_a_claim_that_is_not_arithmetic_over_results_is_refused(tmp_path: Path, text: str) -> None:
    claim = "perplexity(masked) <= 1.05 * perplexity(dense)"
    project = Project(tmp_path).replace(f'"{claim}"', f"«'{text}'")
    assert refused(project).startswith(f"{project.place}: error: ")


def test_all_problems_are_told_at_once(tmp_path: Path) -> None:
    project = Project(tmp_path).replace("title: A small study", "title: «5")
    first = project.place
    project.replace("batch_size: 4", "batch_size: «x")
    message = refused(project)
    assert message.startswith(f"{first}: error: ")
    assert f"\n{project.place}: error: " in message


def test_what_is_required_is_named_with_the_section_that_lacks_it(tmp_path: Path) -> None:
    project = Project(tmp_path).replace(
        "early_stopping: {metric: accuracy, patience: 3}", "«early_stopping: {metric: f1}"
    )
    assert refused(project).startswith(f"{project.place}: error: phases.finetune.early_stopping lacks 'patience'")


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("    epochs: 4\n", "    epochs: 4\n    max_steps: 5\n", "give one of epochs and max_steps"),
        ("topics: {epochs: 2, metric: f1}", "topics: {epochs: 2, max_steps: 3}", "give one of epochs and max_steps"),
        ("learning_rate: 1e-4}", "learning_rate: 1e-4}\n    optimizers: {a: {}}", "one of optimizer and optimizers"),
        ("{name: linear, warmup: 1 steps}", "{name: linear, segments: [{}]}", "`segments` say all of it"),
        ("sparsity: {same_as: masked}", "sparsity: 0.5", "name the `tensors` to prune"),
    ],
)
def test_a_section_that_is_not_whole_says_what_it_lacks(tmp_path: Path, old: str, new: str, words: str) -> None:
    assert words in refused(Project(tmp_path).replace(old, new))


def test_a_variant_cannot_build_on_itself(tmp_path: Path) -> None:
    project = Project(tmp_path).replace("    steps: [pretrain]", "    from: pruned\n    steps: [pretrain]")
    project.replace("  dense:\n", "  «dense:\n")
    assert f"{project.place}: error: the variant builds on itself: dense -> pruned -> dense" in refused(project)


def test_a_variant_cannot_take_its_sparsity_in_a_circle(tmp_path: Path) -> None:
    project = Project(tmp_path).replace("same_as: masked", "same_as: pruned")
    assert "the variant builds on itself: pruned -> pruned" in refused(project)


def test_a_phase_cannot_be_called_like_a_transform(tmp_path: Path) -> None:
    phase = "{objective: causal_lm, dataset: manual, optimizer: {learning_rate: 1}, batch_size: 1, epochs: 1}"
    project = Project(tmp_path).replace("phases:\n", f"phases:\n  «prune: {phase}\n")
    assert f"{project.place}: error: a phase cannot be called 'prune': that is a transform" in refused(project)


PATTERNS = {
    "nothing there": "configs/other.yaml",
    "a folder": "configs",
    "empty": '""',
    "the project itself": ".",
    "half a recursion": '"**x"',
    "outside": "../config.yaml",
    "at the root": "/etc/hostname",
    "NUL in it": '"a\\0b"',
    "longer than a name": "a" * 300,
    "deeper than a path": "a/" * 2000 + "b",
}


@pytest.mark.parametrize("case", PATTERNS)
def test_a_binding_that_matches_no_file_is_refused_at_its_place(tmp_path: Path, case: str) -> None:
    project = Project(tmp_path).replace("file: configs/pretrain.yaml", f"file: «{PATTERNS[case]}")
    assert refused(project).startswith(f"{project.place}: error: ")


def test_a_manifest_that_binds_nothing_is_refused(tmp_path: Path) -> None:
    text = MANIFEST[: MANIFEST.index("configs:\n")]
    assert "there is nothing to check" in refused(Project(tmp_path, text))


def test_a_binding_without_keys_states_nothing(tmp_path: Path) -> None:
    text = MANIFEST[: MANIFEST.index("configs:\n")] + "configs: [{file: configs/pretrain.yaml, ignore: [optim]}]\n"
    assert "there is nothing to check" in refused(Project(tmp_path, text))


@pytest.mark.parametrize("config", ["other: 1\n", "optim: {lr: '${LR}'}\n", "optim: {lr: !env LR}\n"])
def test_a_gate_that_could_not_read_one_value_is_never_green(tmp_path: Path, config: str) -> None:
    text = MANIFEST[: MANIFEST.index("configs:\n")] + "configs:\n  - file: configs/pretrain.yaml\n    required: false\n"
    text += "    keys: {optim.lr: phases.pretrain.optimizer.learning_rate}\n"
    assert "there is nothing to check" in refused(Project(tmp_path, text, config))


def test_an_ambiguous_binding_is_refused(tmp_path: Path) -> None:
    project = Project(tmp_path).replace("optim.lr: optimizer.learning_rate", "optim.lr: «optimizer")
    message = refused(project)
    assert message.startswith(f"{project.place}: error: 'optimizer' names 5 clauses, not one")


@pytest.mark.parametrize(
    "config", [b"a: [1\n", b"a: \xff\n", b"a: \x00\n", DEEP_ALIASES.encode(), BOMB.encode()], ids=lambda each: each[:9]
)
def test_a_config_file_that_cannot_be_read_is_refused_and_named(tmp_path: Path, config: bytes) -> None:
    project = Project(tmp_path)
    project.write("configs/pretrain.yaml", config)
    assert refused(project).startswith("configs/pretrain.yaml:")


def test_problems_of_one_place_are_all_told(tmp_path: Path) -> None:
    """A fault of the file and one of a key in it can lie at the same line and column."""
    project = Project(tmp_path, manifest="m ay: $s# a")
    told = project.cli("check")
    assert told.code == 2
    assert "experiment.yaml:1:1" in told.err

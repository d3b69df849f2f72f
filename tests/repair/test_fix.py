"""`framework check --fix` changes the value and nothing else, or leaves the file alone and says why."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from framework.evidence.atomic import write_bytes
from framework.repair import fixing
from framework.repair.config_files import read_source, replace, unified
from framework.repair.proposal import propose
from framework.repair.splices import Uncertain
from framework.stages.check import check
from tests.support.project import Project

CONFIG = "configs/pretrain.yaml"


@pytest.fixture
def project(tmp_path: Path) -> Project:
    keys = ("      epochs: epochs\n", "      epochs: epochs\n      tokenizer: models.tiny.tokenizer\n")
    return Project(tmp_path).replace(*keys).config("warmup_ratio: 0.2\n", "warmup_ratio: 0.2\ntokenizer: bytes\n")


@pytest.mark.parametrize(
    ("right", "wrong", "repaired"),
    [
        ("  lr: 2e-4", "  lr: 3e-4   # why", "  lr: 2e-4   # why"),
        ("  lr: 2e-4", "  lr: 0.0003", "  lr: 0.0002"),
        ("  lr: 2e-4", "  lr: &peak 3e-4", "  lr: &peak 2e-4"),
        ("  lr: 2e-4", '  lr: "2e-4"', "  lr: 2e-4"),
        ("tokenizer: bytes", "tokenizer: 'byte' # s", "tokenizer: 'bytes' # s"),
        ("  betas: [0.9, 0.98]", "  betas: [ 0.9,0.999 ]  # b", "  betas: [ 0.9,0.98 ]  # b"),
        ("  betas: [0.9, 0.98]", "  betas: [0.9]", "  betas: [0.9, 0.98]"),
        ("  betas: [0.9, 0.98]", "  betas: [0.9, 0.98, 0.1]", "  betas: [0.9, 0.98]"),
        ("  betas: [0.9, 0.98]", "  betas:\n  - 0.9 # a\n  - 0.95", "  betas:\n  - 0.9 # a\n  - 0.98"),
        ("  betas: [0.9, 0.98]", "  betas:\n    - 0.9", "  betas:\n    - 0.9\n    - 0.98"),
        ("epochs: 4", "epochs: 40", "epochs: 4"),
        ("epochs: 4", "epochs: 40.0", "epochs: 4.0"),
    ],
)
def test_only_the_value_changes(project: Project, right: str, wrong: str, repaired: str) -> None:
    text = project.config(right, wrong).read(CONFIG)
    done = project.cli("check", "--fix")
    assert project.read(CONFIG) == text.replace(wrong, repaired), done.out
    assert done.code == 0
    assert f"fixed {CONFIG}" in done.out
    assert project.cli("check").code == 0


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
@pytest.mark.parametrize("end", ["", "\n\n"])
def test_bytes_around_the_value_stay(project: Project, newline: str, mark: bytes, end: str) -> None:
    def data(text: str) -> bytes:
        return mark + (text.rstrip("\n") + end).replace("\n", newline).encode()

    text = project.read(CONFIG).replace("# What", "# Wäs \N{SNOWMAN} what").replace("{micro: 1,", "{ micro: 1,")
    project.write(CONFIG, data(text.replace("2e-4", "7e-4").replace("0.98", "0.5")))
    assert project.cli("check", "--fix").code == 0
    assert project.path(CONFIG).read_bytes() == data(text)


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("  lr: 2e-4\n", "  lr: 3e-4\n  lr: 5e-4\n", "stands twice"),
        ("epochs: 4\n", "epochs: &n 40\nlogging_of: *n\n", "alias or a merge"),
        ("epochs: 4\n", "other: &n 40\nepochs: *n\n", "alias or a merge"),
        ("optim:\n", "base: &base {name: AdamW, min_lr: 3e-5}\noptim:\n  <<: *base\n", "alias or a merge"),
        ("  lr: 2e-4\n", "  lr: auto\n", "another kind"),
        ("  lr: 2e-4\n", "  lr: true\n", "another kind"),
        ("  betas: [0.9, 0.98]\n", "  betas: 0.9\n", "another kind"),
        ("  betas: [0.9, 0.98]\n", "  betas: []\n", "empty"),
        ("  betas: [0.9, 0.98]\n", "  betas:\n  - 0.9 # only\n", "comment"),
        ("tokenizer: bytes\n", "tokenizer: |\n  byte\n", "several"),
        ("tokenizer: bytes\n", "tokenizer: !!str byte\n", "tagged"),
        ("  name: AdamW\n", "  name: sgd\n", "what its program calls it is not known"),
    ],
)
def test_what_is_not_certain_is_left_and_named(project: Project, old: str, new: str, reason: str) -> None:
    project.config(old, new)
    if "<<" in new:
        project.config("  min_lr: 2e-5\n", "")
        project.config("  name: AdamW\n", "")
        project.append("again:\n  <<: *base\n", CONFIG)
    before = project.files()
    done = project.cli("check", "--fix")
    assert done.code == 1
    assert reason in done.out, done.out
    assert project.files() == before


def test_a_missing_key_and_the_factors_of_a_batch_are_left(project: Project) -> None:
    project.config("epochs: 4\n", "").config("micro: 1", "micro: 3")
    before = project.files()
    done = project.cli("check", "--fix")
    assert done.code == 1
    assert project.files() == before
    assert "fixed" not in done.out


def test_a_number_for_a_pyyaml_reader_gets_its_point(project: Project) -> None:
    project.replace("    describes: phases.pretrain\n", "    describes: phases.pretrain\n    reader: pyyaml\n")
    project.config("  min_lr: 2e-5", "  min_lr: 0.00002")
    assert project.cli("check", "--fix").code == 0
    assert "  lr: 2.0e-4\n" in project.read(CONFIG)


def test_json_is_repaired_in_its_own_style(project: Project) -> None:
    text = '{\r\n\t"optim": {"lr": 3E-4, "betas": [0.9,\t0.5], "name": "AdamW", "min_lr": "2e-5"}, "epochs": 4,\r\n'
    text += '"tokenizer": "bytes",'
    text += '"warmup_ratio": 0.2, "batch": {"micro": 1, "accumulation": 2}, "logging": null}'
    project.write("configs/pretrain.json", text)
    project.replace("configs/pretrain.yaml", "configs/pretrain.json")
    done = project.cli("check", "--fix")
    assert done.code == 0, done.out
    right = text.replace("3E-4", "2E-4").replace("0.5", "0.98").replace('"2e-5"', "2e-5")
    assert project.read("configs/pretrain.json") == right


def test_a_file_under_two_clauses_that_disagree_is_left(project: Project) -> None:
    project.config("epochs: 4", "epochs: 9")
    project.replace("configs:\n", "configs:\n  - {file: configs/*.yaml, keys: {epochs: phases.finetune.batch_size}}\n")
    before = project.files()
    done = project.cli("check", "--fix")
    assert done.code == 1
    assert "two clauses state different values" in done.out
    assert project.files() == before


def test_permissions_stay_and_no_other_file_appears(project: Project) -> None:
    project.config("2e-4", "3e-4")
    path = project.path(CONFIG)
    path.chmod(0o640)
    names = set(project.files())
    assert project.cli("check", "--fix").code == 0
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    assert set(project.files()) == names


def test_a_read_only_file_is_left(project: Project) -> None:
    project.config("2e-4", "3e-4")
    project.path(CONFIG).chmod(0o444)
    done = project.cli("check", "--fix")
    assert done.code == 1
    assert "read-only" in done.out


def test_through_a_link_the_file_behind_it_is_repaired(project: Project) -> None:
    project.config("2e-4", "3e-4")
    os.replace(project.path(CONFIG), project.path("real.yaml"))
    project.path(CONFIG).symlink_to("../real.yaml")
    assert project.cli("check", "--fix").code == 0
    assert project.path(CONFIG).is_symlink()
    assert "lr: 2e-4" in project.read("real.yaml")


def test_a_link_out_of_the_project_is_left(project: Project, tmp_path_factory: pytest.TempPathFactory) -> None:
    project.config("2e-4", "3e-4")
    outside = tmp_path_factory.mktemp("outside") / "real.yaml"
    os.replace(project.path(CONFIG), outside)
    project.path(CONFIG).symlink_to(outside)
    text = outside.read_bytes()
    done = project.cli("check", "--fix")
    assert done.code == 1
    assert "outside the project" in done.out
    assert outside.read_bytes() == text


def test_a_change_between_reading_and_writing_is_noticed(project: Project) -> None:
    path = project.config("2e-4", "3e-4").path(CONFIG)
    source = read_source(path, project.root)
    path.write_bytes(b"theirs: 1\n")
    with pytest.raises(Uncertain, match="changed by something else"):
        replace(source, b"ours: 1\n")
    assert path.read_bytes() == b"theirs: 1\n"
    assert [each.name for each in path.parent.iterdir()] == [path.name]


def test_a_file_that_changed_since_the_check_is_left(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    project.config("2e-4", "3e-4")
    result = project.check()
    monkeypatch.chdir(project.root)
    proposal = propose(result.experiment, result.findings)
    project.append("# theirs\n", CONFIG)
    monkeypatch.setattr(fixing, "propose", lambda *_: proposal)
    fixed = fixing.fix(result, result.findings, lambda: check(project.load()))
    assert fixed.written == []
    assert "changed by something else" in fixed.refused[0][1]


def test_a_repair_that_does_not_help_is_taken_back(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    text = project.config("2e-4", "3e-4").read(CONFIG)
    result = project.check()
    monkeypatch.chdir(project.root)
    fixed = fixing.fix(result, result.findings, lambda: result)  # a check that still finds it
    assert fixed.written == []
    assert "put back" in fixed.refused[0][1]
    assert project.read(CONFIG) == text


def test_one_uncertain_value_does_not_keep_the_others_from_repair(project: Project) -> None:
    project.config("  lr: 2e-4", "  lr: auto").config("epochs: 4", "epochs: 5")
    done = project.cli("check", "--fix")
    assert done.code == 1
    assert "epochs: 4" in project.read(CONFIG)
    assert "lr: auto" in project.read(CONFIG)
    assert "another kind" in done.out


def test_diff_shows_the_change_and_writes_nothing(project: Project) -> None:
    project.config("  lr: 2e-4", "  lr: 3e-4")
    before = project.files()
    done = project.cli("check", "--fix", "--diff")
    assert done.code == 1
    assert project.files() == before
    lines = done.out.splitlines()
    assert lines[:2] == [f"--- a/{CONFIG}", f"+++ b/{CONFIG}"]
    assert [line for line in lines[2:] if line[0] in "+-"] == ["-  lr: 3e-4", "+  lr: 2e-4"]


def test_diff_of_what_conforms_is_empty(project: Project) -> None:
    done = project.cli("check", "--fix", "--diff")
    assert (done.code, done.out) == (0, "")


def test_a_missing_newline_at_the_end_is_said_as_patch_wants_it() -> None:
    assert list(unified("f", "a\nb", "a\nc")) == [
        "--- a/f\n",
        "+++ b/f\n",
        "@@ -1,2 +1,2 @@\n",
        " a\n",
        "-b\n\\ No newline at end of file\n",
        "+c\n\\ No newline at end of file\n",
    ]


def test_selection_limits_what_is_repaired(project: Project) -> None:
    project.config("  lr: 2e-4", "  lr: 3e-4")
    project.cli("check", "--fix", "--ignore", "C101")
    assert "lr: 3e-4" in project.read(CONFIG)


def test_json_output_stays_json_while_fixing(project: Project) -> None:
    project.config("  lr: 2e-4", "  lr: 3e-4")
    done = project.cli("check", "--fix", "--format", "json")
    assert done.json["findings"] == []
    assert "fixed" in done.err


def test_a_failed_last_look_leaves_no_trace(tmp_path: Path) -> None:
    def refuse() -> None:
        raise Uncertain("no")

    path = tmp_path / "a"
    path.write_bytes(b"old")
    with pytest.raises(Uncertain):
        write_bytes(path, b"new", refuse)
    assert {each.name: each.read_bytes() for each in tmp_path.iterdir()} == {"a": b"old"}

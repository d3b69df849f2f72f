"""The place of a finding is exact: file, line and column of the value, whatever stands before it."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.project import CONFIG, MANIFEST, Project

RATE = "lr: 2e-4"


def config(old: str, new: str) -> Callable[[Project], object]:
    return lambda project: project.config(old, new)


def whole(text: str) -> Callable[[Project], object]:
    return lambda project: project.write("configs/pretrain.yaml", text)


FLOW = "{optim: {name: adamw, lr: «3e-4, min_lr: 2e-5, betas: [0.9, 0.98]}, warmup_ratio: 0.2, epochs: 4, "
FLOW += "batch: {micro: 1, accumulation: 2}}\n"

PLACES: dict[str, tuple[Callable[[Project], object], str]] = {
    # how it is written: (the change, the key of the value)
    "plain": (config(RATE, "lr: «3e-4"), "optim.lr"),
    "spaces": (config(RATE, "lr:    «3e-4   "), "optim.lr"),
    "a comment behind": (config(RATE, "lr: «3e-4 # not 2e-4"), "optim.lr"),
    "comments before": (config(RATE, "# lr: 2e-4\n\n  # lr: 3e-4\n  lr: «3e-4"), "optim.lr"),
    "a flow mapping": (whole(FLOW), "optim.lr"),
    "a flow mapping over lines": (whole(FLOW.replace(", ", ",\n   ")), "optim.lr"),
    "JSON in a YAML file": (
        whole(re.sub(r"(\w+|adamw)(?=:)", r'"\1"', FLOW.replace("adamw", '"adamw"'))),
        "optim.lr",
    ),
    "quotes": (config(RATE, 'lr: «"3e-4"'), "optim.lr"),
    "a quoted key": (config(RATE, '"lr" : «3e-4'), "optim.lr"),
    "a list in one line": (config("[0.9, 0.98]", "«[0.9, 0.99]"), "optim.betas"),
    "an anchor": (config(RATE, "lr: «&rate 3e-4"), "optim.lr"),
    "an alias": (
        lambda project: project.config("# What", "x: «&rate 3e-4\n# What").config(RATE, "lr: *rate"),
        "optim.lr",
    ),
    "a merge": (
        lambda project: project.config("# What", "base: &base {lr: «3e-4}\n# What").config(f"  {RATE}", "  <<: *base"),
        "optim.lr",
    ),
    "what overrules a merge": (
        lambda project: project.config("# What", "base: &base {lr: 3e-4}\n# What").config(
            RATE, "<<: *base\n  lr: «4e-4"
        ),
        "optim.lr",
    ),
    "letters of more than one byte": (
        config(f"  name: AdamW\n  {RATE}", "  name: AdamW # größer, 日本語 😀\n  lr: «3e-4"),
        "optim.lr",
    ),
    "letters of more than one byte in the line": (
        whole(FLOW.replace("name: adamw", "name: adamw, größe: 😀")),
        "optim.lr",
    ),
    "a document start": (
        lambda project: project.config("# What", "%YAML 1.2\n---\n# What").config(RATE, "lr: «3e-4"),
        "optim.lr",
    ),
}


@pytest.mark.parametrize("ending", ["\n", "\r\n"], ids=["LF", "CRLF"])
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"], ids=["", "BOM"])
@pytest.mark.parametrize("case", PLACES)
def test_the_place_is_that_of_the_value(tmp_path: Path, case: str, mark: bytes, ending: str) -> None:
    change, key = PLACES[case]
    project = Project(tmp_path)
    change(project)
    text = project.read("configs/pretrain.yaml")
    project.path("configs/pretrain.yaml").write_bytes(mark + text.replace("\n", ending).encode())
    findings = [finding for finding in project.check().findings if finding.clause]
    assert len(findings) == 1
    location = findings[0].location
    assert location is not None
    assert str(location) == project.place
    assert location.key == key


@pytest.mark.parametrize("ending", ["\n", "\r\n"], ids=["LF", "CRLF"])
@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("learning_rate: 2e-4", "learning_rate: «2e-4"),
        ("learning_rate: 2e-4", "learning_rate:   «2e-4 # peak"),
        ("      learning_rate: 2e-4\n", "      # größer 😀\n      'learning_rate': «2e-4\n"),
    ],
)
def test_the_place_in_the_manifest_is_that_of_the_clause(tmp_path: Path, old: str, new: str, ending: str) -> None:
    project = Project(tmp_path).replace(old, new).config(RATE, "lr: 3e-4")
    place = project.place
    project.path("experiment.yaml").write_bytes(b"\xef\xbb\xbf" + project.read().replace("\n", ending).encode())
    (finding,) = project.check().findings
    assert str(finding.declared) == "experiment.yaml" + place.removeprefix("experiment.yaml")


def test_the_width_is_that_of_the_value(tmp_path: Path) -> None:
    (finding,) = Project(tmp_path).config(RATE, "lr: 3.00e-4 # x").check().findings
    assert finding.location is not None
    assert finding.declared is not None
    assert (finding.location.width, finding.declared.width) == (len("3.00e-4"), len("2e-4"))


def test_of_a_missing_key_the_place_is_the_file(tmp_path: Path) -> None:
    (finding,) = Project(tmp_path).config("epochs: 4\n", "").check().findings
    assert finding.location is not None
    assert (finding.location.file, finding.code) == ("configs/pretrain.yaml", "C102")


def test_an_empty_file_lacks_its_keys_at_its_beginning(tmp_path: Path) -> None:
    project = Project(tmp_path).append("  - {file: configs/empty.yaml, keys: {epochs: phases.pretrain.epochs}}\n")
    project.write("configs/empty.yaml", "")
    (finding,) = project.check().findings
    assert (finding.code, str(finding.location)) == ("C102", "configs/empty.yaml:1:1")


def test_places_are_relative_to_where_the_command_runs(tmp_path: Path) -> None:
    outer = Project(tmp_path / "outer")
    Project(outer.path("inner"), MANIFEST, CONFIG.replace(RATE, "lr: 3e-4"))
    outcome = outer.cli("check", "--format", "json", "--manifest", "inner/experiment.yaml")
    (finding,) = outcome.json["findings"]
    assert finding["location"]["file"] == "inner/configs/pretrain.yaml"
    assert finding["declared"]["file"] == "inner/experiment.yaml"


def test_findings_come_in_the_order_of_their_places_errors_first(tmp_path: Path) -> None:
    project = Project(tmp_path).config("# What", "more: 1\n# What").config("epochs: 4", "epochs: 5")
    project.config(RATE, "lr: 3e-4")
    found = [(finding.code, finding.location.line) for finding in project.check().findings if finding.location]
    assert found == [("C101", 5), ("C101", 9), ("C120", 1)]

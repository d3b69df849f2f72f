"""A baseline lists known findings: only new ones fail, and the list may only shrink."""

from __future__ import annotations

import json

import pytest

from framework.errors import UsageError
from framework.output.baseline import DEFAULT
from framework.output.rule_selection import codes
from tests.support.project import Project

FILE = "known.json"


def test_known_findings_do_not_fail_and_stay_violated(drifted: Project) -> None:
    assert drifted.cli("check", "--write-baseline", FILE).code == 0
    done = drifted.cli("check", "--baseline", FILE)
    assert done.code == 0
    assert "2 known findings of known.json not shown: violated, and not failing" in done.out
    data = drifted.cli("check", "--baseline", FILE, "--format", "json").json
    assert data["findings"] == []
    assert data["summary"]["violated"] == 1
    assert len(data["baseline"]["known"]) == 2


@pytest.mark.parametrize("form", ["text", "markdown", "github"])
def test_what_a_baseline_forgives_is_not_headed_as_conforming(drifted: Project, form: str) -> None:
    drifted.cli("check", "--write-baseline", FILE)
    done = drifted.cli("check", "--baseline", FILE, "--format", form)
    assert done.code == 0
    assert "nothing new" in done.out
    assert "conforms:" not in done.out.replace("### framework check: conforms", "conforms:")


def test_a_new_finding_fails(drifted: Project) -> None:
    drifted.cli("check", "--write-baseline", FILE)
    drifted.config("warmup_ratio: 0.2", "warmup_ratio: 0.3")
    done = drifted.cli("check", "--baseline", FILE)
    assert done.code == 1
    assert done.out.count("error[") == 1
    assert "warmup_ratio" in done.out


def test_another_value_of_a_known_drift_is_new(drifted: Project) -> None:
    drifted.cli("check", "--write-baseline", FILE)
    drifted.config("lr: 3e-4", "lr: 5e-4")
    assert drifted.cli("check", "--baseline", FILE).code == 1


def test_moved_lines_are_known(drifted: Project) -> None:
    drifted.cli("check", "--write-baseline", FILE)
    drifted.write("configs/pretrain.yaml", "# more\n\n" + drifted.read("configs/pretrain.yaml"))
    assert drifted.cli("check", "--baseline", FILE).code == 0
    assert drifted.cli("check", "--baseline", f"../{FILE}", "--manifest", "../experiment.yaml", cwd="configs").code == 0


def test_it_may_only_shrink(drifted: Project) -> None:
    drifted.cli("check", "--write-baseline", FILE)
    before = drifted.read(FILE)
    drifted.config("warmup_ratio: 0.2", "warmup_ratio: 0.3")
    done = drifted.cli("check", "--write-baseline", FILE)
    assert done.code == 2
    assert "may only shrink" in done.err
    assert "warmup" in done.err
    assert drifted.read(FILE) == before
    assert drifted.cli("check", "--write-baseline", FILE, "--force").code == 0
    assert len(json.loads(drifted.read(FILE))["findings"]) == 3


def test_gone_findings_are_said_and_dropped(drifted: Project) -> None:
    drifted.cli("check", "--write-baseline", FILE)
    drifted.config("lr: 3e-4", "lr: 2e-4")
    done = drifted.cli("check", "--baseline", FILE)
    assert done.code == 0
    assert "1 finding of known.json gone: shrink it with --write-baseline" in done.out
    assert "gone: C101 configs/pretrain.yaml optim.lr" in done.out
    assert drifted.cli("check", "--baseline", FILE, "--strict").code == 1
    assert "1 known findings, 1 dropped" in drifted.cli("check", "--write-baseline", FILE).out
    assert len(json.loads(drifted.read(FILE))["findings"]) == 1


def test_shrinking_through_a_read_baseline_keeps_what_is_known(drifted: Project) -> None:
    drifted.cli("check", "--write-baseline", FILE)
    before = drifted.read(FILE)
    drifted.cli("check", "--baseline", FILE, "--write-baseline", FILE)
    assert drifted.read(FILE) == before


def test_a_second_finding_of_a_known_kind_is_new(drifted: Project) -> None:
    drifted.cli("check", "--write-baseline", FILE)
    data = json.loads(drifted.read(FILE))
    data["findings"].append(data["findings"][0])
    drifted.write(FILE, json.dumps(data))
    assert len(drifted.cli("check", "--baseline", FILE, "--format", "json").json["baseline"]["gone"]) == 1


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"version": 9, "findings": []}', '{"version": 1, "findings": [1]}'])
def test_what_is_no_baseline_is_refused(drifted: Project, text: str) -> None:
    drifted.write(FILE, text)
    for option in ("--baseline", "--write-baseline"):
        done = drifted.cli("check", option, FILE)
        assert done.code == 2
        assert "not a baseline" in done.err
    assert drifted.read(FILE) == text


def test_a_missing_baseline_is_refused(drifted: Project) -> None:
    assert drifted.cli("check", "--baseline", "nowhere.json").code == 2


def test_the_default_name(drifted: Project) -> None:
    assert drifted.cli("check", "--write-baseline").code == 0
    assert drifted.path(DEFAULT).exists()


@pytest.mark.parametrize(
    ("options", "shown"),
    [
        (["--select", "C101"], {"C101"}),
        (["--select", "C1"], {"C101", "C120"}),
        (["--select", "drift"], {"C101"}),
        (["--select", "C101,C120"], {"C101", "C120"}),
        (["--select", "C101", "--select", "unbound-key"], {"C101", "C120"}),
        (["--ignore", "C101"], {"C120"}),
        (["--ignore", "C1"], set()),
        (["--select", "C1", "--ignore", "C120"], {"C101"}),
        (["--select", "M"], set()),
    ],
)
def test_selection(drifted: Project, options: list[str], shown: set[str]) -> None:
    done = drifted.cli("check", *options, "--format", "json")
    assert {finding["code"] for finding in done.json["findings"]} == shown
    assert done.code == (1 if "C101" in shown else 0)


def test_what_is_left_out_is_said_and_stays_counted(drifted: Project) -> None:
    done = drifted.cli("check", "--ignore", "C101")
    assert done.code == 0
    assert "1 finding left out by --select and --ignore; their clauses stay as counted" in done.out
    assert "1 violated" in done.out


@pytest.mark.parametrize("option", ["--select", "--ignore"])
def test_an_unknown_rule_is_refused_with_the_near_one(drifted: Project, option: str) -> None:
    done = drifted.cli("check", option, "drfit")
    assert done.code == 2
    assert "did you mean 'drift'" in done.err
    with pytest.raises(UsageError):
        codes(["nothing-like-it"], {})


def test_strict_fails_on_a_warning(project: Project) -> None:
    project.append("odd: 1\n", "configs/pretrain.yaml")
    assert project.cli("check").code == 0
    done = project.cli("check", "--strict")
    assert done.code == 1
    assert "0 errors, 1 warning (--strict: a warning fails)" in done.out
    assert "::error " in project.cli("check", "--strict", "--format", "github").out

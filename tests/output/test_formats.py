"""Every format says the same findings, in the words of its readers, and cannot be led astray by what files hold."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from framework.errors import UsageError
from framework.output import registry
from framework.output.report import Report
from tests.support.project import Project

FORMATS = ("github", "gitlab", "json", "junit", "markdown", "sarif", "text")


def test_the_formats_are_known() -> None:
    assert registry.names() == FORMATS
    for name in FORMATS:
        assert registry.format_named(name).DESCRIPTION


@pytest.mark.parametrize("name", FORMATS)
def test_the_exit_code_is_the_same_in_every_format(project: Project, drifted: Project, name: str) -> None:
    assert drifted.cli("check", "--format", name).code == 1


@pytest.mark.parametrize("name", FORMATS)
def test_what_conforms_is_said_in_every_format(project: Project, name: str) -> None:
    done = project.cli("check", "--format", name)
    assert done.code == 0
    assert done.out.endswith("\n")


def test_an_unknown_format_names_the_near_one(project: Project) -> None:
    done = project.cli("check", "--format", "sariff")
    assert done.code == 2
    assert "did you mean 'sarif'" in done.err


class _Point:
    value = "theirs:FORMAT"

    def __init__(self, name: str, found: Any):
        self.name, self._found = name, found

    def load(self) -> Any:
        return self._found


class _Count:
    DESCRIPTION = "the number alone"

    @staticmethod
    def render(report: Report) -> str:
        return f"{len(report.findings)}\n"


def test_other_distributions_add_formats(drifted: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    points = (_Point("count", _Count), _Point("broken", object()))
    monkeypatch.setattr(registry, "entry_points", lambda group: points if group == "framework.formats" else ())
    assert drifted.cli("check", "--format", "count").out == "2\n"
    with pytest.raises(UsageError, match="no function `render`"):
        registry.format_named("broken")


def test_gitlab_has_an_issue_for_each_finding_on_its_line(drifted: Project) -> None:
    issues = drifted.cli("check", "--format", "gitlab").json
    findings = drifted.cli("check", "--format", "json").json["findings"]
    assert [(each["location"]["path"], each["location"]["lines"]["begin"]) for each in issues] == [
        (each["location"]["file"], each["location"]["line"]) for each in findings
    ]
    assert {each["severity"] for each in issues} <= {"major", "minor"}
    assert len({each["fingerprint"] for each in issues}) == len(issues), "of equal ones GitLab shows one"
    assert all(set(each) == {"description", "check_name", "fingerprint", "severity", "location"} for each in issues)


def test_an_issue_of_gitlab_stays_the_same_one_when_its_file_grows_above_it(drifted: Project) -> None:
    before = [each["fingerprint"] for each in drifted.cli("check", "--format", "gitlab").json]
    path = "configs/pretrain.yaml"
    drifted.write(path, "# one line more\n" + drifted.read(path))
    assert [each["fingerprint"] for each in drifted.cli("check", "--format", "gitlab").json] == before


def test_json_keeps_its_keys(drifted: Project) -> None:
    data = drifted.cli("check", "--format", "json").json
    assert set(data) == {"findings", "summary", "unverified", "unbound_files"}
    assert set(data["findings"][0]) >= {
        "code", "severity", "stage", "clause", "message", "expected", "actual", "location", "declared", "advice"
    }  # fmt: skip
    assert set(data["summary"]) == {
        "clauses", "bindings", "files", "conforms", "violated", "waived", "unverified", "keys", "unbound"
    }  # fmt: skip


def test_json_takes_values_that_are_none_of_its_own(project: Project) -> None:
    project.config("  lr: 2e-4", "  lr: .nan").config("  betas: [0.9, 0.98]", "  betas: [.inf, !x 1]")
    for name in ("json", "sarif"):
        data = json.loads(project.cli("check", "--format", name).out)
        assert "nan" in json.dumps(data)


def sarif(project: Project) -> dict[str, Any]:
    log = json.loads(project.cli("check", "--format", "sarif").out)
    assert log["version"] == "2.1.0"
    assert log["$schema"].endswith("sarif-2.1.0.json")
    run: dict[str, Any] = log["runs"][0]
    return run


def test_sarif_has_what_code_scanning_wants(drifted: Project) -> None:
    run = sarif(drifted)
    rules = run["tool"]["driver"]["rules"]
    for rule in rules:
        assert re.fullmatch(r"[A-Z]\d+", rule["id"])
        assert rule["shortDescription"]["text"].endswith(".")
        assert rule["fullDescription"]["text"]
        assert rule["help"]["text"]
        assert rule["help"]["markdown"]
    for result in run["results"]:
        assert rules[result["ruleIndex"]]["id"] == result["ruleId"]
        assert result["partialFingerprints"]["primaryLocationLineHash"]
        physical = result["locations"][0]["physicalLocation"]
        assert set(physical["region"]) == {"startLine", "startColumn", "endLine", "endColumn"}
        assert physical["artifactLocation"] == {"uri": "configs/pretrain.yaml", "uriBaseId": "%SRCROOT%"}
    assert "%SRCROOT%" in run["originalUriBaseIds"]


def test_sarif_spans_the_value_and_links_the_statement(drifted: Project) -> None:
    (drift,) = (result for result in sarif(drifted)["results"] if result["ruleId"] == "C101")
    assert drift["level"] == "error"
    region = drift["locations"][0]["physicalLocation"]["region"]
    assert region == {"startLine": 4, "startColumn": 7, "endLine": 4, "endColumn": 11}
    (related,) = drift["relatedLocations"]
    assert related["physicalLocation"]["artifactLocation"]["uri"] == "experiment.yaml"
    assert f"]({related['id']})" in drift["message"]["text"]


def test_sarif_text_holds_no_link_of_others(drifted: Project) -> None:
    drifted.config("  lr: 3e-4", "  lr: '[a](b)'")
    (drift,) = (result for result in sarif(drifted)["results"] if result["ruleId"] == "C101")
    assert r"\[a\](b)" in drift["message"]["text"]


def test_fingerprints_survive_moved_lines_and_tell_values_apart(drifted: Project) -> None:
    def names() -> set[str]:
        return {result["partialFingerprints"]["primaryLocationLineHash"] for result in sarif(drifted)["results"]}

    before = names()
    drifted.write("configs/pretrain.yaml", "# one more line\n" + drifted.read("configs/pretrain.yaml"))
    assert names() == before
    drifted.config("lr: 3e-4", "lr: 4e-4")
    assert len(names() & before) == len(before) - 1


def test_uris_are_relative_to_the_repository(drifted: Project) -> None:
    inner = Project(drifted.root / "a b" / "paper")
    inner.config("  lr: 2e-4", "  lr: 3e-4")
    (drifted.root / ".git").mkdir()
    uri = sarif(inner)["results"][0]["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
    assert uri == "a%20b/paper/configs/pretrain.yaml"
    done = drifted.cli("check", "--manifest", "a b/paper/experiment.yaml", "--format", "github")
    assert done.out.startswith("::error file=a b/paper/configs/pretrain.yaml,line=4,")


def test_github_annotations_are_one_line_each_and_escaped(drifted: Project) -> None:
    drifted.config("  lr: 3e-4", '  lr: "x%\\n::warning file=x::y"')
    lines = drifted.cli("check", "--format", "github").out.splitlines()
    assert len(lines) == 3
    assert lines[0].startswith("::error file=configs/pretrain.yaml,line=4,endLine=4,col=7,endColumn=")
    assert ",title=C101 drift::optim.lr is " in lines[0]
    assert "%25" in lines[0]
    assert lines[1].startswith("::warning file=configs/pretrain.yaml,")
    assert lines[2].startswith("drifted: 10 of 11 keys bound, 90 %")


def test_github_escapes_a_property() -> None:
    from framework.output.formats.github import _property

    assert _property("a:b,c%\n") == "a%3Ab%2Cc%25%0A"


_CASE = {"classname", "name", "time"}
_SUITE = {"name", "tests", "failures", "errors", "skipped", "time"}


def junit(project: Project) -> ElementTree.Element:
    """The tree, held to what the usual schema of JUnit files allows."""
    root = ElementTree.fromstring(project.cli("check", "--format", "junit").out)
    assert root.tag == "testsuites"
    assert set(root.attrib) <= _SUITE - {"skipped"}
    (suite,) = root
    assert suite.tag == "testsuite"
    assert set(suite.attrib) == _SUITE
    for case in suite:
        assert case.tag == "testcase"
        assert set(case.attrib) == _CASE
        assert [child.tag for child in case] in (
            [],
            ["failure"],
            ["skipped"],
            ["system-out"],
            ["skipped", "system-out"],
        )
    for tag, count in (("failure", "failures"), ("skipped", "skipped")):
        assert suite.attrib[count] == str(len(list(suite.iter(tag))))
    assert suite.attrib["tests"] == str(len(suite))
    return suite


def test_junit_has_a_case_for_each_clause(drifted: Project) -> None:
    suite = junit(drifted)
    names = [case.attrib["name"] for case in suite]
    assert set(names) >= {clause.id for clause in drifted.load().clauses}
    (failed,) = (case for case in suite if case.find("failure") is not None)
    assert failed.attrib["name"] == "phases.pretrain.optimizer.learning_rate"
    waived = next(case for case in suite if case.attrib["name"] == "phases.pretrain.epochs")
    assert "a <b> & c" in waived[0].attrib["message"]
    unverified = next(case for case in suite if case.attrib["name"] == "hardware.memory_gb")
    assert unverified[0].attrib["message"].startswith("unverified")


def test_junit_survives_characters_that_xml_forbids() -> None:
    from framework.output.formats.junit import attribute

    assert attribute('a\0\ud800<&>"\n') == "a\ufffd\ufffd&lt;&amp;&gt;&quot;&#10;"


def test_markdown_shows_a_table_and_nothing_acts_on_what_files_hold(drifted: Project) -> None:
    text = drifted.cli("check", "--format", "markdown").out
    assert text.startswith("<!-- framework check -->\n\n### framework check: drifted\n")
    rows = [line for line in text.splitlines() if line.startswith("| ")]
    assert len(rows) == 4
    assert all(row.count("|") == 6 for row in rows)
    assert "<b>" not in text
    assert "@me" not in text
    assert "](y)" not in text
    assert text.count("<details>") == text.count("</details>") == 2


def test_markdown_fits_into_a_comment(project: Project) -> None:
    project.append("".join(f"odd_{number}: {'x' * 150}\n" for number in range(900)), "configs/pretrain.yaml")
    text = project.cli("check", "--format", "markdown").out
    assert len(text) < 65_536
    assert "and 850 more" in text


def test_output_goes_to_the_file_and_the_summary_to_the_terminal(drifted: Project) -> None:
    done = drifted.cli("check", "--format", "sarif", "--output", "out/x.sarif")
    assert done.code == 1
    assert json.loads(drifted.read("out/x.sarif"))["version"] == "2.1.0"
    assert "wrote out/x.sarif" in done.out
    assert "10 of 11 keys bound" in done.out


def test_git_applies_the_diff(drifted: Project, tmp_path: Path) -> None:
    diff = drifted.cli("check", "--fix", "--diff").out
    subprocess.run(["git", "init", "-q"], cwd=tmp_path, check=True)
    subprocess.run(["git", "apply", "-"], cwd=tmp_path, input=diff, text=True, check=True)
    assert "  lr: 2e-4  # note" in drifted.read("configs/pretrain.yaml")

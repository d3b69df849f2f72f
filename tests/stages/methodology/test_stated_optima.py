"""Files that state what a search chose are held to its space, to what was chosen, and to each other."""

from __future__ import annotations

from pathlib import Path

import pytest

from framework.conformance import Stage, Status
from framework.searching.choosing import chosen_of, write_chosen
from framework.searching.studies import studies_of
from runners.search.sweeping import sweep
from tests.stages.methodology.test_search_rules import MANIFEST
from tests.support.project import Project
from tests.support.searched import recorded_by_rate

SPACE = "    space: {optimizer.learning_rate: {low: 1e-5, high: 1e-1, scale: log}}\n"
BOTH = "    space: {optimizer.learning_rate: [1e-4, 1e-3, 1e-2], batch_size: [8, 16]}\n"
OPTIMA = """\
    optima:
      - {file: best.yaml, keys: {"{task}.{variant}.lr": optimizer.learning_rate, "{task}.{variant}.batch": batch_size}}
      - {file: run.sh, keys: {"{TASK}_{VARIANT}_LR": optimizer.learning_rate, "{TASK}_{VARIANT}_BATCH": batch_size}}
"""
CLAUSE = 'searches.whole.space."batch_size"'


def stated(root: Path, table: str, script: str) -> Project:
    project = Project(root, MANIFEST, "epochs: 1\n").replace(SPACE, BOTH + OPTIMA)
    project.write("best.yaml", table)
    project.write("run.sh", script)
    return project.append("configs: [{file: configs/pretrain.yaml, describes: phases.tune, keys: {epochs: epochs}}]\n")


GOOD = "topics:\n  full: {lr: 0.001, batch: 8}\n"
SCRIPT = "TOPICS_FULL_LR=1e-3\nTOPICS_FULL_BATCH=8\npython train.py --lr $TOPICS_FULL_LR --batch $TOPICS_FULL_BATCH\n"

WRONG = {
    "another batch in one of two files": (GOOD, SCRIPT.replace("BATCH=8", "BATCH=16"), {"C117"}, "run.sh:2:"),
    "another rate in one of two files": (GOOD.replace("0.001", "0.01"), SCRIPT, {"C117"}, "run.sh:1:"),
    "a value that cannot come": (
        GOOD.replace("8}", "12}"), SCRIPT.replace("BATCH=8", "BATCH=12"), {"C118"}, "best.yaml:2:",
    ),
    "a file that is none": ("topics: [", SCRIPT, {"C118"}, "best.yaml:"),
}  # fmt: skip


@pytest.mark.parametrize("case", WRONG)
def test_optima_that_differ_or_cannot_be_are_found_at_their_place(tmp_path: Path, case: str) -> None:
    table, script, codes, where = WRONG[case]
    findings = stated(tmp_path, table, script).check().findings
    assert {finding.code for finding in findings} == codes
    assert any(str(finding.location).startswith(where) for finding in findings)


def test_what_two_files_say_alike_can_come_and_is_not_known_to_be_chosen(tmp_path: Path) -> None:
    checked = stated(tmp_path, GOOD, SCRIPT).check()
    assert checked.findings == []
    looks = [each for each in checked.matrix.verdicts if each.stage is Stage.CONFIG and "searches.whole" in each.clause]
    assert {each.status for each in looks} == {Status.UNVERIFIED}
    assert all("nothing was chosen here yet" in each.reason for each in looks)


def test_a_key_that_a_file_does_not_have_or_that_is_computed_is_unverified(tmp_path: Path) -> None:
    checked = stated(tmp_path, GOOD, "TOPICS_FULL_LR=$(cat lr.txt)\n").check()
    assert checked.findings == []
    reasons = {each.reason for each in checked.matrix.verdicts if "searches.whole" in each.clause}
    assert any("run.sh states no TOPICS_FULL_BATCH" in reason for reason in reasons)


def test_both_files_are_held_to_what_was_chosen(tmp_path: Path) -> None:
    project = stated(tmp_path, GOOD, SCRIPT)
    experiment = project.load()
    studies = studies_of(experiment, ["whole"])
    list(sweep(experiment, studies, 1, execute=recorded_by_rate))
    found = [chosen_of(experiment, study, False, {}) for study in studies]
    write_chosen(experiment, found)
    assert found[0].entry is not None
    values = found[0].entry["values"]
    rate, batch = values["optimizer.learning_rate"], values["batch_size"]
    project.write("best.yaml", f"topics:\n  full: {{lr: {rate}, batch: {batch}}}\n")
    project.write("run.sh", SCRIPT.replace("1e-3", str(rate)).replace("BATCH=8", f"BATCH={batch}"))
    checked = project.check()
    assert checked.findings == []
    assert any("as it was chosen" in verdict.reason for verdict in checked.matrix.verdicts)
    project.write("best.yaml", f"topics:\n  full: {{lr: {rate}, batch: {24 - batch}}}\n")
    assert {finding.code for finding in project.check().findings} == {"C117", "C118"}


def test_a_key_that_nothing_searches_is_refused(tmp_path: Path) -> None:
    project = stated(tmp_path, GOOD, SCRIPT).replace('LR": optimizer.learning_rate', 'LR": optimizer.lr')
    done = project.cli("check")
    assert done.code == 2
    assert "nothing searches 'optimizer.lr'" in done.err

"""Searches that cannot answer what they are made for, and production that does not rest on them."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from framework.conformance import Stage, Status
from framework.errors import InputError
from framework.evidence.record import RunRecord
from framework.evidence.store import RunStore
from framework.searching.choosing import chosen_of, write_chosen
from framework.searching.optimum import read_optima, write_optima
from framework.searching.studies import studies_of
from runners.search.sweeping import sweep
from tests.support.project import MARK, Project
from tests.support.run_folders import change_record
from tests.support.searched import recorded, recorded_by_rate

MANIFEST = """\
version: 1
paper: {title: A study of tuned methods}
hardware: {accelerator: cpu}
models:
  tiny: {family: mamba, weights: random, layers: 1, hidden: 8, state: 4, vocabulary: 256, tokenizer: bytes}
datasets:
  topics: {builtin: reference-topics, labels: 2, train_examples: 24, limit: 24, validation_limit: 8}
phases:
  tune:
    objective: classification
    tasks: {topics: {metric: accuracy}}
    optimizer: {name: adamw}
    batch_size: 8
    epochs: 1
    sequence_length: 32
variants:
  full: {steps: [tune]}
  lora: {steps: [{tune: {adapter: {lora: {rank: 2, alpha: 4}}}}]}
seeds: [1, 2]
searches:
  whole:
    phase: tune
    variants: [full]
    space: {optimizer.learning_rate: {low: 1e-5, high: 1e-1, scale: log}}
    sampler: random
    budget: {completed_trials: 6}
    objective: accuracy
    seeds: [100]
  adapted:
    phase: tune
    variants: [lora]
    space:
      optimizer.learning_rate: {low: 1e-5, high: 1e-1, scale: log}
    sampler: {name: tpe, startup_trials: 4}
    budget: {completed_trials: 6}
    objective: accuracy
    selection: {split: validation}
    seeds: [100]
"""
LORA = "    variants: [lora]\n"
TPE = "    sampler: {name: tpe, startup_trials: 4}\n"
ADAPTED = f"""\
{TPE}    budget: {{completed_trials: 6}}
    objective: accuracy
    selection: {{split: validation}}
    seeds: [100]
"""
GRID = "      optimizer.learning_rate: [1e-5, 1e-4, 1e-3, 2e-3, 3e-3, 1e-2, 1e-1]\n"
RATE = "      optimizer.learning_rate: {low: 1e-5, high: 1e-1, scale: log}\n"


def adapted(old: str, new: str) -> tuple[str, str]:
    """A change to what the second search states."""
    assert ADAPTED.count(old) == 1
    return ADAPTED, ADAPTED.replace(old, new)


DESIGN = {
    "a seed among what is searched": ("M200", (RATE, f"{RATE}      settings.init_seed: {MARK}[1, 2, 3]\n")),
    "a seed of production": ("M201", adapted("seeds: [100]", f"seeds: {MARK}[2]")),
    "the test split": ("M202", adapted("split: validation", f"split: {MARK}test")),
    "the test split as a dataset's validation split": (
        "M202",
        ("{builtin: reference-topics, ", "{hub: example/topics, validation_split: test, "),
    ),
    "another metric than is reported": ("M203", adapted("objective: accuracy", f"objective: {MARK}f1")),
    "another direction than is reported": (
        "M203",
        adapted("objective: accuracy", f"objective: {{name: {MARK}accuracy, direction: lower}}"),
    ),
    "selected by another metric": ("M203", adapted("split: validation", f"metric: {MARK}f1")),
    "a larger budget": ("M204", adapted("completed_trials: 6", f"completed_trials: {MARK}12")),
    "a budget in another unit": ("M204", adapted("completed_trials: 6", f"optimizer_steps: {MARK}18")),
    "more search seeds": ("M204", adapted("seeds: [100]", "seeds: [100, 101]")),
    "a method that nobody tunes": (
        "M205",
        ("seeds: [1, 2]\n", "  plain: {steps: [{tune: {set: {optimizer.learning_rate: 1e-4}}}]}\nseeds: [1, 2]\n"),
    ),
    "a search of start-up trials": ("M206", adapted(", startup_trials: 4", "")),
    "a grid without its last points": (
        "M207",
        (
            f"{RATE}{TPE}    budget: {{completed_trials: 6}}\n",
            f"{GRID}    sampler: grid\n    budget: {{completed_trials: {MARK}6}}\n",
        ),
    ),
    "shorter trials": ("M208", adapted("    seeds: [100]\n", f"    set: {{epochs: {MARK}0.5}}\n    seeds: [100]\n")),
    "other production seeds": (
        "M209",
        adapted("    seeds: [100]\n", f"    production_seeds: {MARK}[1, 2, 3]\n    seeds: [100]\n"),
    ),
}


def stated(root: Path) -> Project:
    project = Project(root, MANIFEST, "epochs: 1\n")
    return project.append("configs: [{file: configs/pretrain.yaml, describes: phases.tune, keys: {epochs: epochs}}]\n")


def test_a_sound_search_has_no_finding_and_says_why(tmp_path: Path) -> None:
    checked = stated(tmp_path).check()
    assert checked.findings == []
    reasons = {verdict.reason for verdict in checked.matrix.verdicts if verdict.stage is Stage.MANIFEST}
    assert "selected on validation data" in reasons
    assert "search seeds 100 are none of production's" in {
        reason.replace("[", "").replace("]", "") for reason in reasons
    }
    assert "as much as whole: 6 completed trials over 1 search seed" in reasons


@pytest.mark.parametrize("case", DESIGN)
def test_a_search_that_cannot_answer_is_found_at_its_place(tmp_path: Path, case: str) -> None:
    code, (old, new) = DESIGN[case]
    project = stated(tmp_path).replace(old, new)
    findings = project.check().findings
    assert {finding.code for finding in findings} == {code}, findings
    if MARK in new:
        assert project.place in {str(finding.location) for finding in findings}
    assert all(finding.advice for finding in findings)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A study that is searched, chosen and run as it should be."""
    project = stated(tmp_path_factory.mktemp("searched"))
    experiment = project.load()
    for _ in sweep(experiment, studies_of(experiment), 2, execute=recorded_by_rate):
        pass
    found = [chosen_of(experiment, study, False, {}) for study in studies_of(experiment)]
    assert all(each.entry for each in found), [each.missing for each in found]
    for each in found:
        assert each.entry is not None
        each.entry["chosen"]["at"] = "2026-01-01T00:00:00.000000+00:00"
    write_chosen(experiment, found)
    store = RunStore(experiment.runs)
    for step in project.plan().steps:
        recorded(step, store, {"accuracy": 0.8})
    return project.root


@pytest.fixture
def project(tmp_path: Path, made: Path) -> Project:
    shutil.copytree(made, tmp_path, dirs_exist_ok=True)
    found = Project.__new__(Project)
    found.root, found.manifest = tmp_path, tmp_path / "experiment.yaml"
    return found


def codes(project: Project) -> set[str]:
    """Of the findings about searches."""
    return {each.code for each in project.verify().findings if each.code.startswith(("R15", "R16"))}


def test_what_conforms_has_its_evidence(project: Project) -> None:
    result = project.verify()
    assert codes(project) == set()
    for clause in result.matrix.clauses:
        if clause.section == "searches":
            assert result.matrix.status(clause, Stage.RUN) is Status.CONFORMS, clause.id
    reasons = {verdict.reason for verdict in result.matrix.verdicts if verdict.clause.startswith("searches.adapted")}
    assert any("6 of 6 completed trials" in reason for reason in reasons)
    assert any("began after its values were chosen (2026-01-01" in reason for reason in reasons)


def test_without_trials_nothing_is_verified(tmp_path: Path) -> None:
    project = stated(tmp_path)
    project.replace("optimizer: {name: adamw}", "optimizer: {name: adamw, learning_rate: 1e-3}")
    result = project.verify()
    cells = {
        result.matrix.status(clause, Stage.RUN) for clause in result.matrix.clauses if clause.section == "searches"
    }
    assert cells == {Status.UNVERIFIED}


JOURNAL = "searches/adapted/lora.topics.tiny.journal"


def in_journal(change: Callable[[list[dict[str, Any]]], object]) -> Callable[[Project], object]:
    """Change the operations of the second search's journal."""

    def edit(project: Project) -> None:
        lines = [json.loads(line) for line in project.read(JOURNAL).splitlines()]
        change(lines)
        project.write(JOURNAL, "".join(json.dumps(line) + "\n" for line in lines))

    return edit


def ends(lines: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [line for line in lines if line["op_code"] == 6]


def in_optimum(change: Callable[[dict[str, Any]], object]) -> Callable[[Project], object]:
    """Change the second search's entry, and give it the digest of what it says then."""

    def edit(project: Project) -> None:
        path = project.path("optimal_hyperparameters.yaml")
        entries = [each.entry for each in read_optima(path)]
        change(entries[1])
        write_optima(path, entries)

    return edit


def production(project: Project, change: Callable[[RunRecord], object], seed: int = 1) -> None:
    step = next(step for step in project.plan("lora").steps if step.seed == seed)
    change_record(project.root / "runs" / step.folder, change)


def facts(lines: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [line["user_attr"]["facts"] for line in lines if line["op_code"] == 8 and "facts" in line["user_attr"]]


def edge(project: Project) -> None:
    """The best trial at the end of its range."""
    best = read_optima(project.path("optimal_hyperparameters.yaml"))[1].entry["chosen"]["trial"]

    def change(lines: list[dict[str, Any]]) -> None:
        [line for line in lines if line["op_code"] == 4][best]["user_attrs"]["point"]["optimizer.learning_rate"] = 1e-1

    in_journal(change)(project)
    in_optimum(lambda entry: entry["values"].update({"optimizer.learning_rate": 1e-1}))(project)


EVIDENCE: dict[str, tuple[str, Callable[[Project], object]]] = {
    "trials of another space": ("R150", lambda project: project.replace(RATE, RATE.replace("1e-1", "1e-2"))),
    "a journal that is none": ("R150", lambda project: project.write(JOURNAL, '{"op_code": 4}\n')),
    "production before the choice": (
        "R151",
        lambda project: production(project, lambda record: setattr(record, "started", "2025-12-31T23:59:59+00:00")),
    ),
    "another choice than the trials give": ("R152", in_optimum(lambda entry: entry["chosen"].update(trial=99))),
    "other values than the chosen trial's": (
        "R152",
        in_optimum(lambda entry: entry["values"].update({"optimizer.learning_rate": 2e-3})),
    ),
    "an optimum at the end of its range": ("R154", edge),
    "more trials than the compared method": (
        "R155",
        lambda project: (
            project.replace(adapted("6", "4")[0], adapted("completed_trials: 6", "completed_trials: 4")[1]),
            in_journal(lambda lines: ends(lines)[-1].update(state=3, values=None))(project),
        ),
    ),
    "a value of exactly zero": ("R156", in_journal(lambda lines: ends(lines)[0].update(values=[0.0]))),
    "a value beyond all numbers": (
        "R156",
        lambda project: (
            project.replace(
                ADAPTED, ADAPTED.replace("objective: accuracy", "objective: {name: accuracy, direction: lower}")
            ),
            in_journal(lambda lines: ends(lines)[0].update(values=[1.797e308]))(project),
        ),
    ),
    "early-stopped trials among whole ones": (
        "R157",
        in_journal(lambda lines: facts(lines)[0].update(stopped_early=True)),
    ),
    "a search of random trials alone": (
        "R158",
        lambda project: (
            project.replace(", startup_trials: 4", ", startup_trials: 6"),
            in_journal(
                lambda lines: [
                    line["user_attr"]["declared"]["sampler"].update(startup_trials=6)
                    for line in lines
                    if line["op_code"] == 2 and "declared" in line["user_attr"]
                ]
            )(project),
        ),
    ),
    "a seed without its result": (
        "R159",
        lambda project: production(project, lambda record: setattr(record, "status", "failed")),
    ),
    "production that was allowed without its search": (
        "R161",
        lambda project: production(
            project,
            lambda record: setattr(
                record, "deviations", [{"kind": "unswept", "reason": "a first look", "problems": []}]
            ),
        ),
    ),
}


@pytest.mark.parametrize("case", EVIDENCE)
def test_production_that_does_not_rest_on_its_search_is_found(project: Project, case: str) -> None:
    code, change = EVIDENCE[case]
    change(project)
    assert code in codes(project)
    if case not in ("a value beyond all numbers", "trials of another space", "more trials than the compared method"):
        assert codes(project) == {code}


def test_an_optimum_outside_the_space_is_found(project: Project) -> None:
    in_optimum(lambda entry: entry["values"].update({"optimizer.learning_rate": 0.5}))(project)
    assert "R153" in codes(project)


def test_an_optimum_that_was_edited_is_no_evidence(project: Project) -> None:
    text = project.read("optimal_hyperparameters.yaml").replace("spent: 6 of 6", "spent: 9 of 9")
    project.write("optimal_hyperparameters.yaml", text)
    with pytest.raises(InputError, match="its digest is of other content"):
        project.verify()


def test_the_compliance_report_tells_each_point_with_its_evidence(project: Project) -> None:
    production(project, lambda record: setattr(record, "started", "2025-12-31T23:59:59+00:00"))
    assert project.cli("docs", "compliance").code == 0
    (report,) = project.path("documents").rglob("*COMPLIANCE*.md")
    section = report.read_text().partition("## Methodology")[2].partition("\n## ")[0]
    rows = [line for line in section.splitlines() if line.startswith(("| whole", "| adapted"))]
    assert len(rows) == len(set(rows))
    assert any("| conforms | selected on validation data |" in row for row in rows)
    assert any("| violated | R151 " in row and "record.json" in row for row in rows)
    assert any("6 of 6 completed trials | searches/adapted/lora.topics.tiny.journal |" in row for row in rows)

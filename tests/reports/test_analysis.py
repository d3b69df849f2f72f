"""`framework analyse`: tables, figures and a document from what the finished runs recorded."""

from __future__ import annotations

import csv
import math
from pathlib import Path

import pytest

from framework.evidence.record import RunRecord
from framework.planning.build import build
from reports.analysis.run_groups import summary
from reports.analysis.tradeoffs import front, tradeoffs
from tests.support.evidence import Evidence
from tests.support.project import Project

GRID = """\
grids:
  sparse:
    over:
      method:
        magnitude: {score: magnitude}
        random: {score: random}
      sparsity: [0, 0.5, 0.9]
    from: dense
    steps:
      - prune: {score: $method.score, sparsity: $sparsity, tensors: [in_proj]}
      - finetune: {adapter: {lora: {rank: 2, alpha: 4, targets: [in_proj]}}}
"""
ACCURACY = {("magnitude", 0.0): 0.9, ("magnitude", 0.5): 0.897, ("magnitude", 0.9): 0.6,
            ("random", 0.0): 0.9, ("random", 0.5): 0.7, ("random", 0.9): 0.62}  # fmt: skip


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """A grid whose runs are there: three seeds around a known mean."""
    project = Project(tmp_path).append(GRID)
    for step in build(project.load(), ["sparse/*"]).steps:
        if step.name != "finetune":
            continue
        _, method, sparsity = step.variant.split("/")
        mean = ACCURACY[method, float(sparsity)]
        folder = tmp_path / "runs" / step.folder
        folder.mkdir(parents=True)
        zeros = round(float(sparsity) * 1000)
        RunRecord(
            step.key, step.folder, step.name, list(step.variants), step.model_name, step.task, step.seed, None, {},
            status="done", seconds=1.5, metrics={"accuracy": mean + (step.seed - 2) / 100, "validation_loss": 1 - mean},
            sparsity={"zeros": zeros, "elements": 1000},
        ).write(folder)  # fmt: skip
    return project


def table(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as stream:
        return list(csv.DictReader(stream))


def analysed(project: Project, *arguments: str) -> Path:
    done = project.cli("analyse", "--variant", "sparse/*", *(arguments or ("--metric", "accuracy")))
    assert done.code == 0, done.err
    return project.path("documents/analysis")


def test_the_summary_has_a_row_for_each_declared_run_also_for_those_that_coincide(project: Project) -> None:
    rows = table(analysed(project) / "summary.csv")
    assert len(rows) == 2 * 3 * 3
    assert len({row["key"] for row in rows}) == (1 + 2 * 2) * 3
    row = next(row for row in rows if row["variant"] == "sparse/random/0.9" and row["seed"] == "3")
    assert (row["method"], row["sparsity"], row["task"]) == ("random", "0.9", "topics")
    assert float(row["accuracy"]) == pytest.approx(0.63)
    assert (float(row["sparsity_asked"]), float(row["sparsity_reached"])) == (0.9, 0.9)


def test_groups_are_over_seeds_with_a_t_interval(project: Project) -> None:
    row = next(r for r in table(analysed(project) / "grouped_summary.csv") if r["variant"] == "sparse/magnitude/0.9")
    assert row["seeds"] == row["accuracy_n"] == "3"
    assert float(row["accuracy_mean"]) == pytest.approx(0.6)
    assert float(row["accuracy_std"]) == pytest.approx(0.01)
    half = 4.302652729696142 * 0.01 / math.sqrt(3)  # t(0.975, 2)
    assert float(row["accuracy_high"]) - float(row["accuracy_low"]) == pytest.approx(2 * half)


def test_one_value_has_no_interval() -> None:
    only = summary([0.5])
    assert (only.n, only.mean, only.std, only.low, only.high) == (1, 0.5, None, None, None)


def test_performance_over_sparsity_is_ordered_by_kind_and_sparsity(project: Project) -> None:
    rows = [r for r in table(analysed(project) / "sparsity_vs_performance.csv") if r["metric"] == "accuracy"]
    assert [(r["compared"], float(r["sparsity_asked"])) for r in rows] == [
        (f"sparse/{method}", sparsity) for method in ("magnitude", "random") for sparsity in (0.0, 0.5, 0.9)
    ]


def test_figures_are_drawn_for_curves_and_kinds(project: Project) -> None:
    folder = analysed(project, "--metric", "accuracy")
    drawn = {path.name for path in folder.glob("*.png")}
    assert drawn == {"curve.accuracy.tiny.topics.png", "heatmap.accuracy.tiny.topics.png"}
    for name in drawn:
        assert (folder / name).read_bytes().startswith(b"\x89PNG")
        assert f"]({name})" in (folder / "ANALYSIS.md").read_text()


def test_the_document_says_how_much_can_be_removed(project: Project) -> None:
    text = (analysed(project, "--metric", "accuracy") / "ANALYSIS.md").read_text()
    assert "| tiny | topics | sparse/magnitude | accuracy | 0.9 | 1% | 50% | 0.897 |" in text
    assert "| tiny | topics | sparse/random | accuracy | 0.9 | 5% | none | - |" in text
    assert "15 finished runs stand for 18 of 18 declared ones" in text


def test_the_front_holds_what_nothing_beats_in_both(project: Project) -> None:
    from reports.analysis.rows import study
    from reports.analysis.run_groups import groups

    experiment = project.load()
    plan = build(experiment, ["sparse/*"])
    variants = [name for name in experiment.manifest.variants if name.startswith("sparse/")]
    found = groups(study(experiment, plan, variants).rows)
    best = front(found, "accuracy", "tiny", "topics")
    assert [(each.first.asked, each.first.line) for each in best] == [
        (0.0, "sparse/magnitude"), (0.5, "sparse/magnitude"), (0.9, "sparse/random"),
    ]  # fmt: skip
    lower = {(each.line, each.within): each.sparsity for each in tradeoffs(found, "validation_loss")}
    assert lower["sparse/magnitude", 0.05] == 0.5
    assert lower["sparse/random", 0.05] is None


def test_runs_that_are_missing_are_counted_and_not_made_up(project: Project) -> None:
    record = next(project.path("runs").glob("sparse_random_0.9*seed1*/record.json"))
    record.unlink()
    done = project.cli("analyse", "--variant", "sparse/*")
    assert "1 of 18 declared runs are not finished" in done.err
    assert "**1 have no finished run yet**" in project.read("documents/analysis/ANALYSIS.md")
    assert len(table(project.path("documents/analysis/summary.csv"))) == 17


def test_without_a_finished_run_nothing_is_written(tmp_path: Path) -> None:
    project = Project(tmp_path).append(GRID)
    before = project.files()
    done = project.cli("analyse")
    assert done.code == 2
    assert "no finished run" in done.err
    assert project.files() == before


def test_a_metric_that_no_run_has_is_refused_with_those_that_there_are(project: Project) -> None:
    done = project.cli("analyse", "--metric", "acuracy")
    assert done.code == 2
    assert "accuracy, validation_loss" in done.err


def test_a_baseline_file_is_compared_line_by_line(project: Project) -> None:
    project.write(
        "theirs.csv",
        "task,method,sparsity,metric,value\n"
        "topics,magnitude,0.50,accuracy,0.9\n"
        "topics,magnitude,0.9,accuracy,0.5\n"
        "topics,random,0.9,validation_loss,0.1\n"
        "topics,,0.5,accuracy,0.9\n"
        "boolq,random,0.5,accuracy,0.9\n",
    )
    text = (analysed(project, "--baseline", str(project.path("theirs.csv"))) / "ANALYSIS.md").read_text()
    lines = [line for line in text.partition("## Against")[2].splitlines() if line.startswith("| ")][2:]
    verdicts = [line.rsplit("|", 2)[1].strip() for line in lines]
    assert verdicts == ["within the interval", "better", "worse", "2 of ours: say which", "no run of ours"]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("task,metrik,value\nx,accuracy,1\n", "unknown column 'metrik'"),
        ("task,metric\nx,accuracy\n", "'value' is missing"),
        ("metric,value\naccuracy,0.5\naccuracy,high\n", "theirs.csv:3:1"),
        (b"\xff\xfe\x00", "not a table"),
    ],
)
def test_a_baseline_file_that_is_no_such_table_is_refused(project: Project, text: str | bytes, told: str) -> None:
    path = project.write("theirs.csv", text)
    done = project.cli("analyse", "--baseline", str(path))
    assert done.code == 2
    assert told in done.err
    assert not project.path("documents").exists()


MEASURED = """\
measurements:
  speed: {measure: [throughput], variants: [dense, masked], phase: pretrain, batch_sizes: SIZES, sequence_lengths: [8]}
"""


def speeds(folder: Path, sizes: str) -> Path:
    project = Project(folder).append(MEASURED.replace("SIZES", sizes))
    Evidence(project)
    done = project.cli("analyse")
    assert done.code == 0, done.err
    return project.path("documents/analysis")


def test_throughput_is_tabled_and_drawn_over_the_batch_size(tmp_path: Path) -> None:
    """The fabricated passes take 5.5 ms in the median, whatever the batch: three seeds of one value."""
    folder = speeds(tmp_path, "[1, 4, 16]")
    rows = table(folder / "throughput_vs_batch_size.csv")
    assert [(row["variant"], int(row["batch_size"])) for row in rows] == [
        (variant, size) for variant in ("dense", "masked") for size in (1, 4, 16)
    ]
    for row in rows:
        assert float(row["mean"]) == pytest.approx(int(row["batch_size"]) * 8 / 0.0055)
        assert (row["n"], row["model"], row["precision"]) == ("3", "tiny", "fp32")
        assert row["machine"]
    name = "throughput.tiny.length-8.fp32.png"
    assert (folder / name).read_bytes().startswith(b"\x89PNG")
    text = (folder / "ANALYSIS.md").read_text()
    assert f"]({name})" in text
    assert "(throughput_vs_batch_size.csv)" in text


@pytest.mark.parametrize("sizes", ["[4]", None])
def test_one_batch_size_is_no_curve(tmp_path: Path, sizes: str | None, project: Project) -> None:
    folder = speeds(tmp_path / "one", sizes) if sizes else analysed(project)
    assert not list(folder.glob("throughput*"))
    assert "throughput" not in (folder / "ANALYSIS.md").read_text()


@pytest.mark.parametrize("name", ["eval_accuracy", "eval/accuracy", "val_accuracy", "val/accuracy", "accuracy"])
def test_runs_that_call_a_metric_otherwise_are_analysed_together(project: Project, name: str) -> None:
    before = table(analysed(project) / "grouped_summary.csv")
    for file in project.path("runs").glob("*seed1*/record.json"):
        file.write_text(file.read_text().replace('"accuracy"', f'"{name}"'))
    assert table(analysed(project, "--metric", name) / "grouped_summary.csv") == before
    project.write("theirs.csv", f"method,sparsity,metric,value\nrandom,0.9,{name},0.1\nrandom,0.9,eval_loss,0.1\n")
    text = (analysed(project, "--baseline", str(project.path("theirs.csv"))) / "ANALYSIS.md").read_text()
    lines = [line for line in text.partition("## Against")[2].splitlines() if line.startswith("| ")][2:]
    assert [line.rsplit("|", 2)[1].strip() for line in lines] == ["better", "worse"]


def test_the_direction_that_the_manifest_states_decides(project: Project) -> None:
    project.write("theirs.csv", "method,sparsity,metric,value\nrandom,0.9,accuracy,0.1\n")
    other = "  other: {objective: own, metric: {name: eval_accuracy, direction: lower}}\n"
    project.replace("phases:\n", f"phases:\n{other}")
    done = project.cli("analyse", "--baseline", str(project.path("theirs.csv")), "--variant", "sparse/*")
    assert done.code == 0, done.err
    assert "| worse |" in project.read("documents/analysis/ANALYSIS.md")

"""The figures: each where there is something to show, one colour for a variant everywhere, the same bytes twice."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from framework.evidence.record import EVENTS, STEPS
from framework.evidence.store import RunStore
from framework.planning.build import build
from framework.planning.steps import Step
from framework.planning.tuned.best_of_grids import filled
from framework.stages.verify import VerifyResult, verify
from reports.figures.all_figures import figures_of
from reports.figures.cost import pareto
from reports.figures.drawn_figures import COLOURS, Figure, styles_of
from reports.figures.ladder import targets
from reports.page.page_contents import page_context
from tests.support.project import Project
from tests.support.run_folders import write_lines
from tests.support.searched import recorded

pytest.importorskip("matplotlib", reason="figures need the extra `reports`")
pytest.importorskip("scipy", reason="intervals need the extra `reports`")

MANIFEST = """\
version: 1
paper: {title: Improved in stages}
hardware: {accelerator: cpu}
models:
  tiny: {family: mamba, weights: random, layers: 1, hidden: 8, state: 4, vocabulary: 256, tokenizer: bytes}
datasets:
  manual: {builtin: language-reference, limit: 24, validation_limit: 8}
phases:
  train:
    objective: causal_lm
    dataset: manual
    metric: {name: loss, unit: per character}
    optimizer: {name: adamw, learning_rate: 1e-4}
    batch_size: 8
    epochs: 1
    sequence_length: 32
variants:
  base: {steps: [{train: {set: {max_grad_norm: 1.0}}}]}
  better: {steps: [{train: {set: {optimizer.learning_rate: {best_of: rate, by: validation_loss_per_character}}}}]}
grids:
  rate:
    over: {rate: [1e-5, 3e-4, 1e-2]}
    steps: [{train: {set: {optimizer.learning_rate: $rate}}}]
  sparse:
    over: {score: [magnitude, random], sparsity: [0.5, 0.9]}
    from: base
    steps: [{prune: {score: $score, sparsity: $sparsity, tensors: [in_proj]}}]
seeds: [1, 2]
claims:
  - {id: the target, assert: "validation_loss_per_character(base) < 1.70"}
  - {id: the published, assert: "abs(validation_loss_per_character(better) - 1.7533) <= 0.01"}
configs: [{file: configs/pretrain.yaml, describes: phases.train, keys: {epochs: epochs}}]
"""
METRIC = "validation_loss_per_character"


def loss_of(step: Step) -> float:
    rate = {"rate/1e-5": 2.4, "rate/3e-4": 1.9, "rate/1e-2": 2.9}.get(step.variant, 2.2)
    if step.name == "prune":
        rate = 2.2 + 2 * float(step.variant.rpartition("/")[2]) * (2 if "random" in step.variant else 1)
    return rate + 0.01 * step.seed


def made(project: Project, step: Step) -> None:
    metrics = {METRIC: loss_of(step), "validation_loss": 3 * loss_of(step)}
    if step.name == "train":
        metrics["initial_validation_loss"] = 7.5
    store = RunStore(project.root / "runs")
    record = recorded(step, store, metrics)
    folder = store.folder(step.folder)
    if step.name == "prune":
        share = float(step.variant.rpartition("/")[2])
        tensors = {f"layers.{layer}.in_proj.weight": [round(share * 100), 100] for layer in range(3)}
        record.sparsity = {"zeros": round(300 * share), "elements": 300, "tensors": tensors}
        record.write(folder)
        return
    lines = [{"step": at, "loss": 8 - at / 10, "learning_rate": 1e-4 * at, "samples": 8} for at in range(1, 13)]
    write_lines(folder / STEPS, lines)
    write_lines(folder / EVENTS, [{"event": "evaluation", "step": 6, "loss": 7.0}])


@pytest.fixture(scope="module")
def result(tmp_path_factory: pytest.TempPathFactory) -> VerifyResult:
    project = Project(tmp_path_factory.mktemp("figures"), MANIFEST, "epochs: 1\n")
    for step in build(project.load(), ["base", "rate/*", "sparse/*"]).steps:
        made(project, step)
    experiment = filled(project.load())
    return verify(experiment, build(experiment))


@pytest.fixture(scope="module")
def figures(result: VerifyResult) -> dict[str, Figure]:
    return {figure.name: figure for figure in figures_of(result)}


def test_there_is_a_figure_of_each_kind_that_the_evidence_has(figures: dict[str, Figure]) -> None:
    assert list(figures) == [
        "loss.train.tiny", "learning_rate.train.tiny", "ladder.tiny", "sensitivity.rate.rate.tiny", "sparsity.tiny",
        "heatmap.tiny", "tensors",
    ]  # fmt: skip


def test_there_is_none_where_there_is_nothing_to_show(tmp_path: Path) -> None:
    project = Project(tmp_path, MANIFEST, "epochs: 1\n")
    experiment = project.load()
    assert figures_of(verify(experiment, build(experiment))) == []


def test_axes_have_names_and_units(figures: dict[str, Figure]) -> None:
    said = {name: figure.svg() for name, figure in figures.items()}
    assert ">optimizer step<" in said["loss.train.tiny"]
    assert ">loss (nats)<" in said["loss.train.tiny"]
    assert ">validation loss (nats per character)<" in said["ladder.tiny"]
    assert ">weights removed (%)<" in said["tensors"]
    assert ">0.0003<" in said["sensitivity.rate.rate.tiny"]


def test_training_and_validation_stand_side_by_side(figures: dict[str, Figure]) -> None:
    svg = figures["loss.train.tiny"].svg()
    assert ">training<" in svg
    assert ">validation, where it was measured<" in svg
    assert figures["loss.train.tiny"].wide


def test_a_variant_has_one_colour_in_every_figure(result: VerifyResult, figures: dict[str, Figure]) -> None:
    styles = styles_of(result.experiment.manifest.variants)
    for name in ("loss.train.tiny", "ladder.tiny"):
        assert styles["base"].colour.lower() in figures[name].svg().lower()
    for variant in ("rate/1e-5", "rate/3e-4", "rate/1e-2"):
        assert styles[variant].colour.lower() in figures["sensitivity.rate.rate.tiny"].svg().lower()
    assert len({(each.colour, each.dash, each.marker) for each in styles_of(map(str, range(56))).values()}) == 56


def test_the_targets_are_those_of_the_claims(result: VerifyResult, figures: dict[str, Figure]) -> None:
    assert list(targets(result, METRIC)) == [("base", "<", 1.7), ("better", "=", 1.7533)]
    svg = figures["ladder.tiny"].svg()
    assert ">&lt; 1.7<" in svg
    assert ">= 1.7533<" in svg


def test_sensitivity_shows_each_run_and_which_one_was_chosen(figures: dict[str, Figure]) -> None:
    figure = figures["sensitivity.rate.rate.tiny"]
    assert figure.note.endswith("rate/3e-4 was chosen")
    assert "of each run (2 seeds)" in figure.note
    drawn: list[Any] = []
    from matplotlib.figure import Figure as Canvas

    canvas = Canvas()
    figure.draw(canvas)
    drawn = [line.get_xydata().tolist() for line in canvas.axes[0].lines]
    points = sorted(tuple(line[0]) for line in drawn if len(line) == 1)
    assert [x for x, _ in points if x == 3e-4] == [3e-4] * 3, "two runs, and the ring around their mean"
    assert [3e-4, pytest.approx(1.915)] in [list(point) for point in points]


@pytest.mark.parametrize("kind", ["svg", "pdf", "png"])
def test_equal_evidence_gives_equal_files(figures: dict[str, Figure], kind: Any) -> None:
    for figure in figures.values():
        assert figure.rendered(kind) == figure.rendered(kind)


def test_heatmaps_and_all_else_are_vectors_in_the_ink_of_the_page(result: VerifyResult) -> None:
    for figure in page_context(result)["figures"]:
        svg = str(figure["svg"])
        assert "<image" not in svg
        assert "#000000" not in svg
        assert "currentColor" in svg
        assert not re.search(r'd="[^"]*\.\d{3}', svg), "two digits are a hundredth of a point"


def test_colours_are_told_apart_on_white_and_on_black() -> None:
    def luminance(colour: str) -> float:
        parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
        red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    for colour in COLOURS:
        assert 1.05 / (luminance(colour) + 0.05) >= 2.0, f"{colour} on white"
        assert (luminance(colour) + 0.05) / (luminance("#14181f") + 0.05) >= 2.5, f"{colour} on the dark page"


@pytest.mark.parametrize(
    ("cheap", "good", "front"),
    [(1, 1, ["a", "b", "c"]), (-1, 1, ["d", "b", "c"]), (1, -1, ["a", "d"]), (-1, -1, ["d"])],
)
def test_the_front_holds_what_nobody_beats_in_both(cheap: int, good: int, front: list[str]) -> None:
    points = {"a": (1.0, 3.0), "b": (2.0, 2.0), "c": (3.0, 1.0), "d": (4.0, 4.0)}
    found = pareto(points, cheap, good)
    for name, (x, y) in points.items():
        beaten = any(cheap * u <= cheap * x and good * v <= good * y and (u, v) != (x, y) for u, v in points.values())
        assert (name in found) is not beaten
    assert (cheap, good) != (1, 1) or found == front

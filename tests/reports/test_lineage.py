"""How variants come about: as a flow chart in the setup, and as a drawing in the page."""

from __future__ import annotations

import re
from pathlib import Path
from xml.etree import ElementTree

import pytest

from reports.page.lineage import drawing, layers
from reports.setup_story import edges, mermaid
from tests.support.project import MANIFEST, Project

GRIDS = """\
grids:
  rate:
    over: {rate: [1e-4, 3e-4]}
    steps: [{pretrain: {set: {optimizer.learning_rate: $rate}}}]
  decay:
    over: {decay: [0.05, 0.2]}
    steps:
      - pretrain:
          set: {optimizer.learning_rate: {best_of: rate, by: validation_loss}, optimizer.weight_decay: $decay}
"""


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path, MANIFEST + GRIDS)


def test_the_edges_are_what_variants_start_from_and_what_grids_decide(project: Project) -> None:
    assert edges(project.load()) == [
        ("tiny", "dense", ""), ("tiny", "masked", ""), ("dense", "reordered", ""), ("dense", "pruned", ""),
        ("tiny", "rate: 2 points", ""), ("tiny", "decay: 2 points", ""),
        ("rate: 2 points", "decay: 2 points", "best optimizer.learning_rate"),
    ]  # fmt: skip


def test_each_line_of_the_flow_chart_is_one_arrow_between_quoted_names(project: Project) -> None:
    lines = list(mermaid(project.load()))
    assert len(lines) == len(edges(project.load()))
    for line in lines:
        node = r'n_\w+\["[^"\n]+"\]'
        assert re.fullmatch(rf"    {node} (-->|-\. [\w. ]+ \.->) {node}", line), line


def test_each_box_is_right_of_all_that_lead_to_it(project: Project) -> None:
    found = edges(project.load())
    columns = layers(found)
    assert all(columns[one] < columns[other] for one, other, _ in found)
    assert columns["tiny"] == 0
    assert columns["decay: 2 points"] == 2


def test_the_drawing_is_sound_and_says_itself_in_words(project: Project) -> None:
    svg = drawing(edges(project.load()))
    assert svg is not None
    root = ElementTree.fromstring(svg)
    texts = ["".join(each.itertext()) for each in root.iter("{http://www.w3.org/2000/svg}text")]
    assert set(texts) == {"tiny", "dense", "masked", "reordered", "pruned", "rate: 2 points", "decay: 2 points"}
    assert "decay: 2 points takes optimizer.learning_rate from the best of rate: 2 points" in root.attrib["aria-label"]
    dashed = [each for each in root.iter("{http://www.w3.org/2000/svg}path") if "stroke-dasharray" in each.attrib]
    assert len(dashed) == 1


def test_what_breaks_out_of_markup_does_not() -> None:
    svg = drawing([('a"><script>', "b", ""), ("b", "c", 'best <x>"')])
    assert svg is not None
    assert "<script>" not in svg
    ElementTree.fromstring(svg)


def test_there_is_no_drawing_where_nothing_descends_from_anything() -> None:
    assert drawing([("tiny", "a", ""), ("tiny", "b", "")]) is None
    assert drawing([]) is None
    assert drawing([(f"v{n}", f"v{n + 1}", "") for n in range(80)]) is None

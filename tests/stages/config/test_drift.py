"""Drift of config files, by one table: each is found at its place, and what says the same in other words is not."""

from __future__ import annotations

import pytest

from tests.stages.breaking import Edit, assert_only_finding
from tests.support.project import Project

BROKEN: dict[str, tuple[str, Edit]] = {
    "another value": ("C101", lambda project: project.config("lr: 2e-4", "lr: «3e-4")),
    "another list": ("C101", lambda project: project.config("[0.9, 0.98]", "«[0.9, 0.99]")),
    "a shorter list": ("C101", lambda project: project.config("[0.9, 0.98]", "«[0.9]")),
    "another word": ("C101", lambda project: project.config("name: AdamW", "name: «Adam")),
    "true for one": ("C101", lambda project: project.config("epochs: 4", "epochs: «true")),
    "nothing": ("C101", lambda project: project.config("epochs: 4", "epochs: «null")),
    "not a number": ("C101", lambda project: project.config("epochs: 4", "epochs: «.nan")),
    "more digits than a number has": ("C101", lambda project: project.config("epochs: 4", "epochs: «" + "4" * 400)),
    "another share": ("C101", lambda project: project.config("warmup_ratio: 0.2", "warmup_ratio: «0.1")),
    "a key that is gone": ("C102", lambda project: project.config("epochs: 4\n", "")),
    "a number in quotes": ("C103", lambda project: project.config("lr: 2e-4", "lr: «'2e-4'")),
    "a number that PyYAML takes for a string": (
        "C103",
        lambda project: (
            project.replace("    keys:\n", "    reader: pyyaml\n    keys:\n"),
            project.config("min_lr: 2e-5", "min_lr: 2.0e-5"),
            project.config("lr: 2e-4", "lr: «2e-4"),
        ),
    ),
    "a product that is another": (
        "C110",
        lambda project: project.config("{micro: 1, accumulation: 2}", "{micro: «2, accumulation: 2}"),
    ),
    "a factor that does not divide": (
        "C110",
        lambda project: (
            project.replace("      batch.accumulation: batch_size.accumulation\n", ""),
            project.config("{micro: 1, accumulation: 2}", "{micro: «3}"),
        ),
    ),
    "a factor that is no number": ("C110", lambda project: project.config("{micro: 1,", "{micro: «1.5,")),
    "a key that nothing covers": ("C120", lambda project: project.config("optim:\n", "optim:\n  nesterov: «false\n")),
    "a key that stands twice": (
        "C121",
        lambda project: project.config("  lr: 2e-4\n", "  lr: 3e-4\n  «lr: 2e-4\n"),
    ),
}


@pytest.mark.parametrize("case", BROKEN)
def test_a_broken_file_is_found_at_its_place_and_nothing_else_is(project: Project, case: str) -> None:
    assert_only_finding(project, BROKEN[case], placed=case != "a key that is gone")


QUIET: dict[str, Edit] = {
    "another spelling of a number": lambda project: project.config("lr: 2e-4", "lr: 0.0002"),
    "a whole number as a fraction": lambda project: project.config("epochs: 4", "epochs: 4.0"),
    "a derived value as computed": lambda project: project.config("min_lr: 2e-5", f"min_lr: {0.1 * 2e-4}"),
    "another spelling of a word": lambda project: project.config("name: AdamW", "name: adam_w"),
    "another layout": lambda project: project.config("[0.9, 0.98]", "\n  - 0.9\n  - 0.980"),
    "another split of the batch": lambda project: project.config(
        "{micro: 1, accumulation: 2}", "{micro: 2, accumulation: 1}"
    ),
    "a key that is ignored": lambda project: project.config("every: 20", "every: 20\n  more: {and: more}"),
    "a key that need not be there": lambda project: (
        project.replace("    knobs:\n", "    required: false\n    knobs:\n"),
        project.config("epochs: 4\n", ""),
    ),
}


@pytest.mark.parametrize("case", QUIET)
def test_what_says_the_same_in_other_words_is_no_finding(project: Project, case: str) -> None:
    QUIET[case](project)
    assert project.check().findings == []

"""Differences that the manifest admits, and waivers with a last day: what breaks them is found at its place."""

from __future__ import annotations

import pytest

from tests.stages.breaking import Edit, assert_only_finding
from tests.support.project import Project

BROKEN: dict[str, tuple[str, Edit]] = {
    "more differences than admitted": (
        "M110",
        lambda project: (
            project.replace("          mask: {sdm", "          set: {max_grad_norm: 2.0}\n          mask: {sdm")
            and project.replace("  masked:\n", "  «masked:\n")
        ),
    ),
    "no difference at all": (
        "M111",
        lambda project: (
            project.replace("[dense, masked], clauses", "[dense, again], clauses")
            and project.replace("  masked:\n", "  «again: {steps: [pretrain]}\n  masked:\n")
        ),
    ),
    "a waiver that ended": (
        "M120",
        lambda project: project.append(
            "waivers: [{clause: hardware, stage: run, reason: r, owner: o, until: «2026-05-31}]\n"
        ),
    ),
}


@pytest.mark.parametrize("case", BROKEN)
def test_a_broken_manifest_is_found_at_its_place_and_nothing_else_is(project: Project, case: str) -> None:
    assert_only_finding(project, BROKEN[case])


QUIET: dict[str, Edit] = {
    "a difference that follows from an admitted one": lambda project: (
        project.replace("          mask: {sdm", "          set: {optimizer.learning_rate: 1e-3}\n          mask: {sdm"),
        project.replace("clauses: [mask]", "clauses: [mask, optimizer]"),
    ),
    "a waiver on its last day": lambda project: project.append(
        "waivers: [{clause: hardware, stage: run, reason: r, owner: o, until: 2026-06-01}]\n"
    ),
}


@pytest.mark.parametrize("case", QUIET)
def test_what_the_manifest_admits_is_no_finding(project: Project, case: str) -> None:
    QUIET[case](project)
    assert project.check().findings == []

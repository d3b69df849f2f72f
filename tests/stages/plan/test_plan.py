"""What the runs would do is held to the manifest before they do it."""

from __future__ import annotations

from pathlib import Path

from tests.support.project import Project
from tests.support.statuses import codes


def test_a_plan_of_other_values_is_found(project: Project, tmp_path: Path) -> None:
    other = Project(tmp_path / "other", project.read()).replace("learning_rate: 1e-4", "learning_rate: 5e-4")
    result = project.verify(plan=other.plan())
    assert codes(result) == ["P101"]
    (finding,) = result.findings
    assert (finding.clause, finding.expected, finding.actual) == (
        "phases.finetune.optimizer.learning_rate",
        1e-4,
        5e-4,
    )


def test_a_variant_s_setting_that_a_task_overrules_is_found(project: Project) -> None:
    project.replace("          adapter: {lora", "          set: {epochs: 5}\n          adapter: {lora")
    result = project.verify()
    assert codes(result) == ["P101"]
    assert result.findings[0].clause == "variants.pruned.steps[1].finetune.set.epochs"

"""The rendered documents are held to the manifest."""

from __future__ import annotations

from tests.support.project import Project
from tests.support.statuses import codes


def test_a_document_that_says_something_else_is_found(project: Project) -> None:
    assert project.cli("docs").code == 0
    assert project.verify_all().findings == []
    project.replace("title: A small study", "title: «A great study")
    result = project.verify_all()
    assert codes(result) == ["D101"]
    (finding,) = result.findings
    assert (finding.clause, str(finding.declared)) == ("paper.title", project.place)
    assert str(finding.location) == "documents/EXPERIMENTAL_SETUP.md:1:1"

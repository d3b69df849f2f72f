"""Documents that are kept true: every block of the README and the guides is run or read as what it claims to be."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest

from framework.api import obstacles, plan
from framework.cli.main import COMMANDS
from framework.manifest.loading import load
from framework.manifest.sections.root import Manifest
from framework.reading.yaml.parsing import parse_yaml

REPOSITORY = Path(__file__).resolve().parents[1]
PAGES = [REPOSITORY / "README.md", *sorted((REPOSITORY / "docs").glob("*.md"))]


def blocks(language: str) -> list[object]:
    found = []
    for page in PAGES:
        for number, match in enumerate(
            re.finditer(rf"^```{language}\n(.*?)^```", page.read_text(), re.MULTILINE | re.DOTALL)
        ):
            found.append(pytest.param(match[1], id=f"{page.name}-{number}"))
    return found


@pytest.mark.parametrize("source", blocks("python"))
def test_python_blocks_run_in_a_copy_of_the_repository(
    source: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copy(REPOSITORY / "experiment.yaml", tmp_path)
    shutil.copytree(REPOSITORY / "configs", tmp_path / "configs")
    monkeypatch.chdir(tmp_path)
    exec(compile(source, "block", "exec"), {})


@pytest.mark.parametrize("source", blocks("yaml"))
def test_yaml_blocks_are_sections_of_a_manifest(source: str, tmp_path: Path) -> None:
    document = parse_yaml(source, "block", "manifest")
    assert document.root is not None
    sections = document.value(document.root)
    assert set(sections) <= set(Manifest.model_fields)
    if "version" in sections:
        (tmp_path / "experiment.yaml").write_text(source)
        experiment = load(tmp_path)
        if "models" not in sections:
            return  # a statement alone: what a run would need is not asked for
        missing = {obstacle.clause for obstacle in obstacles(experiment, plan(experiment))}
        assert missing == {"datasets.text.path"}  # what a reader brings; all else could run


@pytest.mark.parametrize("source", [block for block in blocks("yaml") if "phases:" in str(block.values[0])])
def test_phases_in_the_documents_are_valid(source: str) -> None:
    document = parse_yaml(source, "block", "manifest")
    assert document.root is not None
    sections = document.value(document.root)
    stated = {"version": 1, "paper": {"title": "A block"}, **sections}
    if "variants" not in stated and "grids" not in stated:
        Manifest.model_validate({key: value for key, value in stated.items() if key not in ("rules", "claims")})


@pytest.mark.parametrize("source", blocks("json"))
def test_json_blocks_are_json(source: str) -> None:
    assert json.loads(source)


def test_commands_in_the_documents_exist() -> None:
    named = set()
    for page in PAGES:
        named |= set(re.findall(r"(?:^\$ |`)framework ([a-z]+)", page.read_text(), re.MULTILINE))
    assert named
    assert named <= set(COMMANDS)


def test_links_between_documents_lead_somewhere() -> None:
    for page in PAGES:
        for target in re.findall(r"\]\((?!http)([^)#]+)", page.read_text()):
            assert (page.parent / target).exists(), f"{page.name} links to {target}"


def test_the_reference_is_what_the_models_say() -> None:
    from reports.reference import reference

    assert (REPOSITORY / "docs" / "reference.md").read_text() == reference(), (
        "run: python -m reports.reference > docs/reference.md"
    )

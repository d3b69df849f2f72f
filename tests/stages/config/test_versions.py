"""Declared versions against requirement and lock files."""

from __future__ import annotations

from pathlib import Path

import pytest

from framework.conformance import Stage, Status
from framework.stages.config.packages.versions import admits
from tests.support.project import CONFIG, MANIFEST, MARK, Project
from tests.support.statuses import status_of


@pytest.mark.parametrize(
    ("specifiers", "declared", "admitted"),
    [
        ("==2.1.0", "2.1", True),
        ("==2.1.2+cu118", "2.1", True),
        ("==2.13.0", "2.1", False),
        ("==2.1.*", "2.1", True),
        ("==2.*", "2.1", True),
        ("==2.1", "2.1.2", False),
        ("==2.1.0", "2.1.0", True),
        (">=2.0,<3", "2.1", True),
        (">=2.1.3", "2.1", True),
        (">2.1.0", "2.1", True),
        (">=2.6", "2.1", False),
        ("<2.1", "2.1", False),
        ("<=2.1", "2.1", True),
        ("<=2.0.9", "2.1", False),
        ("~=2.1", "2.5", True),
        ("~=2.1.0", "2.5", False),
        ("!=2.1.0", "2.1", True),
        ("!=2.1.*", "2.1", False),
        (">=2.0,!=2.0.1", "2.1", True),
        ("^2.1", "2.9", True),
        ("^2.1", "3.0", False),
        ("^0.21", "0.22", False),
        ("~2.1", "2.1.7", True),
        ("2.1.0 || ^3", "3.4", True),
        ("===2.1.0", "2.1", True),
        ("*", "2.1", True),
        ("v2.1.0", "2.1", True),
        ("@ file:///x", "2.1", None),
        (">=2", "nightly", None),
    ],
)
def test_specifiers(specifiers: str, declared: str, admitted: bool | None) -> None:
    assert admits(specifiers, declared) is admitted


def test_a_bare_version_of_conda_is_a_beginning() -> None:
    assert admits("=2.1", "2.1.2", "=") is True
    assert admits("2.1", "2.1.2", "==") is False


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """torch 2.1, CUDA 12.1 and transformers 5.0 are declared."""
    return Project(tmp_path, MANIFEST, CONFIG)


EXCLUDED = {
    "requirements.txt": f"numpy\n{MARK}torch==2.6.0\n",
    "requirements-dev.txt": f"{MARK}torch[opt] >= 2.6  # new\n",
    "requirements/gpu.txt": f"--extra-index-url https://example.org\n{MARK}torch==2.1.2+cu118\n",
    "constraints.txt": f"{MARK}transformers==4.40.1 --hash=sha256:0\n",
    "pyproject.toml": f'[project]\ndependencies = [\n  # "torch==1.0",\n  "{MARK}torch>=2.6",\n  "rich",\n]\n',
    "pyproject.toml of poetry": (
        f'[tool.poetry.dependencies]\npython = "^3.11"\n{MARK}torch = "^2.6"\n[tool.x]\ntorch = "9"\n'
    ),
    "poetry.lock": f'[[package]]\nname = "torch"\nversion = "{MARK}2.6.0"\n',
    "uv.lock": f'[[package]]\nname = "transformers"\nversion = "{MARK}4.40.1"\n',
    "Pipfile.lock": f'{{"default": {{"torch": {{"hashes": ["x"], "version": "{MARK}==2.6.0"}}}}}}\n',
    "environment.yml": f"dependencies:\n  - {MARK}pytorch=2.6\n  - pip:\n    - transformers==5.0.1\n",
    "environment.yaml": (
        f"dependencies:\n  - conda-forge::pytorch=2.1.0=py3.10_cuda12.1_0\n  - {MARK}pytorch-cuda=11.8\n"
    ),
}


@pytest.mark.parametrize("file", EXCLUDED)
def test_an_excluded_version_is_found_with_its_line(project: Project, file: str) -> None:
    project.write(file.split()[0], EXCLUDED[file])
    findings = [finding for finding in project.check().findings if finding.code == "C170"]
    assert [str(finding.location) for finding in findings] == [project.place]
    assert findings[0].declared is not None
    assert findings[0].advice


ADMITTED = {
    "requirements.txt": "# torch==1.0\ntorch>=2.0,<3\ntorchvision==0.15\npytorch-lightning==2.6\ntransformers\n",
    "requirements-mac.txt": "torch==2.6.0; sys_platform == 'darwin'\n",
    "pyproject.toml": '[project]\ndependencies = ["torch~=2.1.0", "transformers>=5,<6"]\n[tool.x]\ntorch = "9"\n',
    "poetry.lock": '[[package]]\nname = "torch"\nversion = "2.1.2"\n',
    "uv.lock": '[[package]]\nname = "torch"\nversion = "2.1.2"\n\n[[package]]\nname = "torch"\nversion = "2.6.0"\n',
    "environment.yml": "dependencies:\n  - pytorch=2.1\n  - pytorch-cuda=12.1\n  - pip:\n    - torch==2.1.0\n",
}


@pytest.mark.parametrize("file", ADMITTED)
def test_an_admitted_version_is_no_finding(project: Project, file: str) -> None:
    project.write(file, ADMITTED[file])
    assert "C170" not in [finding.code for finding in project.check().findings]


def test_an_exact_version_conforms_and_a_range_says_nothing(project: Project) -> None:
    project.write("requirements.txt", "torch==2.1.2\ntransformers>=5\n")
    result = project.check()
    assert status_of(result, "hardware.torch", Stage.CONFIG) is Status.CONFORMS
    assert status_of(result, "hardware.packages.transformers", Stage.CONFIG) is Status.UNVERIFIED


def test_it_is_waived_at_the_stage_config(project: Project) -> None:
    project.write("requirements.txt", "torch==2.6.0\n")
    waiver = "waivers:\n  - {clause: hardware.torch, stage: config, reason: gone, owner: lab, until: 2027-01-01}\n"
    result = project.append(waiver).check()
    assert status_of(result, "hardware.torch", Stage.CONFIG) is Status.WAIVED
    assert {"C170", "M121"}.isdisjoint(finding.code for finding in result.findings)


def test_requirements_alone_are_no_config(project: Project) -> None:
    """A gate that looked at no config file must not pass."""
    project.write("requirements.txt", "torch==2.1.2\n")
    text = project.read()
    project.write("experiment.yaml", text[: text.index("configs:")])
    assert project.cli("check").code == 2

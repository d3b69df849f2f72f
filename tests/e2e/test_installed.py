"""The wheel, as someone gets it who wants the gate in their own research repository: no checkout, no torch."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path, PurePosixPath
from textwrap import dedent

import pytest

pytestmark = pytest.mark.slow

NAMES_OF_THEIRS = ("configs", "datasets", "evaluate", "jinja2", "models", "reports", "runners", "utils", "yaml")
"""Packages in the foreign repository: with names of ours, of libraries that we use, and of others' habits."""


def succeed(*command: str | Path, cwd: Path) -> str:
    result = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False, timeout=600)
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout


@pytest.fixture(scope="module")
def wheel(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    build = ("-m", "build", "--wheel", "--no-isolation", "--outdir", folder)
    succeed(sys.executable, *build, repository, cwd=folder)
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def binaries(wheel: Path, repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The `bin` of an environment that holds the wheel, without extras."""
    folder = tmp_path_factory.mktemp("installed") / "venv"
    succeed(sys.executable, "-m", "venv", folder, cwd=folder.parent)
    python = folder / "bin" / "python"
    succeed(python, "-m", "pip", "install", "-c", repository / "constraints.txt", wheel, cwd=folder.parent)
    return folder / "bin"


@pytest.fixture(scope="module")
def reading(binaries: Path, wheel: Path, repository: Path) -> Path:
    """The same, with what reads tensors: from here on, for whatever test comes after."""
    constraints = repository / "constraints.txt"
    succeed(binaries / "python", "-m", "pip", "install", "-c", constraints, f"{wheel}[verify]", cwd=binaries)
    return binaries


@pytest.fixture
def research(tmp_path: Path) -> Path:
    """Someone's repository: packages that refuse to be imported, and one config file that says what the paper says."""
    for name in NAMES_OF_THEIRS:
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text(f"raise RuntimeError('{name} of the foreign repository')\n")
    (tmp_path / "templates").mkdir()
    (tmp_path / "templates" / "page.html").write_text("{{ a template of theirs }")
    (tmp_path / "configs" / "train.yaml").write_text(
        dedent("""\
            training:
              learning_rate: 3.0e-4
              batch_size: 16
              epochs: 2
            output: out
        """)
    )
    (tmp_path / "experiment.yaml").write_text(
        dedent("""\
            version: 1
            paper: {title: A small study, authors: [A. Researcher]}
            models:
              tiny: {family: gpt2, weights: random, layers: 2, hidden: 32, heads: 2, vocabulary: 256, tokenizer: bytes}
            datasets:
              manual: {builtin: language-reference}
            phases:
              pretrain:
                objective: causal_lm
                dataset: manual
                optimizer: {name: adamw, learning_rate: 3e-4}
                batch_size: 16
                epochs: 2
            variants:
              dense: {steps: [pretrain]}
              sparse: {from: dense, steps: [{prune: {sparsity: 0.5, tensors: [c_fc]}}]}
            configs:
              - file: configs/train.yaml
                describes: phases.pretrain
                keys:
                  training.learning_rate: optimizer.learning_rate
                  training.batch_size: batch_size
                  training.epochs: epochs
                ignore: [output]
        """)
    )
    return tmp_path


STARTS = {"script": ["framework"], "module": ["python", "-m", "framework"]}


def framework(
    binaries: Path, start: str, pythonpath: str | None, folder: Path, *arguments: str
) -> subprocess.CompletedProcess[str]:
    """Run a command of the installed package inside a folder."""
    environment = {key: value for key, value in os.environ.items() if not key.startswith("PYTHON")}
    if pythonpath is not None:
        environment["PYTHONPATH"] = pythonpath
    program, *rest = STARTS[start]
    command = [str(binaries / program), *rest, *arguments]
    return subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False, timeout=120
    )


def test_the_wheel_holds_the_packages_and_nothing_else(wheel: Path, repository: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        files = {PurePosixPath(name) for name in archive.namelist()}
    tops = {file.parts[0] for file in files}
    (metadata,) = (top for top in tops if top.endswith(".dist-info"))
    assert tops == {"framework", "reports", "runners", metadata}
    assert PurePosixPath(metadata, "licenses", "LICENSE") in files

    for package in ("framework", "reports", "runners"):
        modules = {PurePosixPath(path.relative_to(repository)) for path in (repository / package).rglob("*.py")}
        assert modules
        assert modules <= files
    templates = [path for path in (repository / "templates").rglob("*") if path.is_file()]
    assert templates
    assert {PurePosixPath("reports", path.relative_to(repository)) for path in templates} <= files


def test_it_installs_without_torch(binaries: Path, tmp_path: Path) -> None:
    code = "from importlib.util import find_spec; print([find_spec(n) for n in ('torch', 'transformers', 'numpy')])"
    assert succeed(binaries / "python", "-I", "-c", code, cwd=tmp_path).strip() == "[None, None, None]"


def test_the_base_is_the_gate_and_says_what_else_needs(binaries: Path, research: Path) -> None:
    for command in ("check", "plan", "status"):
        result = framework(binaries, "script", None, research, command)
        assert result.returncode == 0, f"framework {command}:\n{result.stdout}{result.stderr}"
    result = framework(binaries, "script", None, research, "docs")
    assert result.returncode == 2
    assert "'numpy' is not installed" in result.stderr
    assert "[verify]'" in result.stderr


@pytest.mark.parametrize("pythonpath", [None, "."], ids=["plain", "PYTHONPATH=."])
@pytest.mark.parametrize("start", STARTS)
def test_it_works_inside_a_repository_with_packages_of_the_same_names(
    reading: Path, research: Path, start: str, pythonpath: str | None
) -> None:
    for command in ("check", "plan", "docs"):
        result = framework(reading, start, pythonpath, research, command)
        assert result.returncode == 0, f"framework {command}:\n{result.stdout}{result.stderr}"
    assert any(path.is_file() for path in (research / "documents").rglob("*")), "`framework docs` wrote no document"

    config = research / "configs" / "train.yaml"
    config.write_text(config.read_text().replace("batch_size: 16", "batch_size: 24"))
    result = framework(reading, start, pythonpath, research, "check")
    assert result.returncode == 1, result.stdout + result.stderr
    output = result.stdout + result.stderr
    assert "configs/train.yaml" in output
    assert "24" in output


@pytest.mark.parametrize("start", STARTS)
def test_a_manifest_that_cannot_be_read_is_an_error_and_not_drift(binaries: Path, research: Path, start: str) -> None:
    (research / "experiment.yaml").write_text("version: [1\n")
    result = framework(binaries, start, ".", research, "check")
    assert result.returncode == 2, result.stdout + result.stderr
    assert "experiment.yaml" in result.stdout + result.stderr
    assert "Traceback" not in result.stdout + result.stderr

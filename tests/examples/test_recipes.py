"""Recipes that nothing here can train: their configs are held all the same, value for value."""

from __future__ import annotations

import re
import shutil
from contextlib import chdir
from pathlib import Path

import pytest

from framework.api import check, load
from framework.conformance import Severity
from framework.errors import InputError
from framework.planning.build import build, complete
from framework.stages.check import CheckResult

RECIPES = Path(__file__).resolve().parents[2] / "examples" / "recipes"
CONFIGS = {"vision": "train.sh", "ppo": "ppo.yaml", "grpo": "grpo.yaml"}
OTHER = {"sgd": "adam", "step": "cosine", "linear": "constant", "Adam": "SGD"}


@pytest.fixture
def recipe(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    return Path(shutil.copytree(RECIPES / request.param, tmp_path / request.param))


def checked(folder: Path) -> CheckResult:
    with chdir(folder):
        return check(load())


@pytest.mark.parametrize("recipe", CONFIGS, indirect=True)
def test_the_config_conforms_and_every_key_is_bound(recipe: Path) -> None:
    result = checked(recipe)
    assert result.findings == []
    assert result.unbound == 0


def _drifted(line: str) -> str | None:
    """A line with its value changed; None where it states none that is held."""
    match = re.match(r"(\s*(?:--)?[\w-]+[:= ]\s*|torchrun --nproc_per_node=)(\S+)(.*)$", line)
    if match is None:
        return None
    head, value, rest = match.groups()
    changed = OTHER.get(value) or (re.fullmatch(r"[\d.e-]+", value) and str(2 * float(value)).removesuffix(".0"))
    return f"{head}{changed}{rest}" if changed else None


LINES = [
    (name, number)
    for name, file in CONFIGS.items()
    for number, line in enumerate((RECIPES / name / file).read_text().splitlines(), 1)
    if _drifted(line) is not None and "logging_steps" not in line
]


def test_enough_lines_are_changed() -> None:
    assert len(LINES) >= 28


@pytest.mark.parametrize(("recipe", "number"), LINES, indirect=["recipe"])
def test_a_change_of_any_value_is_found_at_its_line(recipe: Path, number: int) -> None:
    file = recipe / CONFIGS[recipe.name]
    lines = file.read_text().splitlines()
    lines[number - 1] = str(_drifted(lines[number - 1]))
    file.write_text("\n".join(lines) + "\n")
    errors = [each for each in checked(recipe).findings if each.severity is Severity.ERROR]
    assert [each.location.line for each in errors if each.location] == [number] or (
        # One factor of a batch: the finding stands at the first of them.
        [each.code for each in errors] == ["C110"]
    ), [str(each) for each in errors]


@pytest.mark.parametrize("recipe", CONFIGS, indirect=True)
def test_the_plan_refuses_by_the_clause_s_name_with_the_way_out(recipe: Path) -> None:
    with chdir(recipe), pytest.raises(InputError) as refused:
        complete(build(load()))
    told = [str(problem) for problem in refused.value.problems]
    assert any("the built-in training does not know the objective" in each for each in told)
    assert any("under `runners:`" in each for each in told)
    assert all(problem.location for problem in refused.value.problems)

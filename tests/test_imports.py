"""Who may import whom, what a check loads, and which package a name means inside someone else's project."""

from __future__ import annotations

import ast
import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from textwrap import dedent

import pytest

REPOSITORY = Path(__file__).resolve().parents[1]
PACKAGES = ("framework", "reports", "runners")
HEAVY = {"torch", "transformers", "peft", "accelerate"}
FORBIDDEN = {"framework": {"runners", "reports"} | HEAVY, "reports": {"runners"} | HEAVY, "runners": set()}
STARTERS = ("framework/cli/", "framework/api.py")
"""The places that may import `runners` and `reports`, inside the function that starts them."""
IMPORTING_CALLS = {"import_module", "__import__", "own"}
DISTRIBUTIONS = {"yaml": "pyyaml", "pynvml": "nvidia-ml-py"}
"""Distributions whose name is not that of the module."""
UNINDEXED = {"cerebras"}
"""A vendor's packages that no index has: used, inside a function, where they are there."""


@dataclass(frozen=True)
class Import:
    """One import: the top-level name, its line, and whether it stands inside a function."""

    name: str
    line: int
    inside: bool


def imports(tree: ast.AST, inside: bool = False) -> Iterator[Import]:
    """Every import below a node, also those by a call such as `import_module("x")`."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.Import):
            yield from (Import(alias.name.partition(".")[0], node.lineno, inside) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            yield Import(node.module.partition(".")[0], node.lineno, inside)
        elif isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Constant):
            called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", None)
            if called in IMPORTING_CALLS:
                yield Import(str(node.args[0].value).partition(".")[0], node.lineno, inside)
        function = isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
        yield from imports(node, inside or function)


def violations(path: str, source: str) -> list[str]:
    """The imports in a file that go against the direction, as `path:line: name`."""
    forbidden = FORBIDDEN[path.partition("/")[0]]
    allowed = {"runners", "reports"} if path.startswith(STARTERS) else set()
    return [
        f"{path}:{found.line}: {found.name}"
        for found in imports(ast.parse(source))
        if found.name in forbidden and not (found.inside and found.name in allowed)
    ]


def modules(package: str) -> list[Path]:
    return sorted((REPOSITORY / package).rglob("*.py"))


@pytest.mark.parametrize("package", PACKAGES)
def test_imports_go_one_way(package: str) -> None:
    files = modules(package)
    assert files, f"{package}/ holds no module: this test would hold nothing"
    found = [line for file in files for line in violations(file.relative_to(REPOSITORY).as_posix(), file.read_text())]
    assert found == []


@pytest.mark.parametrize(
    ("path", "source", "found"),
    [
        ("framework/x.py", "import torch.nn", ["framework/x.py:1: torch"]),
        ("framework/x.py", "def f():\n    from runners.training import loop", ["framework/x.py:2: runners"]),
        ("framework/x.py", "import importlib\nimportlib.import_module('peft')", ["framework/x.py:2: peft"]),
        ("framework/cli/x.py", "from runners import run", ["framework/cli/x.py:1: runners"]),
        ("framework/cli/x.py", "class A:\n    import reports", ["framework/cli/x.py:2: reports"]),
        ("framework/cli/x.py", "if True:\n    own('runners')", ["framework/cli/x.py:2: runners"]),
        ("framework/cli/x.py", "def f():\n    own('runners.run')\n    import reports", []),
        ("framework/cli/x.py", "def f():\n    import torch", ["framework/cli/x.py:2: torch"]),
        ("framework/api.py", "def f():\n    if True:\n        import reports", []),
        ("reports/x.py", "try:\n    import runners\nexcept ImportError:\n    pass", ["reports/x.py:2: runners"]),
        ("reports/x.py", "from framework.names import near\nimport runners_of_others", []),
        ("runners/x.py", "import torch\nfrom framework.errors import UsageError", []),
    ],
)
def test_a_wrong_import_is_seen(path: str, source: str, found: list[str]) -> None:
    assert violations(path, source) == found


@pytest.mark.parametrize(
    ("package", "extras", "optional"),
    [
        ("framework", ["verify"], ["bundle", "editor", "reports"]),
        ("reports", ["verify"], ["reports"]),
        ("runners", ["run", "sweeps"], ["energy", "mlflow", "tensorboard"]),
    ],
)
def test_what_is_imported_is_a_declared_dependency(package: str, extras: list[str], optional: list[str]) -> None:
    """At the top of a module: a dependency, or one of the package's extras; inside a function: also an optional one."""
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]
    groups = {"": project["dependencies"], **project["optional-dependencies"]}

    def known(*names: str) -> set[str]:
        lines = [line for name in ("", *names) for line in groups[name]]
        return {re.split(r"[^\w.-]", line)[0].lower() for line in lines} | set(PACKAGES) | sys.stdlib_module_names

    always, inside = known(*extras), known(*extras, *optional) | UNINDEXED
    missing = {
        f"{file.relative_to(REPOSITORY)}:{found.line}: {found.name}"
        for file in modules(package)
        for found in imports(ast.parse(file.read_text()))
        if DISTRIBUTIONS.get(found.name, found.name).lower() not in (inside if found.inside else always)
    }
    assert missing == set()


def python(folder: Path, code: str, *pythonpath: Path | str) -> str:
    """The last line that a new interpreter prints, started in a folder and with a PYTHONPATH."""
    result = subprocess.run(
        [sys.executable, "-c", dedent(code)],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(str(entry) for entry in pythonpath)},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert result.returncode == 0, result.stderr
    return result.stdout.strip().splitlines()[-1]


def test_importing_the_framework_loads_nothing_heavy_and_changes_no_import() -> None:
    code = """
        import sys, json
        before = list(sys.meta_path), list(sys.path)
        import framework
        assert before == (sys.meta_path, sys.path)
        print(json.dumps(sorted(sys.modules)))
    """
    assert not (HEAVY | {"runners", "reports"}) & set(json.loads(python(REPOSITORY, code)))


@pytest.mark.parametrize(
    "arguments", [["check"], ["plan"], ["status"], ["runs"], ["watch", "--once"], ["check", "--format", "sarif"]]
)
def test_the_gate_loads_only_what_the_base_brings(arguments: list[str]) -> None:
    code = f"""
        import sys, json
        from framework.__main__ import main
        code = main({arguments})
        print("\\n" + json.dumps([code, sorted(sys.modules)]))
    """
    code, loaded = json.loads(python(REPOSITORY, code))
    assert code in (0, 1)
    assert "framework.cli.main" in loaded
    further = {"runners"} if arguments[0] == "check" else set()  # what a plan reads is looked for by who would read it
    assert not (HEAVY | {"numpy", "scipy"} | further) & set(loaded)


@pytest.fixture
def foreign(tmp_path: Path) -> Path:
    """A folder whose packages have our names, and those of libraries; each refuses to be imported."""
    for name in ("runners", "reports", "yaml", "jinja2"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text("raise RuntimeError('the foreign package was imported')\n")
    (tmp_path / "plugin_of_theirs.py").write_text("")
    return tmp_path


PREPARE = f"import sys; sys.path.append({str(REPOSITORY)!r})"
"""What an editable install does."""


@pytest.mark.parametrize("pythonpath", [[], ["."], ["", "."], [REPOSITORY], [".", REPOSITORY], [REPOSITORY, "."]])
def test_isolated_names_are_ours_and_the_installed_ones(foreign: Path, pythonpath: list[Path | str]) -> None:
    code = f"""
        {PREPARE}
        import json
        from importlib.util import find_spec
        from framework.isolation import isolate
        isolate()
        isolate()
        print(json.dumps([find_spec(name).origin for name in ("runners", "reports", "yaml", "plugin_of_theirs")]))
    """
    runners, reports, yaml, plugin = json.loads(python(foreign, code, *pythonpath))
    assert runners == str(REPOSITORY / "runners" / "__init__.py")
    assert reports == str(REPOSITORY / "reports" / "__init__.py")
    assert "site-packages" in yaml
    assert plugin == str(foreign / "plugin_of_theirs.py")


def test_own_takes_ours_without_isolation_and_leaves_no_trace(foreign: Path) -> None:
    code = f"""
        {PREPARE}
        before = list(sys.meta_path), list(sys.path)
        from framework.isolation import own
        print(own("reports").__file__)
        assert before == (sys.meta_path, sys.path)
    """
    assert python(foreign, code) == str(REPOSITORY / "reports" / "__init__.py")


@pytest.mark.parametrize("theirs", ["reports/__init__.py", "reports.py"])
def test_own_names_the_foreign_package_that_hides_ours(tmp_path: Path, theirs: str) -> None:
    (tmp_path / theirs).parent.mkdir(exist_ok=True)
    (tmp_path / theirs).write_text("")
    code = f"""
        import reports
        {PREPARE}
        from framework.errors import UsageError
        from framework.isolation import own
        try:
            own("reports.tables")
        except UsageError as error:
            print(error)
    """
    assert str(tmp_path / theirs) in python(tmp_path, code)


@pytest.fixture
def incomplete(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the framework's isolation, without the packages that belong beside it."""
    folder = tmp_path_factory.mktemp("incomplete")
    (folder / "framework").mkdir()
    (folder / "framework" / "__init__.py").write_text("")
    for name in ("isolation.py", "errors.py", "locations.py"):
        shutil.copy(REPOSITORY / "framework" / name, folder / "framework")
    return folder


def test_a_package_that_ours_lacks_is_not_taken_from_theirs(foreign: Path, incomplete: Path) -> None:
    code = """
        from framework.isolation import isolate
        isolate()
        try:
            import runners
        except ModuleNotFoundError as error:
            print(error.name)
    """
    assert python(foreign, code, incomplete) == "runners"


def test_own_says_which_extra_brings_what_is_not_installed(foreign: Path, incomplete: Path) -> None:
    (incomplete / "runners").mkdir()
    (incomplete / "runners" / "__init__.py").write_text("import a_library_that_nobody_has")
    code = """
        from framework.errors import UsageError
        from framework.isolation import own
        try:
            own("runners.execute")
        except UsageError as error:
            print(error)
    """
    said = python(foreign, code, incomplete)
    assert "'a_library_that_nobody_has' is not installed" in said
    assert "pip install '.[all]' in a checkout" in said

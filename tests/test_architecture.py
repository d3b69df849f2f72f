"""The rooms of `docs/architecture.md`: their order, no circles, and names that mean one thing."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[1]
GROUND = ("errors", "locations", "names", "plugins", "isolation", "version", "cache_folder")
ROOMS = (
    "ground",
    "reading",
    "manifest",
    "dialects",
    "evidence",
    "conformance",
    "searching",
    "stages.manifest",
    "stages.config",
    "statistics",
    "planning",
    "adoption",
    "recording",
    "stages.plan",
    "stages.run",
    "stages.checkpoint",
    "stages.claim",
    "stages.document",
    "stages",
    "output",
    "repair",
    "exporters",
    "drafting",
    "editor",
    "api",
    "cli",
)
"""From the ground up: a room may import those before it."""
SAME = {
    # The same thing at two stages, or in two directions: one name is right.
    "adapters": "adapters, as saved, as recorded, as reported",
    "checkpoints": "checkpoints: on disk, as a model, as what is measured",
    "context": "what the rules of a stage see",
    "check": "`framework check`: what it does, and its command",
    "early_stopping": "early stopping: declared, recomputed, executed",
    "environment": "what a run ran on, and with: recorded, and held",
    "equal": "equality between variants, at three stages",
    "hub": "the hub's models and data",
    "hybrids": "hybrid adapters, at two stages",
    "iso_sparsity": "iso-sparsity, at three stages",
    "learning_rate": "the learning rate: recomputed, and the rule about it",
    "length": "the length of a training, at the run and in the loop",
    "masks": "masks: as files, as saved, as applied",
    "measurements": "measurements: declared, held, reported",
    "merging": "the merge of an adapter: done, and held",
    "methods": "methods beside training: declared, held, executed",
    "optimizers": "optimizers: declared, and built",
    "profiles": "profiles: applied, and the rule about them",
    "progress": "progress of runs: counted, and shown",
    "reader": "the entry of a format",
    "refusals": "what is refused, before anything starts",
    "registry": "the members of a family",
    "schedules": "schedules, at two stages",
    "schema": "the JSON schema, and its command",
    "seeds": "seeds: stated, and used",
    "sizes": "sizes of models, at two stages",
    "verdicts": "the verdicts of a stage",
    "verify": "`framework verify`: what it does, and its command",
    "versions": "versions of packages: read, and the rule about them",
    "waivers": "waivers: applied, and the rule about them",
}
MOST_LINES, MOST_MODULES = 300, 16


def _modules(top: str) -> dict[str, Path]:
    found = {}
    for file in sorted((REPOSITORY / top).rglob("*.py")):
        parts = file.relative_to(REPOSITORY).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = file
    return found


MODULES = {top: _modules(top) for top in ("framework", "reports", "runners")}
ALL = {name: file for modules in MODULES.values() for name, file in modules.items()}


def room_of(module: str) -> str | None:
    """The room that a module of `framework` is in."""
    parts = module.split(".")[1:]
    if not parts or parts == ["api"]:
        return "api"
    if len(parts) == 1 and parts[0] in GROUND:
        return "ground"
    if parts == ["__main__"]:
        return "cli"
    inner = ".".join(parts[:2])
    if inner in ROOMS:
        return inner
    return parts[0] if parts[0] in ROOMS else None


def imported(source: str, known: Iterable[str]) -> Iterator[str]:
    """The modules among ``known`` that a source imports, wherever the import stands."""
    names = set(known)
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            for alias in node.names:
                below = f"{node.module}.{alias.name}"
                if below in names:
                    yield below
                elif node.module in names:
                    yield node.module
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name in names)
        elif isinstance(node, ast.Call):
            named = (argument.value for argument in node.args[:1] if isinstance(argument, ast.Constant))
            yield from (str(value) for value in named if value in names)


def climbing(graph: dict[str, set[str]]) -> list[str]:
    """The imports that lead from a room into a higher one."""
    order = {room: position for position, room in enumerate(ROOMS)}
    return [
        f"{module} ({room_of(module)}) imports {other} ({room_of(other)})"
        for module, others in sorted(graph.items())
        for other in sorted(others)
        if order[room_of(other) or ""] > order[room_of(module) or ""]
    ]


def circles(graph: dict[str, set[str]]) -> list[list[str]]:
    """Modules that import each other, directly or by others (Tarjan 1972): each group of them."""
    index: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    found: list[list[str]] = []

    def visit(module: str) -> None:
        index[module] = low[module] = len(index)
        stack.append(module)
        for other in graph[module]:
            if other not in index:
                visit(other)
                low[module] = min(low[module], low[other])
            elif other in stack:
                low[module] = min(low[module], index[other])
        if low[module] == index[module]:
            group = []
            while True:
                group.append(stack.pop())
                if group[-1] == module:
                    break
            if len(group) > 1:
                found.append(sorted(group))

    for module in graph:
        if module not in index:
            visit(module)
    return found


def graph_of(modules: dict[str, Path]) -> dict[str, set[str]]:
    return {name: set(imported(file.read_text(), modules)) - {name} for name, file in modules.items()}


def test_every_module_is_in_a_room() -> None:
    assert len(MODULES["framework"]) > 200, "this test would hold nothing"
    assert [module for module in MODULES["framework"] if room_of(module) is None] == []


def test_no_room_imports_a_higher_one() -> None:
    graph = graph_of(MODULES["framework"])
    assert sum(map(len, graph.values())) > 500, "this test would hold nothing"
    assert climbing(graph) == []


@pytest.mark.parametrize("top", MODULES)
def test_there_is_no_circle(top: str) -> None:
    assert circles(graph_of(MODULES[top])) == []


def test_a_climbing_import_and_a_circle_are_seen() -> None:
    known = ("framework.reading.x", "framework.dialects.y", "framework.stages.run.z")
    low, middle, high = known
    assert set(imported("def f():\n    from framework.dialects import y", known)) == {middle}
    assert set(imported("import_module('framework.stages.run.z')", known)) == {high}
    graph = {low: {middle}, middle: {high}, high: {low}}
    assert climbing(graph) == [
        "framework.dialects.y (dialects) imports framework.stages.run.z (stages.run)",
        "framework.reading.x (reading) imports framework.dialects.y (dialects)",
    ]
    assert circles(graph) == [sorted(known)]
    assert room_of("framework.helpers") is None


def test_the_second_computation_uses_nothing_of_what_it_holds() -> None:
    again = [module for module in MODULES["framework"] if ".recomputed" in module]
    assert len(again) > 5
    for module in again:
        assert "runners" not in MODULES["framework"][module].read_text().replace("runners/", ""), module


def test_a_name_means_one_thing() -> None:
    """Dialects and their writers share names by design; for the rest the table says what the shared name means."""
    places = defaultdict(list)
    for name, file in ALL.items():
        if file.name != "__init__.py" and not name.startswith(("framework.dialects.", "framework.exporters.")):
            places[name.rpartition(".")[2]].append(name)
    shared = {name: found for name, found in places.items() if len(found) > 1}
    assert {name: found for name, found in shared.items() if name not in SAME} == {}
    assert SAME.keys() <= shared.keys() | {"registry", "schema"}


@pytest.mark.parametrize("name", sorted(ALL))
def test_a_module_says_what_it_is_about_within_its_measure(name: str) -> None:
    source = ALL[name].read_text()
    assert source.count("\n") <= MOST_LINES, f"{name} has {source.count(chr(10))} lines"
    assert (ast.get_docstring(ast.parse(source)) or "").strip(), f"{name} has no docstring"


def test_no_folder_is_a_heap() -> None:
    loose = defaultdict(int)
    for file in ALL.values():
        loose[file.parent.relative_to(REPOSITORY).as_posix()] += file.name != "__init__.py"
    assert {folder: count for folder, count in loose.items() if count > MOST_MODULES} == {}


def test_the_documented_rooms_are_the_rooms() -> None:
    """The table of the page, in its order."""
    page = (REPOSITORY / "docs" / "architecture.md").read_text()
    table = page.partition("| room | its one sentence |")[2].partition("\n\n")[0]
    written = re.findall(r"^\| `([^`]+)`", table, re.MULTILINE)
    named = {"framework/__init__.py": "api", "stages/*.py": "stages"}
    rooms = [
        named.get(name, "ground" if name.startswith("framework/{") else name.strip("/").replace("/", "."))
        for name in written
    ]
    assert tuple(rooms) == ROOMS

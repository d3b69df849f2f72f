#!/usr/bin/env bash
# rich 15.0.0: Console.print turns `file.yaml:100:19` into `file.yaml💯19`, also with markup=False and highlight=False.
#
# Emoji codes are replaced in plain text by default, and `:100:` and `:1234:` are two of them.
# A compiler-style place `file:line:column` is therefore printed wrongly for lines 100 and 1234 alone.
# `Console(emoji=False)` leaves it as it is.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet "rich==15.0.0"
"$folder/venv/bin/python" - <<'PYTHON'
import io
from importlib.metadata import version

from rich.console import Console


def printed(text: str, **options: object) -> str:
    out = io.StringIO()
    Console(file=out, highlight=False, **options).print(text, markup=False, highlight=False)
    return out.getvalue().rstrip("\n")


print("rich", version("rich"))
for line in (99, 100, 101, 1234):
    text = f"file.yaml:{line}:19: error"
    print(repr(text), "->", repr(printed(text)), "| emoji=False ->", repr(printed(text, emoji=False)))
assert printed("file.yaml:99:19: error") == "file.yaml:99:19: error"
assert printed("file.yaml:100:19: error") == "file.yaml\N{HUNDRED POINTS SYMBOL}19: error"
assert printed("file.yaml:1234:19: error") == "file.yaml\N{INPUT SYMBOL FOR NUMBERS}19: error"
assert printed("file.yaml:100:19: error", emoji=False) == "file.yaml:100:19: error"
PYTHON

"""Files of rows as they occur: marks, long fields, cut blocks; and what is no row, with its place."""

from __future__ import annotations

import codecs
import json
from pathlib import Path
from typing import Any

import pytest

from framework.errors import FrameworkError
from runners.data.sources import readers
from runners.data.sources.local_files import split_in

ROWS: list[dict[str, Any]] = [
    {"text": 'é 😀 "quoted" \\ \n', "more": [True, False, None, -1.5e-7, float("-inf"), float("inf")]},
    {"text": "y" * 40, "more": {"inner": ["a", {"b": 12345678901234567890}]}},
]


def texts(folder: Path, name: str, content: str | bytes) -> list[tuple[Any, ...]]:
    data = content.encode() if isinstance(content, str) else content
    (folder / name).write_bytes(data)
    return list(split_in("data", ".", "train", folder).read(["text"]))


@pytest.mark.parametrize("name", ["train.csv", "train.jsonl", "train.json"])
def test_a_byte_order_mark_is_no_part_of_the_first_column(tmp_path: Path, name: str) -> None:
    content = {
        "train.csv": "text,label\na b,0\n",
        "train.jsonl": '{"text": "a b"}\n',
        "train.json": '[{"text": "a b"}]',
    }
    assert texts(tmp_path, name, codecs.BOM_UTF8 + content[name].encode()) == [("a b",)]


def test_a_field_may_be_a_document(tmp_path: Path) -> None:
    document = "word, " * 100_000
    assert texts(tmp_path, "train.csv", f'text,label\n"{document}",0\n') == [(document,)]


@pytest.mark.parametrize("ascii_only", [True, False])
@pytest.mark.parametrize("indent", [None, 1])
def test_a_row_may_be_cut_anywhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ascii_only: bool, indent: int | None
) -> None:
    text = json.dumps(ROWS, ensure_ascii=ascii_only, indent=indent)
    for block in range(1, 40):
        monkeypatch.setattr(readers, "_BLOCK", block)
        assert texts(tmp_path, "train.json", text) == [(row["text"],) for row in ROWS]


def test_a_fault_is_told_before_the_rest_of_the_file_is_read(tmp_path: Path) -> None:
    rows = ['{"text": "a"}'] * 200_000
    rows[1] = '{"text" "a"}'
    path = tmp_path / "train.json"
    path.write_text("[" + ",\n".join(rows) + "]")
    heard = 0

    def hear(size: int) -> None:
        nonlocal heard
        heard += size

    with pytest.raises(FrameworkError, match=r"train\.json:2: not JSON: Expecting ':' delimiter"):
        list(readers.READERS[".json"](path, (), hear))
    assert heard < path.stat().st_size / 2


BAD = {
    "a lone surrogate": (r'{"text": "half \ud800"}', "'text' has half of a character"),
    "a lone surrogate among choices": (r'{"text": ["one", "\udfff"]}', "'text' has half of a character"),
    "too deep": ("[" * 100_000, "not JSON: nested too deeply"),
    "too many digits": ('{"text": ' + "9" * 5000 + "}", "not JSON: Exceeds the limit"),
    "two values": ('{"text": "a"} {"text": "b"}', "not JSON: "),
}


@pytest.mark.parametrize("name", ["train.jsonl", "train.json"])
@pytest.mark.parametrize("fault", BAD)
def test_what_is_no_row_is_an_error_with_its_place(tmp_path: Path, name: str, fault: str) -> None:
    row, message = BAD[fault]
    first = '{"text": "a"}'
    content = f"{first}\n{row}\n" if name == "train.jsonl" else f"[{first},\n{row}]"
    with pytest.raises(FrameworkError, match=rf"{name}:2: {message}"):
        texts(tmp_path, name, content)

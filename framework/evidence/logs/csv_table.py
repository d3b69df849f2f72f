"""CSV with a header, a row for each step: Lightning's CSVLogger and home-grown loops."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from framework.errors import InputError
from framework.evidence.logs.entries import log_of
from framework.evidence.logs.log import Format, Log, Reading
from framework.locations import Location


def read(files: Sequence[Path], reading: Reading) -> Log:
    return log_of("CSV", (row for file in files for row in _rows(file)), reading)


def _rows(file: Path) -> Iterator[tuple[Location, dict[str, Any]]]:
    try:
        with file.open(encoding="utf-8-sig", newline="") as stream:
            table = csv.DictReader(stream, restkey="")
            for row in table:
                yield Location(str(file), table.line_num, 1), {key: value for key, value in row.items() if value}
    except (UnicodeDecodeError, csv.Error) as problem:
        raise InputError.at(Location(str(file), 1, 1), f"not CSV: {problem}") from None


FORMAT = Format("CSV", lambda path: path.suffix.lower() == ".csv", read)

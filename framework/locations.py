"""Where a value was stated: carried from the loader to the verdict."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Location:
    """A place in a text file. Lines and columns count from 1, columns in characters; ``width``
    is how many characters of that line the value takes. Two are equal, and ordered, by the place alone."""

    file: str
    line: int
    column: int
    key: str | None = field(default=None, compare=False)
    width: int = field(default=1, compare=False)

    def __lt__(self, other: Location) -> bool:
        return (self.file, self.line, self.column) < (other.file, other.line, other.column)

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"

    def as_dict(self) -> dict[str, str | int | None]:
        return {"file": self.file, "line": self.line, "column": self.column, "key": self.key}

"""Elements of arrays and whole-number arithmetic, where all that goes into them is certain."""

from __future__ import annotations

from collections.abc import Callable

from framework.reading.shell.arithmetic import evaluate
from framework.reading.shell.fields import Field, Value
from framework.reading.shell.tokens import Piece


def numbers(source: str, certain: Callable[[str], Value | None]) -> list[str]:
    """What arithmetic comes to: one number, one for each turn of a loop, or none where that is not certain.

    ``certain`` gives what a variable holds, or None where that is not known.
    """
    turning: dict[str, tuple[str, ...]] = {}

    def one(name: str) -> str | None:
        known = certain(name)
        if known is None or known.array or not known.fields:
            return None
        if known.fields[0].unknown:
            if known.fields[0].each:
                turning[name] = known.fields[0].each
            return None
        return known.fields[0].text

    if (number := evaluate(source, one)) is not None:
        return [str(number)]
    if len(turning) != 1:
        return []
    ((turned, texts),) = turning.items()
    found = [evaluate(source, lambda name, text=text: text if name == turned else one(name)) for text in texts]  # type: ignore[misc]
    return [] if None in found else [str(number) for number in found]


def element(piece: Piece, known: Value, certain: Callable[[str], Value | None]) -> Field:
    """The element of an array that `${NAME[index]}` is (or `$NAME`, the first), or those of a loop's turns."""
    index = (piece.index or "0").strip()
    source = piece.text if piece.index is None else f"{piece.text}[{piece.index}]"
    unclear = Field(piece.start, piece.stop, unknown=f"which element {source} is, only running it could tell")
    if known.keys is not None:
        wanted = _texts(index, certain) if index.startswith("$") else [index.strip("\"'")]
        chosen = [known.fields[known.keys.index(key)] for key in wanted if key in known.keys]
    elif any(item.unknown for item in known.fields):
        return unclear  # one of them may be several
    else:
        wanted = [index] if index.isdecimal() else numbers(f"$(({index}))", certain)
        chosen = [known.fields[int(number)] for number in wanted if _is_place(int(number), len(known.fields))]
    if not chosen or len(chosen) != len(wanted) or any(item.unknown for item in chosen):
        return unclear
    if len(chosen) > 1:
        unclear.each = tuple(item.text for item in chosen)
        return unclear
    return chosen[0]


def _is_place(number: int, length: int) -> bool:
    return -length <= number < length


def _texts(index: str, certain: Callable[[str], Value | None]) -> list[str]:
    """What a variable that is a key holds: one text, or one for each turn of a loop."""
    known = certain(index.strip("${}"))
    if known is None or known.array or not known.fields:
        return []
    return list(known.fields[0].each) if known.fields[0].unknown else [known.fields[0].text]

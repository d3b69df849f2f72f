"""Long texts in parts that a tokenizer reads as it reads the whole.

A tokenizer splits a text before it looks for tokens, so a text may be parted where it splits anyway. Where that is
depends on the tokenizer: candidates are line breaks and spaces between words, and each one is tried, with the letters
around it, before the text is parted there. A tokenizer under which no candidate holds (one that puts a space before
every text, say) gets the text as one piece.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

Read = Callable[[Sequence[str]], Sequence[Sequence[Any]]]
"""What a tokenizer makes of each text: its tokens, or the pieces that it splits a text into."""
PART = 1 << 15
AROUND = 128
_TRIED = 24
_PLACES = (re.compile(r"(?<=\S\n)(?=\S)"), re.compile(r"(?<=\S)(?= \S)"))


def parts_of(blocks: Iterable[str], read: Read, part: int = PART, around: int = AROUND) -> Iterator[str]:
    """A text, which comes in blocks, in parts of some ``part`` letters.

    The tokens of all parts are those of the whole text: at each border the ``2 * around`` letters about it have the
    tokens of both sides, one after the other. ``around`` is many times what a tokenizer looks at: it parts words.
    """
    kept: list[str] = []
    size, wanted, failed = 0, 2 * part, 0
    for block in blocks:
        kept.append(block)
        size += len(block)
        if size < wanted or failed >= _TRIED:
            continue
        text = "".join(kept)
        start = 0
        while len(text) - start >= 2 * part and failed < _TRIED:
            border, tried = _border(text, start + part, read, around, _TRIED - failed)
            if border is None:
                failed += tried
                break
            failed = 0
            yield text[start:border]
            start = border
        kept, size = [text[start:]], len(text) - start
        wanted = max(2 * part, 2 * size)
    rest = "".join(kept)
    if rest:
        yield rest


def _border(text: str, first: int, read: Read, around: int, most: int) -> tuple[int | None, int]:
    """Where a text can be parted from ``first`` on, and how many places were tried."""
    tried = 0
    last = len(text) - around
    for places in _PLACES:
        for number, match in enumerate(places.finditer(text, first, max(first, last))):
            if number >= most // 2 or tried >= most:
                break
            tried += 1
            border = match.start()
            before, after = text[max(0, border - around) : border], text[border : border + around]
            whole, left, right = read([before + after, before, after])
            if list(whole) == [*left, *right]:
                return border, tried
    return None, tried


def batches(parts: Iterable[str], size: int) -> Iterator[list[str]]:
    """Texts, together ``size`` letters or a little more at a time."""
    batch: list[str] = []
    letters = 0
    for part in parts:
        batch.append(part)
        letters += len(part) + 64
        if letters >= size:
            yield batch
            batch, letters = [], 0
    if batch:
        yield batch

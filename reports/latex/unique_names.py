"""Names that LaTeX takes: letters only, the same as long as what they name is called the same, and never of two."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Mapping, Sequence

_DIGITS = ("Zero", "One", "Two", "Three", "Four", "Five", "Six", "Seven", "Eight", "Nine")
_SUFFIX = 6


def camel(text: str) -> str:
    """The words of a text, each with a capital, digits by their names: `tasks.sst2.lr[0]` is `TasksSstTwoLrZero`."""
    words = re.findall(r"[A-Za-z]+|\d", "".join(map(_plain, text)))
    return "".join(_DIGITS[int(word)] if word.isdigit() else word[0].upper() + word[1:] for word in words)


def _plain(sign: str) -> str:
    """A sign in ASCII: without its accent, a letter of another script by the last word of its name, else a gap."""
    bare = unicodedata.normalize("NFKD", sign)[:1]
    if bare.isascii() or not sign.isalnum():
        return bare if bare.isascii() else " "
    return f" {unicodedata.name(sign, '').rpartition(' ')[2]} "


def macro_names(wanted: Mapping[str, Sequence[str]]) -> dict[str, str]:
    """By what is named, the name of its macro without the backslash.

    What would be called alike (`a_b.c` and `a.b_c`) has letters of its own digest behind its name, each of them: so
    that none takes over the name of another that comes or goes.

    Args:
        wanted: By what is named the words of its name: the first in small letters.
    """
    plain = {key: words[0] + "".join(map(camel, words[1:])) for key, words in wanted.items()}
    return _apart(plain, _letters)


def file_names(wanted: Mapping[str, Sequence[str]]) -> dict[str, str]:
    """By what is named, the name of its file without the ending: letters, digits and `-`, unique in any case."""
    plain = {key: "-".join(filter(None, map(_slug, words))) for key, words in wanted.items()}
    return _apart(plain, lambda key: "-" + hashlib.sha256(key.encode()).hexdigest()[:_SUFFIX])


def _slug(text: str) -> str:
    return re.sub(r"[^A-Za-z0-9]+", "-", "".join(map(_plain, text))).strip("-")


def _apart(plain: Mapping[str, str], suffix: Callable[[str], str]) -> dict[str, str]:
    often = Counter(name.lower() for name in plain.values())
    return {key: name + (suffix(key) if often[name.lower()] > 1 else "") for key, name in plain.items()}


def _letters(key: str) -> str:
    digest = hashlib.sha256(key.encode()).hexdigest()[:_SUFFIX]
    return "".join(chr(ord("a") + int(digit, 16)) for digit in digest)

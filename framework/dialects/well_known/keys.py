"""Catalogued facts as keys of dialects: `settings.<name>`, with what a trainer's word means in the field's terms."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any

from framework.dialects import synonyms
from framework.dialects.terms import Key, Scope, Statement, Translate
from framework.dialects.values import folded
from framework.dialects.well_known import named
from framework.dialects.well_known.facts import BY_NAME
from framework.dialects.well_known.trainer_words import TRAINERS

SETTINGS = "settings."
_NOISE = {"squaredcoscapv2": "cosine", "scaledlinear": "scaled_linear"}
"""Nichol and Dhariwal's cosine schedule is `squaredcos_cap_v2` to diffusers."""


def as_it_is(word: Any, scope: Scope) -> Any:
    """The file's own word, also where it is empty: a paper states that there is none of something."""
    return word


def _noise(word: Any, scope: Scope) -> Any:
    return _NOISE.get(folded(word), word) if isinstance(word, str) else word


def _side(word: Any, scope: Scope) -> Any:
    """One side of a square: of `[224, 224]`, and of `[3, 224, 224]` with its channels."""
    sides = word[-2:] if isinstance(word, (list, tuple)) and len(word) in (2, 3) else ()
    same = len(sides) == 2 and type(sides[0]) is type(sides[1]) is int and sides[0] == sides[1]
    return sides[0] if same else word


def key_of(fact: str, translate: Translate | None = None) -> Key:
    """What a key that names a catalogued fact states."""
    if fact == "noise_schedule":
        return Key(SETTINGS + fact, _noise)
    if BY_NAME[fact].kind == "pixels":
        return Key(SETTINGS + fact, _side)
    return Key(SETTINGS + fact, translate or as_it_is)


def keys_of(dialect: str, translate: Translate | None = None) -> dict[str, Key]:
    """The table of a dialect whose trainer has words for catalogued facts; ``translate`` is how it reads numbers."""
    return {
        place: key_of(fact, translate)
        for trainer in TRAINERS
        if trainer.dialect == dialect
        for fact, places in trainer.words.items()
        for place in places.split()
    }


def meaning(name: str, above: str | None, bare: Mapping[str, str] = MappingProxyType({})) -> Key | None:
    """What a name of a home-grown config states: a field of the manifest, or a catalogued fact.

    Where a section or other keys of the file (``bare``, of :func:`framework.dialects.well_known.named.beside`) make a
    fact of a field's name, it is the fact if the manifest states it, else the field: `n_epochs` beside `clip_range`.
    """
    field = synonyms.meaning(name, above)
    fact = named.by_context(name, above, bare)
    if field is None:
        fact = fact or named.plainly(name, above)
        return key_of(fact) if fact else None
    return Key(f"{SETTINGS}{fact}|{field.fact}", field.translate) if fact else field


def about_fields(statements: Iterable[Statement]) -> list[Statement]:
    """The statements as far as they are about the manifest's own fields: without settings, and with what a name means
    elsewhere (`epochs`) in the place of `settings.passes_per_rollout|epochs`."""
    plain = (
        replace(each, fact=each.fact.rpartition("|")[2]) if _is_setting(each.fact) else each for each in statements
    )
    return [each for each in plain if not _is_setting(each.fact)]


def _is_setting(fact: str) -> bool:
    return fact.startswith(SETTINGS)

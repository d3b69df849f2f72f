"""What a run says of itself by name: the columns of its row, its settings, its parameters and tags."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from framework.manifest.sections.adopted import PARTS, Adopted
from framework.manifest.sections.bindings import captured_in
from framework.names import did_you_mean


def columns_of(adopted: Adopted, names: Collection[str], usual: bool = True) -> dict[str, str]:
    """By part, the name under which a run says it: the stated one; where ``usual``, else the one that is called so,
    unless the part is stated itself or by the path."""
    told = {part for part in PARTS if getattr(adopted, part) is not None} | set(captured_in(adopted.path))
    unsaid = [part for part in PARTS if part not in told and part not in adopted.columns and part in names]
    return {**{str(part): name for part, name in adopted.columns.items()}, **{part: part for part in unsaid if usual}}


def words_of(adopted: Adopted, names: Mapping[str, Any], usual: bool = True) -> dict[str, str]:
    """By part, what a run says of itself; nothing where it is empty.

    Raises:
        LookupError: a stated name is none of the run's; the message says what is near.
    """
    columns = columns_of(adopted, names, usual)
    for name in columns.values():
        if name not in names:
            raise LookupError(f"it says no {name!r}: {did_you_mean(name, names)}")
    return {part: word for part, name in columns.items() if (word := spelled(names[name]))}


def is_meant(adopted: Adopted, names: Mapping[str, Any]) -> bool:
    """Whether a run is one of those that `only` names."""
    for name, wanted in adopted.only.items():
        one_of = wanted if isinstance(wanted, list) else [wanted]
        if name not in names or spelled(names[name]) not in [spelled(each) for each in one_of]:
            return False
    return True


def spelled(value: Any) -> str:
    """A value as it is written in a manifest."""
    return str(value).lower() if isinstance(value, bool) else "" if value is None else str(value).strip()

"""Which of the manifest's names a selection means."""

from __future__ import annotations

import fnmatch
from collections.abc import Iterable, Sequence

from framework.errors import UsageError
from framework.manifest.experiment import Experiment
from framework.names import did_you_mean


def known(kind: str, names: Sequence[str], there: Iterable[str]) -> None:
    """
    Raises:
        UsageError: a name that is none of those that there are.
    """
    exist = list(there)
    for name in names:
        if name not in exist:
            raise UsageError(f"unknown {kind} {name!r}: {did_you_mean(name, exist)}")


def matching_variants(experiment: Experiment, names: Sequence[str]) -> list[str]:
    """The variants that are meant: each name itself, or all that a pattern such as `grid/*` matches, each once.

    Raises:
        UsageError: no variant is meant by one of them.
    """
    exist = list(experiment.manifest.variants)
    chosen: list[str] = []
    for name in names:
        found = [name] if name in exist else fnmatch.filter(exist, name)
        if not found:
            known("variant", [name], exist)
        chosen += found
    return list(dict.fromkeys(chosen))

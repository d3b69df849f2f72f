"""`optimal_hyperparameters.yaml`: the values that searches chose, from where, and that nobody changed them since."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from framework.errors import InputError
from framework.evidence.atomic import write_text
from framework.locations import Location
from framework.reading.yaml.parsing import parse_yaml
from framework.searching.studies import Study, folder_of

OPTIMA = "optimal_hyperparameters.yaml"
FORMAT = 1
_HEAD = """\
# The hyperparameters that searches chose, at full precision. Written by `framework sweep analyze`, held by
# `framework run` and `framework verify`: do not edit, each entry has a digest.
"""


@dataclass(frozen=True, slots=True)
class Optimum:
    """What one study chose, as its entry in the file says it."""

    entry: dict[str, Any]
    location: Location

    @property
    def values(self) -> dict[str, Any]:
        """By searched key the chosen value."""
        return dict(self.entry["values"])

    @property
    def written(self) -> str:
        """When it was chosen, in ISO 8601."""
        return str(self.entry["chosen"]["at"])

    @property
    def place(self) -> tuple[Any, ...]:
        """Its study."""
        return tuple(self.entry.get(name) for name in ("search", "variant", "model", "task"))


def path_of(root: Path, profile: str | None) -> Path:
    """Where the file lies: at the project's folder, under a profile beside that profile's studies."""
    return folder_of(root, profile) / OPTIMA if profile else root / OPTIMA


def digest_of(entry: dict[str, Any]) -> str:
    """SHA-256 of an entry without its digest, as canonical JSON."""
    plain = {key: value for key, value in entry.items() if key != "digest"}
    return hashlib.sha256(json.dumps(plain, sort_keys=True, separators=(",", ":"), default=str).encode()).hexdigest()


def read_optima(path: Path) -> list[Optimum]:
    """The entries of a file; none where there is no file.

    Raises:
        InputError: it is none of ours, or an entry is no longer what was written.
    """
    if not path.is_file():
        return []
    text = path.read_text("utf-8")
    document = parse_yaml(text, path.name, "manifest")
    data = document.value(document.root) if document.root is not None else None
    where = Location(path.name, 1, 1)
    if not isinstance(data, dict) or data.get("format") != FORMAT or not isinstance(data.get("optima"), list):
        raise InputError.at(where, "not a file of optimal hyperparameters", "write it: framework sweep analyze")
    found = []
    for index, entry in enumerate(data["optima"]):
        node = document.walk(("optima", index))
        place = document.location(node[1]) if node else where
        if not isinstance(entry, dict) or not isinstance(entry.get("values"), dict):
            raise InputError.at(place, "an entry without values", "write the file again: framework sweep analyze")
        if entry.get("digest") != digest_of(entry):
            raise InputError.at(
                place,
                f"{' · '.join(str(entry.get(name)) for name in ('search', 'variant', 'task'))} is no longer what "
                "was written: its digest is of other content",
                "write it again from the trials: framework sweep analyze",
            )
        found.append(Optimum(entry, place))
    return found


def write_optima(path: Path, entries: Iterable[dict[str, Any]]) -> None:
    """Write the file, each entry with its digest; numbers as the shortest text that is exactly them."""
    whole = [{**{key: entry[key] for key in entry if key != "digest"}, "digest": digest_of(entry)} for entry in entries]
    data = {"format": FORMAT, "optima": whole}
    write_text(path, _HEAD + yaml.dump(data, Dumper=_Exact, sort_keys=False, allow_unicode=True, width=120))


class _Exact(yaml.SafeDumper):
    """Writes floats so that every reader takes them for what they are: YAML 1.1 wants a point in `1e-05`."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def _float(dumper: yaml.SafeDumper, value: float) -> yaml.ScalarNode:
    text = repr(value)
    if "e" in text and "." not in text:
        text = text.replace("e", ".0e", 1)
    return dumper.represent_scalar("tag:yaml.org,2002:float", text)


_Exact.add_representer(float, _float)


def optimum_of(study: Study, optima: Iterable[Optimum]) -> Optimum | None:
    """The entry of a study; None where it has none."""
    place = tuple(study.place.values())
    return next((each for each in optima if each.place == place), None)


def exports(optima: Iterable[Optimum]) -> Iterator[str]:
    """Lines for a shell: `MRPC_FULLFINETUNE_LR=2.3e-05`, the task (or model) first, then the variant, then the key."""
    import re
    import shlex

    for optimum in optima:
        first = optimum.entry.get("task") or optimum.entry.get("model") or ""
        for key, value in optimum.values.items():
            last = key.rpartition(".")[2]
            name = {"learning_rate": "LR"}.get(last, last)
            parts = (re.sub(r"[^A-Za-z0-9]", "", str(part)) for part in (first, optimum.entry["variant"]))
            words = [part for part in (*parts, re.sub(r"[^A-Za-z0-9]+", "_", name)) if part]
            text = repr(value) if isinstance(value, float) else str(value).lower() if value is True else str(value)
            variable = "_".join(words).upper()
            yield f"{'_' if variable[0].isdigit() else ''}{variable}={shlex.quote(text)}"

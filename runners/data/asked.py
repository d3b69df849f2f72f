"""Which stores a statement of a manifest led to: what a plan can say of them without a tokenizer at hand."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from framework.errors import FrameworkError
from framework.evidence.remembering.file_state import state_of
from framework.evidence.remembering.kept_facts import recalled, remember, sum_of
from framework.manifest.sections.models import Dataset, Model
from runners.data.sources import local_files as local
from runners.data.store.data_folder import data_folder
from runners.data.store.prepared_store import Store, is_there

_OF_ANSWERS = {"protocol", "final_answer", "answer_tokens", "train_examples", "settings", "set"}
"""What of a dataset is about what comes out of it, or out of a phase: all else may decide what is read."""
_OF_TOKENIZER = ("tokenizer", "path", "hub", "revision", "vocabulary", "family")


def statement(dataset: Dataset, model: Model, objective: str, length: int, project: Path) -> dict[str, Any]:
    """What of a manifest decides which stores a step reads."""
    return {
        "project": str(project.absolute()),
        "dataset": dataset.model_dump(mode="json", exclude=_OF_ANSWERS),
        "model": {name: getattr(model, name) for name in _OF_TOKENIZER},
        "objective": objective,
        # Text is cut into sequences of any length; how much of it is read depends on the length where there is a limit.
        "length": length if objective == "classification" or dataset.limit or dataset.validation_limit else None,
    }


def note(stated: dict[str, Any], stores: Sequence[Store], files: Sequence[Path]) -> None:
    """Remember where a statement led to, and in which state its sources were: of the data, and of the tokenizer."""
    facts = {
        "stores": [store.folder.name for store in stores],
        "files": [[str(path.absolute()), state_of(path)] for path in files],
        "tokens": sum(store.facts.get("tokens", 0) for store in stores),
        "bytes": sum(store.size for store in stores),
    }
    remember(_place(stated), facts)


def known(stated: dict[str, Any]) -> dict[str, Any] | None:
    """What was remembered, if the sources are as they were and the stores are there."""
    facts = recalled(_place(stated))
    if facts is None or not all(map(is_there, facts["stores"])):
        return None
    try:
        same = all(state_of(Path(path)) == state for path, state in facts["files"])
    except OSError:
        return None
    return facts if same else None


def size_of(name: str, dataset: Dataset, project: Path) -> int | None:
    """Bytes of a dataset's files; None where they are not local, or not there."""
    if dataset.path is None:
        return None
    try:
        splits = (dataset.train_split, dataset.validation_split)
        return sum(local.find(name, split, project / dataset.path).stat().st_size for split in splits)
    except (FrameworkError, OSError):
        return None


def _place(stated: dict[str, Any]) -> Path:
    return data_folder() / "asked" / f"{sum_of(stated)[:40]}.json"

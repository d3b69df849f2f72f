"""From the trials of studies to the values of production, with what they rest on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from framework.conformance.meaning import said
from framework.manifest.experiment import Experiment
from framework.manifest.sections.values.stated_metrics import falls, name_of
from framework.searching.foreign.reading import stored_of
from framework.searching.optimum import path_of, read_optima, write_optima
from framework.searching.selecting import Choice, edges, rule_of, selected
from framework.searching.spending import is_over, progress
from framework.searching.studies import Study
from framework.searching.trials import StoredStudy
from framework.version import installed_version


@dataclass(slots=True)
class Chosen:
    """What came of one study: its entry, or why there is none; ``warnings`` are what a reader should know of it."""

    study: Study
    stored: StoredStudy | None
    choice: Choice | None = None
    entry: dict[str, Any] | None = None
    missing: str = ""
    warnings: list[str] = field(default_factory=list)


def chosen_of(
    experiment: Experiment,
    study: Study,
    unfinished: bool,
    importances: Mapping[str, float],
    interactions: Mapping[str, Any] | None = None,
) -> Chosen:
    """The choice of one study, with what is known of its keys' importance.

    Raises:
        InputError: its journal cannot be read.
    """
    stored = stored_of(study, experiment.root)
    found = Chosen(study, stored)
    if stored is None or not stored.trials:
        found.missing = f"no trials yet: framework sweep {study.name}"
        return found
    over = is_over(study.search, stored)
    if not over and not unfinished:
        found.missing = f"not over: {progress(study.search, stored)}; framework sweep {study.name} goes on"
        return found
    found.choice = choice = selected(study.search, stored)
    if choice.trial is None or choice.value is None:
        found.missing = "no trial can be taken: " + "; ".join(dict.fromkeys(choice.left_out.values()))
        return found
    at_edges = edges(study.search, choice.trial)
    found.warnings += [
        f"{key} = {said(choice.trial.point[key])} lies at the {end} end of what was searched: "
        "a better value may lie beyond"
        for key, end in at_edges.items()
    ]
    if not over:
        found.warnings.append(f"the search is not over: {progress(study.search, stored)}")
    found.entry = _entry(study, stored, choice, over, at_edges, importances)
    found.entry["interactions"] = dict(interactions or {"pairs": [], "fit": None, "why": "not asked for"})
    return found


def _entry(
    study: Study,
    stored: StoredStudy,
    choice: Choice,
    over: bool,
    at_edges: dict[str, str],
    importances: Mapping[str, float],
) -> dict[str, Any]:
    search, trial = study.search, choice.trial
    assert trial is not None
    metric = search.selected_by
    return {
        **study.place,
        "phase": search.phase,
        "values": dict(trial.point),
        "expected": {
            "metric": str(name_of(metric)),
            "direction": "lower" if falls(metric) else "higher",
            "split": search.selection.split,
            "value": choice.value,
            "seeds": list(search.seeds),
            "metrics": trial.facts.get("metrics", {}),
        },
        "chosen": {
            "at": datetime.now(UTC).isoformat(timespec="microseconds"),
            "trial": trial.number,
            "rule": rule_of(search),
            "source_runs": trial.facts.get("final", []),
            "framework": installed_version(),
        },
        "analysed": {
            "over": over,
            "spent": progress(search, stored),
            **{state: stored.count(state) for state in ("completed", "pruned", "failed", "running")},
            "left_out": [{"trial": number, "why": why} for number, why in choice.left_out.items()],
            "runs": sorted({key for each in stored.trials for key in each.facts.get("final", [])}),
            "journal": {"file": stored.file.name, "sha256": stored.sha256},
            "software": stored.software,
            "declared": stored.declared,
        },
        "at_edge": at_edges,
        "importance": dict(importances),
    }


def kept(experiment: Experiment, found: Sequence[Chosen]) -> list[dict[str, Any]]:
    """The entries of a file: those that were chosen now, and of other studies those that there were. An entry that
    would say the same as before stays as it is, with its time: what was chosen before production stays so.

    Raises:
        InputError: the file cannot be read.
    """
    before = {each.place: each.entry for each in read_optima(path_of(experiment.root, experiment.declared_profile))}
    entries = []
    for each in found:
        place = tuple(each.study.place.values())
        old = before.pop(place, None)
        if each.entry is None:
            continue
        entries.append(old if old is not None and _alike(old, each.entry) else each.entry)
    return [*before.values(), *entries]


def _alike(old: dict[str, Any], new: dict[str, Any]) -> bool:
    return all(old.get(key) == new[key] for key in ("values", "expected", "analysed", "phase")) and (
        old["chosen"]["rule"] == new["chosen"]["rule"]
    )


def write_chosen(experiment: Experiment, found: Sequence[Chosen]) -> str:
    """Write the file; its path as people know it.

    Raises:
        InputError: the one that is there was changed by hand.
    """
    path = path_of(experiment.root, experiment.declared_profile)
    write_optima(path, kept(experiment, found))
    return path.relative_to(experiment.root).as_posix()

"""Facts of the paper's own, against what the trainer wrote of its settings."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from framework.conformance import Finding, Rule, Severity, Stage, Verdict
from framework.manifest.clauses import Clause
from framework.manifest.hyperparameters import folded
from framework.planning.commands.step_facts import own_facts_of
from framework.planning.steps import Step, Training
from framework.stages.run.observed import EvidenceContext, NotRecorded, Observed

SETTING = Rule(
    "R124", "own-setting", Severity.ERROR, Stage.RUN, "a run used another value of a setting of the paper's own"
)


def check(context: EvidenceContext) -> Iterator[Verdict | Finding]:
    manifest = context.experiment.manifest
    for observed, work in context.trainings():
        for fact, declared in own_facts_of(manifest, work, observed.step.model):
            if fact.startswith("optimizer.") and (observed.scripted or not observed.logged):
                continue  # read off the optimizer itself: R120
            clause = _clause(context, observed.step, work, fact)
            yield from context.hold(SETTING, observed, clause, declared, _logged(observed.step, fact), fact)


def _clause(context: EvidenceContext, step: Step, work: Training, fact: str) -> Clause | None:
    section, _, name = fact.partition(".")
    owners = {"model": ("models", step.model_name), "dataset": ("datasets", work.dataset_name)}
    if section in owners:
        return context.experiment.by_path.get((*owners[section], *name.split(".")))
    return context.clause(step, fact) or context.experiment.by_path.get(tuple(fact.split(".")))


def _logged(step: Step, fact: str) -> Callable[[Observed], Any]:
    """What the trainer wrote under the key that the fact was passed by, or else under the fact's own name."""

    def look(observed: Observed) -> Any:
        written = observed.recorded("observed", "settings")
        if not isinstance(written, Mapping):
            raise NotRecorded("the run recorded no settings")
        own = fact.partition("settings.")[2]
        for name in (*_keys(step, fact), own, own.rpartition(".")[2]):
            found = [value for key, value in written.items() if _ends(key, name)]
            if found and all(value == found[0] for value in found):
                return found[0]
            if found:
                raise NotRecorded(f"the trainer wrote several settings {name!r}, of different values")
        raise NotRecorded(f"the trainer wrote no setting {own!r}")

    return look


def _keys(step: Step, fact: str) -> Iterator[str]:
    """The keys by which a command is passed a fact."""
    if step.command is None:
        return
    for passed in filter(None, (step.command.flags, *step.command.files.values())):
        yield from (key for key, stated in passed.keys.items() if stated == fact)


def _ends(key: str, name: str) -> bool:
    """Whether a written key is the name, or ends in it: `args.lambda-tr` in `lambda_tr`."""
    wanted, parts = [folded(part) for part in name.lstrip("-").split(".")], [folded(part) for part in key.split(".")]
    return parts[-len(wanted) :] == wanted

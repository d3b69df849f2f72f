"""A model card for each checkpoint that a run left, in the layout of the Hugging Face hub: `README.md` with metadata in
YAML. What it claims is what the run recorded; what nobody stated (a licence, a language) it leaves out.

The metadata are those that huggingface_hub 2.4.0 writes and reads (`repocard_data.py`, `ModelCardData`, `EvalResult`):
`base_model`, `datasets`, `metrics`, `tags`, and the results as `model-index`.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import yaml

from framework.adoption.adopted_runs import origin_of, script_of
from framework.conformance import Severity
from framework.evidence.record import MODEL, RECORD, RunRecord, sha256_of
from framework.manifest.clauses import shown
from framework.manifest.sections.models import Dataset
from framework.planning.steps import Training
from framework.stages.run.observed import Observed
from framework.stages.verify import VerifyResult
from reports.compliance import from_root
from reports.page.page_contents import verdict_line

_TASKS = {"causal_lm": "text-generation", "completion": "text-generation", "classification": "text-classification"}
"""The hub's names of what a model of an objective does."""
_RECORDED = (
    "objective",
    "optimizer",
    "schedule",
    "batch_size",
    "epochs",
    "train_examples",
    "sequence_length",
    "max_grad_norm",
    "precision",
    "master_weights",
    "stopped_early",
)
"""What a run observed of its own training, as the card tells it."""


def card_index(result: VerifyResult) -> dict[str, Any]:
    """The context of the list of all cards."""
    rows = [
        {"card": f"model-cards/{_name(each)}/README.md", "label": each.step.label, "metrics": _metrics(each)}
        for each in _with_checkpoint(result)
    ]
    return {"title": result.experiment.manifest.paper.title, "rows": rows, "verdict": verdict_line(result)["text"]}


def cards(result: VerifyResult) -> dict[str, dict[str, Any]]:
    """By file: the context of each card."""
    return {f"{_name(each)}/README.md": _card(result, each) for each in _with_checkpoint(result)}


def _with_checkpoint(result: VerifyResult) -> Iterator[Observed]:
    for each in result.steps:
        if each.run is not None and each.counts and any(_weights(each.run.record)):
            yield each


def _weights(record: RunRecord) -> Iterator[tuple[str, dict[str, Any]]]:
    """The saved tensors, and what the record says of their files."""
    for name, facts in sorted(record.artefacts.items()):
        if name.startswith(f"{MODEL}/") and not name.endswith(".json"):
            yield name, facts


def _name(observed: Observed) -> str:
    assert observed.run is not None
    return observed.run.folder.name


def _metrics(observed: Observed) -> str:
    assert observed.run is not None
    found = sorted(observed.run.record.metrics.items())
    return ", ".join(f"{name} {value:.4g}" for name, value in found) or "-"


def _card(result: VerifyResult, observed: Observed) -> dict[str, Any]:
    assert observed.run is not None
    experiment, step, run = result.experiment, observed.step, observed.run
    record, named = run.record, from_root(result)
    about = [each for each in result.findings if run.folder.name in f"{each.location} {each.message}"]
    script, origin = script_of(record), origin_of(record)
    made = f"recorded by {script}" if script else f"adopted from {named(origin)}" if origin else "executed here"
    facts = {
        "Variant": ", ".join(step.variants),
        "Step": step.name,
        "Task": step.task or "-",
        "Seed": str(step.seed),
        "Model": step.model_name,
        "Parameters": f"{record.parameters['total']:,}" if "total" in record.parameters else "-",
        "Optimizer steps": shown(record.observed.get("optimizer_steps", "-")),
        "Run": f"{record.key[:10]}, {made}",
        "Record": f"sha256:{sha256_of(run.folder / RECORD)}",
    }
    sparsity = record.sparsity
    return {
        "metadata": yaml.safe_dump(_metadata(observed, record), sort_keys=False, allow_unicode=True),
        "title": f"{step.variants[0]}, {step.name}" + (f", {step.task}" if step.task else ""),
        "paper": experiment.manifest.paper.title,
        "profile": experiment.profile,
        "description": experiment.manifest.variants[step.variants[0]].description or "",
        "facts": list(facts.items()),
        "settings": [
            (name.replace("_", " "), shown(_known(record.observed[name])))
            for name in _RECORDED
            if _known(record.observed.get(name)) not in (None, {})
        ],
        "metrics": sorted(record.metrics.items()),
        "zeros": (sparsity["zeros"], sparsity["elements"]) if {"zeros", "elements"} <= set(sparsity) else None,
        "files": [(name, facts["bytes"], facts["sha256"]) for name, facts in _weights(record)],
        "findings": [(each.code, named(each.message)) for each in about if each.severity is Severity.ERROR],
        "verdict": verdict_line(result)["text"],
    }


def _known(value: Any) -> Any:
    """What was observed, without what a program does not have."""
    return {name: each for name, each in value.items() if each is not None} if isinstance(value, dict) else value


def _metadata(observed: Observed, record: RunRecord) -> dict[str, Any]:
    """What the hub reads: only what is stated or recorded."""
    step, work = observed.step, observed.step.work
    found: dict[str, Any] = {"tags": ["experiment-framework", *dict.fromkeys(step.variants)]}
    if step.model.hub and step.model.weights == "pretrained":
        found["base_model"] = step.model.hub
    if not isinstance(work, Training):
        return found
    dataset: Dataset = work.dataset
    if dataset.hub:
        found["datasets"] = [dataset.hub]
    task = _TASKS.get(work.phase.objective or "")
    if task is not None:
        found["pipeline_tag"] = task
    metrics = {name: value for name, value in sorted(record.metrics.items()) if math.isfinite(value)}
    if metrics:
        name = step.task or work.phase.dataset or dataset.hub or "not named"
        found["metrics"] = list(metrics)
        found["model-index"] = [
            {
                "name": ", ".join(step.variants),
                "results": [
                    {
                        "task": {"type": task or "other"},
                        "dataset": {"type": dataset.hub or name, "name": name},
                        "metrics": [{"type": metric, "value": value} for metric, value in metrics.items()],
                    }
                ],
            }
        ]
    return found

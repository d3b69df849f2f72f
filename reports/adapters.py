"""What the correctness memo is given: of every adapter that was trained and merged, the numbers its run recorded."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from framework.evidence.store import Run, RunStore
from framework.manifest.clauses import shown
from framework.planning.steps import Training
from framework.stages.run.observed import Observed, Related
from framework.stages.verify import VerifyResult
from reports.compliance import from_root

NOTHING = "-"
STAGES = ("before", "trained", "merged", "reloaded", "float16", "bfloat16")
RULES = ("R140", "R143", "R144", "T101", "T130", "T131", "T132", "T133", "T134", "T135")
"""The rules that hold an adapter, its masks and its merge."""


def has_adapters(result: VerifyResult) -> bool:
    """Whether the plan trains any: the memo is about nothing else."""
    return any(_adapts(observed) for observed in result.steps)


def memo_context(result: VerifyResult) -> dict[str, Any]:
    experiment = result.experiment
    store = RunStore(experiment.runs, listed=True)
    steps = [observed for observed in result.steps if _adapts(observed)]
    tried = [(observed, observed.run or store.find(observed.step.key)) for observed in steps]
    below = from_root(result)
    return {
        "paper": experiment.manifest.paper,
        "source": experiment.path.name,
        "profile": experiment.profile,
        "planned": len(steps),
        "finished": sum(observed.run is not None for observed in steps),
        "stages": STAGES,
        "runs": [_row(result, observed, observed.run) for observed in steps if observed.run],
        "failed": [
            {"label": observed.step.label, "error": below(run.record.error or NOTHING)}
            for observed, run in tried
            if run is not None and run.record.status == "failed"
        ],
        "missing": [observed.step.label for observed, run in tried if run is None],
        "dead": list(_dead(tried)),
        "findings": [
            {"code": finding.code, "name": finding.rule.name, "message": below(finding.message)}
            for finding in result.findings
            if finding.code in RULES
        ],
    }


def _adapts(observed: Observed) -> bool:
    work = observed.step.work
    return isinstance(work, Training) and work.adapter is not None


def _row(result: VerifyResult, observed: Observed, run: Run) -> dict[str, Any]:
    record, adapter = run.record, run.record.adapter
    masked = adapter.get("masked_weights") or {}
    nonzero, logits = masked.get("nonzero") or {}, adapter.get("logits") or {}
    tensors = record.sparsity.get("tensors") or {}
    zeros, elements = (sum(counts[index] for counts in tensors.values()) for index in (0, 1))
    asked = _asked(result, observed)
    before, after = (record.metrics.get(f"loss_{when}_merge") for when in ("before", "after"))
    return {
        "label": observed.step.label,
        "adapter": _described(adapter),
        "targets": _number(len(adapter["targets"]) if "targets" in adapter else None),
        "unmasked": _number(len(adapter["unmasked"]) if "unmasked" in adapter else None),
        "digest": str(adapter.get("mask_sha256") or NOTHING)[:12],
        "masked": _number(masked.get("total")),
        "nonzero": [_number(nonzero.get(stage)) for stage in STAGES],
        "asked": shown(asked) if asked is not None else NOTHING,
        "zeros": _number(zeros if tensors else None),
        "elements": _number(elements if tensors else None),
        "reached": f"{zeros / elements:.6f}" if elements else NOTHING,
        "before": _measured(before),
        "after": _measured(after),
        "moved": f"{after - before:+.6f}" if before is not None and after is not None else NOTHING,
        "logits": {
            name: _measured(logits.get(name)) for name in ("mean_magnitude", "mean_difference", "largest_difference")
        },
        "changed": f"{logits['changed_predictions']:.2%}" if "changed_predictions" in logits else NOTHING,
        "examples": _number(logits.get("examples")),
    }


def _described(adapter: dict[str, Any]) -> str:
    kind = adapter.get("kind", "adapter")
    if kind == "sgh":
        return f"sgh, {'masked' if adapter.get('masked') else 'dense'}"
    return f"{kind}, {adapter.get('mode') or 'mode not recorded'}, rank {adapter.get('rank', NOTHING)}"


def _asked(result: VerifyResult, observed: Observed) -> Any:
    """The sparsity that was asked where the masks were made: of the run itself, or of the nearest one before it."""
    related = Related(result.experiment.manifest, result.steps)
    at: Observed | None = observed
    while at is not None:
        if at.run is not None and (asked := at.run.record.sparsity.get("asked")) is not None:
            return asked
        at = related.parent(at)
    return None


def _dead(tried: list[tuple[Observed, Run | None]]) -> Iterator[dict[str, str]]:
    for observed, run in tried:
        if run is not None and (dead := run.record.adapter.get("dead")):
            yield {"label": observed.step.label, "count": str(len(dead)), "names": ", ".join(dead)}


def _number(value: int | None) -> str:
    return NOTHING if value is None else f"{value:,}"


def _measured(value: float | None) -> str:
    return NOTHING if value is None else f"{value:.6g}"

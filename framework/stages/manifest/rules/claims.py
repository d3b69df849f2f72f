"""Claims about results that no run will ever record: they would stay `unverified` for ever."""

from __future__ import annotations

from collections.abc import Iterator

from framework.conformance import Finding, Rule, Severity, Stage, Verdict
from framework.manifest.assertions.calls import CALL
from framework.manifest.hyperparameters import recorded_as
from framework.manifest.metrics import METRICS, has_own_objective, has_own_script, metrics_of
from framework.manifest.sections.measurements import QUANTITIES
from framework.names import did_you_mean
from framework.stages.manifest.context import ManifestContext

METRIC = Rule(
    "M173", "claim-metric", Severity.ERROR, Stage.MANIFEST, "a claim is about a metric that its variant does not record"
)

_SLIP = 0.85
"""How like a known name one must be to be its misspelling, where a script may record metrics of its own."""


def _is_slip(metric: str) -> bool:
    """Whether it is probably a misspelling of a known metric."""
    from difflib import get_close_matches  # a sound manifest does without it

    return bool(get_close_matches(metric, METRICS, 1, _SLIP))


def check(context: ManifestContext) -> Iterator[Verdict | Finding]:
    experiment = context.experiment
    for index, claim in enumerate(experiment.stated.claims):
        clause = experiment.by_path["claims", index, "assert"]
        for metric, variant in dict.fromkeys(match.group(1, 2) for match in CALL.finditer(claim.assert_)):
            if variant not in experiment.stated.variants:
                continue
            measured = [each for each in experiment.stated.measurements.values() if each.covers(variant)]
            quantities = [quantity for each in measured for quantity in each.measure]
            recorded = list(dict.fromkeys([*metrics_of(experiment.stated, variant), *quantities]))
            if recorded_as(metric, recorded) is not None:
                continue
            if has_own_objective(experiment.stated, variant) and (metric in METRICS or not _is_slip(metric)):
                continue
            if has_own_script(experiment.stated, variant) and not _is_slip(metric):
                continue
            if metric in QUANTITIES:
                message = f"{claim.id}: no measurement of {variant} measures {metric}"
                advice = "state it in `measurements`"
            elif metric in METRICS:
                message = f"{claim.id}: no run of {variant} records {metric}"
                advice = f"its own steps record {', '.join(recorded)}" if recorded else "its own steps record no metric"
            else:
                message, advice = (
                    f"{claim.id}: no run records a metric {metric!r}",
                    did_you_mean(metric, [*METRICS, *QUANTITIES]),
                )
            finding = Finding(METRIC, message, clause.id, recorded, metric, clause.location, advice=advice)
            yield context.judge.violated(clause, finding)

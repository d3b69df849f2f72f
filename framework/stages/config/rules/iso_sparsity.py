"""Sparsities that config files state for variants that must be equally sparse."""

from __future__ import annotations

from collections.abc import Iterator

from framework.conformance import Finding, Rule, Severity, Stage, Verdict
from framework.conformance.meaning import said, same
from framework.locations import Location
from framework.manifest.hyperparameters import folded
from framework.manifest.sections.statements import IsoSparsity
from framework.stages.config.bound import BoundFile
from framework.stages.config.context import ConfigContext
from framework.stages.config.training_facts import number
from framework.stages.manifest.resolved_variants import sparsity_of

DISAGREE = Rule(
    "C151",
    "iso-sparsity-targets",
    Severity.ERROR,
    Stage.CONFIG,
    "configs of variants that must be equally sparse state two sparsities",
)

_NAMES = {"sparsity", "targetsparsity", "finalsparsity", "sparsityratio", "pruningratio", "pruneratio", "sparsitylevel"}

Stated = tuple[float, Location]


def check(context: ConfigContext) -> Iterator[Verdict | Finding]:
    manifest = context.experiment.stated
    for index, rule in enumerate(manifest.rules):
        kind, spec = rule.chosen
        if not isinstance(spec, IsoSparsity):
            continue
        clause = context.experiment.by_path["rules", index, kind, "variants"]
        first: tuple[str, Stated] | None = None
        for name in spec.variants:
            if first is None and (found := sparsity_of(manifest, name)) is not None:
                first = name, (found[0], context.experiment.location(found[1]))
        for name in spec.variants:
            files = [bound for bound in context.files if bound.binding.variant == name]
            for value, where in (stated for bound in files for stated in _stated(context, bound)):
                if first is None:
                    first = name, (value, where)
                elif not same(first[1][0], value):
                    yield context.judge.violated(
                        clause,
                        Finding(
                            DISAGREE,
                            f"{where.key} is {said(value)} for {name}; {first[0]}, which must be equally sparse, has "
                            f"{said(first[1][0])}",
                            clause.id,
                            first[1][0],
                            value,
                            where,
                            first[1][1],
                            f"write {said(first[1][0])}, or take {name} out of the rule at {clause.location}",
                        ),
                        str(where),
                    )


def _stated(context: ConfigContext, bound: BoundFile) -> Iterator[Stated]:
    """The shares that unbound keys state; a bound one is held as its own clause."""
    bound_keys = {found[0] for key in bound.targets if (found := bound.find(key))}
    for path, node in bound.document.leaves():
        if path and path not in bound_keys and isinstance(path[-1], str) and folded(path[-1]) in _NAMES:
            value = number(bound, node)
            if value is not None and 0 <= value < 1:
                yield value, bound.document.location(node, path)

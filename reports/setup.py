"""What the setup document is given: the manifest, in the order in which a methods section tells it."""

from __future__ import annotations

from typing import Any

from framework.manifest.clauses import Clause, shown
from framework.manifest.sections.measurements import TIMED, Measurement
from framework.manifest.sections.methods import SameAs
from framework.manifest.sections.statements import BUDGETS
from framework.manifest.sections.variants import PermuteStep, PruneStep, phase_of
from framework.stages.verify import VerifyResult
from reports.setup_phases import phase_context
from reports.setup_story import story_context
from reports.template_environment import cell, code


def clause_row(clause: Clause) -> str:
    """The row of the setup document that states a clause: what the document stage looks for."""
    stated = "-" if clause.added else cell(shown(clause.value))
    used = cell(shown(clause.effective)) if clause.deviation else "as stated"
    return f"| {code(clause.id)} | {stated} | {used} |"


def setup_context(result: VerifyResult) -> dict[str, Any]:
    experiment = result.experiment
    manifest = experiment.manifest
    profile = manifest.profiles[experiment.profile] if experiment.profile else None
    return {
        "paper": manifest.paper,
        "manifest": manifest,
        "source": experiment.path.name,
        "profile": experiment.profile,
        "profile_reason": profile.reason if profile else None,
        "deviations": [clause for clause in experiment.clauses if clause.deviation],
        "hardware": manifest.hardware.model_dump(exclude_none=True, exclude={"packages"}),
        "phases": [phase_context(experiment, name) for name in manifest.phases],
        "variants": [
            {
                "name": name,
                "description": variant.description or "",
                "from": variant.from_ or "-",
                "steps": _own_model(variant.model) + _steps(variant.steps),
            }
            for name, variant in manifest.variants.items()
        ],
        "measurements": [_measurement(name, each) for name, each in manifest.measurements.items()],
        "rules": [_rule(rule.chosen) for rule in manifest.rules],
        **story_context(result),
        "clause_rows": [clause_row(clause) for clause in experiment.clauses],
    }


def _own_model(parts: dict[str, Any]) -> str:
    own = ", ".join(f"{path} = {shown(value)}" for path, value in parts.items())
    return f"a model with {own}: " if own else ""


def _steps(steps: list[Any]) -> str:
    return ", then ".join(_step(step) for step in steps)


def _step(step: Any) -> str:
    if isinstance(step, PermuteStep):
        return f"{step.permute.method.upper()} permutation of the {step.permute.dimension} dimension"
    if isinstance(step, PruneStep):
        prune = step.prune
        much = (
            f"exactly the zeros of {prune.sparsity.same_as}"
            if isinstance(prune.sparsity, SameAs)
            else f"{prune.sparsity:.0%}"
        )
        return f"{prune.structure} pruning by {prune.score} over the {prune.scope} to {much}"
    found = phase_of(step)
    assert found is not None
    name, use = found
    parts = [part.chosen for part in (use.mask, use.adapter) if part is not None]
    extra = "; ".join(f"{kind.upper() if kind != 'lora' else 'LoRA'} ({_options(spec)})" for kind, spec in parts)
    own = ", ".join(f"{path} = {value}" for path, value in use.set.items())
    return name + (f" with {extra}" if extra else "") + (f" ({own})" if own else "")


def _options(spec: Any) -> str:
    from framework.manifest.clauses import shown

    return ", ".join(
        f"{name.replace('_', ' ')} {shown(value)}" for name, value in spec.model_dump(exclude_none=True).items()
    )


def _measurement(name: str, stated: Measurement) -> dict[str, str]:
    passes = [f"batches of {_listed(stated.batch_sizes)}, sequences of {_listed(stated.sequence_lengths)} tokens"]
    if set(stated.measure) & set(TIMED):
        passes.append(f"the median of {stated.repeats} passes after {stated.warmup}")
    passes.append(stated.precision)
    return {
        "name": name,
        "measure": ", ".join(stated.measure).replace("_", " "),
        "of": f"{', '.join(stated.variants) or 'every variant'}{f' after {stated.phase}' if stated.phase else ''}",
        "adapters": ", ".join(stated.adapters),
        "passes": "; ".join(passes) if stated.sequence_lengths else "-",
    }


def _listed(values: list[int]) -> str:
    return ", ".join(map(str, values))


def _rule(rule: tuple[str, Any]) -> str:
    kind, spec = rule
    names = " and ".join(spec.variants)
    if kind == "iso_sparsity":
        return f"{names} have equal numbers of zeroed weights over the same tensors, per {spec.scope}."
    if kind == "equal":
        within = "" if spec.within is None else f", within {100 * spec.within:g}%"
        of = [each.replace("_", " ") if each in BUDGETS else each for each in spec.of]
        return f"{names} are equal in {', '.join(of)}{within}."
    return f"{names} differ only in {', '.join(spec.clauses)}."

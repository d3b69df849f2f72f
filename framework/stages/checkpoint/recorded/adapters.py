"""Adapters as they are recorded, held to the step's identity and to what was saved."""

from __future__ import annotations

from collections.abc import Iterator

from framework.conformance.meaning import said
from framework.evidence.record import read_json
from framework.manifest.sections.methods import SGH, LoRA
from framework.stages.checkpoint.recomputed.merged_weights import ADAPTER_MASKS
from framework.stages.checkpoint.recorded.adapter_files import any_target_masked, mode_of, saved_parts
from framework.stages.checkpoint.recorded.contradiction import Contradiction, Facts, alike, real
from framework.stages.checkpoint.zeros import MASKS, masks_of
from framework.stages.run.observed import NotRecorded, Observed


def recorded(observed: Observed, facts: Facts, spec: LoRA | SGH) -> Iterator[Contradiction]:
    """The record's facts against the step's identity, stated or by default, and the saved tensors."""
    assert observed.run is not None
    kind = "lora" if isinstance(spec, LoRA) else "sgh"
    yield from facts.alike(("adapter", "kind"), kind, "by its identity it is")
    for name, value in spec.model_dump(mode="json", exclude={"targets", "mode"}).items():
        found = facts("adapter", name)
        if name in observed.run.record.adapter and not alike(value, found):
            yield Contradiction(
                f"adapter.{name}", f"adapter.{name} is {said(found)}, and by its identity {said(value)}", value, found
            )
    if isinstance(spec, LoRA):
        yield from facts.alike(("adapter", "mode"), mode_of(observed, spec), "by its identity and masks it is")
    else:
        yield from _groups(observed, facts)
    yield from _logits(facts)
    modules, elements = saved_parts(observed)
    if modules:
        yield from facts.alike(("adapter", "targets"), sorted(modules), "saved are those of")
        yield from facts.alike(("adapter", "parameters"), elements, "saved are")
    yield from _masked(observed, facts, sorted(modules))
    yield from _said_of_masks(observed, facts)


def _said_of_masks(observed: Observed, facts: Facts) -> Iterator[Contradiction]:
    """What the masks that were saved with an adapter say of themselves: the digest and the mode of the record's."""
    assert observed.run is not None
    for name in ADAPTER_MASKS:
        if not (observed.run.folder / name).is_file():
            continue
        for fact, value in masks_of(observed, name).facts.items():
            known = facts("adapter", fact)
            known = "sparse_to_sparse" if fact == "mode" and known is None else known  # a hybrid has no other
            if known is not None and not alike(known, value):
                yield Contradiction(
                    name, f"{fact} is {said(value)} in {name}, the record says {said(known)}", known, value
                )


def _logits(facts: Facts) -> Iterator[Contradiction]:
    """Magnitudes are not negative, and a mean is below the largest."""
    logits = facts("adapter", "logits")
    found = {name: real(value) for name, value in logits.items()} if isinstance(logits, dict) else {}
    for name, value in found.items():
        if value is not None and value < 0:
            yield Contradiction(f"adapter.logits.{name}", f"{name} is {value}, below zero", None, value)
    changed, mean, largest = (
        found.get(name) for name in ("changed_predictions", "mean_difference", "largest_difference")
    )
    if changed is not None and changed > 1:
        yield Contradiction("adapter.logits.changed_predictions", f"a share of {changed} of the predictions changed")
    if mean is not None and largest is not None and mean > largest * (1 + 1e-6):
        message = f"the logits moved by {mean} in the mean, and by at most {largest}"
        yield Contradiction("adapter.logits.mean_difference", message, largest, mean)


def _groups(observed: Observed, facts: Facts) -> Iterator[Contradiction]:
    """A hybrid's groups: in the record, counted there, and in the saved file."""
    assert observed.run is not None
    modules = facts("adapter", "modules")
    if not isinstance(modules, dict) or not all(isinstance(each, dict) for each in modules.values()):
        return
    groups = [each.get("group") for each in modules.values()]
    counts = facts("adapter", "groups")
    for name in counts if isinstance(counts, dict) else ():
        yield from facts.alike(("adapter", "groups", name), groups.count(name), "its modules have")
    path = observed.run.folder / "adapter" / "groups.json"
    stated = read_json(path) if path.is_file() else {}
    if "modules" in stated and not alike(modules, stated["modules"]):
        yield Contradiction("adapter.modules", "its modules are others than those of adapter/groups.json")
    for name, value in stated.items():
        if name == "targets":
            spec = observed.step.work.adapter.chosen[1]  # type: ignore[union-attr]
            if not alike(list(spec.targets), value):
                yield Contradiction(
                    "adapter/groups.json", f"targets are {said(value)}, by its identity {said(list(spec.targets))}"
                )
        elif name != "modules" and not alike(facts("adapter", name), value):
            yield Contradiction(
                "adapter/groups.json", f"{name} is {said(value)}, the record says {said(facts('adapter', name))}"
            )


def _masked(observed: Observed, facts: Facts, modules: list[str]) -> Iterator[Contradiction]:
    """Which targets no mask holds; without masks nothing is counted under them."""
    assert observed.run is not None
    try:
        masks: set[str] = set(masks_of(observed).tensors)
    except NotRecorded:
        masks = set()
    dense = facts("adapter", "mode") == "dense"
    if modules and facts("adapter", "unmasked") is not None:
        expected = modules if dense else [name for name in modules if f"{name}.weight" not in masks]
        yield from facts.alike(("adapter", "unmasked"), expected, "no mask holds")
    held = any(f"{name}.weight" in masks for name in modules)
    if facts("adapter", "masked") is not None:
        yield from facts.alike(("adapter", "masked"), any_target_masked(observed, masks), "by its masks it is")
    if masks:
        if (
            held
            and facts("adapter", "mask_sha256") is not None
            and not any((observed.run.folder / name).is_file() for name in ADAPTER_MASKS)
        ):
            yield Contradiction(f"adapter/{MASKS}", "masks hold its targets, and none were saved with the adapter")
        return
    if facts("adapter", "mask_sha256") is not None:
        yield Contradiction("adapter.mask_sha256", "it names masks, and the run has none")
    counted = facts("adapter", "masked_weights")
    numbers = [counted.get("total"), *(counted.get("nonzero") or {}).values()] if isinstance(counted, dict) else []
    if any(number not in (0, None) for number in numbers):
        yield Contradiction("adapter.masked_weights", "it counts masked weights, and the run has no masks")

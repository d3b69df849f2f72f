"""What keeps an adapter from the modules that it is to have: peft refuses them, or makes something else of them."""

from __future__ import annotations

from collections.abc import Iterator

from framework.manifest.architectures import is_mixture, of_experts, unadapted
from framework.manifest.sections.methods import Adapter
from framework.manifest.sections.models import Model
from framework.planning.refusing.refusal import OWN_SCRIPT, Refusal


def adapter_refusals(adapter: Adapter, model: Model) -> Iterator[Refusal]:
    """What keeps LoRA from its targets in a model of this family, below the place of the adapter."""
    if adapter.lora is None:
        return
    targets = adapter.lora.targets
    if refused := [each for each in targets if unadapted(model.family, each)]:
        message = f"peft refuses an adapter on {' and '.join(refused)} of a {model.family}"
        yield Refusal(("lora", "targets"), message, f"name other modules, {OWN_SCRIPT}")
    reached = [each for each in targets if of_experts(each)]
    if is_mixture(model.family, model.experts) and reached:
        which = " and ".join(reached)
        message = f"{which} of a {model.family} are experts or their router, which LoRA here does not adapt"
        yield Refusal(("lora", "targets"), message, f"name the attention's modules, {OWN_SCRIPT}")

"""What the runs of a plan would each find out for themselves, found out once in the process that they are forked from.

All of it is code and tables that follow from the installed packages: imports that libraries put off until first use,
and what they or this project then keep for the process. Nothing here reads data or computes with tensors, so that the
process stays fit to fork, and a run does the same with it as without.
"""

from __future__ import annotations

import platform
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from importlib import import_module

from framework.cli.terminal import console
from framework.evidence.record import record_adapter
from framework.manifest.sections.methods import Permute, Prune
from framework.planning.steps import Measure, Step, Training
from runners.adapters import ADAPTERS
from runners.models.families import FAMILIES
from runners.sparsity.scores import SCORES
from runners.sparsity.structures import STRUCTURES, registered_name
from runners.trackers import imported_by
from runners.transforms import LEARNED_MASKS, TRANSFORMS


def warm(steps: Iterable[Step]) -> None:
    """Import and look up what these steps need; what cannot be had is left to the run that says so."""
    record_adapter()
    console.err()
    platform.processor()  # a process of its own
    for act in dict.fromkeys(each for step in steps for each in _needed(step)):
        with suppress(Exception):
            _ACTS[act[0]](act[1])


def _needed(step: Step) -> Iterator[tuple[str, str]]:
    """What to call, and with what."""
    if step.command is not None:
        return
    work = step.work
    yield "model", step.model.family
    for tracker in step.knobs.trackers or ():
        yield "tracker", tracker
    if isinstance(work, Training):
        if work.adapter is not None:
            yield "adapter", work.adapter.chosen[0]
            yield "peft", step.model.family
        if work.mask is not None:
            yield "mask", work.mask.chosen[0]
    elif isinstance(work, Prune):
        yield "transform", "prune"
        yield "score", work.score
        yield "structure", registered_name(work.structure)
    elif isinstance(work, Permute):
        yield "transform", work.method
    else:
        assert isinstance(work, Measure)


def _model(name: str) -> None:
    """The classes of a family, which transformers imports when they are first asked for."""
    from transformers import AutoConfig, AutoModel, AutoModelForCausalLM, AutoTokenizer, PreTrainedTokenizerFast

    family = FAMILIES.get(name)
    family.prepare()
    config = AutoConfig.for_model(name)
    assert (AutoModel if family.encoder else AutoModelForCausalLM)._model_mapping[type(config)]
    assert AutoTokenizer
    assert PreTrainedTokenizerFast


def _conversions(name: str) -> None:
    """The table of renamed tensors that peft asks transformers for, a tenth of a second of regular expressions."""
    import_module("transformers.conversion_mapping").get_checkpoint_conversion_mapping(name)
    # Of each module of a model it asks again and again whether it is one of its own: an abstract class with dozens
    # below it, which remembers the answer for a class.
    from peft.tuners.tuners_utils import BaseTuner, BaseTunerLayer
    from torch import nn

    modeling = sys.modules.get(f"transformers.models.{name}.modeling_{name}")
    for kind in (*vars(nn).values(), *vars(modeling or nn).values()):
        if isinstance(kind, type) and issubclass(kind, nn.Module):
            issubclass(kind, BaseTuner)
            issubclass(kind, BaseTunerLayer)


def _tracker(name: str) -> None:
    import_module(imported_by(name))
    if name == "tensorboard":  # which torch imports when the settings of a run are written
        import_module("tensorboard.plugins.hparams.api_pb2")
        import_module("tensorboard.plugins.hparams.metadata")
        import_module("tensorboard.plugins.hparams.plugin_data_pb2")


_ACTS: dict[str, Callable[[str], object]] = {
    "model": _model,
    "peft": _conversions,
    "tracker": _tracker,
    "adapter": ADAPTERS.get,
    "mask": LEARNED_MASKS.get,
    "transform": TRANSFORMS.get,
    "score": SCORES.get,
    "structure": STRUCTURES.get,
}

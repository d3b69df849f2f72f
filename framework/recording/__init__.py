"""Scripts that record themselves: the evidence that the built-in training writes, from any training code."""

from __future__ import annotations

from pathlib import Path

from framework.adoption.placing import Placing
from framework.errors import UsageError
from framework.manifest.experiment import MANIFEST
from framework.manifest.loading import load
from framework.manifest.sections.adopted import Adopted
from framework.planning.build import build
from framework.recording.recording import Recording

__all__ = ["Recording", "record"]


def record(
    variant: str,
    seed: int,
    *,
    phase: str | None = None,
    model: str | None = None,
    task: str | None = None,
    manifest: str | Path = MANIFEST,
    profile: str | None = None,
    resume_from: int = 0,
) -> Recording:
    """Record the training that a script does, as evidence of a planned step.

    with framework.record(variant="M_base", seed=42) as run:
        run.watch(model)
        for batch in loader:
            ...
            run.step(optimizer, loss=loss, samples=len(batch))

    Args:
        phase: The step that it is; by default the last training of the variant. ``model`` and ``task`` where there are
            several.
        manifest: The manifest, or its folder.
        resume_from: The optimizer steps that the checkpoint had done which the script goes on from.

    Raises:
        UsageError: no planned training is meant, or several are; a number of steps below 0.
        InputError: the manifest cannot be read, or is not valid.
    """
    if resume_from < 0:
        raise UsageError(f"record: resume_from: {resume_from} is no number of optimizer steps that were done")
    experiment = load(manifest, profile)
    said = Adopted(path="-", variant=variant, seed=seed, phase=phase, model=model, task=task)
    place = Placing(build(experiment), list(experiment.manifest.variants)).place(said, {}, None)
    if isinstance(place, str):
        raise UsageError(f"record: {place}")
    return Recording(experiment, place, resume_from)

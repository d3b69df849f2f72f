"""Gradient checkpointing and torch.compile, where a knob asks for them."""

from __future__ import annotations

from typing import Any

import torch

from framework.errors import FrameworkError
from runners.models.classifier import SequenceClassifier


def checkpoint_gradients(model: Any) -> None:
    """Let each layer compute its activations a second time in the backward pass instead of keeping them (Chen et al.
    2016, "Training Deep Nets with Sublinear Memory Cost"), by transformers' own means.

    Raises:
        FrameworkError: the architecture does not support it.
    """
    backbone = getattr(model, model.family.backbone) if isinstance(model, SequenceClassifier) else model
    name = type(backbone).__name__
    if not getattr(backbone, "supports_gradient_checkpointing", False):
        raise FrameworkError(f"knob gradient_checkpointing: transformers has none for {name}; drop the knob")
    # its name in newer releases, which warn of the old one
    enable = getattr(backbone, "activation_checkpointing_enable", None) or backbone.gradient_checkpointing_enable
    enable({"use_reentrant": False})
    if not any(getattr(module, "gradient_checkpointing", False) for module in backbone.modules()):
        raise FrameworkError(f"knob gradient_checkpointing: it changes nothing in {name}; drop the knob")


def compile_model(model: Any, device: torch.device, fixed_shapes: bool) -> None:
    """Compile a model's forward and backward pass in place, so that its tensors keep their names.

    Args:
        fixed_shapes: Whether all batches have one of a few shapes: then each gets a program of its own. Which programs
            there are must not depend on what was computed before, or a resumed run would get others.

    Raises:
        FrameworkError: this machine cannot compile for the device.
    """
    try:
        torch.compile(_trial)(torch.ones(8, device=device))
    except Exception as problem:
        what = "a C++ compiler (g++, or what CXX names) with Python's headers" if device.type == "cpu" else "Triton"
        reason = str(problem).strip().splitlines()[0]
        raise FrameworkError(
            f"knob compile: torch.compile does not work on this machine: {reason}\n"
            f"    it needs {what} for {device.type}; drop the knob, or install it"
        ) from problem
    model.compile(dynamic=not fixed_shapes, options={"fallback_random": True})


def _trial(values: torch.Tensor) -> torch.Tensor:
    return torch.sin(values) + 1

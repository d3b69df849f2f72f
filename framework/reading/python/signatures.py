"""What known constructors take by position, and what they take where nothing is said.

PyTorch's are those of 2.13.0, asked by `inspect.signature`. All versions since 1.2 (which brought AdamW) agree in the
names and values listed here, where they have the class: Adafactor came with 2.5, Muon with 2.9; SGD had no default rate
before 2.2, so that a program that gives none has run with this one only. transformers' are those of 4.57
(`src/transformers/optimization.py`); 5 has no AdamW of its own.
"""

from __future__ import annotations

import ast
from functools import lru_cache
from typing import Any, NamedTuple

_OPTIM = {
    "AdamW": "params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.01, amsgrad=False",
    "Adam": "params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.0, amsgrad=False",
    "SGD": "params, lr=1e-3, momentum=0.0, dampening=0.0, weight_decay=0.0, nesterov=False",
    "Adadelta": "params, lr=1.0, rho=0.9, eps=1e-6, weight_decay=0.0",
    "Adafactor": "params, lr=1e-2, beta2_decay=-0.8, eps=(None, 1e-3), d=1.0, weight_decay=0.0",
    "Adagrad": "params, lr=1e-2, lr_decay=0.0, weight_decay=0.0, initial_accumulator_value=0.0, eps=1e-10",
    "Adamax": "params, lr=2e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.0",
    "ASGD": "params, lr=1e-2, lambd=1e-4, alpha=0.75, t0=1e6, weight_decay=0.0",
    "LBFGS": "params, lr=1, max_iter=20",
    "Muon": "params, lr=1e-3, weight_decay=0.1, momentum=0.95, nesterov=True, ns_coefficients=None, eps=1e-7",
    "NAdam": "params, lr=2e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.0, momentum_decay=4e-3",
    "RAdam": "params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.0",
    "RMSprop": "params, lr=1e-2, alpha=0.99, eps=1e-8, weight_decay=0.0, momentum=0.0, centered=False",
    "Rprop": "params, lr=1e-2, etas=(0.5, 1.2), step_sizes=(1e-6, 50)",
    "SparseAdam": "params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8",
}
_SCHEDULERS = {
    "ConstantLR": "optimizer, factor=1/3, total_iters=5",
    "CosineAnnealingLR": "optimizer, T_max, eta_min=0.0",
    "CosineAnnealingWarmRestarts": "optimizer, T_0, T_mult=1, eta_min=0.0",
    "ExponentialLR": "optimizer, gamma",
    "LinearLR": "optimizer, start_factor=1/3, end_factor=1.0, total_iters=5",
    "MultiStepLR": "optimizer, milestones, gamma=0.1",
    "OneCycleLR": "optimizer, max_lr, total_steps=None, epochs=None, steps_per_epoch=None, pct_start=0.3",
    "PolynomialLR": "optimizer, total_iters=5, power=1.0",
    "ReduceLROnPlateau": "optimizer, mode, factor=0.1, patience=10, threshold=1e-4",
    "StepLR": "optimizer, step_size, gamma=0.1",
}
_WARMUPS = {
    "constant_schedule_with_warmup": "optimizer, num_warmup_steps",
    "linear_schedule_with_warmup": "optimizer, num_warmup_steps, num_training_steps",
    "cosine_schedule_with_warmup": "optimizer, num_warmup_steps, num_training_steps, num_cycles=0.5",
    "polynomial_decay_schedule_with_warmup": "optimizer, num_warmup_steps, num_training_steps, lr_end=1e-7, power=1.0",
}
_SIGNATURES = {
    **{f"torch.optim.{name}": text for name, text in _OPTIM.items()},
    **{f"torch.optim.lr_scheduler.{name}": text for name, text in _SCHEDULERS.items()},
    **{f"transformers.get_{name}": text for name, text in _WARMUPS.items()},
    "transformers.AdamW": "params, lr=1e-3, betas=(0.9, 0.999), eps=1e-6, weight_decay=0.0, correct_bias=True",
    "torch.nn.utils.clip_grad_norm_": "parameters, max_norm, norm_type=2.0",
    "torch.utils.data.DataLoader": "dataset, batch_size=1, shuffle=None",
}


class Signature(NamedTuple):
    """The names of what is taken by position, in order, and the values where nothing is given."""

    positional: tuple[str, ...]
    defaults: dict[str, Any]


def known_name(dotted: str) -> str | None:
    """The name under which the table has what a program calls `dotted`; None where it has nothing of it."""
    if dotted in _SIGNATURES:
        return dotted
    package, _, name = dotted.rpartition(".")
    if package.startswith("torch.optim.") and f"torch.optim.{name}" in _SIGNATURES:
        return f"torch.optim.{name}"  # by its own module: torch.optim.adamw.AdamW
    if package.startswith("transformers.") and f"transformers.{name}" in _SIGNATURES:
        return f"transformers.{name}"
    return None


@lru_cache(maxsize=128)
def signature(dotted: str) -> Signature | None:
    """What a known constructor takes, by its dotted name; None for another one."""
    name = known_name(dotted)
    if name is None:
        return None
    taken = ast.parse(f"def f({_SIGNATURES[name]}): ...").body[0]
    assert isinstance(taken, ast.FunctionDef)
    names = tuple(argument.arg for argument in taken.args.args)
    given = names[len(names) - len(taken.args.defaults) :]
    values = (_number(default) for default in taken.args.defaults)
    return Signature(names, dict(zip(given, values, strict=True)))


def _number(expression: ast.expr) -> Any:
    if isinstance(expression, ast.BinOp) and isinstance(expression.op, ast.Div):
        return ast.literal_eval(expression.left) / ast.literal_eval(expression.right)
    return ast.literal_eval(expression)

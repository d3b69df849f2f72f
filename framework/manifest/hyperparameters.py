"""Well-known hyperparameters by the names that configs give them, for the rules that also look at unbound keys.

Only names that mean one thing wherever they stand are listed: `batch_size` (of a step? of a device?) is not.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import lru_cache
from typing import Any, TypeVar

Value = TypeVar("Value")

SYNONYMS: dict[str, tuple[str, ...]] = {
    "learning_rate": ("learning_rate", "lr"),
    "min_learning_rate": ("min_learning_rate", "min_lr", "end_learning_rate", "eta_min"),
    "weight_decay": ("weight_decay", "wd"),
    "epochs": ("epochs", "num_epochs", "max_epochs", "num_train_epochs", "n_epochs", "train_epochs", "total_epochs"),
    "max_steps": ("max_steps", "max_train_steps", "num_train_steps", "num_training_steps", "total_training_steps"),
    "warmup_ratio": ("warmup_ratio", "warmup_steps_ratio", "warmup_fraction"),
    "warmup_steps": ("warmup_steps", "num_warmup_steps", "lr_warmup_steps"),
    "micro_batch_size": ("micro_batch_size", "per_device_train_batch_size", "train_micro_batch_size_per_gpu"),
    "accumulation": ("gradient_accumulation_steps", "grad_accumulation_steps", "accumulate_grad_batches"),
    "global_batch_size": ("global_batch_size", "train_global_batch_size", "effective_batch_size"),
    "sequence_length": ("sequence_length", "seq_len", "seq_length", "max_seq_len", "max_seq_length"),
    "max_grad_norm": ("max_grad_norm", "gradient_clip_val", "clip_grad_norm", "grad_clip"),
    "seed": ("seed", "random_seed"),
}
"""Hyperparameter -> the keys that name it."""

_GENERIC = """
training train trainer trainingargs trainingarguments args arguments config cfg params parameters hparams
hyperparameters hyperparams optimizer optim optimization scheduler lrscheduler schedule settings run fit initargs
experiment
"""
GENERIC = frozenset(_GENERIC.split())
"""Sections that only group keys: the same hyperparameter in two of them is stated twice."""


@lru_cache(maxsize=8192)
def folded(name: str) -> str:
    """A name without its separators and its case: `num-epochs`, `numEpochs` and `num_epochs` are one."""
    return name.replace("_", "").replace("-", "").replace(" ", "").casefold()


class Memo(dict[Any, Any]):
    """What a function says of a key, kept: most keys stand in every file of a project."""

    def __init__(self, function: Callable[[str], Any]):
        super().__init__()
        self._function = function

    def __missing__(self, key: str | int) -> Any:
        found = self[key] = self._function(key) if isinstance(key, str) else None
        return found


BY_NAME = {folded(name): knob for knob, names in SYNONYMS.items() for name in names}
"""A folded key -> the hyperparameter that it names."""
KNOBS = Memo(lambda name: BY_NAME.get(folded(name)))
"""A key as it is written -> the hyperparameter that it names, or None."""


def edits(one: str, other: str) -> int:
    """Letters to add, take away, change or swap with their neighbour (Damerau 1964), to make one of the other."""
    rows = [list(range(len(other) + 1))]
    for i, a in enumerate(one, 1):
        row = [i]
        for j, b in enumerate(other, 1):
            cost = min(row[-1] + 1, rows[-1][j] + 1, rows[-1][j - 1] + (a != b))
            if i > 1 and j > 1 and a == other[j - 2] and one[i - 2] == b:
                cost = min(cost, rows[-2][j - 2] + 1)
            row.append(cost)
        rows.append(row)
    return rows[-1][-1]


_SHORTEST = 7
_KNOWN = {folded(name): name for names in SYNONYMS.values() for name in names if len(name) >= _SHORTEST}
_IN_ORDER = list(_KNOWN.items())
_BY_ENDS: dict[str, list[int]] = {}
"""The places in this list of the names with these first, or (with a mark before them) last three letters."""
for _place, (_name, _) in enumerate(_IN_ORDER):
    for _end in (_name[:3], f"…{_name[-3:]}"):
        _BY_ENDS.setdefault(_end, []).append(_place)


def slip_of(name: str, among: Mapping[str, str] | None = None) -> str | None:
    """The well-known key that a name is one slip of the keyboard away from; None for a known one, for a short one
    and for a singular or plural. ``among`` are other known names than those of hyperparameters: folded, and spelled."""
    own = folded(name)
    if len(own) < _SHORTEST or own in (BY_NAME if among is None else among):
        return None
    for known, spelled in _near_ends(own) if among is None else among.items():
        alike = own.rstrip("s") == known.rstrip("s") or _numbered(own, known) or abs(len(own) - len(known)) > 1
        if not alike and _close(own, known) and edits(own, known) == 1:
            return spelled
    return None


def _near_ends(own: str) -> Iterator[tuple[str, str]]:
    """The known names that begin or end as a name does, in their order: one slip leaves three letters at one end of a
    name of seven."""
    found = {*_BY_ENDS.get(own[:3], ()), *_BY_ENDS.get(f"…{own[-3:]}", ())}
    return (_IN_ORDER[place] for place in sorted(found))


def _close(one: str, other: str) -> bool:
    """Whether two names agree in all but two neighbouring letters: the cheap part of the question."""
    return _shared(one, other) + _shared(one[::-1], other[::-1]) >= max(len(one), len(other)) - 2


def _shared(one: str, other: str) -> int:
    """How many letters two names share at their beginning."""
    return next(
        (index for index, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other))
    )


def _numbered(own: str, known: str) -> bool:
    return any(map(str.isdigit, own)) and not any(map(str.isdigit, known))


SLIPS = Memo(slip_of)
"""A key as it is written -> the well-known one that it is a slip of, or None."""


METRICS = {
    "loss": "loss",
    "perplexity": "perplexity",
    "ppl": "perplexity",
    "accuracy": "accuracy",
    "acc": "accuracy",
    "f1": "f1",
    "f1score": "f1",
    "exactmatch": "exact_match",
}
"""What trainers call the metrics that a manifest can name, folded."""
_SPLIT = re.compile(r"(?:(eval|val|valid|validation|dev)|(train|test))[-_/ ]+(?=[^-_/ ])", re.IGNORECASE)


@lru_cache(maxsize=8192)
def split_of(name: str) -> str | None:
    """What a metric was measured on by its name: `validation`, `train`, `test`, or None where it says nothing."""
    match = _SPLIT.match(name)
    return None if match is None else "validation" if match[1] else match[2].lower()


@lru_cache(maxsize=8192)
def plain_metric(name: str) -> str:
    """A metric's name without the validation that trainers put before it: of `eval/acc` it is `accuracy`.

    One of the training or the test data stays another: `train/loss` is `train_loss`.
    """
    split = split_of(name)
    rest = name if split is None else _SPLIT.sub("", name, count=1)
    known = METRICS.get(folded(rest), rest)
    return known if split in (None, "validation") else f"{split}_{known}"


def metric_named(word: str) -> str | None:
    """The manifest's name of a metric of the validation or the test data: of `val/acc` it is `accuracy`; None for one
    that it has no name for."""
    return METRICS.get(folded(plain_metric(word).removeprefix("test_")))


def same_metric(one: str, other: str) -> bool:
    """Whether two names are of one metric: `val/accuracy` and `eval_accuracy` are."""
    return folded(plain_metric(one)) == folded(plain_metric(other))


def recorded_as(metric: str, names: Iterable[str]) -> str | None:
    """The name among ``names`` that a metric has there: its own, else one of the same metric, a validation's first."""
    there = list(names)
    if metric in there:
        return metric
    alike = [name for name in there if same_metric(metric, name)]
    return min(alike, key=lambda name: split_of(name) != "validation", default=None)


def held(metric: str, recorded: Mapping[str, Value]) -> Value | None:
    """The value of a metric among recorded ones, by :func:`recorded_as`; None where there is none."""
    name = recorded_as(metric, recorded)
    return None if name is None else recorded[name]

"""What a document for people says of a clause: its words in the manifest's terms, and nothing where it says more.

A number with the clause's own unit (`100 epochs`) is that number, a share is the ratio of a duration, and names of
optimizers, schedules and number formats are taken as trainers spell them. A sentence is never drift.
"""

from __future__ import annotations

import re
from typing import Any

from framework.conformance.meaning import Comparison, compare
from framework.dialects import values
from framework.manifest.experiment import Experiment
from framework.manifest.lengths import scale_under, totals_of
from framework.manifest.sections.bindings import Binding
from framework.manifest.sections.values.batch_sizes import Batch
from framework.manifest.sections.values.durations import Duration
from framework.reading.nodes import AnyNode, ScalarNode
from framework.reading.prose.written_values import NUMBER, number_in
from framework.stages.config.meaning.clause_targets import Target

_AMOUNT = re.compile(rf"({NUMBER}[kKMB]?)\s+([A-Za-z]+)")
_UNITS = {
    "epochs": ("epoch", "epochs", "passes"),
    "max_steps": ("step", "steps", "updates", "iterations", "iters"),
    "steps": ("step", "steps", "updates", "iterations", "iters"),
    "ratio": (),
    "sequence_length": ("tokens",),
    "batch_size": ("sequences", "samples", "examples", "images"),
    "micro": ("sequences", "samples", "examples", "images"),
    "accumulation": ("step", "steps"),
    "patience": ("epoch", "epochs", "evaluations"),
    "count": ("gpus", "gpu", "devices"),
}
"""By the end of a clause's path: the units that its number counts in."""
_TERMS = {"optimizer": values.optimizer, "schedule": values.schedule}
_KIND = re.compile(r"^use\s+|\s+(?:optimi[sz]er|decay|annealing|schedule[r]?)$", re.IGNORECASE)
"""Words that say of a name what it is the name of."""
_NONE = ("none", "null")
_WORD = re.compile(r"[\w.+/-]+")


def compared(experiment: Experiment, binding: Binding, target: Target, node: AnyNode, value: Any) -> Comparison:
    """Hold what a document states to its clause; a sentence that does not say the same settles nothing."""
    clause, text = target.clause, node.text if isinstance(node, ScalarNode) else ""
    declared, unit, stated = target.declared, target.unit, value
    if isinstance(declared, Duration) and unit is None and "%" in text and isinstance(value, float):
        unit = "ratio"
    elif isinstance(value, str):
        stated = _in_terms(target, value)
    totals, scale = totals_of(experiment, binding, clause), scale_under(experiment, binding, clause)
    found = compare(clause.path, declared, stated, unit, totals, scale)
    if found.same is not False or not _is_vague(declared, stated, text):
        return found
    return Comparison(None, found.expected, f"{text or stated!r} may say more, or something else")


def _in_terms(target: Target, value: str) -> Any:
    """A text in the manifest's terms: with its unit gone where that is the clause's own."""
    path = target.clause.path
    if path[-1] == "precision":
        return values.precision(value, {})
    if len(path) > 1 and path[-1] == "name" and (term := _TERMS.get(str(path[-2]).rstrip("s"))) is not None:
        found = term(value, {})
        return term(_KIND.sub("", value), {}) if found == value else found
    if (match := _AMOUNT.fullmatch(value)) is None or isinstance(target.declared, Duration):
        return value
    if isinstance(target.declared, Batch):
        return Batch.of(value) or value
    known = _UNITS.get(target.unit or str(path[-1]), ())
    number = number_in(match[1]) if match[2].casefold() in known else None
    return value if number is None else number


def _is_vague(declared: Any, stated: Any, text: str) -> bool:
    """Whether a document's words could also be meant otherwise than they differ."""
    if isinstance(stated, (list, dict)):
        return not isinstance(declared, (list, tuple, dict))
    if not isinstance(stated, str):  # `Precision: 0.66` is a result, and no number format
        return isinstance(declared, str) or isinstance(declared, bool) is not isinstance(stated, bool)
    if stated.casefold() in _NONE:
        return False
    if isinstance(declared, (list, tuple)) or (isinstance(declared, (int, float)) and not isinstance(declared, bool)):
        return True
    if isinstance(declared, bool):
        return True
    known = stated.casefold() != text.casefold() and stated != text
    return not known and _WORD.fullmatch(stated) is None

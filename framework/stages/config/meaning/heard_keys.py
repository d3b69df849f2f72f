"""What of a document for people is about the paper: no example that is ignored, and no row of another model."""

from __future__ import annotations

from typing import Any

from framework.dialects.sections import rough
from framework.dialects.terms import Statement
from framework.manifest.experiment import Experiment
from framework.manifest.sections.bindings import Binding
from framework.names import Path
from framework.reading.nodes import Document
from framework.stages.config.meaning.fact_clauses import is_named


def heard(binding: Binding, data: Any, document: Document) -> Any:
    """What a dialect is to hear of a document: an example that is ignored contradicts nothing in it."""
    if not document.is_prose or not binding.ignore:
        return data
    ignored = {path for name in binding.ignore if (path := document.called(name, data))}

    def kept(inner: Any, path: Path) -> Any:
        if not isinstance(inner, dict):
            return inner
        return {name: kept(each, (*path, name)) for name, each in inner.items() if (*path, name) not in ignored}

    return kept(data, ())


def of_another(experiment: Experiment, statement: Statement, document: Document) -> bool:
    """Whether a value stands in the row, or below the item, of something that the manifest does not name: another
    model, a baseline."""
    above = [statement.path[:length] for length in range(1, len(statement.path))]
    names = [str(path[-1]) for path in above if path in document.rows]
    return not statement.named and any(rough((name,)) and not is_named(experiment, name) for name in names)

"""The rendered documents: which there are, what they say, and whether they still say it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from difflib import unified_diff
from pathlib import Path
from typing import Any

from framework.conformance import Verdict
from framework.errors import UsageError
from framework.evidence.atomic import as_json, write_text
from framework.manifest.experiment import Experiment
from framework.names import did_you_mean
from framework.stages.document.verdicts import document_verdicts
from framework.stages.verify import VerifyResult
from reports.adapters import has_adapters, memo_context
from reports.compliance import compliance_context
from reports.latex.macros import macro_context, tables
from reports.model_cards import card_index, cards
from reports.page.page_contents import page_context, page_facts
from reports.setup import clause_row, setup_context
from reports.template_environment import render


@dataclass(frozen=True, slots=True)
class Document:
    """A kind of document: its file, its template (without one it is the context, as JSON), what the template is given,
    and the studies that it is about."""

    name: str
    file: str
    template: str
    context: Callable[[VerifyResult], dict[str, Any]]
    applies: Callable[[VerifyResult], bool] = lambda result: True
    parts: Callable[[VerifyResult], dict[str, dict[str, Any]]] = lambda result: {}
    """Files of its own in ``folder``, by name, with what ``part`` is given."""
    folder: str = ""
    part: str = ""
    asked: bool = False
    """Whether it is rendered only where it is asked for, and from then on kept."""


REPORT = "REPORT.html"
DOCUMENTS = (
    Document("setup", "EXPERIMENTAL_SETUP.md", "EXPERIMENTAL_SETUP.md.j2", setup_context),
    Document("compliance", "COMPLIANCE.md", "COMPLIANCE.md.j2", compliance_context),
    Document("memo", "CORRECTNESS_MEMO.md", "CORRECTNESS_MEMO.md.j2", memo_context, has_adapters),
    Document("report", REPORT, "REPORT.html.j2", page_context),
    Document("data", "report.json", "", page_facts),
    Document(
        name="latex",
        file="experiment.tex",
        template="experiment.tex.j2",
        context=macro_context,
        parts=tables,
        folder="tables",
        part="table.tex.j2",
        asked=True,
    ),
    Document(
        name="cards",
        file="MODEL_CARDS.md",
        template="MODEL_CARDS.md.j2",
        context=card_index,
        parts=cards,
        folder="model-cards",
        part="MODEL_CARD.md.j2",
        asked=True,
    ),
)


_RENDERED = "Rendered by `framework docs"
"""What the parts of a document say of themselves: others in their folder are the author's own."""
_HOLDING = ("compliance", "report", "data")
"""The documents that say what is seen of the others."""


def chosen(result: VerifyResult, names: Sequence[str]) -> list[Document]:
    """The documents of these names; without any all that are about what the plan does, and of those that want to be
    asked for those that lie there.

    Raises:
        UsageError: there is no such document.
    """
    known = {document.name: document for document in DOCUMENTS}
    for name in names:
        if name not in known:
            raise UsageError(f"no document {name!r}: {did_you_mean(name, known)}")
    there = folder(result.experiment)
    return [
        document
        for document in DOCUMENTS
        if document.name in names
        or (not names and document.applies(result) and (not document.asked or (there / document.file).is_file()))
    ]


def folder(experiment: Experiment) -> Path:
    """Where this experiment's documents lie; those of a profile in a folder of its own."""
    return experiment.documents / experiment.profile if experiment.profile else experiment.documents


def write(result: VerifyResult, names: Sequence[str] = ()) -> list[Path]:
    """Render and write documents, each atomically; all are rendered before the first is written."""
    texts = _rendered(result, chosen(result, names), {})
    for path, text in texts.items():
        write_text(path, text)
    return list(texts)


def stale(result: VerifyResult, names: Sequence[str] = ()) -> list[tuple[Path, str]]:
    """The documents on disk that are missing or say something else than a new rendering, with the first difference."""
    found = []
    documents = chosen(result, names)
    rendered = _rendered(result, documents, _existing(result.experiment))
    for path, text in rendered.items():
        if not path.is_file():
            found.append((path, "missing"))
        elif (old := path.read_text("utf-8", errors="replace")) != text:
            found.append((path, _difference(old, text)))
    return [*found, *_left(result.experiment, documents, rendered)]


def _left(experiment: Experiment, documents: list[Document], rendered: dict[Path, str]) -> Iterator[tuple[Path, str]]:
    """Rendered parts that lie there and that no document has any more."""
    for document in documents:
        if not document.folder:
            continue
        for path in sorted((folder(experiment) / document.folder).rglob(f"*{Path(document.file).suffix}")):
            if path not in rendered and f"{_RENDERED} {document.name}`" in path.read_text("utf-8", errors="replace"):
                yield path, "it is of nothing that there still is: remove it"


def add_document_stage(result: VerifyResult) -> None:
    """Add the verdicts of the document stage, for the documents as they lie on disk."""
    verdicts = _verdicts(result, _existing(result.experiment))
    result.matrix.add(verdicts)
    for verdict in verdicts:
        if verdict.finding is not None and verdict.finding not in result.findings and str(verdict.status) == "violated":
            result.findings.append(verdict.finding)


def _existing(experiment: Experiment) -> dict[str, str]:
    found = {}
    for document in DOCUMENTS:
        path = folder(experiment) / document.file
        if path.is_file():
            found[document.file] = path.read_text("utf-8", errors="replace")
    return found


def _rendered(result: VerifyResult, documents: list[Document], existing: dict[str, str]) -> dict[Path, str]:
    """New renderings by path. The compliance report states what the setup document says: the one that is rendered
    with it, or (``existing``) the one on disk."""
    experiment, texts = result.experiment, {}
    places = dict(existing)
    for document in documents:
        if document.name in _HOLDING:
            result = _with_documents(result, places)
        context = document.context(result)
        text = render(experiment, document.template, context) if document.template else as_json(context)
        texts[folder(experiment) / document.file] = text
        places.setdefault(document.file, text)
        for name, part in document.parts(result).items():
            texts[folder(experiment) / document.folder / name] = render(experiment, document.part, part)
    return texts


def _with_documents(result: VerifyResult, texts: dict[str, str]) -> VerifyResult:
    copy = replace(result, matrix=result.matrix.copy(), findings=list(result.findings))
    verdicts = _verdicts(result, texts)
    copy.matrix.add(verdicts)
    copy.findings += [v.finding for v in verdicts if v.finding is not None and str(v.status) == "violated"]
    return copy


def _verdicts(result: VerifyResult, texts: dict[str, str]) -> list[Verdict]:
    experiment, setup = result.experiment, DOCUMENTS[0]
    file = (folder(experiment) / setup.file).relative_to(experiment.root).as_posix()
    return list(document_verdicts(experiment, file, texts.get(setup.file), clause_row))


def _difference(old: str, new: str) -> str:
    """Where the two first differ, and in how many lines."""
    lines = list(unified_diff(old.splitlines(), new.splitlines(), lineterm="", n=0))[2:]
    changed = [line for line in lines if not line.startswith("@@")]
    gone = next((line[1:] for line in changed if line.startswith("-")), None)
    come = next((line[1:] for line in changed if line.startswith("+")), None)
    if gone is None and come is None:
        return "differs in line endings"
    return f"{len(changed)} lines differ; it says {gone!r}, and should say {come!r}"

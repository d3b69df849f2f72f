"""The language server, over pygls: it hears of open texts, and answers from a check of them. It never writes a file.

All is done on the server's one thread, so that no two checks read through each other's unsaved texts. Texts are
synchronised whole (`TextDocumentSyncKind.Full`): pygls splits lines as `str.splitlines` does, at more than the
protocol's line ends, and would put an incremental change into a wrong line (pygls 2.1.1,
`pygls/workspace/text_document.py`, `lines`).
"""

from __future__ import annotations

import asyncio
import os
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

from framework.conformance import Finding, Severity
from framework.editor.both_sides import Side, stating, under
from framework.editor.judged import Judged, judged
from framework.editor.mending import mend
from framework.editor.positions import column_at, position_of, span
from framework.editor.telling import told
from framework.errors import InputError
from framework.locations import Location
from framework.manifest.experiment import MANIFEST
from framework.reading.decoding import read_text, unsaved
from framework.stages.catalogue import PAGES
from framework.version import installed_version

WAIT = 0.2
"""Seconds without a change before a text is checked."""


class Server:
    """One editor's server. ``manifest`` is one beside those that are called as manifests are."""

    def __init__(self, manifest: Path | None = None):
        from lsprotocol import types
        from pygls import uris
        from pygls.lsp.server import LanguageServer

        self.types: Any = types
        self.uris: Any = uris
        self.wire: Any = LanguageServer(
            name="framework",
            version=installed_version() or "0",
            text_document_sync_kind=types.TextDocumentSyncKind.Full,
        )
        self.manifests: dict[Path, Judged | None] = {} if manifest is None else {manifest.absolute(): None}
        """The manifests, and what the last check of each found; None after a change."""
        self.shown: set[str] = set()
        self.waiting: asyncio.TimerHandle | None = None
        self._hear(types.INITIALIZED, self.begin)
        self._hear(types.TEXT_DOCUMENT_DID_OPEN, self.opened)
        for event in (
            types.TEXT_DOCUMENT_DID_CHANGE,
            types.TEXT_DOCUMENT_DID_SAVE,
            types.TEXT_DOCUMENT_DID_CLOSE,
            types.WORKSPACE_DID_CHANGE_WATCHED_FILES,
        ):
            self._hear(event, self.changed)
        self._hear(types.TEXT_DOCUMENT_HOVER, self.hover)
        self._hear(types.TEXT_DOCUMENT_DEFINITION, self.definition)
        self._hear(types.TEXT_DOCUMENT_REFERENCES, self.references)
        kinds = types.CodeActionOptions(code_action_kinds=[types.CodeActionKind.QuickFix])
        self._hear(types.TEXT_DOCUMENT_CODE_ACTION, self.actions, kinds)

    def _hear(self, event: str, handler: Callable[[Any], Any], options: Any = None) -> None:
        # pygls writes attributes on what it calls, which a bound method refuses.
        self.wire.feature(event, options)(lambda params: handler(params))

    def run(self) -> None:
        """Serve standard input and output until the editor says `exit`."""
        # On a copy, since pygls closes it at the end; what anything else prints must not get between the messages.
        with redirect_stdout(sys.stderr):
            self.wire.start_io(stdout=os.fdopen(os.dup(1), "wb"))

    # What the editor tells.

    def begin(self, _: Any) -> None:
        for folder in self.wire.workspace.folders.values():
            self._know(Path(self._path(folder.uri)) / MANIFEST)
        self.changed(None)

    def opened(self, params: Any) -> None:
        path = Path(self._path(params.text_document.uri))
        for folder in path.parents:
            self._know(folder / MANIFEST)
        self.changed(params)

    def changed(self, _: Any) -> None:
        self.manifests = dict.fromkeys(self.manifests)
        if self.waiting is not None:
            self.waiting.cancel()
        self.waiting = asyncio.get_running_loop().call_later(WAIT, self.publish)

    def _know(self, manifest: Path) -> None:
        if manifest.is_file():
            self.manifests.setdefault(manifest, None)

    # What the editor asks.

    def hover(self, params: Any) -> Any:
        for found, side in self._sides(params):
            with unsaved(self._texts()):
                text = told(found, side)
            shown = self.types.MarkupContent(self.types.MarkupKind.Markdown, text)
            return self.types.Hover(shown, self._place(found, side.location).range)
        return None

    def definition(self, params: Any) -> list[Any]:
        return [
            self._place(found, place)
            for found, side in self._sides(params)
            if side.clause is not None
            for place in ([side.clause.location] if side.key else self._stating(found, side))
        ]

    def references(self, params: Any) -> list[Any]:
        return [
            self._place(found, place)
            for found, side in self._sides(params)
            if side.clause is not None
            for place in (side.clause.location, *self._stating(found, side))
        ]

    def actions(self, params: Any) -> list[Any]:
        types, found = self.types, []
        own = os.path.realpath(self._path(params.text_document.uri))
        for each in self._judged():
            for finding in each.findings:
                if each.experiment is None or finding.location is None or self._real(each, finding.location) != own:
                    continue
                place = self._diagnostic(each, finding)
                if place.range.start > params.range.end or params.range.start > place.range.end:
                    continue
                with unsaved(self._texts()):
                    change = mend(each.experiment, finding)
                if change is None:
                    continue
                start, end = (types.Position(*self._at(change.before, at)) for at in (change.start, change.stop))
                edit = types.TextEdit(types.Range(start, end), change.text)
                found.append(
                    types.CodeAction(
                        title=change.title,
                        kind=types.CodeActionKind.QuickFix,
                        diagnostics=[place],
                        is_preferred=True,
                        edit=types.WorkspaceEdit(changes={params.text_document.uri: [edit]}),
                    )
                )
        return found

    def _stating(self, found: Judged, side: Side) -> list[Location]:
        assert found.experiment is not None
        assert side.clause is not None
        with unsaved(self._texts()):
            return stating(found.experiment, side.clause)

    def _sides(self, params: Any) -> Iterator[tuple[Judged, Side]]:
        path = os.path.realpath(self._path(params.text_document.uri))
        text, at = self._text(path), params.position
        column = column_at(text, at.line, at.character, self._encoding)
        for found in self._judged():
            if found.experiment is not None:
                with unsaved(self._texts()):
                    side = under(found.experiment, path, at.line + 1, column + 1)
                if side is not None:
                    yield found, side

    # What is told to the editor.

    def publish(self) -> None:
        """Check again what changed, and show what is found in each file; nothing more where nothing is."""
        try:
            told: dict[str, list[Any]] = {}
            for found in self._judged():
                for finding in found.findings:
                    where = finding.location or finding.declared or self._top(found)
                    told.setdefault(self._uri(found, where), []).append(self._diagnostic(found, finding))
                for problem in found.problems:
                    where = problem.location or self._top(found)
                    told.setdefault(self._uri(found, where), []).append(self._refusal(found, problem, where))
            for uri in self.shown - told.keys():
                self._show(uri, [])
            for uri, diagnostics in told.items():
                self._show(uri, diagnostics)
            self.shown = set(told)
        except Exception:  # a bug of ours: said, and the editor keeps its server
            message = self.types.LogMessageParams(self.types.MessageType.Error, traceback.format_exc())
            self.wire.window_log_message(message)

    def _show(self, uri: str, diagnostics: list[Any]) -> None:
        self.wire.text_document_publish_diagnostics(self.types.PublishDiagnosticsParams(uri, diagnostics))

    def _judged(self) -> Iterator[Judged]:
        """What is found of every manifest, as the texts are now."""
        for manifest, known in list(self.manifests.items()):
            if known is None:
                known = self.manifests[manifest] = judged(manifest, self._texts())
            yield known

    def _diagnostic(self, found: Judged, finding: Finding) -> Any:
        types = self.types
        where = finding.location or finding.declared or self._top(found)
        related = []
        if finding.declared is not None and finding.declared != where:
            related.append(types.DiagnosticRelatedInformation(self._place(found, finding.declared), "stated here"))
        page = PAGES / f"{finding.code}.md"
        return types.Diagnostic(
            range=self._place(found, where).range,
            message=finding.message + (f"\n{finding.advice}" if finding.advice else ""),
            severity=self._severity(finding.severity),
            code=finding.code,
            code_description=types.CodeDescription(self.uris.from_fs_path(str(page))) if page.is_file() else None,
            source="framework",
            related_information=related,
        )

    def _refusal(self, found: Judged, problem: Any, where: Location) -> Any:
        return self.types.Diagnostic(
            range=self._place(found, where).range,
            message=problem.message + (f"\n{problem.advice}" if problem.advice else ""),
            severity=self.types.DiagnosticSeverity.Error,
            source="framework",
        )

    def _severity(self, severity: Severity) -> Any:
        known = self.types.DiagnosticSeverity
        return known.Error if severity is Severity.ERROR else known.Warning

    # Files, texts and places.

    @property
    def _encoding(self) -> str:
        return str(getattr(self.wire.workspace.position_encoding, "value", self.wire.workspace.position_encoding))

    def _path(self, uri: str) -> str:
        return os.path.abspath(self.uris.to_fs_path(uri) or os.devnull)

    def _open(self) -> dict[str, Any]:
        """The open texts by real path."""
        every = self.wire.workspace.text_documents
        return {os.path.realpath(self._path(uri)): text for uri, text in every.items() if uri.startswith("file:")}

    def _texts(self) -> dict[str, str]:
        return {path: document.source for path, document in self._open().items()}

    def _text(self, path: str) -> str:
        if (document := self._open().get(os.path.realpath(path))) is not None:
            text: str = document.source
            return text
        try:
            return read_text(path, path)
        except InputError:
            return ""

    def _top(self, found: Judged) -> Location:
        manifest = next((path for path, known in self.manifests.items() if known is found), found.places.root)
        return Location(str(manifest), 1, 1)

    def _real(self, found: Judged, where: Location) -> str:
        return os.path.realpath(found.places.absolute(where.file))

    def _uri(self, found: Judged, where: Location) -> str:
        """The file's name as the editor has it, where it is open."""
        document = self._open().get(self._real(found, where))
        path = os.path.abspath(found.places.absolute(where.file))
        uri: str = self.uris.from_fs_path(path) if document is None else document.uri
        return uri

    def _at(self, text: str, offset: int) -> tuple[int, int]:
        return position_of(text, offset, self._encoding)

    def _place(self, found: Judged, where: Location) -> Any:
        text = self._text(str(found.places.absolute(where.file)))
        line, start, end = span(text, where.line, where.column, where.width, self._encoding)
        limits = self.types.Position(line, start), self.types.Position(line, end)
        return self.types.Location(self._uri(found, where), self.types.Range(*limits))

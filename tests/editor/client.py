"""An editor, as far as a language server notices: messages of the protocol over two pipes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from queue import Empty, Queue
from threading import Thread
from typing import Any


class Editor:
    """Starts `framework lsp` and speaks to it. ``shown`` are the last diagnostics of each file, by its path."""

    def __init__(self, root: Path, *encodings: str):
        self.root = root
        self.shown: dict[str, list[dict[str, Any]]] = {}
        self.count = 0
        self.process = subprocess.Popen(
            [sys.executable, "-m", "framework", "lsp", "--stdio"],
            cwd=root,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": os.pathsep.join([str(Path(__file__).parents[2]), *sys.path])},
        )
        self.heard: Queue[dict[str, Any]] = Queue()
        Thread(target=self._listen, daemon=True).start()
        general = {"positionEncodings": list(encodings)} if encodings else {}
        self.capabilities = self.ask(
            "initialize", processId=None, rootUri=root.as_uri(), capabilities={"general": general}
        )["capabilities"]
        self.tell("initialized")

    def _listen(self) -> None:
        out = self.process.stdout
        assert out is not None
        while line := out.readline():
            if line.lower().startswith(b"content-length:"):
                length = int(line.split(b":")[1])
                while out.readline().strip():
                    pass
                self.heard.put(json.loads(out.read(length)))
        self.heard.put({"method": "window/logMessage", "params": "the server ended"})

    def _send(self, message: dict[str, Any]) -> None:
        data = json.dumps({"jsonrpc": "2.0", **message}).encode()
        assert self.process.stdin is not None
        self.process.stdin.write(b"Content-Length: %d\r\n\r\n" % len(data) + data)
        self.process.stdin.flush()

    def _hear(self) -> dict[str, Any]:
        try:
            message = self.heard.get(timeout=10)
        except Empty:
            raise AssertionError("the server says nothing") from None
        if message.get("method") == "textDocument/publishDiagnostics":
            uri = message["params"]["uri"]
            self.shown[uri.removeprefix(self.root.as_uri() + "/")] = message["params"]["diagnostics"]
        assert message.get("method") != "window/logMessage", message
        return message

    def tell(self, method: str, **params: Any) -> None:
        self._send({"method": method, "params": params})

    def ask(self, method: str, **params: Any) -> Any:
        self.count += 1
        self._send({"id": self.count, "method": method, "params": params})
        while (answer := self._hear()).get("id") != self.count:
            pass
        assert "error" not in answer, answer
        return answer["result"]

    def told_of(self, file: str) -> list[dict[str, Any]]:
        """The next diagnostics of a file."""
        while True:
            message = self._hear()
            if message.get("method") == "textDocument/publishDiagnostics" and message["params"]["uri"] == self.uri(
                file
            ):
                return self.shown[file]

    def uri(self, file: str) -> str:
        return (self.root / file).as_uri()

    def open(self, file: str, text: str | None = None) -> None:
        text = (self.root / file).read_text() if text is None else text
        self.tell(
            "textDocument/didOpen",
            textDocument={"uri": self.uri(file), "languageId": "yaml", "version": 1, "text": text},
        )

    def change(self, file: str, text: str) -> None:
        self.count += 1
        self.tell(
            "textDocument/didChange",
            textDocument={"uri": self.uri(file), "version": self.count + 1},
            contentChanges=[{"text": text}],
        )

    def at(self, file: str, line: int, character: int, what: str, **more: Any) -> Any:
        """Ask about a position; lines and characters from 0."""
        where = {"textDocument": {"uri": self.uri(file)}, "position": {"line": line, "character": character}}
        return self.ask(f"textDocument/{what}", **where, **more)

    def close(self) -> int:
        self.ask("shutdown")
        self.tell("exit")
        return self.process.wait(timeout=20)

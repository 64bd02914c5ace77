"""A client of yaml-language-server, the program behind the YAML support of most editors, over its standard streams."""

from __future__ import annotations

import itertools
import json
import os
import queue
import shlex
import shutil
import subprocess
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Self

PROGRAM = "yaml-language-server"
PROGRAM_VARIABLE = "STIGMER_YAML_LANGUAGE_SERVER"
"""The command that starts the server, if it is not on the path."""

ANSWER_S = 30.0


def server_command() -> list[str] | None:
    """How to start the server; None where there is none."""
    given = os.environ.get(PROGRAM_VARIABLE)
    if given:
        return shlex.split(given)
    found = shutil.which(PROGRAM)
    return [found] if found else None


class LanguageServer:
    """One running server with a folder. `schemas` are the editor's settings: file of a schema -> patterns of the files
    it is for. A context manager."""

    def __init__(
        self, command: Sequence[str], folder: Path, schemas: Mapping[str, Sequence[str]] | None = None
    ) -> None:
        self._folder = folder
        self._settings = {
            "yaml": {"schemas": dict(schemas or {}), "validate": True, "hover": True, "completion": True},
        }
        self._ids = itertools.count(1)
        self._diagnostics: dict[str, queue.Queue[list[dict[str, Any]]]] = {}
        self._answers: dict[int, queue.Queue[dict[str, Any]]] = {}
        self._process = subprocess.Popen(
            [*command, "--stdio"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, cwd=folder
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        self._lock = threading.Lock()

    def __enter__(self) -> Self:
        capabilities = {
            "textDocument": {
                "hover": {"contentFormat": ["markdown"]},
                "completion": {"completionItem": {"snippetSupport": True, "documentationFormat": ["markdown"]}},
            },
            "workspace": {"configuration": True},
        }
        root = self._folder.as_uri()
        self.request("initialize", processId=None, rootUri=root, workspaceFolders=None, capabilities=capabilities)
        self.notify("initialized")
        self.notify("workspace/didChangeConfiguration", settings=None)
        return self

    def __exit__(self, *_: object) -> None:
        self.request("shutdown")
        self.notify("exit")
        try:
            self._process.wait(ANSWER_S)
        finally:
            self._process.kill()
            self._process.wait()
            self._reader.join(ANSWER_S)
            for stream in (self._process.stdin, self._process.stdout):
                if stream is not None:
                    stream.close()

    def open(self, name: str, text: str) -> list[dict[str, Any]]:
        """Opens a document as an editor does, whether or not there is such a file, and returns its diagnostics."""
        uri = self.uri(name)
        self._diagnostics[uri] = queue.Queue()
        document = {"uri": uri, "languageId": "yaml", "version": 1, "text": text}
        self.notify("textDocument/didOpen", textDocument=document)
        return self._diagnostics[uri].get(timeout=ANSWER_S)

    def completions(self, name: str, line: int, column: int) -> dict[str, dict[str, Any]]:
        """What is offered at a place (from 0), by label."""
        answer = self.request("textDocument/completion", **self._place(name, line, column))
        return {item["label"]: item for item in answer["items"]}

    def hover(self, name: str, line: int, column: int) -> str:
        """The text shown for what stands at a place; empty for none."""
        answer = self.request("textDocument/hover", **self._place(name, line, column))
        return str(answer["contents"]["value"]) if answer else ""

    def uri(self, name: str) -> str:
        return (self._folder / name).as_uri()

    def request(self, method: str, **params: Any) -> Any:
        number = next(self._ids)
        self._answers[number] = queue.Queue()
        self._send({"id": number, "method": method, "params": params})
        answer = self._answers[number].get(timeout=ANSWER_S)
        del self._answers[number]
        assert "error" not in answer, answer["error"]
        return answer["result"]

    def notify(self, method: str, **params: Any) -> None:
        self._send({"method": method, "params": params})

    def _place(self, name: str, line: int, column: int) -> dict[str, Any]:
        return {"textDocument": {"uri": self.uri(name)}, "position": {"line": line, "character": column}}

    def _send(self, message: Mapping[str, Any]) -> None:
        body = json.dumps({"jsonrpc": "2.0", **message}).encode()
        stream = self._process.stdin
        assert stream is not None
        with self._lock:
            stream.write(b"Content-Length: %d\r\n\r\n%s" % (len(body), body))
            stream.flush()

    def _read(self) -> None:
        stream = self._process.stdout
        assert stream is not None
        while header := stream.readline():
            length = 0
            while header.strip():
                name, _, value = header.partition(b":")
                if name.lower() == b"content-length":
                    length = int(value)
                header = stream.readline()
            self._take(json.loads(stream.read(length)))

    def _take(self, message: dict[str, Any]) -> None:
        method = message.get("method")
        if method == "textDocument/publishDiagnostics":
            self._diagnostics.setdefault(message["params"]["uri"], queue.Queue()).put(message["params"]["diagnostics"])
        elif method == "workspace/configuration":
            sections = [item.get("section") for item in message["params"]["items"]]
            self._send({"id": message["id"], "result": [self._settings.get(section) for section in sections]})
        elif method is not None and "id" in message:
            self._send({"id": message["id"], "result": None})
        elif method is None and message.get("id") in self._answers:
            self._answers[message["id"]].put(message)

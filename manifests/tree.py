"""The trees that a command line can name: files, folders and patterns, standard input, and a dictionary for tests."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from hashlib import sha1
from typing import BinaryIO

from manifests.beneath import read_beneath
from manifests.entry import Entry, Scan, Tree
from manifests.files import FileTree, read_as_scanned, refusal
from manifests.limits import DEFAULT_LIMITS, MIB, Limits
from manifests.walk import PROJECT_FILES

__all__ = [
    "Entry",
    "FileTree",
    "MemoryTree",
    "Scan",
    "StdinTree",
    "Tree",
    "open_trees",
    "read_as_scanned",
    "read_beneath",
]

STDIN_ARGUMENT = "-"
STDIN_PATH = "<stdin>"
_PIECE = 16 * MIB


class StdinTree:
    """Standard input as a tree of one file. It is read once, when first asked for."""

    def __init__(self, stream: BinaryIO, limits: Limits = DEFAULT_LIMITS) -> None:
        self._stream = stream
        self._limits = limits
        self._data: bytes | None = None

    @property
    def label(self) -> str:
        return STDIN_PATH

    def scan(self) -> Scan:
        return Scan((Entry(STDIN_PATH, b""),))

    def read(self, entry: Entry) -> bytes:
        if self._data is None:
            try:
                self._data = _read_up_to(self._stream, self._limits.file_bytes + 1)
            except (OSError, ValueError) as caught:
                raise refusal(entry.path, f"cannot be read: {caught}", "unreadable") from None
        if len(self._data) > self._limits.file_bytes:
            message = f"the input is larger than {self._limits.file_bytes / MIB:g} MiB"
            raise refusal(entry.path, message, "file-too-large", "split it into files")
        return self._data


def _read_up_to(stream: BinaryIO, most: int) -> bytes:
    """In pieces: a stream that is asked for a great number of bytes makes room for all of them first."""
    pieces: list[bytes] = []
    while most and (piece := stream.read(min(most, _PIECE))):
        pieces.append(piece)
        most -= len(piece)
    return b"".join(pieces)


class MemoryTree:
    """Files that exist only here: path -> content. Entries come in the order of the mapping."""

    def __init__(self, files: Mapping[str, bytes | str], label: str = "memory") -> None:
        self._files = {path: data.encode() if isinstance(data, str) else data for path, data in files.items()}
        self._label = label

    @property
    def label(self) -> str:
        return self._label

    def scan(self) -> Scan:
        entries: list[Entry] = []
        projects: list[Entry] = []
        for path, data in self._files.items():
            found = projects if path.rsplit("/", 1)[-1] in PROJECT_FILES else entries
            found.append(Entry(path, sha1(data, usedforsecurity=False).digest()))
        return Scan(tuple(entries), (), tuple(projects))

    def read(self, entry: Entry) -> bytes:
        if entry.path not in self._files:
            raise refusal(entry.path, "no such file or folder", "not-found")
        return self._files[entry.path]


class _Union:
    """Several trees as one, in order."""

    def __init__(self, trees: Sequence[Tree]) -> None:
        self._trees = tuple(trees)
        self._readers: dict[str, Tree] = {}

    @property
    def label(self) -> str:
        return ", ".join(tree.label for tree in self._trees)

    def scan(self) -> Scan:
        scans = [tree.scan() for tree in self._trees]
        for tree, scan in zip(self._trees, scans, strict=True):
            for entry in (*scan.entries, *scan.project_files):
                self._readers.setdefault(entry.path, tree)
        return Scan(
            tuple(entry for scan in scans for entry in scan.entries),
            tuple(item for scan in scans for item in scan.diagnostics),
            tuple(entry for scan in scans for entry in scan.project_files),
        )

    def read(self, entry: Entry) -> bytes:
        return self._readers[entry.path].read(entry)


def open_trees(
    paths: Sequence[str], stdin: BinaryIO, *, recursive: bool = True, limits: Limits = DEFAULT_LIMITS
) -> Tree:
    """The tree of everything that `-f` names: files, folders, patterns, and `-` for standard input (once, in its
    place). Nothing is touched before the tree is scanned."""
    names = list(dict.fromkeys(paths))
    if STDIN_ARGUMENT not in names:
        return FileTree(names, recursive, limits)
    at = names.index(STDIN_ARGUMENT)
    trees: list[Tree] = [StdinTree(stdin, limits)]
    if names[:at]:
        trees.insert(0, FileTree(names[:at], recursive, limits))
    if names[at + 1 :]:
        trees.append(FileTree(names[at + 1 :], recursive, limits))
    return trees[0] if len(trees) == 1 else _Union(trees)

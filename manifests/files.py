"""Manifests in files and folders that a user named on a command line.

A named path may be a symbolic link: naming it is the decision. Below it `walk` follows none, and what is read later is
either the very file that was scanned or opened folder by folder again. Only regular files are read: a pipe or a device
would block or answer for ever.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Sequence
from contextlib import ExitStack

from manifests.diagnostics import ManifestError, Source, error
from manifests.entry import Entry, Scan
from manifests.globs import expand, is_pattern
from manifests.limits import DEFAULT_LIMITS, MIB, Limits
from manifests.walk import FOLDER_FLAGS, MANIFEST_SUFFIXES, Walk, opened, reason, sort_of_file, stat_identity

FILE_FLAGS = os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC

_READ_ATTEMPTS = 3  # of a file that changes while it is read


class FileTree:
    """The manifests of files, folders and patterns, in the order given; within a folder first its files and then its
    folders, each sorted by name. Every real file is listed once, under the first path that leads to it."""

    def __init__(self, paths: Sequence[str], recursive: bool = True, limits: Limits = DEFAULT_LIMITS) -> None:
        self._paths = tuple(os.fspath(path) for path in paths)
        self._recursive = recursive
        self._limits = limits
        self._folders: dict[str, str] = {}
        """What is shown in front of the paths of a folder's files -> the folder's path."""
        self._named: set[str] = set()

    @property
    def label(self) -> str:
        return ", ".join(self._paths)

    def scan(self) -> Scan:
        overlapping = len(self._paths) > 1 or any(map(is_pattern, self._paths))
        walk = Walk(is_recursive=self._recursive, is_overlapping=overlapping)
        self._folders.clear()
        self._named.clear()
        for path in self._paths:
            self._given(walk, path)
        return Scan(tuple(walk.entries), tuple(walk.diagnostics), tuple(walk.project_files))

    def read(self, entry: Entry) -> bytes:
        """The bytes of a scanned entry, as they are now. Raises ManifestError."""
        try:
            return self._named_file(entry.path) if entry.path in self._named else self._walked_file(entry)
        except OSError as caught:
            raise refusal(entry.path, f"cannot be read: {reason(caught)}", "unreadable") from None

    def _given(self, walk: Walk, path: str) -> None:
        try:
            status = os.stat(path)  # noqa: PTH116 - paths stay the text that the user gave
        except (OSError, ValueError) as caught:
            if is_pattern(path):
                self._matches(walk, path)
            elif isinstance(caught, FileNotFoundError):
                walk.refuse(path, "no such file or folder", "not-found")
            else:
                walk.refuse_error(path, caught)
        else:
            self._named_path(walk, path, status)

    def _matches(self, walk: Walk, pattern: str) -> None:
        found = False
        try:
            for path in expand(pattern):
                status = os.stat(path)  # noqa: PTH116
                if stat.S_ISDIR(status.st_mode) or path.endswith(MANIFEST_SUFFIXES):
                    found = True
                    self._named_path(walk, path, status)
        except (OSError, ValueError) as caught:
            walk.refuse_error(pattern, caught)
            return
        if not found:
            walk.refuse(pattern, "no manifest matches this pattern", "not-found")

    def _named_path(self, walk: Walk, path: str, status: os.stat_result) -> None:
        if stat.S_ISDIR(status.st_mode):
            shown = "" if path in (".", "./") else path.rstrip("/") + "/"
            self._folders[shown] = path
            walk.folder(path, shown)
        elif stat.S_ISREG(status.st_mode):
            self._named.add(path)
            walk.add(path, os.path.basename(path), status)  # noqa: PTH119
        else:
            hint = "to read from a pipe, give it as standard input: -f -"
            walk.refuse(path, f"{sort_of_file(status.st_mode)} is not a manifest", "not-a-file", hint)

    def _named_file(self, path: str) -> bytes:
        with opened(path, FILE_FLAGS) as descriptor:
            return self._content(descriptor, os.fstat(descriptor), path)

    def _walked_file(self, entry: Entry) -> bytes:
        """By its whole path where that gives the very file that was scanned, else folder by folder."""
        data = read_as_scanned(entry, self._limits)
        if data is not None:
            return data
        path = entry.path
        shown = max(filter(path.startswith, self._folders), key=len, default=None)
        if shown is None:
            raise refusal(path, "this file was not scanned", "not-found")
        *above, name = path[len(shown) :].split("/")
        with ExitStack() as stack:
            parent = stack.enter_context(opened(self._folders[shown], FOLDER_FLAGS))
            for folder in above:
                parent = stack.enter_context(opened(folder, FOLDER_FLAGS | os.O_NOFOLLOW, parent))
            file = stack.enter_context(opened(name, FILE_FLAGS | os.O_NOFOLLOW, parent))
            return self._content(file, os.fstat(file), path)

    def _content(self, descriptor: int, status: os.stat_result, path: str) -> bytes:
        if not stat.S_ISREG(status.st_mode):
            raise refusal(path, f"{sort_of_file(status.st_mode)} is not a manifest", "not-a-file")
        for _ in range(_READ_ATTEMPTS):
            if status.st_size > self._limits.file_bytes:
                size = f"{self._limits.file_bytes / MIB:g} MiB"
                raise refusal(path, f"the file is larger than {size}", "file-too-large", "split it")
            data = read_up_to(descriptor, status.st_size)
            before, status = status, os.fstat(descriptor)
            if len(data) == status.st_size and stat_identity(before) == stat_identity(status):
                return data
            os.lseek(descriptor, 0, os.SEEK_SET)
        raise refusal(path, "the file keeps changing while it is read", "changing")


def read_as_scanned(entry: Entry, limits: Limits = DEFAULT_LIMITS) -> bytes | None:
    """The bytes of a scanned file to which its path still leads and which is as it was then; None for any other, which
    only the tree that scanned it can read safely, or explain. Raises OSError."""
    descriptor = os.open(entry.path, FILE_FLAGS | os.O_NOFOLLOW)
    try:
        status = os.fstat(descriptor)
        is_it = stat.S_ISREG(status.st_mode) and stat_identity(status) == entry.identity
        if not is_it or status.st_size > limits.file_bytes:
            return None
        data = read_up_to(descriptor, status.st_size)
        is_whole = len(data) == status.st_size and stat_identity(os.fstat(descriptor)) == entry.identity
        return data if is_whole else None
    finally:
        os.close(descriptor)


def read_up_to(descriptor: int, size: int) -> bytes:
    """At most `size` bytes; fewer only at the end of the file."""
    data = os.read(descriptor, size)
    if len(data) == size:
        return data
    parts = [data]
    while data and (size := size - len(data)) > 0:
        data = os.read(descriptor, size)
        parts.append(data)
    return b"".join(parts)


def refusal(path: str, message: str, code: str, hint: str = "") -> ManifestError:
    return ManifestError(error(message, Source(path), hint=hint, code=code))

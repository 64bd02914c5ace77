"""One scan of folders: which manifests are there, and what stands among them that cannot be one.

Folders are opened by descriptor, one below the other, never through a symbolic link, so that nobody can lead the walk
out of the folder that was named. `files` decides where to start; this module only lists and never reads a file.
"""

from __future__ import annotations

import errno
import os
import stat
import struct
from collections.abc import Iterator
from contextlib import contextmanager

from manifests.diagnostics import Diagnostic, Source, error
from manifests.entry import Entry

MANIFEST_SUFFIXES = (".yaml", ".yml", ".json")
PROJECT_FILES = frozenset({"Stigmer.yaml", "Stigmer.yml", "stigmer.yaml", "stigmer.yml"})

FOLDER_DEPTH = 64
"""Folders inside each other: each holds one descriptor while those below it are walked."""

FOLDER_FLAGS = os.O_RDONLY | os.O_DIRECTORY | os.O_NONBLOCK | os.O_CLOEXEC

_IDENTITY = struct.Struct("<4q")
STAT_MARK = b"f"
"""First byte of an identity made of a stat; git's ids of 20 or 32 bytes cannot be taken for one of 33."""


def stat_identity(status: os.stat_result) -> bytes:
    """Size, mtime, ctime and inode, packed."""
    return STAT_MARK + _IDENTITY.pack(status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino)


class Walk:
    """What one scan has found so far. `is_overlapping` says that several given paths may lead to the same file, which
    then counts once, under the first path."""

    def __init__(self, *, is_recursive: bool, is_overlapping: bool) -> None:
        self.entries: list[Entry] = []
        self.project_files: list[Entry] = []
        self.diagnostics: list[Diagnostic] = []
        self._is_recursive = is_recursive
        self._known: set[tuple[int, int]] | None = set() if is_overlapping else None
        self._manifests = 0

    def refuse(self, path: str, message: str, code: str, hint: str = "") -> None:
        self.diagnostics.append(error(message, Source(path), hint=hint, code=code))

    def refuse_error(self, path: str, caught: OSError | ValueError) -> None:
        self.refuse(path, f"cannot be read: {reason(caught)}", "unreadable")

    def add(self, path: str, name: str, status: os.stat_result) -> None:
        """A regular file."""
        is_project = name in PROJECT_FILES
        self._manifests += not is_project
        if self._known is not None:
            key = (status.st_dev, status.st_ino)
            if key in self._known:
                return
            self._known.add(key)
        if not path.isascii() and not _is_encodable(path):
            self.refuse(path, "the file's name is not valid UTF-8", "file-name")
            return
        (self.project_files if is_project else self.entries).append(Entry(path, stat_identity(status)))

    def folder(self, path: str, shown: str) -> None:
        """A folder that was named. `shown` is what users see in front of the paths of its files."""
        before = self._manifests, len(self.diagnostics)
        try:
            with opened(path, FOLDER_FLAGS) as descriptor:
                self._list(descriptor, shown, FOLDER_DEPTH)
        except OSError as caught:
            self.refuse_error(path, caught)
        if before == (self._manifests, len(self.diagnostics)):
            suffixes = ", ".join("*" + suffix for suffix in MANIFEST_SUFFIXES)
            self.refuse(path, f"no manifests in this folder ({suffixes})", "no-manifests")

    def _list(self, descriptor: int, shown: str, depth: int) -> None:
        """First the folder's files and then its folders, each sorted by name."""
        files: list[tuple[str, os.DirEntry[str]]] = []
        folders: list[str] = []
        with os.scandir(descriptor) as listing:
            for item in listing:
                name = item.name
                if name[0] == ".":
                    continue
                if item.is_dir(follow_symlinks=False):
                    folders.append(name)
                elif name.endswith(MANIFEST_SUFFIXES) or item.is_symlink():
                    files.append((name, item))
        files.sort()
        for name, item in files:
            self._met(item, shown + name)
        if self._is_recursive:
            for name in sorted(folders):
                self._descend(descriptor, name, f"{shown}{name}/", depth - 1)

    def _met(self, item: os.DirEntry[str], path: str) -> None:
        try:
            status = item.stat(follow_symlinks=False)
        except FileNotFoundError:  # deleted since it was listed
            return
        except OSError as caught:
            self.refuse_error(path, caught)
            return
        if stat.S_ISREG(status.st_mode):
            self.add(path, item.name, status)
        elif not stat.S_ISLNK(status.st_mode):
            self.refuse(path, f"{sort_of_file(status.st_mode)} is not a manifest", "not-a-file")
        elif item.name.endswith(MANIFEST_SUFFIXES) or _leads_to_folder(item):
            hint = "name the file or folder itself, or copy it here"
            self.refuse(path, "symbolic links inside a folder are not followed", "symlink", hint)

    def _descend(self, parent: int, name: str, shown: str, depth: int) -> None:
        if depth <= 0:
            self.refuse(shown, f"more than {FOLDER_DEPTH} folders inside each other", "too-deep")
            return
        try:
            with opened(name, FOLDER_FLAGS | os.O_NOFOLLOW, parent) as descriptor:
                self._list(descriptor, shown, depth)
        except FileNotFoundError:  # deleted since it was listed
            return
        except OSError as caught:
            self.refuse_error(shown, caught)


@contextmanager
def opened(path: str, flags: int, parent: int | None = None) -> Iterator[int]:
    """A descriptor of the path, relative to the folder `parent` if given."""
    descriptor = os.open(path, flags, dir_fd=parent)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def sort_of_file(mode: int) -> str:
    """What a path that is no regular file is."""
    sorts = (
        (stat.S_ISDIR, "a folder"),
        (stat.S_ISLNK, "a symbolic link"),
        (stat.S_ISFIFO, "a named pipe"),
        (stat.S_ISSOCK, "a socket"),
    )
    return next((name for is_sort, name in sorts if is_sort(mode)), "a device")


def reason(caught: OSError | ValueError) -> str:
    """The system's words for what went wrong, in lower case as the middle of a sentence."""
    if isinstance(caught, ValueError):
        return str(caught)
    if caught.errno in (errno.ELOOP, errno.EMLINK):
        return "a symbolic link is in the way"
    return (caught.strerror or str(caught)).lower()


def _leads_to_folder(item: os.DirEntry[str]) -> bool:
    try:
        return item.is_dir()
    except OSError:  # a loop or a folder we may not enter: it is not ours to follow either way
        return True


def _is_encodable(path: str) -> bool:
    try:
        path.encode()
    except UnicodeEncodeError:
        return False
    return True

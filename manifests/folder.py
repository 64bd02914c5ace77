"""A whole folder that a manifest refers to (`folder: ./pdf`): every file in it with its content, or a reason why not.

Folders are opened by descriptor, one below the other and never through a symbolic link, from the manifest's folder on:
what is read lies below it, whoever renames what meanwhile. What is neither a regular file nor a folder is refused and
not left out, because the folder would not be what it seems to be. A folder that changes while it is read is read again.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import NamedTuple

from manifests.beneath import parts_beneath
from manifests.diagnostics import ManifestError
from manifests.files import FILE_FLAGS, read_up_to, refusal
from manifests.limits import DEFAULT_FOLDER_LIMITS, MIB, FolderLimits
from manifests.walk import FOLDER_FLAGS, reason, sort_of_file, stat_identity

IGNORED_NAMES = frozenset({".git", ".hg", ".svn", ".DS_Store", "Thumbs.db", "desktop.ini", "__pycache__", ".env"})
"""Files and folders that are passed over: what version control, desktops and Python leave behind, and the file that
keeps the secrets of whoever works here."""

IGNORED_ENDS = ("~", ".swp", ".swo", ".pyc")
IGNORED_STARTS = (".#", "._")
"""Likewise backups and locks of editors, and what macOS writes beside files on foreign disks."""

_ATTEMPTS = 3
_LINK_HINT = "put the file itself there"


class FolderFile(NamedTuple):
    """One file of a folder: its path below it with forward slashes, its content, and whether its owner may run it."""

    path: str
    data: bytes
    executable: bool


def read_folder(root: str, relative: str, limits: FolderLimits = DEFAULT_FOLDER_LIMITS) -> tuple[FolderFile, ...]:
    """The files of the folder `relative` below the folder `root`, sorted by path, without those that are ignored.

    Raises ManifestError with `relative` as its path and no position: the caller knows which field named the folder. Its
    message says which file is meant."""
    parts = parts_beneath(relative)
    if not parts:
        raise refusal(relative, "this is the manifest's own folder", "not-a-folder", "name a folder below it")
    try:
        return _Reading(relative, limits).read(root, parts)
    except OSError as caught:
        raise refusal(relative, f"cannot be read: {reason(caught)}", "unreadable") from None


def is_ignored(name: str) -> bool:
    """Whether a file or folder of this name is passed over."""
    is_autosave = len(name) > 1 and name.startswith("#") and name.endswith("#")
    return name in IGNORED_NAMES or name.endswith(IGNORED_ENDS) or name.startswith(IGNORED_STARTS) or is_autosave


class _ChangedError(Exception):
    """The folder is another one than when it was listed."""


class _Reading:
    """One folder being read. `files` are those found so far, `bytes` what they hold."""

    def __init__(self, relative: str, limits: FolderLimits) -> None:
        self._relative = relative
        self._limits = limits
        self._files: list[FolderFile] = []
        self._bytes = 0

    def read(self, root: str, parts: Sequence[str]) -> tuple[FolderFile, ...]:
        with ExitStack() as stack:
            descriptor = stack.enter_context(self._opened(None, root, "the manifest's folder", FOLDER_FLAGS))
            for part in parts:
                descriptor = stack.enter_context(self._folder(descriptor, part, part))
            for _ in range(_ATTEMPTS):
                self._files, self._bytes = [], 0
                try:
                    self._list(descriptor, "", self._limits.depth)
                except _ChangedError:
                    continue
                if not self._files:
                    raise self._refusal("there are no files in this folder", "no-files")
                return tuple(sorted(self._files))
        raise self._refusal("the folder keeps changing while it is read", "changing", "run the command again")

    def _list(self, descriptor: int, shown: str, depth: int) -> None:
        """Read everything in an open folder; `shown` is its path below the first one. _ChangedError when it has
        changed by the end."""
        if depth <= 0:
            raise self._refusal(f"more than {self._limits.depth} folders inside each other", "too-deep")
        before = stat_identity(os.fstat(descriptor))
        for name in self._names(descriptor, shown):
            try:
                status = os.stat(name, dir_fd=descriptor, follow_symlinks=False)
            except FileNotFoundError:
                raise _ChangedError from None
            if stat.S_ISDIR(status.st_mode):
                with self._folder(descriptor, name, shown + name) as below:
                    self._list(below, f"{shown}{name}/", depth - 1)
            elif stat.S_ISREG(status.st_mode):
                self._read_file(descriptor, name, shown + name)
            else:
                raise self._not_packed(status.st_mode, shown + name)
        if stat_identity(os.fstat(descriptor)) != before:
            raise _ChangedError

    def _names(self, descriptor: int, shown: str) -> list[str]:
        names = []
        with os.scandir(descriptor) as listing:
            for item in listing:
                if not is_ignored(item.name):
                    names.append(item.name)
                    self._check_count(len(self._files) + len(names))
        for name in names:
            if not name.isascii() and not _is_text(name):
                raise self._refusal(f"a file's name in {shown or 'it'} is not valid UTF-8", "file-name")
        return sorted(names)

    def _read_file(self, parent: int, name: str, path: str) -> None:
        with self._opened(parent, name, path, FILE_FLAGS | os.O_NOFOLLOW) as descriptor:
            status = os.fstat(descriptor)
            if not stat.S_ISREG(status.st_mode):
                raise _ChangedError
            self._check_size(status.st_size, path)
            data = read_up_to(descriptor, status.st_size)
            if len(data) != status.st_size or stat_identity(os.fstat(descriptor)) != stat_identity(status):
                raise _ChangedError
        self._bytes += len(data)
        self._files.append(FolderFile(path, data, bool(status.st_mode & stat.S_IXUSR)))
        self._check_count(len(self._files))

    @contextmanager
    def _folder(self, parent: int, name: str, path: str) -> Iterator[int]:
        with self._opened(parent, name, path, FOLDER_FLAGS | os.O_NOFOLLOW) as descriptor:
            yield descriptor

    @contextmanager
    def _opened(self, parent: int | None, name: str, path: str, flags: int) -> Iterator[int]:
        try:
            descriptor = os.open(name, flags, dir_fd=parent)
        except OSError as caught:
            raise self._unopened(caught, parent, name, path) from None
        try:
            yield descriptor
        finally:
            os.close(descriptor)

    def _unopened(self, caught: OSError, parent: int | None, name: str, path: str) -> Exception:
        try:
            mode = os.stat(name, dir_fd=parent, follow_symlinks=parent is None).st_mode
        except OSError:
            return self._refusal(f"{path}: {reason(caught)}", "not-found") if not self._files else _ChangedError()
        if stat.S_ISLNK(mode):
            return self._not_packed(mode, path)
        return self._refusal(f"{path} cannot be read: {reason(caught)}", "unreadable")

    def _not_packed(self, mode: int, path: str) -> ManifestError:
        message = f"{path} is {sort_of_file(mode)}; only files and folders can be packed"
        return self._refusal(message, "not-a-file", _LINK_HINT if stat.S_ISLNK(mode) else "")

    def _check_count(self, count: int) -> None:
        if count > self._limits.files:
            raise self._refusal(f"more than {self._limits.files:,} files", "too-many-files")

    def _check_size(self, size: int, path: str) -> None:
        if size > self._limits.file_bytes:
            raise self._refusal(f"{path} is larger than {self._limits.file_bytes / MIB:g} MiB", "file-too-large")
        if self._bytes + size > self._limits.total_bytes:
            raise self._refusal(f"the files have more than {self._limits.total_bytes / MIB:g} MiB in all", "too-large")

    def _refusal(self, message: str, code: str, hint: str = "") -> ManifestError:
        return refusal(self._relative, message, code, hint)


def _is_text(name: str) -> bool:
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True

"""A folder that files are put into: whole or not at all, and never anywhere else.

Paths below it are opened part by part and no symbolic link is followed, so that nothing planted in the folder leads a
write out of it. The folder itself may be a link: naming it was the decision.
"""

from __future__ import annotations

import errno
import os
import re
import secrets
import stat
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, Self, final

from stigmer.errors import FailedPrecondition

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_IN_THE_WAY = (errno.ELOOP, errno.ENOTDIR, errno.EMLINK)
_UNFINISHED = re.compile(r"\.stigmer-[0-9a-f]{16}\.tmp").fullmatch


class Item(NamedTuple):
    """One name in a folder. What is neither is a link or something special."""

    name: str
    is_file: bool
    is_folder: bool


@final
class Folder:
    """Paths are relative, with `/` between their parts. OSError carries the whole path; FailedPrecondition says that
    something is in the way that is not to be written through."""

    def __init__(self, path: Path) -> None:
        """Makes the folder, and those above it, unless they exist."""
        self.path = path
        try:
            path.mkdir(parents=True, exist_ok=True)
            self._root = os.open(path, _FOLDER)
        except (FileExistsError, NotADirectoryError) as error:
            raise FailedPrecondition(f"{path} is not a folder", reason="NOT_A_FOLDER") from error

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        os.close(self._root)

    def write(self, path: str, data: bytes, *, executable: bool | None = None) -> bool:
        """Makes the file hold `data`; a file that does already is left alone. Returns whether it was written. Whether
        it may be executed stays as it is, unless that is said."""
        with self._parent(path, make=True) as (parent, name):
            status = _status(parent, name)
            if status is not None:
                if not stat.S_ISREG(status.st_mode):
                    raise self._in_the_way(path)
                is_same_mode = executable in (None, bool(status.st_mode & stat.S_IXUSR))
                if is_same_mode and status.st_size == len(data) and _content(parent, name, len(data)) == data:
                    return False
            _replace(parent, name, data, None if status is None else stat.S_IMODE(status.st_mode), executable)
            return True

    def read(self, path: str, most: int) -> bytes | None:
        """The content of a regular file of at most `most` bytes; None for anything else."""
        with self._parent(path) as (parent, name):
            status = _status(parent, name)
            if status is None or not stat.S_ISREG(status.st_mode) or status.st_size > most:
                return None
            return _content(parent, name, most)

    def remove(self, path: str) -> None:
        """Removes a file, and then the folders it leaves empty."""
        with self._parent(path) as (parent, name):
            os.unlink(name, dir_fd=parent)
        while "/" in path:
            path = path.rpartition("/")[0]
            with self._parent(path) as (parent, name):
                try:
                    os.rmdir(name, dir_fd=parent)
                except OSError as error:
                    if error.errno in (errno.ENOTEMPTY, errno.EEXIST):
                        return
                    raise

    def items(self, path: str) -> list[Item]:
        """What lies in a folder, by name; nothing for one that does not exist, or is behind a link."""
        try:
            with self._parent(f"{path}/.") as (parent, _), os.scandir(parent) as found:
                listed = [
                    Item(each.name, each.is_file(follow_symlinks=False), each.is_dir(follow_symlinks=False))
                    for each in found
                ]
        except (FileNotFoundError, FailedPrecondition):
            return []
        return sorted(listed)

    @contextmanager
    def _parent(self, path: str, *, make: bool = False) -> Iterator[tuple[int, str]]:
        """The folder that a path lies in, opened, and the path's last part."""
        *above, name = path.split("/")
        with ExitStack() as stack:
            try:
                parent = self._root
                for part in above:
                    if make:
                        with suppress(FileExistsError):
                            os.mkdir(part, dir_fd=parent)
                    parent = os.open(part, _FOLDER | os.O_NOFOLLOW, dir_fd=parent)
                    stack.callback(os.close, parent)
                yield parent, name
            except OSError as error:
                if error.errno in _IN_THE_WAY:
                    raise self._in_the_way(path) from error
                error.filename = str(self.path / path)
                raise

    def _in_the_way(self, path: str) -> FailedPrecondition:
        return FailedPrecondition(
            f"{self.path / path} cannot be written: something else than a file or folder is in the way",
            hint="links are not followed; remove what is there, or choose another folder",
            reason="IN_THE_WAY",
        )


def is_unfinished(name: str) -> bool:
    """Whether a file is what a write left behind that was killed."""
    return _UNFINISHED(name) is not None


def _status(parent: int, name: str) -> os.stat_result | None:
    try:
        return os.stat(name, dir_fd=parent, follow_symlinks=False)
    except FileNotFoundError:
        return None


def _content(parent: int, name: str, most: int) -> bytes:
    with os.fdopen(os.open(name, _FILE, dir_fd=parent), "rb", buffering=0) as file:
        return b"".join(iter(lambda: file.read(most), b""))


def _replace(parent: int, name: str, data: bytes, mode: int | None, executable: bool | None) -> None:
    """Writes a file of another name and renames it. The permissions of the file it replaces stay, but for `executable`:
    who may read it may then execute it, or nobody."""
    unfinished = f".stigmer-{secrets.token_hex(8)}.tmp"
    try:
        with os.fdopen(os.open(unfinished, _NEW, 0o777 if executable else 0o666, dir_fd=parent), "wb") as file:
            file.write(data)
            if mode is not None:
                run = (mode & 0o444) >> 2 if executable else mode & 0o111 if executable is None else 0
                os.fchmod(file.fileno(), mode & ~0o111 | run)
        os.replace(unfinished, name, src_dir_fd=parent, dst_dir_fd=parent)
    except BaseException:
        with suppress(OSError):
            os.unlink(unfinished, dir_fd=parent)
        raise

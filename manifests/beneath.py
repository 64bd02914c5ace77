"""Files that a manifest refers to (`file: prompts/a.md`), opened beneath the folder of that manifest and nowhere else.

A manifest may come from somebody else: its paths must not reach a private key through `..`, an absolute path or a
planted link. Linux checks that itself while it resolves the path (`openat2`); elsewhere the path is opened part by part
and no symbolic link is followed at all.
"""

from __future__ import annotations

import errno
import os
import stat
import struct
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from manifests.files import FILE_FLAGS, read_up_to, refusal
from manifests.walk import FOLDER_FLAGS, opened, reason, sort_of_file

_SYS_OPENAT2 = 437  # one number on every architecture
_RESOLVE_NO_MAGICLINKS = 0x02
_RESOLVE_BENEATH = 0x08
_OPEN_HOW = struct.Struct("@QQQ")
_ATTEMPTS = 8  # the kernel answers EAGAIN when a folder on the way is renamed meanwhile
_NOT_AVAILABLE = (errno.ENOSYS, errno.EPERM, errno.EINVAL, errno.E2BIG)
_ESCAPES = (errno.EXDEV, errno.ELOOP, errno.EMLINK)


def read_beneath(root: str, relative: str, max_bytes: int) -> bytes:
    """The content of the regular file `relative` in the folder `root`, at most `max_bytes`.

    Raises ManifestError, with `relative` as its path and no position: the caller knows which field named the file.
    """
    parts = _file_parts(relative)
    try:
        with opened(root, FOLDER_FLAGS) as folder, _beneath(folder, relative, parts) as descriptor:
            return _content(descriptor, relative, max_bytes)
    except OSError as caught:
        if caught.errno in _ESCAPES:
            raise refusal(relative, "the path leads out of its folder", "path-escape", _HINT) from None
        raise refusal(relative, f"cannot be read: {reason(caught)}", "unreadable") from None


_HINT = "refer to a file in the manifest's folder, not through links"


def parts_beneath(relative: str) -> list[str]:
    """The path's folders and name with `.` and `..` resolved. Raises ManifestError where they leave the root."""
    parts: list[str] = []
    is_outside = relative.startswith("/") or "\0" in relative
    for part in relative.split("/"):
        if part == "..":
            is_outside = is_outside or not parts
            del parts[-1:]
        elif part not in ("", "."):
            parts.append(part)
    if is_outside:
        raise refusal(relative, "the path leads out of its folder", "path-escape", _HINT)
    return parts


def _file_parts(relative: str) -> list[str]:
    parts = parts_beneath(relative)
    if not parts or relative.endswith("/"):
        raise refusal(relative, "the path names no file", "not-a-file")
    return parts


@contextmanager
def _beneath(folder: int, relative: str, parts: list[str]) -> Iterator[int]:
    with ExitStack() as stack:
        descriptor = _openat2(folder, relative)
        if descriptor is not None:
            stack.callback(os.close, descriptor)
            yield descriptor
            return
        for part in parts[:-1]:
            folder = stack.enter_context(opened(part, FOLDER_FLAGS | os.O_NOFOLLOW, folder))
        yield stack.enter_context(opened(parts[-1], FILE_FLAGS | os.O_NOFOLLOW, folder))


def _openat2(folder: int, relative: str) -> int | None:
    """A descriptor, or None where the system has no such call. Raises OSError."""
    if not sys.platform.startswith("linux"):
        return None
    import ctypes  # noqa: PLC0415 - 4 ms, and few manifests refer to files

    libc = ctypes.CDLL(None, use_errno=True)
    how = _OPEN_HOW.pack(FILE_FLAGS, 0, _RESOLVE_BENEATH | _RESOLVE_NO_MAGICLINKS)
    path = os.fsencode(relative)
    code = errno.EAGAIN
    for _ in range(_ATTEMPTS):
        result = libc.syscall(ctypes.c_long(_SYS_OPENAT2), ctypes.c_int(folder), path, how, ctypes.c_size_t(len(how)))
        if result >= 0:
            return int(result)
        code = ctypes.get_errno()
        if code != errno.EAGAIN:
            break
    if code in _NOT_AVAILABLE:
        return None
    raise OSError(code, os.strerror(code), relative)


def _content(descriptor: int, relative: str, max_bytes: int) -> bytes:
    status = os.fstat(descriptor)
    if not stat.S_ISREG(status.st_mode):
        raise refusal(relative, f"{sort_of_file(status.st_mode)} cannot be used here", "not-a-file")
    data = read_up_to(descriptor, max_bytes + 1)
    if len(data) > max_bytes:
        raise refusal(relative, f"the file is larger than {max_bytes:,} bytes", "file-too-large")
    return data

"""Where the daemon listens: a unix socket in the data directory, or, where that path is too long or unusual for a
socket address, one in a private runtime folder. Only the holder of the data directory's lock may call these."""

from __future__ import annotations

import hashlib
import os
import re
import stat
import sys
import tempfile
from pathlib import Path

import platformdirs

from stigmer.errors import Unavailable

SOCKET_NAME = "daemon.sock"
SOCKET_MODE = 0o600
FOLDER_MODE = 0o700

MAX_SOCKET_PATH_BYTES = (108 if sys.platform == "linux" else 104) - 1
"""sockaddr_un.sun_path of the platform, without the terminating NUL."""

_NAME_BYTES = 10
_ADDRESSABLE = re.compile(r"[A-Za-z0-9_./@+,=-]+").fullmatch
"""gRPC reads "unix:PATH" as a URI, in which other characters would have to be escaped by every client."""


def socket_path(data_dir: Path) -> Path:
    """The path to listen on. Unavailable when no folder is both private and short enough."""
    direct = data_dir / SOCKET_NAME
    if is_addressable(direct):
        return direct
    name = hashlib.sha256(os.fsencode(data_dir.resolve())).hexdigest()[: 2 * _NAME_BYTES] + ".sock"
    for folder in _runtime_folders():
        path = folder / name
        if is_addressable(path) and _is_private(folder):
            return path
    raise Unavailable(
        f"the path {direct} is too long for a socket, and there is no private runtime folder for a shorter one",
        hint="choose a data directory with a shorter path, or set XDG_RUNTIME_DIR",
    )


def is_addressable(path: Path) -> bool:
    return len(os.fsencode(path)) <= MAX_SOCKET_PATH_BYTES and _ADDRESSABLE(str(path)) is not None


def is_present(path: str) -> bool:
    return Path(path).exists()


def remove_stale(path: Path) -> None:
    """Remove what a killed daemon left. Nobody listens there: the lock is ours."""
    path.unlink(missing_ok=True)


def restrict(path: Path) -> None:
    """Make a bound socket its owner's. The umask has kept others out since it was bound."""
    path.chmod(SOCKET_MODE)


def _runtime_folders() -> list[Path]:
    runtime = Path(platformdirs.user_runtime_dir("stigmer", appauthor=False))
    return [runtime, *(Path(root) / f"stigmer-{os.geteuid()}" for root in (tempfile.gettempdir(), "/tmp"))]  # noqa: S108 -- ownership and mode are verified


def _is_private(folder: Path) -> bool:
    """Make the folder if need be; True when it is a real folder of ours that nobody else can enter. A folder of that
    name in a shared directory may be somebody's trap."""
    try:
        folder.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
        found = folder.lstat()
    except OSError:
        return False
    return stat.S_ISDIR(found.st_mode) and found.st_uid == os.geteuid() and not found.st_mode & 0o077

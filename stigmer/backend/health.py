"""What can be said of a local backend's surroundings: its configuration, its folders, their disk, its logs. Nothing is
changed and no daemon started. The daemon and the store are for `health_daemon`."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from stigmer.backend import config_file
from stigmer.backend.config import Config
from stigmer.backend.daemon import LOG_FOLDER

Status = Literal["ok", "warning", "error"]

LOW_BYTES = 256 << 20
"""With less room than this, an apply or a backup may soon find the disk full."""

NO_BYTES = 8 << 20
"""With less than this, the store cannot be relied on to take a write."""

LOW_INODES = 1_000

MANY_LOG_BYTES = 64 << 20
"""Logs are rotated well below this."""

NETWORK_FILE_SYSTEMS = frozenset(
    {"nfs", "nfs4", "cifs", "smb3", "smbfs", "afs", "ncpfs", "ceph", "glusterfs", "lustre", "gpfs", "beegfs",
     "orangefs", "fuse.sshfs", "fuse.glusterfs", "fuse.s3fs", "fuse.rclone", "fuse.ceph"}
)  # fmt: skip
"""Names of file systems on which neither the lock nor the memory map can be relied on."""

_OTHERS = stat.S_IRWXG | stat.S_IRWXO
_OTHERS_WRITE = stat.S_IWGRP | stat.S_IWOTH


@dataclass(frozen=True, slots=True)
class Check:
    """One finding. `hint` says what to do about it; `details` are further sentences. Never holds a secret."""

    name: str
    status: Status
    message: str
    hint: str = ""
    details: tuple[str, ...] = ()


def check_configuration(config: Config) -> Iterator[Check]:
    """The file, which has been read already: whoever has a `Config` knows that it is valid."""
    name, file = "configuration", config.file
    if not file.exists():
        yield Check(name, "ok", f"there is no {file}: defaults, flags and the environment count")
        return
    mode = stat.S_IMODE(file.stat().st_mode)
    if not config_file.is_exposed(file):
        yield Check(name, "ok", f"{file} is valid")
        return
    holds_token = "backend.cloud.token" in config_file.read(file)
    yield Check(
        name,
        "error" if holds_token else "warning",
        f"{file} has mode {mode:04o}: others can read " + ("the token in it" if holds_token else "it"),
        f"chmod 600 {file}",
    )


def check_folders(config: Config) -> Iterator[Check]:
    """Home and data folder, and the disk below the latter."""
    yield _folder("home", config.home, _OTHERS_WRITE, "others can write to it", "go-w")
    found = _folder("data directory", config.data_dir, _OTHERS, "others can look into it", "700")
    yield found
    if found.status != "error":
        place = _nearest(config.data_dir)
        yield _disk(place)
        yield _file_system(place)


def check_logs(config: Config) -> Iterator[Check]:
    folder = config.data_dir / LOG_FOLDER
    if not folder.is_dir():
        return
    size = sum(path.stat().st_size for path in folder.iterdir() if path.is_file())
    many = size > MANY_LOG_BYTES
    yield Check(
        "logs",
        "warning" if many else "ok",
        f"{size / 1e6:,.1f} MB in {folder}",
        "remove the older files: the daemon rotates its own" if many else "",
    )


def _folder(name: str, folder: Path, forbidden: int, complaint: str, mode: str) -> Check:
    try:
        found = folder.stat()
    except FileNotFoundError:
        return Check(name, "ok", f"{folder} is not there yet: the first start makes it")
    except OSError as error:
        return Check(name, "error", f"{folder} cannot be looked at: {error.strerror}", _elsewhere(name))
    fault = _fault_of(folder, found)
    if fault:
        return Check(name, "error", f"{folder} {fault}", _elsewhere(name))
    text = f"{folder}, mode {stat.S_IMODE(found.st_mode):04o}"
    if found.st_mode & forbidden:
        return Check(name, "warning", f"{text}: {complaint}", f"chmod {mode} {folder}")
    return Check(name, "ok", text)


def _fault_of(folder: Path, found: os.stat_result) -> str:
    if not stat.S_ISDIR(found.st_mode):
        return "is not a folder"
    if found.st_uid != os.geteuid():
        return f"belongs to user {found.st_uid}, not to you"
    return "" if os.access(folder, os.R_OK | os.W_OK | os.X_OK) else "cannot be written to"


def _elsewhere(name: str) -> str:
    setting = "STIGMER_HOME" if name == "home" else "backend.local.data_dir"
    return f"make it a folder of your own, or choose another one with {setting}"


def _disk(place: Path) -> Check:
    disk = os.statvfs(place)
    free = disk.f_bavail * disk.f_frsize
    text = f"{free / 1e6:,.0f} MB free"
    if disk.f_files:
        text += f", {disk.f_favail:,} inodes"
    if free < NO_BYTES or (disk.f_files and not disk.f_favail):
        return Check("disk", "error", text, f"free space on the disk of {place}: writes fail until then")
    if free < LOW_BYTES or (disk.f_files and disk.f_favail < LOW_INODES):
        return Check("disk", "warning", text, f"free space on the disk of {place}")
    return Check("disk", "ok", text)


def _file_system(place: Path) -> Check:
    kind = file_system_of(place)
    if kind in NETWORK_FILE_SYSTEMS:
        return Check(
            "file system",
            "error",
            f"{place} is on {kind}: locks and memory maps cannot be relied on there",
            "move the data to a local disk: stigmer local backup, then restore with --data-dir DIR",
        )
    return Check("file system", "ok", kind or "cannot be told on this system")


def file_system_of(place: Path, table: Path = Path("/proc/self/mountinfo")) -> str:
    """The name of the file system that holds a path; "" where the system does not tell."""
    try:
        lines = table.read_text(encoding="utf-8", errors="surrogateescape").splitlines()
    except OSError:
        return ""
    best = kind = ""
    where = str(place.resolve())
    for line in lines:
        before, _, after = line.partition(" - ")
        fields = before.split()
        mount = fields[4].encode(errors="surrogateescape").decode("unicode_escape") if len(fields) > 4 else ""
        inside = where == mount or where.startswith(mount.rstrip("/") + "/")
        if mount and inside and len(mount) >= len(best):  # the last of several mounts of one name is on top
            best, kind = mount, after.split()[0]
    return kind


def _nearest(folder: Path) -> Path:
    """The folder, or the one above that is there."""
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    return folder

"""The end of a log file, and what is added to it, across rotations."""

from __future__ import annotations

import os
import time
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import BinaryIO

from stigmer.errors import FailedPrecondition, NotFound

BLOCK_BYTES = 64 * 1024

POLL_S = 0.2
"""Pause between two looks at a file that is followed."""

MAX_LINE_BYTES = 1024 * 1024
"""A followed line that grows longer than this is given out in parts."""


def tail(path: Path, lines: int, *, follow: bool = False) -> Iterator[str]:
    """The last `lines` lines, oldest first; then new ones without end, if asked for. NotFound without a file."""
    file = _open(path)
    _seek_last(file, lines)
    return _follow(path, file) if follow else _once(file)


def _open(path: Path) -> BinaryIO:
    try:
        return path.open("rb")
    except FileNotFoundError as error:
        raise NotFound(f"there is no log at {path}", hint="the daemon of this data folder has not run yet") from error
    except OSError as error:
        raise FailedPrecondition(f"cannot read {path}: {error.strerror}") from error


def _once(file: BinaryIO) -> Iterator[str]:
    with file:
        for line in file:
            yield _text(line)


def _seek_last(file: BinaryIO, lines: int) -> None:
    """Puts the file at the start of its last `lines` lines, reading backwards in blocks."""
    at = file.seek(0, os.SEEK_END)
    if lines <= 0:
        return
    wanted = lines + 1  # the line end before the first wanted line; a last line without an end counts as one more
    if at and not _ends_line(file, at):
        wanted -= 1
    while at > 0:
        start = max(0, at - BLOCK_BYTES)
        file.seek(start)
        block = file.read(at - start)
        end = len(block)
        while (end := block.rfind(b"\n", 0, end)) >= 0:
            wanted -= 1
            if wanted == 0:
                file.seek(start + end + 1)
                return
        at = start
    file.seek(0)


def _ends_line(file: BinaryIO, size: int) -> bool:
    file.seek(size - 1)
    return file.read(1) == b"\n"


def _follow(path: Path, file: BinaryIO) -> Iterator[str]:
    try:
        while True:
            rest = yield from _until_replaced(path, file)
            if rest:
                yield _text(rest)
            file.close()
            file = _open(path)
    finally:
        file.close()


def _until_replaced(path: Path, file: BinaryIO) -> Generator[str, None, bytes]:
    """The whole lines of the file as they come, until another one has its place; returns what is no whole line."""
    rest = b""
    while True:
        # Looked at before reading: what was written until then is read below, and nothing comes after it.
        replaced = _replaced(path, file)
        while data := file.read(BLOCK_BYTES):
            *whole, rest = (rest + data).split(b"\n")
            yield from map(_text, whole)
            if len(rest) > MAX_LINE_BYTES:
                yield _text(rest)
                rest = b""
        if replaced:
            return rest
        time.sleep(POLL_S)


def _replaced(path: Path, file: BinaryIO) -> bool:
    """Whether the path names another file by now, or this one was cut off."""
    try:
        now = path.stat()
    except OSError:
        return False
    opened = os.fstat(file.fileno())
    return (now.st_ino, now.st_dev) != (opened.st_ino, opened.st_dev) or now.st_size < file.tell()


def _text(line: bytes) -> str:
    return line.decode("utf-8", errors="replace").rstrip("\r\n")

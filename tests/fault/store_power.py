"""A disk that loses power: what a process wrote to one file, as strace saw it, and the states it may be found in.

The model is that of a disk with a volatile cache. What was synced is there. Of the rest any sectors may be, in any
order: a write can be lost, torn between sectors, or overtaken by later ones.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

SECTOR = 512
CALLS = "openat,close,lseek,write,pwrite64,writev,pwritev,pwritev2,fsync,fdatasync,msync,sync_file_range,ftruncate,mmap"

_CALL = re.compile(r"^(\d+) +(\w+)\((.*)\) += (-?\d+|0x[0-9a-f]+)", re.DOTALL)
_UNFINISHED = re.compile(r"^(\d+) +(\w+)\((.*) <unfinished \.\.\.>$")
_RESUMED = re.compile(r"^(\d+) +<\.\.\. (\w+) resumed>(.*)$")
_STRING = re.compile(r'"((?:\\x[0-9a-f]{2})*)"')


@dataclass(frozen=True)
class Write:
    """Bytes that reached the file's cache; `durable` when the call returned only after they reached the disk."""

    offset: int
    data: bytes
    durable: bool


@dataclass(frozen=True)
class Sync:
    """Everything written before is on the disk."""


@dataclass(frozen=True)
class Said:
    """A line on standard output."""

    line: str


Event = Write | Sync | Said


@dataclass
class _Open:
    """An open descriptor of the file."""

    durable: bool
    position: int = 0


def strace(log: Path) -> list[str]:
    return ["strace", "-f", "-qq", "-xx", "-s", "1000000", "-o", str(log), "-e", f"trace={CALLS}"]


def read_log(log: Path, file: Path) -> list[Event]:
    """What happened to `file` and on standard output, in order. AssertionError for what the model does not cover."""
    events: list[Event] = []
    descriptors: dict[int, _Open] = {}
    for call, arguments, result in _calls(log.read_text().splitlines()):
        if result >= 0:
            events += _event(call, arguments, result, descriptors, str(file).encode())
    return events


def crash(before: bytes, events: list[Event], chance: random.Random) -> tuple[bytes, list[str]]:
    """The file after a loss of power at a random moment, and what had been said by then."""
    moment = chance.randrange(len(events) + 1)
    past = events[:moment]
    synced = max((number for number, event in enumerate(past) if isinstance(event, Sync)), default=-1)
    image = bytearray(before)
    pending: list[tuple[int, bytes]] = []
    for number, event in enumerate(events[: moment + 1]):
        if isinstance(event, Write):
            if number < synced or (event.durable and number < moment):
                pending = [piece for piece in pending if not _within(piece, event)] if event.durable else pending
                _put(image, event.offset, event.data)
            else:
                pending += _sectors(event)
    landing = chance.choice((0.1, 0.5, 0.9, 1.0))
    chance.shuffle(pending)
    for offset, data in pending:
        if chance.random() < landing:
            _put(image, offset, data)
    return bytes(image), [event.line for event in past if isinstance(event, Said)]


def _calls(lines: Iterable[str]) -> Iterator[tuple[str, str, int]]:
    """(name, arguments, result) of each call, at the moment it returned."""
    waiting: dict[str, str] = {}
    for line in lines:
        if started := _UNFINISHED.match(line):
            waiting[started[1]] = started[3]
            continue
        if resumed := _RESUMED.match(line):
            text = f"{resumed[1]} {resumed[2]}({waiting.pop(resumed[1])}{resumed[3]}"
        else:
            text = line
        if found := _CALL.match(text):
            yield found[2], found[3], int(found[4], 0)


def _event(call: str, text: str, result: int, descriptors: dict[int, _Open], path: bytes) -> list[Event]:
    if call == "openat":
        if _bytes(text) == path:
            descriptors[result] = _Open(durable="O_DSYNC" in text or "O_SYNC" in text)
        return []
    words = text.split(", ")
    number = int(words[4 if call == "mmap" else 0]) if words[4 if call == "mmap" else 0].lstrip("-").isdigit() else -1
    if call == "write" and number == 1:
        return [Said(_bytes(text).decode())]
    file = descriptors.get(number)
    if file is None:
        return []
    if call == "mmap":
        assert "PROT_WRITE" not in text, "the file is written through a map, which strace cannot see"
    elif call == "close":
        del descriptors[number]
    elif call == "lseek":
        file.position = result
    elif call in ("fsync", "fdatasync"):
        return [Sync()]
    elif call in ("write", "writev", "pwrite64"):
        assert "MSG" not in text
        data = _bytes(text)[:result]
        offset = int(words[-1]) if call == "pwrite64" else file.position
        file.position += 0 if call == "pwrite64" else result
        return [Write(offset, data, file.durable)]
    else:
        raise AssertionError(f"the model does not know {call}")
    return []


def _bytes(text: str) -> bytes:
    """All strings of a call, one after the other."""
    return b"".join(bytes.fromhex(found.replace("\\x", "")) for found in _STRING.findall(text))


def _sectors(event: Write) -> Iterator[tuple[int, bytes]]:
    start, end = event.offset, event.offset + len(event.data)
    while start < end:
        stop = min(end, (start // SECTOR + 1) * SECTOR)
        yield start, event.data[start - event.offset : stop - event.offset]
        start = stop


def _within(piece: tuple[int, bytes], event: Write) -> bool:
    """Whether a pending piece was overwritten by a write that is already durable."""
    return event.offset <= piece[0] and piece[0] + len(piece[1]) <= event.offset + len(event.data)


def _put(image: bytearray, offset: int, data: bytes) -> None:
    if len(image) < offset:
        image.extend(bytes(offset - len(image)))
    image[offset : offset + len(data)] = data

"""A disk that loses power: what a process did to the files of a folder, as strace saw it, and the states they may be
found in.

The model is that of a disk with a volatile cache. What was synced is there. Of the rest any sectors may be, in any
order: a write can be lost, torn between sectors, or overtaken by later ones. Names appear and vanish in order, and for
certain only once the folder was synced.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

SECTOR = 512
CALLS = (
    "openat,close,lseek,write,pwrite64,writev,pwritev,pwritev2,fsync,fdatasync,msync,sync_file_range,ftruncate,"
    "fallocate,mmap,unlink,unlinkat,rename,renameat,renameat2"
)

_CALL = re.compile(r"^(\d+) +(\w+)\((.*)\) += (-?\d+|0x[0-9a-f]+)", re.DOTALL)
_UNFINISHED = re.compile(r"^(\d+) +(\w+)\((.*) <unfinished \.\.\.>$")
_RESUMED = re.compile(r"^(\d+) +<\.\.\. (\w+) resumed>(.*)$")
_STRING = re.compile(r'"((?:\\x[0-9a-f]{2})*)"')

Image = dict[str, bytes]
"""The files of a folder by name."""


@dataclass(frozen=True)
class Write:
    """Bytes that reached a file's cache; `durable` when the call returned only after they reached the disk."""

    file: str
    offset: int
    data: bytes
    durable: bool


@dataclass(frozen=True)
class Cut:
    """A file was given a size."""

    file: str
    size: int


@dataclass(frozen=True)
class Made:
    """A name appeared."""

    file: str


@dataclass(frozen=True)
class Gone:
    """A name vanished."""

    file: str


@dataclass(frozen=True)
class Sync:
    """Everything done before to a file, or to the names of the folder (""), is on the disk."""

    file: str


@dataclass(frozen=True)
class Said:
    """A line on standard output."""

    line: str


Event = Write | Cut | Made | Gone | Sync | Said


@dataclass
class _Open:
    """An open descriptor of a file, or of the folder ("")."""

    file: str
    durable: bool
    position: int = 0


@dataclass
class _Content:
    """A file on the disk, and what is on its way there: sectors between cuts, in order."""

    image: bytearray
    pending: list[list[tuple[int, bytes]] | int] = field(default_factory=list)

    def write(self, event: Write, *, arrived: bool) -> None:
        if arrived and event.durable:
            for run in self.pending:
                if isinstance(run, list):
                    run[:] = [piece for piece in run if not _within(piece, event)]
            _put(self.image, event.offset, event.data)
            return
        if not self.pending or isinstance(self.pending[-1], int):
            self.pending.append([])
        run = self.pending[-1]
        assert isinstance(run, list)
        run += _sectors(event)

    def settle(self, chance: random.Random | None = None) -> bytearray:
        """Bring to the disk what is on its way: all of it, or whatever chance wants."""
        landing = 1.0 if chance is None else chance.choice((0.1, 0.5, 0.9, 1.0))
        for run in self.pending:
            if isinstance(run, int):
                if chance is None or chance.random() < landing:
                    _cut(self.image, run)
                continue
            if chance is not None:
                chance.shuffle(run)
            for offset, data in run:
                if chance is None or chance.random() < landing:
                    _put(self.image, offset, data)
        self.pending.clear()
        return self.image


class _Folder:
    """The files of a folder while events happen to them."""

    def __init__(self, before: Mapping[str, bytes]) -> None:
        self.names = {name: _Content(bytearray(data)) for name, data in before.items()}
        self._kept = dict(self.names)
        self._changes: list[tuple[str, _Content | None]] = []

    def happen(self, event: Event, *, arrived: bool = True) -> None:
        """`arrived` is False for what was under way when the power went."""
        if isinstance(event, Write):
            self.names[event.file].write(event, arrived=arrived)
        elif not arrived or isinstance(event, Said):
            return
        elif isinstance(event, Cut):
            self.names[event.file].pending.append(event.size)
        elif isinstance(event, Made):
            self._change(event.file, _Content(bytearray()))
        elif isinstance(event, Gone):
            self._change(event.file, None)
        elif event.file:
            self.names[event.file].settle()
        else:
            self._keep(len(self._changes))

    def end(self, chance: random.Random | None = None) -> Image:
        """What is there afterwards: everything, or what chance leaves after a loss of power."""
        self._keep(len(self._changes) if chance is None else chance.randint(0, len(self._changes)))
        return {name: bytes(content.settle(chance)) for name, content in self._kept.items()}

    def _change(self, name: str, content: _Content | None) -> None:
        self._changes.append((name, content))
        if content is None:
            del self.names[name]
        else:
            self.names[name] = content

    def _keep(self, count: int) -> None:
        for name, content in self._changes[:count]:
            if content is None:
                self._kept.pop(name, None)
            else:
                self._kept[name] = content
        del self._changes[:count]


def strace(log: Path) -> list[str]:
    return ["strace", "-f", "-qq", "-xx", "-s", "1000000", "-o", str(log), "-e", f"trace={CALLS}"]


def read_log(log: Path, folder: Path, names: Iterable[str], present: Iterable[str]) -> list[Event]:
    """What happened to the files `names` of a folder and on standard output, in order. `present` are those that are
    there at the beginning. AssertionError for what the model does not cover."""
    reader = _Reader(folder, set(names), set(present))
    for call, arguments, result in _calls(log.read_text().splitlines()):
        if result >= 0:
            reader.take(call, arguments, result)
    return reader.events


def replay(before: Mapping[str, bytes], events: Iterable[Event]) -> Image:
    """The files after everything that happened."""
    folder = _Folder(before)
    for event in events:
        folder.happen(event)
    return folder.end()


def crash(before: Mapping[str, bytes], events: list[Event], chance: random.Random) -> tuple[Image, list[str]]:
    """The files after a loss of power at a random moment, and what had been said by then."""
    moment = chance.randrange(len(events) + 1)
    folder = _Folder(before)
    for event in events[:moment]:
        folder.happen(event)
    for event in events[moment : moment + 1]:
        folder.happen(event, arrived=False)
    return folder.end(chance), [event.line for event in events[:moment] if isinstance(event, Said)]


class _Reader:
    """Makes events of system calls."""

    def __init__(self, folder: Path, names: set[str], present: set[str]) -> None:
        self.events: list[Event] = []
        self._folder = folder
        self._names = names
        self._present = present
        self._descriptors: dict[int, _Open] = {}

    def take(self, call: str, text: str, result: int) -> None:
        if call == "openat":
            self._open(text, result)
        elif call.startswith(("unlink", "rename")):
            self._unname(call, text)
        else:
            self._use(call, text, result)

    def _open(self, text: str, result: int) -> None:
        path = Path(_bytes(text).decode(errors="replace"))
        self._descriptors.pop(result, None)
        if path == self._folder:
            self._descriptors[result] = _Open("", durable=False)
        elif path.parent == self._folder and path.name in self._names:
            self._descriptors[result] = _Open(path.name, durable="O_DSYNC" in text or "O_SYNC" in text)
            assert "O_TRUNC" not in text
            if path.name not in self._present:
                self._present.add(path.name)
                self.events.append(Made(path.name))

    def _unname(self, call: str, text: str) -> None:
        path = Path(_bytes(text).decode(errors="replace"))
        if path.parent == self._folder and path.name in self._names:
            assert call.startswith("unlink"), "the model does not know renaming"
            self._present.remove(path.name)
            self.events.append(Gone(path.name))

    def _use(self, call: str, text: str, result: int) -> None:
        words = text.split(", ")
        word = words[4 if call == "mmap" else 0]
        number = int(word) if word.lstrip("-").isdigit() else -1
        if call == "write" and number == 1:
            self.events.append(Said(_bytes(text).decode()))
        elif number in self._descriptors:
            self._use_file(call, text, words, result, number)

    def _use_file(self, call: str, text: str, words: list[str], result: int, number: int) -> None:
        file = self._descriptors[number]
        if call == "mmap":
            assert "PROT_WRITE" not in text, "the file is written through a map, which strace cannot see"
        elif call == "close":
            del self._descriptors[number]
        elif call == "lseek":
            file.position = result
        elif call in ("fsync", "fdatasync"):
            self.events.append(Sync(file.file))
        elif call == "ftruncate":
            self.events.append(Cut(file.file, int(words[1])))
        elif call in ("write", "writev", "pwrite64"):
            offset = int(words[-1]) if call == "pwrite64" else file.position
            file.position += 0 if call == "pwrite64" else result
            self.events.append(Write(file.file, offset, _bytes(text)[:result], file.durable))
        else:
            raise AssertionError(f"the model does not know {call}")


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


def _cut(image: bytearray, size: int) -> None:
    if len(image) < size:
        image.extend(bytes(size - len(image)))
    del image[size:]

"""Archives that must be refused, each with a word that the refusal says; made byte by byte where no tool makes them."""

from __future__ import annotations

import io
import os
import stat
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cache
from struct import Struct
from typing import Any

LOCAL = Struct("<4s5H3L2H")
CENTRAL = Struct("<4s6H3L5H2L")
END = Struct("<4s4H2LH")
UTF8, DESCRIPTOR = 0x800, 0x8
FILE = stat.S_IFREG | 0o644


@dataclass
class Member:
    """One entry. `central` and `local` override fields of the two headers; `at` is where its header is said to be."""

    name: bytes = b"SKILL.md"
    content: bytes = b"# A skill\n"
    method: int = 0
    flags: int = UTF8
    mode: int = FILE
    dos: int = 0
    extra: bytes = b""
    after: bytes = b""
    central: dict[str, Any] = field(default_factory=dict)
    local: dict[str, Any] = field(default_factory=dict)
    at: int | None = None
    packed: bytes | None = None


def archive(*members: Member, before: bytes = b"", after: bytes = b"", comment: bytes = b"", **end: int) -> bytes:
    """A zip file of these members as they are."""
    out = bytearray(before)
    directory = []
    for member in members:
        at = len(out) if member.at is None else member.at
        out += _local(member)
        directory.append(_central(member, at))
    start = len(out)
    joined = b"".join(directory)
    said = {"disk": 0, "first": 0, "here": len(members), "count": len(members), "size": len(joined), "start": start}
    said |= end
    return bytes(out + joined + END.pack(b"PK\5\6", *said.values(), len(comment)) + comment + after)


def deflated(content: bytes) -> bytes:
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    return packer.compress(content) + packer.flush()


def _packed(member: Member) -> bytes:
    if member.packed is not None:
        return member.packed
    return deflated(member.content) if member.method == 8 else member.content


def _said(member: Member, own: dict[str, Any]) -> dict[str, Any]:
    packed = _packed(member)
    plain = {"flags": member.flags, "method": member.method, "crc": zlib.crc32(member.content)}
    plain |= {"packed": len(packed), "size": len(member.content), "name": member.name, "extra": member.extra}
    return plain | own


def _local(member: Member) -> bytes:
    said = _said(member, member.local)
    sizes = said["crc"], said["packed"], said["size"]
    head = LOCAL.pack(
        b"PK\3\4", 20, said["flags"], said["method"], 0, 33, *sizes, len(said["name"]), len(said["extra"])
    )
    return head + said["name"] + said["extra"] + _packed(member) + member.after


def _central(member: Member, at: int) -> bytes:
    said = {"attributes": member.mode << 16 | member.dos, "at": at} | _said(member, member.central)
    sizes = said["crc"], said["packed"], said["size"]
    lengths = len(said["name"]), len(said["extra"]), 0
    fields = (3 << 8 | 20, 20, said["flags"], said["method"], 0, 33, *sizes, *lengths, 0, 0, said["attributes"])
    return CENTRAL.pack(b"PK\1\2", *fields, said["at"]) + said["name"] + said["extra"]


def zipped(files: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    """An archive as Python's own library makes it."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as target:
        for name, content in files.items():
            target.writestr(name, content)
    return out.getvalue()


GOOD = Member()
COMPOSED, DECOMPOSED = b"\xc3\xa9", b"e\xcc\x81"
"""The letter \u00e9 in UTF-8, in the two forms that Unicode has of it."""

ZEROS = deflated(bytes(100 << 20))
"""100 MiB in 100 kB."""


def named(name: str) -> bytes:
    return archive(GOOD, Member(name.encode(errors="surrogateescape")))


def typed(mode: int) -> bytes:
    return archive(GOOD, Member(b"x", b"/etc/passwd", mode=mode))


def nested_bomb(depth: int = 4) -> bytes:
    """Archives inside archives; each level unpacks to many times its size."""
    data = zipped({"zeros": bytes(10 << 20)})
    for _ in range(depth):
        data = zipped({f"{number}.zip": data for number in range(10)})
    return zipped({"SKILL.md": b"# x", "zeros.bin": bytes(20 << 20), "inner.zip": data})


def quoted() -> bytes:
    """An entry whose content is another entry, both in the directory: the kernel of bombs that overlap."""
    inner = Member(b"inner", b"x" * 1000)
    outer = Member(b"outer", _local(inner))
    whole = archive(outer)
    start = len(_local(outer)) - len(_local(inner))
    second = _central(inner, start)
    body = whole[: len(_local(outer))]
    directory = _central(outer, 0) + second
    return body + directory + END.pack(b"PK\5\6", 0, 0, 2, 2, len(directory), len(body), 0)


@cache
def many(amount: int, **end: int) -> bytes:
    return archive(*(Member(f"{number}".encode(), b"") for number in range(amount)), **end)


DESCRIBED = Member(
    b"SKILL.md", flags=UTF8 | DESCRIPTOR, local={"crc": 0, "packed": 0, "size": 0}, after=b"PK\7\x08" + bytes(12)
)

REFUSED: dict[str, tuple[Callable[[], bytes], str]] = {
    "garbage": (lambda: os.urandom(5000), "no zip archive"),
    "text": (lambda: b"hello" * 10, "no zip archive"),
    "one byte": (lambda: b"P", "no zip archive"),
    "no files": (archive, "no files"),
    "only folders": (lambda: archive(Member(b"a/", b"", mode=stat.S_IFDIR | 0o755)), "no files"),
    "cut off at the end": (lambda: archive(GOOD)[:-1], "no zip archive"),
    "cut off at the start": (lambda: archive(GOOD)[1:], "not where it says"),
    "cut out of the middle": (lambda: archive(GOOD)[:40] + archive(GOOD)[41:], "not where it says"),
    "a comment": (lambda: archive(GOOD, comment=b"hello"), "comment"),
    "bytes in front": (lambda: archive(GOOD, before=b"#!/bin/sh\n"), "overlaps"),
    "bytes behind": (lambda: archive(GOOD, after=b"\0"), "no zip archive"),
    "bytes between": (lambda: archive(Member(after=b"hidden"), Member(b"b")), "belong to no entry"),
    "bytes before the directory": (lambda: archive(Member(after=b"hidden")), "belong to no entry"),
    "several disks": (lambda: archive(GOOD, disk=1), "several parts"),
    "a directory elsewhere": (lambda: archive(GOOD, start=5), "not where it says"),
    "fewer entries than said": (lambda: archive(GOOD, here=2, count=2), "fewer entries"),
    "more entries than said": (lambda: archive(GOOD, Member(b"b"), here=1, count=1), "more than its entries"),
    "100,000 entries": (lambda: many(100_000, here=0xFFFF, count=0xFFFF), "more than 1,000 entries"),
    "100,000 entries, 5 said": (lambda: many(100_000, here=5, count=5), "more than its entries"),
    "1,001 entries": (lambda: many(1_001), "more than 1,000 entries"),
    "up": (lambda: named("../x"), "leads out"),
    "up from below": (lambda: named("a/../../x"), "leads out"),
    "up and down": (lambda: named("a/../b"), "leads out"),
    "absolute": (lambda: named("/etc/passwd"), "absolute"),
    "a drive": (lambda: named("C:x"), "absolute"),
    "a drive and a slash": (lambda: named("c:/x"), "absolute"),
    "a backslash": (lambda: named("a\\..\\x"), "backslash"),
    "a network share": (lambda: named("\\\\host\\x"), "backslash"),
    "NUL": (lambda: named("a\0b"), "not shown"),
    "a line break": (lambda: named("a\nb"), "not shown"),
    "an escape sequence": (lambda: named("\x1b[2Ja"), "not shown"),
    "text turned round": (lambda: named("a\u202egpj.exe"), "not shown"),
    "no name": (lambda: named(""), "is empty"),
    "an empty part": (lambda: named("a//b"), "empty part"),
    "a dot": (lambda: named("./a"), "empty part"),
    "a long name": (lambda: named("a" * 241), "longer than"),
    "a deep name": (lambda: named("/".join("a" * 17)), "more than 16 parts"),
    "no UTF-8": (lambda: archive(Member(b"\xff\xfe")), "not valid UTF-8"),
    "a code page": (lambda: archive(Member("ü".encode("cp437"), flags=0)), "not marked as UTF-8"),
    "twice": (lambda: archive(GOOD, GOOD), "twice"),
    "twice in other capitals": (lambda: archive(GOOD, Member(b"skill.MD")), "the same as"),
    "twice in other forms": (lambda: archive(Member(COMPOSED), Member(DECOMPOSED)), "the same as"),
    "folders in other capitals": (lambda: archive(Member(b"A/x"), Member(b"a/y")), "the same as"),
    "a file as a folder": (lambda: archive(Member(b"a"), Member(b"a/b")), "both a file and a folder"),
    "a folder as a file": (lambda: archive(Member(b"a/b"), Member(b"a")), "both a file and a folder"),
    "a folder with content": (lambda: archive(GOOD, Member(b"a/", mode=stat.S_IFDIR | 0o755)), "folder with content"),
    "a folder that says file": (lambda: archive(GOOD, Member(b"a/", b"", mode=FILE)), "no regular file"),
    "a file that says folder": (lambda: archive(GOOD, Member(b"a", mode=stat.S_IFDIR | 0o755)), "no regular file"),
    "a file with the mark of a folder": (lambda: archive(GOOD, Member(b"a", dos=0x10)), "both a file and a folder"),
    "a link": (lambda: typed(stat.S_IFLNK | 0o777), "symbolic link"),
    "a pipe": (lambda: typed(stat.S_IFIFO | 0o644), "no regular file"),
    "a device": (lambda: typed(stat.S_IFBLK | 0o644), "no regular file"),
    "a terminal": (lambda: typed(stat.S_IFCHR | 0o644), "no regular file"),
    "a socket": (lambda: typed(stat.S_IFSOCK | 0o644), "no regular file"),
    "encrypted": (lambda: archive(Member(flags=UTF8 | 1)), "encrypted"),
    "strongly encrypted": (lambda: archive(Member(flags=UTF8 | 0x41)), "encrypted"),
    "hidden headers": (lambda: archive(Member(flags=UTF8 | 0x2000)), "encrypted"),
    "AES": (lambda: archive(Member(method=99)), "packed in a way"),
    "bzip2": (lambda: zipped({"SKILL.md": b"# x"}, zipfile.ZIP_BZIP2), "packed in a way"),
    "LZMA": (lambda: zipped({"SKILL.md": b"# x"}, zipfile.ZIP_LZMA), "packed in a way"),
    "sizes elsewhere": (lambda: archive(Member(central={"size": 0xFFFFFFFF})), "contradict"),
    "a wide size": (lambda: archive(Member(extra=b"\1\0\x08\0" + bytes(8))), "extra field"),
    "a second name": (lambda: archive(Member(extra=b"\x75\x70\4\0abcd")), "extra field"),
    "a second name in front": (lambda: archive(Member(local={"extra": b"\x75\x70\4\0abcd"})), "extra field"),
    "a wrong checksum": (lambda: archive(Member(central={"crc": 1}, local={"crc": 1})), "checksum"),
    "a wrong checksum, packed": (lambda: archive(Member(method=8, central={"crc": 1}, local={"crc": 1})), "checksum"),
    "damaged content": (lambda: archive(Member(method=8, content=b"x" * 99, packed=b"\xff" * 20)), "be unpacked"),
    "too little content": (lambda: archive(Member(method=8, packed=deflated(b"# A skill\n")[:-2])), "another length"),
    "too much content": (lambda: archive(Member(method=8, packed=deflated(b"# A skill\n") + b"x")), "another length"),
    "more than said": (lambda: archive(Member(method=8, packed=deflated(b"x" * 99_999))), "does not unpack to"),
    "less than said": (lambda: archive(Member(method=8, packed=deflated(b"x"))), "does not unpack to"),
    "another name in front": (lambda: archive(Member(local={"name": b"SKILL.mx"})), "contradicts"),
    "another size in front": (lambda: archive(Member(local={"size": 9})), "contradicts"),
    "another method in front": (lambda: archive(Member(local={"method": 8})), "contradicts"),
    "other flags in front": (lambda: archive(Member(local={"flags": 0})), "contradicts"),
    "a header outside": (lambda: archive(Member(central={"at": 10_000})), "not where"),
    "content outside": (lambda: archive(Member(packed=b"", central={"packed": 500, "size": 500})), "contradicts"),
    "a wrong descriptor": (lambda: archive(DESCRIBED), "belong to no entry"),
    "one content for two": (lambda: archive(GOOD, Member(b"SKILL.md2", at=0)), "contradicts"),
    "overlapping": (quoted, "overlaps"),
    "a bomb": (lambda: archive(Member(method=8, content=b"", packed=ZEROS, **_announcing(100 << 20))), "32 MiB"),
    "a bomb in parts": (
        lambda: archive(*(Member(b"%d" % n, method=8, content=bytes(30 << 20)) for n in range(3))),
        "64 MiB",
    ),
    "a small bomb": (lambda: archive(Member(method=8, content=bytes(30 << 20))), "100 times"),
    "a bomb that lies": (lambda: archive(Member(method=8, content=b"x" * 100, packed=ZEROS)), "does not unpack to"),
    "bombs inside each other": (nested_bomb, "times its size"),
}


def _announcing(size: int) -> dict[str, Any]:
    return {"central": {"size": size}, "local": {"size": size}}


def good() -> Iterator[tuple[str, bytes]]:
    """Archives as people make them."""
    text = {"SKILL.md": b"# x\n" * 100, "scripts/run.sh": b"#!/bin/sh\n", "logo.png": os.urandom(70_000)}
    yield "deflated", zipped(text)
    yield "stored", zipped(text, zipfile.ZIP_STORED)
    yield "with folders", zipped({"SKILL.md": b"# x", "a/": b"", "a/b": b"c"})
    yield "written to a pipe", _piped(text)
    yield "with an archive inside", zipped({"SKILL.md": b"# x", "template.docx": zipped({"word.xml": b"<x/>" * 50})})
    yield "of 1,000 files", many(1_000)
    yield "an empty file", archive(Member(content=b""))
    yield "an empty file, packed", archive(Member(content=b"", method=8))
    yield "with times in extra fields", archive(Member(extra=b"UT\x05\0\3abcd", local={"extra": b"UT\x09\0\3abcdefgh"}))


def _piped(files: dict[str, bytes]) -> bytes:
    class Pipe(io.RawIOBase):
        data = b""

        def writable(self) -> bool:
            return True

        def write(self, data: Any, /) -> int:
            self.data += bytes(data)
            return len(data)

    pipe = Pipe()
    with zipfile.ZipFile(pipe, "w", zipfile.ZIP_DEFLATED) as target:
        for name, content in files.items():
            target.writestr(name, content)
    return pipe.data

"""A backup that is not as it was written is refused before anything is touched, in words that say what is wrong."""

from __future__ import annotations

import bz2
import gzip
import hashlib
import io
import json
import lzma
import os
import random
import tarfile
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from stigmer.errors import DataLoss, FailedPrecondition, InvalidArgument, NotFound, ResourceExhausted, StigmerError
from stigmer.server.maintenance.restore import Source, restore

from .backup_kit import content, files_of, make_backup, make_store, put_back

BLOCK = 512
REFUSALS = (DataLoss, InvalidArgument, FailedPrecondition)


@pytest.fixture(scope="module", params=["lmdb", "sqlite"])
def sound(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """The bytes of a good backup."""
    folder = tmp_path_factory.mktemp("sound")
    make_store(folder / "data", request.param)
    make_backup(folder / "data", folder / "backup.tar")
    return (folder / "backup.tar").read_bytes()


class Bench:
    """A data directory that must stay as it is, and a place for backups that want to change it."""

    def __init__(self, folder: Path) -> None:
        self.data_dir, self._file = folder / "current", folder / "backup.tar"
        make_store(self.data_dir, count=9)
        self._before = files_of(self.data_dir)

    def refused(self, data: bytes) -> StigmerError:
        """How a backup of these bytes is refused; everything is as before."""
        self._file.write_bytes(data)
        with pytest.raises(StigmerError) as refused:
            restore(self.data_dir, Source(self._file), _nobody_is_asked)
        assert refused.value.hint
        self.check()
        return refused.value

    def check(self) -> None:
        assert files_of(self.data_dir) == self._before


def _nobody_is_asked(incoming: dict[str, Any], current: dict[str, Any]) -> bool:
    raise AssertionError("a damaged backup got as far as the question")


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def regions(data: bytes) -> Iterator[tuple[str, int, int]]:
    """Name, start and end of every part of a backup: headers, contents, paddings, the end."""
    at = 0
    while data[at : at + BLOCK].strip(b"\0"):
        info = tarfile.TarInfo.frombuf(data[at : at + BLOCK], "utf-8", "strict")
        body = at + BLOCK
        end = body + info.size
        padded = end + -info.size % BLOCK
        yield f"header of {info.name}", at, body
        yield f"content of {info.name}", body, end
        if padded > end:
            yield f"padding of {info.name}", end, padded
        at = padded
    yield "end", at, len(data)


def flipped(data: bytes, place: int, bit: int) -> bytes:
    changed = bytearray(data)
    changed[place] ^= 1 << bit
    return bytes(changed)


def check_flips(sound: bytes, bench: Bench, per_region: int) -> None:
    chance = random.Random(7)
    names = []
    for name, start, end in regions(sound):
        names.append(name)
        places = {start, end - 1, *(chance.randrange(start, end) for _ in range(per_region))}
        for place in sorted(places):
            error = bench.refused(flipped(sound, place, chance.randrange(8)))
            assert isinstance(error, REFUSALS), (name, place, error)
    assert len(names) >= 10


def test_a_flipped_bit_in_any_region_is_refused(sound: bytes, bench: Bench) -> None:
    check_flips(sound, bench, 6)


@pytest.mark.slow
def test_many_flipped_bits_in_every_region_are_refused(sound: bytes, bench: Bench) -> None:
    check_flips(sound, bench, 400)


@pytest.mark.parametrize("step", [7, pytest.param(1, marks=pytest.mark.slow)], ids=["some", "all"])
@pytest.mark.parametrize("region", ["header of manifest.json", "header of store.json", "end"])
def test_every_byte_of_a_header_and_of_the_end_counts(sound: bytes, bench: Bench, region: str, step: int) -> None:
    start, end = next((start, end) for name, start, end in regions(sound) if name == region)
    for place in range(start, end, step if region.startswith("header") else 23 * step):
        bench.refused(flipped(sound, place, place % 8))


def test_a_truncated_backup_is_refused_wherever_it_ends(sound: bytes, bench: Bench) -> None:
    ends = {end - 1 for _, _, end in regions(sound)} | {end for _, _, end in regions(sound)} - {len(sound)}
    for end in sorted(ends | {0, 1, 511, 512}):
        error = bench.refused(sound[:end])
        assert isinstance(error, DataLoss | InvalidArgument), (end, error)


def test_something_behind_the_end_is_refused(sound: bytes, bench: Bench) -> None:
    assert "behind its end" in bench.refused(sound + b"x").message
    assert "behind its end" in bench.refused(sound + sound).message


def test_compressed_backups_are_refused_unopened(sound: bytes, bench: Bench) -> None:
    for name, pack in {"gzip": gzip.compress, "bzip2": bz2.compress, "xz": lzma.compress}.items():
        error = bench.refused(pack(sound))
        assert name in error.message
        assert error.reason == "NOT_A_BACKUP"


def test_a_bomb_takes_neither_time_nor_memory(bench: Bench) -> None:
    bomb = gzip.compress(bytes(200 << 20), 1)
    tracemalloc.start()
    bench.refused(bomb)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 16 << 20


def packed(members: dict[str, bytes], change: Callable[[tarfile.TarInfo], None] = lambda info: None) -> bytes:
    """A tar as any program makes it."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.GNU_FORMAT) as tar:
        for name, data in members.items():
            info = tarfile.TarInfo(name)
            info.size, info.mode = len(data), 0o600
            change(info)
            tar.addfile(info, io.BytesIO(data))
    return out.getvalue()


def unpacked(data: bytes) -> dict[str, bytes]:
    with tarfile.open(fileobj=io.BytesIO(data)) as tar:
        return {info.name: tar.extractfile(info).read() for info in tar}  # type: ignore[union-attr]


def test_a_backup_that_tar_has_packed_again_in_the_same_form_is_one(sound: bytes, tmp_path: Path) -> None:
    """The control of the tests below: their tars are refused for what is changed in them."""
    (tmp_path / "again.tar").write_bytes(packed(unpacked(sound)))
    assert put_back(tmp_path / "data", tmp_path / "again.tar")["restored"] is True


@pytest.mark.parametrize(
    "name",
    ["../store.json", "/etc/passwd", "./store.json", "a/store.json", "daemon.token", "STORE.JSON", "data.mdb.bak"],
)
def test_members_by_other_names_are_refused(sound: bytes, bench: Bench, name: str) -> None:
    renamed = {name if old == "store.json" else old: data for old, data in unpacked(sound).items()}
    bench.refused(packed(renamed))
    manifest = json.loads(unpacked(sound)["manifest.json"])
    manifest["members"][0]["name"] = name
    bench.refused(packed(renamed | {"manifest.json": json.dumps(manifest).encode()}))
    assert not (bench.data_dir.parent / "store.json").exists()


def test_members_in_another_order_doubled_or_missing_are_refused(sound: bytes, bench: Bench) -> None:
    members = unpacked(sound)
    bench.refused(packed(dict(reversed(members.items()))))
    for name in members:
        bench.refused(packed({key: data for key, data in members.items() if key != name}))
    bench.refused(packed(members | {"more": b""}))


@pytest.mark.parametrize(
    "kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.DIRTYPE, tarfile.FIFOTYPE, tarfile.CHRTYPE, tarfile.CONTTYPE]
)
def test_members_that_are_no_regular_files_are_refused(sound: bytes, bench: Bench, kind: bytes) -> None:
    def change(info: tarfile.TarInfo) -> None:
        if info.name == "store.json":
            info.type, info.linkname = kind, "/etc/passwd"

    bench.refused(packed(unpacked(sound), change))


def header(name: str, size: int) -> bytes:
    info = tarfile.TarInfo(name)
    info.size, info.mode = size, 0o600
    return info.tobuf(tarfile.GNU_FORMAT)


def test_sizes_that_are_not_true_are_refused_without_being_believed(sound: bytes, bench: Bench) -> None:
    manifest = unpacked(sound)["manifest.json"]
    for size in (1 << 62, 8 << 30, 64 << 10, len(manifest) + 1, 0):
        tracemalloc.start()
        bench.refused(header("manifest.json", size) + manifest + bytes(BLOCK))
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert peak < 16 << 20, size


def test_a_long_name_is_not_read_into_memory(bench: Bench) -> None:
    """GNU and pax headers announce names and attributes of any size."""
    for kind in (tarfile.GNUTYPE_LONGNAME, tarfile.XHDTYPE, tarfile.XGLTYPE):
        info = tarfile.TarInfo("././@LongLink")
        info.type, info.size = kind, 1 << 40
        assert bench.refused(info.tobuf(tarfile.GNU_FORMAT) + bytes(4 * BLOCK)).reason == "NOT_A_BACKUP"


def resealed(sound: bytes, **changes: Any) -> bytes:
    """The backup with another manifest, and checksums that agree with it."""
    members = unpacked(sound)
    manifest = json.dumps(json.loads(members["manifest.json"]) | changes).encode()
    members["manifest.json"] = manifest
    lines = [f"{hashlib.sha256(data).hexdigest()}  {name}\n" for name, data in members.items() if name != "SHA256SUMS"]
    return packed(members | {"SHA256SUMS": "".join(lines).encode()})


def test_a_newer_format_is_refused_with_what_to_do(sound: bytes, bench: Bench) -> None:
    error = bench.refused(resealed(sound, format=2))
    assert (error.reason, error.hint) == ("BACKUP_FORMAT_NEWER", "upgrade stigmer")


def test_an_unknown_engine_is_refused_by_its_name(sound: bytes, bench: Bench) -> None:
    error = bench.refused(resealed(sound, engine="granite"))
    assert error.reason == "ENGINE_UNKNOWN"
    assert "granite" in error.message


@pytest.mark.parametrize(
    "changes",
    [
        {"revision": 99},
        {"revision": "3"},
        {"revision": -1},
        {"revision": True},
        {"store_id": "0" * 32},
        {"epoch": "0" * 16},
        {"resources": {"Agent": 1}},
        {"resources": []},
        {"resources": {"Agent": "60"}},
        {"format": 0},
        {"format": "1"},
        {"format": None},
        {"members": []},
        {"members": None},
        {"members": [{}]},
        {"engine": 7},
        {"created": 7},
    ],
    ids=str,
)
def test_a_manifest_that_says_something_else_is_refused(sound: bytes, bench: Bench, changes: dict[str, Any]) -> None:
    assert isinstance(bench.refused(resealed(sound, **changes)), DataLoss)


@pytest.mark.parametrize(
    "text", [b"", b"{", b"[]", b"null", b"\xff\xfe", b"[" * 60_000], ids=lambda text: str(text[:9])
)
def test_a_manifest_that_is_none_is_refused(sound: bytes, bench: Bench, text: bytes) -> None:
    assert isinstance(bench.refused(packed(unpacked(sound) | {"manifest.json": text})), DataLoss)


def test_a_store_that_is_damaged_under_right_checksums_is_refused(sound: bytes, bench: Bench) -> None:
    """A backup by other means, of data that were damaged before."""
    members = unpacked(sound)
    manifest = json.loads(members["manifest.json"])
    data = manifest["members"][1]["name"]
    members[data] = members[data].replace(b"x" * 80, b"x" * 79 + b"y")
    manifest["members"][1]["sha256"] = hashlib.sha256(members[data]).hexdigest()
    error = bench.refused(resealed(packed(members), members=manifest["members"]))
    assert isinstance(error, DataLoss)
    assert "checksum" in error.message


def test_files_of_other_kinds_are_refused(bench: Bench) -> None:
    for data in (b"", b"\0" * 4096, b"hello\n" * 999, random.Random(3).randbytes(9_999), packed({"a": b"b"})):
        assert bench.refused(data).reason == "NOT_A_BACKUP"


def test_what_is_not_there_or_no_file_is_refused(bench: Bench, tmp_path: Path) -> None:
    def ask(path: Path) -> None:
        restore(bench.data_dir, Source(path), _nobody_is_asked)

    with pytest.raises(NotFound):
        ask(tmp_path / "none.tar")
    (tmp_path / "empty").mkdir()
    with pytest.raises(FailedPrecondition, match="holds no store"):
        ask(tmp_path / "empty")
    bench.check()


def test_a_backup_larger_than_the_disk_is_refused_before_it_is_unpacked(
    sound: bytes, bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = os.statvfs

    def full(path: Any) -> os.statvfs_result:
        return os.statvfs_result((*real(path)[:4], 10, *real(path)[5:]))

    monkeypatch.setattr(os, "statvfs", full)
    error = bench.refused(sound)
    assert isinstance(error, ResourceExhausted)
    assert "--data-dir" in error.hint


def test_the_data_stay_the_same_over_all_these_refusals(sound: bytes, bench: Bench, tmp_path: Path) -> None:
    """And the directory takes a good backup afterwards."""
    before = content(bench.data_dir)
    bench.refused(sound[:-1])
    assert content(bench.data_dir) == before
    (tmp_path / "good.tar").write_bytes(sound)
    done = put_back(bench.data_dir, tmp_path / "good.tar")
    assert done["restored"] is True
    assert content(Path(done["kept_in"])) == before
    assert content(bench.data_dir)[0] == 3

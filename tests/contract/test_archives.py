"""What an archive may be: the same on the client, which reads it, and on the server, which takes it. The corpus is
tried on the reader itself here; `test_artifacts` shows that the server uses it."""

from __future__ import annotations

import io
import time
import tracemalloc
import unicodedata
import zipfile
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stigmer.contract.archive import REFUSED as REASON
from stigmer.contract.archive import File, pack
from stigmer.contract.unpack import inspect
from stigmer.errors import InvalidArgument

from .zip_corpus import GOOD, REFUSED, Member, archive, good

SECONDS = 1.0
BYTES = 8 << 20
"""What refusing an archive may take, whatever it claims to hold."""


@pytest.mark.parametrize("name", REFUSED)
def test_an_archive_that_is_not_safe_is_refused_at_once(name: str) -> None:
    make, word = REFUSED[name]
    data = make()
    tracemalloc.start()
    started = time.perf_counter()
    try:
        with pytest.raises(InvalidArgument, match=word) as caught:
            inspect(data)
        assert time.perf_counter() - started < SECONDS
        assert tracemalloc.get_traced_memory()[1] < BYTES
    finally:
        tracemalloc.stop()
    assert caught.value.reason == REASON


@pytest.mark.parametrize(("name", "data"), list(good()), ids=[name for name, _ in good()])
def test_an_archive_as_people_make_them_is_taken(name: str, data: bytes) -> None:
    with zipfile.ZipFile(io.BytesIO(data)) as known:
        expected = {each.filename: known.read(each) for each in known.infolist() if not each.is_dir()}
    found = inspect(data)
    assert {each.path: each.size for each in found} == {path: len(content) for path, content in expected.items()}


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_no_damage_makes_another_archive_of_an_archive(data: st.DataObject) -> None:
    """Whatever bytes change: the archive is refused, or all its files still say the same."""
    whole = bytearray(archive(GOOD, Member(b"a/b", b"x" * 50, method=8)))
    expected = [(each.path, each.digest) for each in inspect(bytes(whole))]
    for _ in range(data.draw(st.integers(1, 4))):
        whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    with suppress(InvalidArgument):
        found = inspect(bytes(whole))
        assert {each.digest for each in found} <= {digest for _, digest in expected}


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=200), st.binary(max_size=60))
def test_no_bytes_crash_the_reader(front: bytes, middle: bytes) -> None:
    whole = archive(GOOD)
    for data in (front, front + whole, whole[:40] + middle + whole[40:], whole[: len(front)] + whole[-60:]):
        with suppress(InvalidArgument):
            inspect(data)


FILES = st.dictionaries(
    st.lists(
        st.text(st.characters(categories=["L", "N", "P"], exclude_characters="/\\:.~"), min_size=1, max_size=8),
        min_size=1,
        max_size=3,
    ).map("/".join),
    st.tuples(st.binary(max_size=100), st.booleans()),
    min_size=1,
    max_size=6,
)


@settings(max_examples=200, deadline=None)
@given(FILES, st.randoms())
def test_what_is_packed_comes_out_and_depends_on_the_files_alone(files, random) -> None:
    listed = [File(path, data, executable) for path, (data, executable) in files.items()]
    with suppress(InvalidArgument):  # two paths that are one on some systems
        packed = pack(listed)
        random.shuffle(listed)
        assert pack(listed) == packed
        _check(packed, listed)


def _check(packed: bytes, listed: list[File]) -> None:
    assert {(each.path, each.size, each.executable) for each in inspect(packed)} == {
        (unicodedata.normalize("NFC", path), len(data), executable) for path, data, executable in listed
    }
    with zipfile.ZipFile(io.BytesIO(packed)) as read:
        assert read.testzip() is None

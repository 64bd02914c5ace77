"""Bytes put aside: in memory, in a file, and where there is no room."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import pytest

from stigmer.errors import ResourceExhausted
from stigmer.sync.spool import Spool


@pytest.mark.parametrize("in_memory", [1, 1 << 20], ids=["on disk", "in memory"])
def test_what_was_appended_is_read_back_in_any_order(in_memory: int) -> None:
    texts = [os.urandom(size) for size in (0, 1, 10, 100_000, 3_000_000, 5)]
    with Spool(in_memory) as spool:
        spans = [spool.append(text) for text in texts]
        assert [spool.read(span) for span in reversed(spans)] == texts[::-1]
        spans.append(spool.append(b"after a read"))
        assert spool.read(spans[-1]) == b"after a read"
        assert b"".join(spool.pieces()) == b"".join([*texts, b"after a read"])
        assert len(spool) == sum(map(len, texts)) + 12


def test_the_file_has_no_name_that_could_stay_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with Spool(1) as spool:
        spool.append(b"x" * 1_000_000)
        assert list(tmp_path.iterdir()) == []


def test_a_full_temporary_folder_is_said_with_what_to_do() -> None:
    if not Path("/dev/full").exists():
        pytest.skip("needs /dev/full")
    with Spool(1) as spool:
        spool.append(b"xx")
        full = os.open("/dev/full", os.O_RDWR)
        os.dup2(full, spool._file.fileno())
        os.close(full)
        with pytest.raises(ResourceExhausted, match="temporary folder") as caught:
            spool.append(b"x" * 1_000_000)
        assert "TMPDIR" in caught.value.hint

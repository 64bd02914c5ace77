"""The end of a log, and what comes after it."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from stigmer.backend import log_tail
from stigmer.errors import NotFound


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "daemon.log"


@pytest.mark.parametrize(
    ("text", "lines", "seen"),
    [
        ("", 3, []),
        ("a\nb\nc\n", 2, ["b", "c"]),
        ("a\nb\nc", 2, ["b", "c"]),
        ("a\nb\n", 9, ["a", "b"]),
        ("a\nb\n", 0, []),
        ("a\n\n\n", 2, ["", ""]),
        ("a\r\nb\r\n", 1, ["b"]),
    ],
)
def test_the_last_lines_come_oldest_first(log: Path, text: str, lines: int, seen: list[str]) -> None:
    log.write_bytes(text.encode())
    assert list(log_tail.tail(log, lines)) == seen


@pytest.mark.parametrize("block", [1, 2, 3, 5, 8])
def test_blocks_may_end_anywhere(log: Path, block: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log_tail, "BLOCK_BYTES", block)
    log.write_text("one\ntwo\n\nfour\n")
    for count in range(6):
        assert list(log_tail.tail(log, count)) == ["one", "two", "", "four"][max(0, 4 - count) :]


def test_bytes_that_are_not_text_do_not_stop_it(log: Path) -> None:
    log.write_bytes(b"\xff\n")
    assert list(log_tail.tail(log, 1)) == ["�"]


def test_without_a_log_it_says_so_at_once(log: Path) -> None:
    with pytest.raises(NotFound, match="there is no log"):
        log_tail.tail(log, 1)


def test_following_sees_new_lines_across_a_rotation(log: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log_tail, "POLL_S", 0.01)
    log.write_text("old\nlast\n")
    stream = log_tail.tail(log, 1, follow=True)

    def write() -> None:
        with log.open("a") as file:
            file.write("new")
            file.flush()
            time.sleep(0.05)
            file.write(" line\n")
        time.sleep(0.1)
        log.rename(log.with_suffix(".1"))
        log.write_text("after rotation\n")

    writer = threading.Thread(target=write)
    writer.start()
    assert [next(stream), next(stream), next(stream)] == ["last", "new line", "after rotation"]
    writer.join()
    close(stream)


def test_following_starts_again_when_the_file_is_cut_off(log: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log_tail, "POLL_S", 0.01)
    log.write_text("a long first line\n")
    stream = log_tail.tail(log, 1, follow=True)
    assert next(stream) == "a long first line"
    log.write_text("new\n")
    assert next(stream) == "new"
    close(stream)


def close(stream: Iterator[str]) -> None:
    stream.close()  # type: ignore[attr-defined]

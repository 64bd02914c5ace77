"""Tables in pipes and on terminals. Assumes nothing below."""

from __future__ import annotations

import io

import pytest

from stigmer.cli.console import Console
from stigmer.cli.views.tables import aligned, print_table


def test_columns_are_aligned_and_lines_end_without_blanks(pipe) -> None:
    print_table(pipe.console, ["NAME", "STATUS"], [["a", "created"], ["longer-name", "x"]])
    assert pipe.out == "NAME          STATUS\na             created\nlonger-name   x\n"


def test_a_pipe_cuts_nothing(pipe, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "20")
    print_table(pipe.console, ["NAME"], [["x" * 500]])
    assert "x" * 500 in pipe.out


def test_wide_characters_take_two_columns() -> None:
    assert aligned([["名前", "x"], ["abcd", "y"], ["e\u0301", "z"]]) == ["名前   x", "abcd   y", "e\u0301      z"]


def test_a_cell_is_one_line_of_safe_text(pipe) -> None:
    print_table(pipe.console, ["NAME"], [["a\nb\x1b[31mc"]])
    assert pipe.out == "NAME\na b[31mc\n"


def test_a_narrow_terminal_breaks_no_cell(terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    print_table(terminal.console, ["NAME", "ID", "STATUS"], [["n" * 60, "名" * 20, "created"]], {"created": "green"})
    row = terminal.out.splitlines()[1]
    assert "n" * 60 in row
    assert "名" * 20 in row
    assert "\x1b[32mcreated" in row


def test_a_terminal_without_colour_gets_no_colour(terminal) -> None:
    terminal.console.color_out = False
    print_table(terminal.console, ["NAME"], [["a"]], {"a": "green"})
    assert "\x1b" not in terminal.out


def test_markup_in_a_cell_is_text(terminal) -> None:
    print_table(terminal.console, ["NAME"], [["[red]a[/red]"]])
    assert "[red]a[/red]" in terminal.out


def test_a_stream_that_knows_no_unicode_gets_escapes() -> None:
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding="ascii", errors="backslashreplace")
    print_table(Console(stream, stream), ["NAME"], [["é"]])
    stream.flush()
    assert raw.getvalue() == b"NAME\n\\xe9\n"

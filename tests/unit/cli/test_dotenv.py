"""Dotenv files. Assumes nothing below."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stigmer.cli.dotenv import parse_dotenv
from stigmer.errors import InvalidArgument


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("A=1", "1"),
        ("A=", ""),
        ("A = two words \t", "two words"),
        ("export A=1", "1"),
        ("  export\tA=1", "1"),
        ("A=1 # a comment", "1"),
        ("A= # a comment", ""),
        ("A=#fff", "#fff"),
        ("A=a#b", "a#b"),
        ("A=it's", "it's"),
        ("A=$HOME/${X}", "$HOME/${X}"),
        ("A=back\\slash", "back\\slash"),
        ("A=x=y==", "x=y=="),
        ("A='lit # $X \\n'", "lit # $X \\n"),
        ("A=''", ""),
        ('A="esc\\n\\t\\r\\"\\\\\\$\\`"', 'esc\n\t\r"\\$`'),
        ('A="kept \\d \\x"', "kept \\d \\x"),
        ('A="two\nlines" # a comment', "two\nlines"),
        ("A='two\nlines'\n", "two\nlines"),
        ("\ufeffA=1\r\n", "1"),
        ("A='x\r\ny'", "x\ny"),
        ("A=é", "é"),
    ],
)
def test_a_value_is_read_as_it_is_written(text: str, value: str) -> None:
    assert parse_dotenv(text, ".env") == {"A": value}


def test_comments_and_blank_lines_are_nothing() -> None:
    assert parse_dotenv("# one\n\n   \t\n  # two\nB=2\nexport=1\nA=1\n\n", ".env") == {
        "B": "2",
        "export": "1",
        "A": "1",
    }
    assert parse_dotenv("", ".env") == {}


def mistakes(text: str) -> list[tuple[str, str]]:
    with pytest.raises(InvalidArgument) as caught:
        parse_dotenv(text, "x/.env")
    assert "x/.env" in caught.value.message
    return [(item.field, item.description) for item in caught.value.violations]


def test_every_mistake_is_told_with_its_line() -> None:
    text = "A=1\nnothing\nB='x\ny' z\n2C=1\nA=2\nD=\0\nE='open\nF=1\n"
    assert [place for place, _ in mistakes(text)] == [f"x/.env:{line}" for line in (2, 4, 5, 6, 7, 8)]


def test_a_variable_given_again_names_the_first_line() -> None:
    assert mistakes("A=1\n\nA=2\n") == [("x/.env:3", "the variable of line 1 is given again")]


SECRET = "hunter2"


@pytest.mark.parametrize(
    "text",
    [
        SECRET,
        f"{SECRET}=",
        f"{SECRET}x+/==",
        f"A='{SECRET}",
        f'A="{SECRET}" {SECRET}',
        f"A={SECRET}\nA={SECRET}",
        f"A={SECRET}\0",
        f"A-B={SECRET}",
        f"export {SECRET}",
    ],
)
def test_nothing_of_a_line_is_quoted(text: str) -> None:
    text = f"{SECRET}=1\n{text}\n"  # also the name of a variable may be half of a value
    with pytest.raises(InvalidArgument) as caught:
        parse_dotenv(text, ".env")
    told = [caught.value.message, caught.value.hint, *(f"{v.field} {v.description}" for v in caught.value.violations)]
    assert SECRET not in " ".join(told)


@given(st.text())
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        values = parse_dotenv(text, ".env")
    except InvalidArgument:
        return
    assert all("\0" not in value for value in values.values())


@given(
    st.dictionaries(st.from_regex(r"[A-Za-z_][A-Za-z0-9_]*", fullmatch=True), st.text().filter(lambda t: "\0" not in t))
)
def test_what_is_quoted_comes_back(values: dict[str, str]) -> None:
    def quoted(text: str) -> str:
        for plain, escaped in (("\\", "\\\\"), ('"', '\\"'), ("$", "\\$"), ("\r", "\\r")):
            text = text.replace(plain, escaped)
        return f'"{text}"'

    assert parse_dotenv("\n".join(f"{name}={quoted(value)}" for name, value in values.items()), ".env") == values

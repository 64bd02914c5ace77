"""What every engine refuses, in the same words: limits on what callers hand in, and calls that cannot be right."""

from __future__ import annotations

from collections.abc import Sequence

from stigmer.errors import Internal, InvalidArgument, Unavailable
from stigmer.store.base import MAX_PAGE_SIZE, Commit, Query, Record

MAX_ID_BYTES = 255
"""The longest record id in UTF-8. Ids stand uncut in the keys of engines whose keys are bounded (LMDB: 511 bytes)."""

NUL = "\0"


def check_record(record: Record) -> None:
    """InvalidArgument unless the id has 1 to MAX_ID_BYTES bytes and all its texts can be stored."""
    check_text(record.id)
    size = len(record.id.encode())
    if not 1 <= size <= MAX_ID_BYTES:
        raise InvalidArgument(f"a record id has 1 to {MAX_ID_BYTES} bytes, not {size}: {record.id[:40]!r}")
    check_text(record.slug)
    for pair in record.indexes:
        check_pair(pair)


def check_pair(pair: tuple[str, str]) -> None:
    """InvalidArgument unless the name and the value of an index entry can be stored."""
    for text in pair:
        check_text(text)


def check_text(text: str) -> None:
    """InvalidArgument for a NUL, which separates texts in stored values, and for what UTF-8 cannot express."""
    if NUL in text:
        raise InvalidArgument(f"ids, slugs and index entries carry no NUL: {text[:40]!r}")
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise InvalidArgument(f"a text cannot be stored: {error}") from error


def page_limit(query: Query) -> int:
    """The number of records that one answer to `query` may carry; InvalidArgument when it is below one, or when
    the index entry cannot exist."""
    if query.limit < 1:
        raise InvalidArgument(f"a page carries at least one record, not {query.limit}")
    if query.index is not None:
        check_pair(query.index)
    return min(query.limit, MAX_PAGE_SIZE)


def slug_taken(record: Record, owner: str) -> str:
    """The sentence of AlreadyExists."""
    return f"{record.kind} with slug {record.slug} exists in {record.org} as {owner}"


def second_append() -> Internal:
    """The error of a transaction that appends twice: a fault of the caller's code, never of a user."""
    return Internal("a transaction appends one commit, not two")


def waits_for_itself() -> Internal:
    """The error of a thread that would wait for the writer while holding what the writer waits for."""
    return Internal("a transaction may not wait for another one: use submit, or write after it has ended")


def closes_itself() -> Internal:
    return Internal("a store is not closed from inside one of its own transactions or listeners")


def store_closed() -> Unavailable:
    return Unavailable("the store is closed", hint="start the backend again")


def check_following(commits: Sequence[Commit], revision: int) -> None:
    """Internal unless the commits follow `revision` and each other without gaps."""
    for expected, commit in enumerate(commits, revision + 1):
        if commit.revision != expected:
            raise Internal(f"the commit to be replayed is {commit.revision}, not {expected}")

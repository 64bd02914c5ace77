from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor

from hypothesis import given
from hypothesis import strategies as st

from stigmer.server.ids import IdSource, encode

MILLISECOND = 1_000_000


def test_an_id_is_its_prefix_and_a_lower_case_ulid():
    assert re.fullmatch(r"agt-[0-7][0-9a-hjkmnp-tv-z]{25}", IdSource().new("agt"))


def test_the_first_ten_characters_are_the_time():
    """The example of the ULID specification."""
    at = 1_469_918_176_385
    assert IdSource(lambda: at * MILLISECOND).new("x")[2:12] == "01aryz6s41"


@given(st.lists(st.integers(min_value=0, max_value=2**41), min_size=2, max_size=50))
def test_ids_ascend_whatever_the_clock_does(times):
    ticks = iter(times)
    source = IdSource(lambda: next(ticks) * MILLISECOND)
    ids = [source.new("x") for _ in times]
    assert ids == sorted(set(ids))


@given(st.integers(min_value=0, max_value=2**128 - 1), st.integers(min_value=0, max_value=2**128 - 1))
def test_texts_sort_as_numbers_do(one, other):
    assert (encode(one) < encode(other)) == (one < other)


def test_ids_of_many_threads_are_distinct():
    source = IdSource(lambda: 0)
    with ThreadPoolExecutor(8) as pool:
        ids = list(pool.map(lambda _: source.new("x"), range(4_000)))
    assert len(set(ids)) == 4_000

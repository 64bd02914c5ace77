"""The digest tree: equal sets have equal trees, however they came about."""

from __future__ import annotations

from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler import BUCKETS, DigestTree, bucket_of
from reconciler.digests import TREE_BYTES

entry = st.tuples(st.sampled_from(["Agent", "Workflow"]), st.text(max_size=5), st.binary(min_size=32, max_size=32))
entries = st.lists(entry, max_size=12)


@given(entries)
def test_the_order_of_entries_does_not_matter(held: list[tuple[str, str, bytes]]) -> None:
    tree = DigestTree(held)
    other = DigestTree()
    for one in sorted(held):
        other.add(*one)
    assert tree.to_bytes() == other.to_bytes()
    assert tree.root() == other.root()


@given(entries, entries)
def test_removing_takes_back_adding(kept: list[tuple[str, str, bytes]], gone: list[tuple[str, str, bytes]]) -> None:
    tree = DigestTree(gone + kept)
    for one in gone:
        tree.remove(*one)
    assert tree.to_bytes() == DigestTree(kept).to_bytes()


@given(entries)
def test_a_tree_reads_back_from_its_bytes_and_goes_on_from_there(held: list[tuple[str, str, bytes]]) -> None:
    tree = DigestTree.from_bytes(DigestTree(held).to_bytes())
    for one in held:
        tree.remove(*one)
    assert tree.to_bytes() == bytes(TREE_BYTES)


def test_replacing_a_digest_changes_one_bucket_only() -> None:
    tree = DigestTree(("Agent", f"a-{i}", b"1" * 32) for i in range(50))
    before = tree.to_bytes()
    tree.replace("Agent", "a-7", b"1" * 32, b"2" * 32)
    assert tree.differing(before) == [bucket_of("Agent", "a-7")]
    assert tree.bucket(bucket_of("Agent", "a-7")) != DigestTree.from_bytes(before).bucket(bucket_of("Agent", "a-7"))


def test_a_bucket_adds_up_one_hash_per_resource() -> None:
    summand = int.from_bytes(sha256(b"Agent/a\0" + b"1" * 32).digest(), "big")
    tree = DigestTree([("Agent", "a", b"1" * 32)] * 3)
    assert int.from_bytes(tree.bucket(bucket_of("Agent", "a")), "big") == 3 * summand % 2**256


def test_the_bucket_is_the_first_byte_of_the_hashed_name() -> None:
    assert bucket_of("Agent", "support-bot") == sha256(b"Agent/support-bot").digest()[0]
    assert {bucket_of("Agent", str(i)) for i in range(5000)} == set(range(BUCKETS))


def test_an_empty_tree_is_all_zero_and_differs_from_none_like_it() -> None:
    assert DigestTree().to_bytes() == bytes(TREE_BYTES)
    assert DigestTree().differing(bytes(TREE_BYTES)) == []


@pytest.mark.parametrize("length", [0, TREE_BYTES - 1, TREE_BYTES + 1])
def test_bytes_of_another_length_are_no_tree(length: int) -> None:
    with pytest.raises(ValueError, match=f"not {length}"):
        DigestTree.from_bytes(bytes(length))

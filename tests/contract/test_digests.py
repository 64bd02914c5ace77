"""ListDigests and GetResources: what a reconciler compares and reads."""

from __future__ import annotations

import pytest

from reconciler.digests import BUCKETS, TREE_BYTES, DigestTree, bucket_of

EQUAL, SINCE, BUCKET = 1, 2, 3


@pytest.fixture
def kinds(contract):
    return contract.kinds


@pytest.fixture
def filled(client, kinds, make):
    """One resource of every kind, and what they need."""
    for kind in kinds.values():
        client.create(kind, make(kind, "one"))


def answer(client, **fields):
    pages = list(client.stream("ListDigests", **fields))
    return pages[0], [entry for page in pages for entry in page.entries]


def tree_of(entries):
    return DigestTree((each.kind, each.slug, each.digest) for each in entries)


def test_an_empty_org_equals_an_empty_tree(client, org):
    head, entries = answer(client, org=org, buckets=DigestTree().to_bytes())
    assert (head.scope, entries) == (EQUAL, [])


def test_without_a_tree_every_entry_is_listed_but_default_instances(client, kinds, org, filled):
    head, entries = answer(client, org=org)
    assert head.scope == BUCKET
    assert list(head.buckets) == list(range(BUCKETS))
    assert head.revision == client.revision()
    listed = {(each.kind, each.slug) for each in entries}
    assert {(kind, "one") for kind in kinds} <= listed
    assert ("AgentInstance", "one-default") not in listed


def test_digests_are_those_of_the_canonical_content(client, contract, kinds, org, filled):
    _, entries = answer(client, org=org)
    for entry in entries:
        kind = kinds[entry.kind]
        found = client.get(kind, entry.slug, org)
        canonical = contract.codec.canonical(kind, found)
        assert contract.codec.digests(kind, canonical).resource == entry.digest
        assert (found.metadata.id, found.metadata.resource_version) == (entry.id, entry.resource_version)


def test_the_same_tree_is_equal_after_any_history(client, kinds, org, make, filled):
    created = client.get(kinds["Skill"], "one", org)
    created.spec.description = "changed"
    client.update(kinds["Skill"], created)
    client.create(kinds["Skill"], make(kinds["Skill"], "two"))
    client.delete(kinds["Skill"], "two", org)
    client.create(kinds["Agent"], make(kinds["Agent"], "two"))
    client.delete(kinds["Agent"], "two", org)
    _, entries = answer(client, org=org)
    head, none = answer(client, org=org, buckets=tree_of(entries).to_bytes())
    assert (head.scope, none) == (EQUAL, [])


def test_only_the_buckets_that_differ_are_listed(client, kinds, org, filled):
    _, entries = answer(client, org=org)
    tree = tree_of(entries)
    created = client.get(kinds["Skill"], "one", org)
    created.spec.description = "changed"
    client.update(kinds["Skill"], created)
    head, found = answer(client, org=org, buckets=tree.to_bytes())
    assert list(head.buckets) == [bucket_of("Skill", "one")]
    assert {bucket_of(each.kind, each.slug) for each in found} == {bucket_of("Skill", "one")}


def test_a_bucket_that_became_empty_is_named_without_entries(client, kinds, org, make):
    client.create(kinds["Skill"], make(kinds["Skill"], "one"))
    _, entries = answer(client, org=org)
    client.delete(kinds["Skill"], "one", org)
    head, found = answer(client, org=org, buckets=tree_of(entries).to_bytes())
    assert (list(head.buckets), found) == ([bucket_of("Skill", "one")], [])


def test_since_a_revision_only_what_changed_is_listed_as_it_is_now(client, kinds, org, make, filled):
    head, entries = answer(client, org=org)
    tree = tree_of(entries).to_bytes()
    for slug in ("two", "three"):
        client.create(kinds["Skill"], make(kinds["Skill"], slug))
    client.delete(kinds["Skill"], "three", org)
    client.create(kinds["Agent"], make(kinds["Agent"], "bot"))
    later, found = answer(client, org=org, buckets=tree, since_revision=head.revision, epoch=head.epoch)
    assert later.scope == SINCE
    assert {(each.kind, each.slug, each.deleted) for each in found} == {
        ("Skill", "two", False),
        ("Skill", "three", True),
        ("Agent", "bot", False),
    }


def test_a_revision_of_another_epoch_or_of_the_future_is_no_help(client, org, filled):
    head, _ = answer(client, org=org)
    for fields in (
        {"since_revision": head.revision, "epoch": "other"},
        {"since_revision": head.revision + 9, "epoch": head.epoch},
    ):
        assert answer(client, org=org, **fields)[0].scope == BUCKET


def test_a_tree_of_the_wrong_size_is_refused(client, org, refused):
    with refused("INVALID_ARGUMENT"):
        answer(client, org=org, buckets=bytes(TREE_BYTES - 1))


def test_many_entries_come_in_several_messages(client, kinds, org, filled, monkeypatch):
    monkeypatch.setattr("stigmer.server.digests.ENTRIES_PER_MESSAGE", 2)
    pages = list(client.stream("ListDigests", org=org))
    assert len(pages) > 3
    assert {(page.revision, page.scope, len(page.buckets)) for page in pages} == {(pages[0].revision, BUCKET, BUCKETS)}
    assert all(len(page.entries) <= 2 for page in pages)


def test_get_resources_reads_what_get_reads(client, kinds, org, filled, monkeypatch):
    monkeypatch.setattr("stigmer.server.bulk_read.MESSAGE_BYTES", 300)
    keys = [{"kind": kind, "org": org, "slug": "one"} for kind in kinds]
    keys.insert(1, {"kind": "Skill", "org": org, "slug": "nobody"})
    pages = list(client.stream("GetResources", keys=keys))
    assert len(pages) > 1
    assert {page.revision for page in pages} == {client.revision()}
    packed = [each for page in pages for each in page.resources]
    assert [each.key.kind for each in packed] == list(kinds)
    for each in packed:
        kind = kinds[each.key.kind]
        assert kind.message_class.FromString(each.content) == client.get(kind, "one", org)


def test_get_resources_of_nothing_still_tells_the_revision(client, org):
    (page,) = client.stream("GetResources")
    assert (page.revision, len(page.resources)) == (client.revision(), 0)


def test_get_resources_of_an_unknown_kind_is_refused(client, refused):
    with refused("INVALID_ARGUMENT"):
        list(client.stream("GetResources", keys=[{"kind": "Nonsense", "slug": "x"}]))


def test_reading_too_much_at_once_is_refused(client, kinds, org, filled, refused, monkeypatch):
    monkeypatch.setattr("stigmer.server.bulk_read.MAX_READ_BYTES", 100)
    with refused("RESOURCE_EXHAUSTED"):
        list(client.stream("GetResources", keys=[{"kind": "Skill", "org": org, "slug": "one"}]))

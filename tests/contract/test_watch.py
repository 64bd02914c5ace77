"""Watch: every commit once, in order, from any revision the log still has."""

from __future__ import annotations

import itertools
import threading

import grpc
import pytest

from stigmer.contract import default_contract

from .harness import Client, RunningServer

CREATED, UPDATED, DELETED = 1, 2, 3


def take(stream, count):
    return list(itertools.islice(stream, count))


def events(messages):
    return [(each.type, each.key.kind, each.key.slug) for message in messages for each in message.events]


def test_the_first_message_is_the_current_revision(client, skills, org, make):
    client.create(skills, make(skills, "one"))
    now = client.revision()
    stream = client.stream("Watch", since_revision=now)
    first = next(stream)
    assert (first.revision, len(first.events)) == (now, 0)
    assert first.epoch == client.call("GetServerInfo").epoch
    stream.cancel()


def test_what_happened_before_and_what_happens_after_come_in_one_sequence(client, skills, org, make):
    start = client.revision()
    created = client.create(skills, make(skills, "one"))
    stream = client.stream("Watch", since_revision=start, org=org)
    next(stream)
    (seen,) = take(stream, 1)
    created.spec.description = "changed"
    updated = client.update(skills, created)
    client.delete(skills, "one", org)
    later = take(stream, 2)
    assert events([seen, *later]) == [(CREATED, "Skill", "one"), (UPDATED, "Skill", "one"), (DELETED, "Skill", "one")]
    assert [each.revision for each in (seen, *later)] == [start + 1, start + 2, start + 3]
    assert later[0].events[0].resource_version == updated.metadata.resource_version
    assert later[0].events[0].id == created.metadata.id
    assert later[0].actor == created.metadata.audit.created_by
    assert later[0].at == updated.metadata.audit.updated_at or later[0].at.seconds > 0
    stream.cancel()


def test_a_bulk_apply_is_one_message(client, contract, skills, org, make):
    start = client.revision()
    agents = contract.kinds["Agent"]
    client.apply(
        *(
            {
                "key": {"kind": each.name, "org": org, "slug": "one"},
                "action": 1,
                "content": make(each, "one").SerializeToString(),
            }
            for each in (agents, skills)
        )
    )
    stream = client.stream("Watch", since_revision=start, org=org)
    next(stream)
    (message,) = take(stream, 1)
    assert sorted(events([message])) == [
        (CREATED, "Agent", "one"),
        (CREATED, "AgentInstance", "one-default"),
        (CREATED, "Skill", "one"),
    ]
    stream.cancel()


def test_kinds_and_org_filter(client, contract, skills, org, make):
    start = client.revision()
    stream = client.stream("Watch", since_revision=start, org=org, kinds=["Agent"])
    next(stream)
    other = make(skills, "one")
    other.metadata.org = f"{org}-b"
    client.create(skills, other)
    client.create(skills, make(skills, "one"))
    client.create(contract.kinds["Agent"], make(contract.kinds["Agent"], "bot"))
    assert events(take(stream, 1)) == [(CREATED, "Agent", "bot")]
    stream.cancel()


def test_a_large_commit_comes_in_messages_of_one_revision(client, skills, org, make, monkeypatch):
    monkeypatch.setattr("stigmer.server.watch.EVENTS_PER_MESSAGE", 2)
    start = client.revision()
    client.apply(
        *(
            {
                "key": {"kind": skills.name, "org": org, "slug": f"s{number}"},
                "action": 1,
                "content": make(skills, f"s{number}").SerializeToString(),
            }
            for number in range(5)
        )
    )
    stream = client.stream("Watch", since_revision=start, org=org)
    next(stream)
    messages = take(stream, 3)
    assert [len(each.events) for each in messages] == [2, 2, 1]
    assert {each.revision for each in messages} == {start + 1}
    stream.cancel()


@pytest.mark.parametrize("fields", [{"since_revision": 10**9}, {"since_revision": 0, "epoch": "another"}])
def test_a_cursor_that_means_nothing_here_is_out_of_range(client, refused, fields):
    with refused("OUT_OF_RANGE") as caught:
        next(client.stream("Watch", **fields))
    assert caught.error.reason == "CURSOR_EXPIRED"
    assert "list everything" in caught.error.hint


def test_an_unknown_kind_is_refused(client, refused):
    with refused("INVALID_ARGUMENT"):
        next(client.stream("Watch", kinds=["Nonsense"]))


def test_a_negative_revision_is_refused(client, refused):
    with refused("INVALID_ARGUMENT"):
        next(client.stream("Watch", since_revision=-1))


def test_slow_and_many_consumers_see_every_revision_once_and_in_order(server, client, skills, org, make):
    """R7 in short: writers in parallel, consumers of different speeds that resume from their last revision."""
    start, writes = client.revision(), 60
    seen: dict[int, list[int]] = {number: [] for number in range(4)}

    def consume(number: int) -> None:
        with grpc.insecure_channel(server.address, options=[("grpc.use_local_subchannel_pool", 1)]) as channel:
            mine = type(client)(client.contract, channel)
            cursor = start
            while len(seen[number]) < writes:
                stream = mine.stream("Watch", since_revision=cursor, org=org)
                next(stream)
                for message in itertools.islice(stream, min(number * 7 + 1, writes - len(seen[number]))):
                    seen[number].append(message.revision)
                    cursor = message.revision
                stream.cancel()

    consumers = [threading.Thread(target=consume, args=(number,)) for number in seen]
    writers = [
        threading.Thread(
            target=lambda at=at: [client.create(skills, make(skills, f"w{at}-{n}")) for n in range(writes // 3)]
        )
        for at in range(3)
    ]
    for thread in (*consumers, *writers):
        thread.start()
    for thread in (*writers, *consumers):
        thread.join(60)
        assert not thread.is_alive()
    expected = list(range(start + 1, start + writes + 1))
    assert all(revisions == expected for revisions in seen.values())


@pytest.fixture
def own_server(tmp_path):
    """A server whose log keeps five commits."""
    server = RunningServer(default_contract(), "memory", tmp_path, log_retention=5)
    with grpc.insecure_channel(server.address) as channel:
        yield server, Client(server.contract, channel)
    server.stop()


def create_skills(client, count):
    kind = client.contract.kinds["Skill"]
    for number in range(count):
        client.create(kind, kind.message_class(metadata={"slug": f"s{number}"}, spec={"skill_md": "# x"}))


def test_a_cursor_that_the_log_no_longer_reaches_is_out_of_range(own_server, refused):
    _, client = own_server
    create_skills(client, 9)
    with refused("OUT_OF_RANGE") as caught:
        list(client.stream("Watch", since_revision=2))
    assert caught.error.reason == "CURSOR_EXPIRED"
    stream = client.stream("Watch", since_revision=4)
    assert [each.revision for each in take(stream, 6)] == [9, 5, 6, 7, 8, 9]
    stream.cancel()


def test_a_long_past_is_read_in_steps_without_waiting_for_a_new_commit(own_server, monkeypatch):
    monkeypatch.setattr("stigmer.server.watch.COMMITS_PER_READ", 2)
    _, client = own_server
    create_skills(client, 5)
    stream = client.stream("Watch", since_revision=0)
    assert [each.revision for each in take(stream, 6)] == [5, 1, 2, 3, 4, 5]
    stream.cancel()


def test_a_digest_listing_falls_back_when_the_log_no_longer_reaches(own_server):
    _, client = own_server
    create_skills(client, 9)
    (page,) = client.stream("ListDigests", since_revision=2, epoch=client.call("GetServerInfo").epoch)
    assert page.scope == 3
    assert len(page.entries) == 9


def test_streams_end_with_unavailable_when_the_server_stops(own_server, refused):
    server, client = own_server
    stream = client.stream("Watch", since_revision=0)
    next(stream)
    server.ask_to_stop()
    with refused("UNAVAILABLE") as caught:
        next(stream)
    assert "last revision" in caught.error.hint

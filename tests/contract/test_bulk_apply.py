"""ApplyChanges: one transaction, one answer, all or nothing unless asked otherwise."""

from __future__ import annotations

import pytest

from stigmer.backend.v1 import reconcile_pb2 as pb
from stigmer.contract.claims import pack

CREATE, UPDATE, DELETE, REPLACE = 1, 2, 3, 4


@pytest.fixture
def kinds(contract):
    return contract.kinds


@pytest.fixture
def change(org):
    """The dictionary form of a ResourceChange."""

    def make_change(action, kind, resource, **fields):
        slug = resource if isinstance(resource, str) else resource.metadata.slug
        content = b"" if isinstance(resource, str) else resource.SerializeToString()
        key = {"kind": kind.name, "org": org, "slug": slug}
        return {"key": key, "action": action, "content": content, **fields}

    return make_change


def outcomes(response):
    return [pb.ChangeOutcome.Name(each.outcome).removeprefix("CHANGE_OUTCOME_").lower() for each in response.results]


def skill(make, kinds, slug, text="# x\n", **metadata):
    resource = make(kinds["Skill"], slug, **metadata)
    resource.spec.skill_md = text
    return resource


def agent(make, kinds, slug, *skills):
    resource = make(kinds["Agent"], slug)
    resource.spec.skills.extend(skills)
    return resource


def test_every_kind_is_created_in_one_revision_whatever_the_order(client, kinds, org, make, change):
    wanted = [(kind, make(kind, "one")) for kind in reversed(list(kinds.values()))]
    before = client.revision()
    response = client.apply(*(change(CREATE, kind, resource) for kind, resource in wanted))
    assert response.committed
    assert response.revision == before + 1 == client.revision()
    assert set(outcomes(response)) == {"created"}
    for (kind, resource), result in zip(wanted, response.results, strict=True):
        found = client.get(kind, "one", org)
        assert found.spec == resource.spec
        assert (found.metadata.id, found.metadata.resource_version) == (result.id, response.revision)


def test_targets_may_come_after_their_referrers(client, kinds, org, make, change):
    response = client.apply(
        change(CREATE, kinds["Agent"], agent(make, kinds, "bot", "late")),
        change(CREATE, kinds["Skill"], skill(make, kinds, "late")),
        chunk=1,
    )
    assert outcomes(response) == ["created", "created"]


def test_one_failure_undoes_everything_and_all_failures_are_told(client, kinds, org, make, change):
    taken = client.create(kinds["Skill"], skill(make, kinds, "taken"))
    bad = make(kinds["Agent"], "bad")
    bad.spec.instructions = "short"
    before = client.revision()
    response = client.apply(
        change(CREATE, kinds["Skill"], skill(make, kinds, "fine")),
        change(CREATE, kinds["Skill"], taken),
        change(CREATE, kinds["Agent"], bad),
        change(CREATE, kinds["Agent"], agent(make, kinds, "dangling", "nowhere")),
        change(UPDATE, kinds["Skill"], skill(make, kinds, "missing")),
        change(DELETE, kinds["Skill"], "absent"),
    )
    assert (response.committed, response.revision) == (False, 0)
    assert outcomes(response) == ["skipped", "failed", "failed", "failed", "failed", "failed"]
    codes = [each.error.code for each in response.results]
    assert codes == ["", "ALREADY_EXISTS", "INVALID_ARGUMENT", "FAILED_PRECONDITION", "NOT_FOUND", "NOT_FOUND"]
    assert response.results[2].error.violations[0].field == "spec.instructions"
    assert client.revision() == before


def test_a_stale_version_or_id_is_aborted(client, kinds, org, make, change):
    created = client.create(kinds["Skill"], skill(make, kinds, "one"))
    version, resource_id = created.metadata.resource_version, created.metadata.id
    newer = skill(make, kinds, "one", "# y\n")
    for fields in ({"if_resource_version": version + 1}, {"if_id": "skl-other"}):
        response = client.apply(change(UPDATE, kinds["Skill"], newer, **fields))
        assert [each.error.code for each in response.results] == ["ABORTED"]
    good = change(UPDATE, kinds["Skill"], newer, if_resource_version=version, if_id=resource_id)
    assert outcomes(client.apply(good)) == ["updated"]
    gone = change(DELETE, kinds["Skill"], "nobody", if_resource_version=version, if_id=resource_id)
    assert client.apply(gone).results[0].error.code == "ABORTED"


def test_what_is_there_already_is_unchanged_and_writes_nothing(client, kinds, org, make, change):
    wanted = skill(make, kinds, "one", labels={"a": "1"})
    first = client.apply(change(CREATE, kinds["Skill"], wanted, claims=pack(["spec.skillMd"])))
    again = client.apply(change(UPDATE, kinds["Skill"], wanted, claims=pack(["spec.skillMd"])))
    assert outcomes(again) == ["unchanged"]
    assert (again.committed, again.revision) == (False, first.revision)
    assert client.revision() == first.revision
    assert again.results[0].id == first.results[0].id


def test_new_claims_alone_are_written_and_leave_the_generation(client, kinds, org, make, change):
    wanted = skill(make, kinds, "one")
    client.apply(change(CREATE, kinds["Skill"], wanted, claims=pack(["spec.skillMd"])))
    response = client.apply(change(UPDATE, kinds["Skill"], wanted, claims=pack(["spec.skillMd", "metadata.name"])))
    assert outcomes(response) == ["updated"]
    assert client.get(kinds["Skill"], "one", org).metadata.generation == 1


def test_validate_only_checks_everything_and_writes_nothing(client, kinds, org, make, change):
    before = client.revision()
    response = client.apply(
        change(CREATE, kinds["Skill"], skill(make, kinds, "one")),
        change(CREATE, kinds["Agent"], agent(make, kinds, "bot", "one")),
        validate_only=True,
    )
    assert outcomes(response) == ["created", "created"]
    assert (response.committed, client.revision()) == (False, before)
    refused = client.apply(change(CREATE, kinds["Agent"], agent(make, kinds, "bot", "one")), validate_only=True)
    assert refused.results[0].error.code == "FAILED_PRECONDITION"


def test_independent_changes_go_on_and_dependents_are_blocked(client, kinds, org, make, change):
    bad = skill(make, kinds, "bad")
    bad.spec.skill_md = ""
    response = client.apply(
        change(CREATE, kinds["Agent"], agent(make, kinds, "blocked", "bad")),
        change(CREATE, kinds["Skill"], bad),
        change(
            CREATE,
            kinds["AgentInstance"],
            kinds["AgentInstance"].message_class(metadata={"slug": "blocked-too"}, spec={"agent": "blocked"}),
        ),
        change(CREATE, kinds["Skill"], skill(make, kinds, "fine")),
        independent=True,
    )
    assert outcomes(response) == ["blocked", "failed", "blocked", "created"]
    assert response.results[0].blocked_by.slug == "bad"
    assert response.results[2].blocked_by.slug == "blocked"
    assert response.committed
    assert client.get(kinds["Skill"], "fine", org)


def test_a_deletion_waits_for_a_referrer_that_could_not_leave(client, kinds, org, make, change):
    client.create(kinds["Skill"], skill(make, kinds, "used"))
    user = agent(make, kinds, "user", "used")
    user.metadata.protect = True
    client.create(kinds["Agent"], user)
    response = client.apply(
        change(DELETE, kinds["Skill"], "used"), change(DELETE, kinds["Agent"], "user"), independent=True
    )
    assert outcomes(response) == ["blocked", "failed"]
    assert response.results[0].blocked_by.slug == "user"


def test_independent_changes_that_all_fail_commit_nothing(client, kinds, org, make, change):
    before = client.revision()
    response = client.apply(change(DELETE, kinds["Skill"], "nobody"), independent=True)
    assert (outcomes(response), response.committed) == (["failed"], False)
    assert client.revision() == before


def test_a_referenced_resource_leaves_together_with_its_referrers(client, kinds, org, make, change):
    client.create(kinds["Skill"], skill(make, kinds, "used"))
    client.create(kinds["Agent"], agent(make, kinds, "user", "used"))
    alone = client.apply(change(DELETE, kinds["Skill"], "used"))
    assert alone.results[0].error.code == "FAILED_PRECONDITION"
    together = client.apply(change(DELETE, kinds["Skill"], "used"), change(DELETE, kinds["Agent"], "user"))
    assert outcomes(together) == ["deleted", "deleted"]
    assert client.items(kinds["AgentInstance"], org=org) == []


def test_a_referrer_that_lets_go_in_the_same_request_allows_the_deletion(client, kinds, org, make, change):
    client.create(kinds["Skill"], skill(make, kinds, "used"))
    client.create(kinds["Agent"], agent(make, kinds, "user", "used"))
    response = client.apply(
        change(DELETE, kinds["Skill"], "used"), change(UPDATE, kinds["Agent"], agent(make, kinds, "user"))
    )
    assert outcomes(response) == ["deleted", "updated"]


def test_what_arrives_may_not_refer_to_what_leaves(client, kinds, org, make, change):
    client.create(kinds["Skill"], skill(make, kinds, "used"))
    response = client.apply(
        change(DELETE, kinds["Skill"], "used"), change(CREATE, kinds["Agent"], agent(make, kinds, "user", "used"))
    )
    assert not response.committed
    assert response.results[0].error.code == "FAILED_PRECONDITION"


def test_a_failed_deletion_of_nothing_does_not_count_as_a_target(client, kinds, org, make, change):
    response = client.apply(
        change(DELETE, kinds["Skill"], "nowhere"),
        change(CREATE, kinds["Agent"], agent(make, kinds, "user", "nowhere")),
        independent=True,
    )
    assert outcomes(response) == ["failed", "failed"]


def test_a_replacement_has_a_new_id_and_keeps_referrers_valid(client, kinds, org, make, change):
    instance = kinds["AgentInstance"]
    for slug in ("first", "second"):
        client.create(kinds["Agent"], make(kinds["Agent"], slug))
    old = client.create(
        instance, instance.message_class(metadata={"slug": "mine", "org": org}, spec={"agent": "first"})
    )
    new = instance.message_class(metadata={"slug": "mine"}, spec={"agent": "second"})
    refused = client.apply(change(UPDATE, instance, new))
    assert refused.results[0].error.violations[0].field == "spec.agent"
    response = client.apply(change(REPLACE, instance, new))
    assert outcomes(response) == ["replaced"]
    found = client.get(instance, "mine", org)
    assert found.spec.agent == "second"
    assert found.metadata.id == response.results[0].id != old.metadata.id
    assert found.metadata.generation == 1


def test_a_replaced_parent_gets_a_new_default_instance(client, kinds, org, make, change):
    created = client.create(kinds["Agent"], make(kinds["Agent"], "bot"))
    client.apply(change(REPLACE, kinds["Agent"], make(kinds["Agent"], "bot")))
    child = client.get(kinds["AgentInstance"], "bot-default", org)
    parent = client.get(kinds["Agent"], "bot", org)
    assert parent.status.default_instance_id == child.metadata.id != created.status.default_instance_id


def test_what_is_protected_is_neither_deleted_nor_replaced(client, kinds, org, make, change):
    client.create(kinds["Skill"], skill(make, kinds, "one", protect=True))
    for action, resource in ((DELETE, "one"), (REPLACE, skill(make, kinds, "one"))):
        response = client.apply(change(action, kinds["Skill"], resource))
        assert response.results[0].error.code == "FAILED_PRECONDITION"


def test_default_instances_and_hand_made_ones_cannot_meet_in_one_request(client, kinds, org, make, change):
    instance = kinds["AgentInstance"].message_class(metadata={"slug": "bot-default"}, spec={"agent": "bot"})
    response = client.apply(
        change(CREATE, kinds["Agent"], make(kinds["Agent"], "bot")), change(CREATE, kinds["AgentInstance"], instance)
    )
    assert outcomes(response) == ["skipped", "failed"]
    assert "agent bot" in response.results[1].error.message


def test_a_missing_optional_target_is_a_warning(client, kinds, org, make, change):
    response = client.apply(change(CREATE, kinds["Workflow"], make(kinds["Workflow"], "flow")))
    assert outcomes(response) == ["created"]
    assert list(response.results[0].warnings) == [
        "spec.tasks[name=plan].agent: agent not found: planner",
        "spec.tasks[name=act].agent: agent not found: a",
    ]


def test_content_in_any_order_of_set_members_is_the_same(client, kinds, org, make, change):
    for slug in ("s1", "s2"):
        client.create(kinds["Skill"], skill(make, kinds, slug))
    client.apply(change(CREATE, kinds["Agent"], agent(make, kinds, "bot", "s1", "s2")))
    assert outcomes(client.apply(change(UPDATE, kinds["Agent"], agent(make, kinds, "bot", "s2", "s1")))) == [
        "unchanged"
    ]


@pytest.mark.parametrize(
    "broken",
    [
        {"key": {"kind": "Nonsense", "slug": "x"}, "action": CREATE},
        {"key": {"kind": "Skill", "slug": "Not A Slug"}, "action": CREATE},
        {"key": {"kind": "Skill", "slug": "x", "org": "a/b"}, "action": CREATE},
        {"key": {"kind": "Skill", "slug": "x"}},
        {"action": CREATE},
    ],
    ids=["kind", "slug", "org", "action", "key"],
)
def test_a_change_without_a_usable_key_is_refused(client, refused, broken):
    with refused("INVALID_ARGUMENT") as caught:
        client.apply(broken)
    assert any(field.startswith("changes[0].") for field in caught.error.fields)


def test_a_key_that_comes_twice_is_refused(client, kinds, org, make, change, refused):
    one = change(CREATE, kinds["Skill"], skill(make, kinds, "one"))
    with refused("INVALID_ARGUMENT") as caught:
        client.apply(one, one, chunk=1)
    assert "twice" in caught.error.message


def test_content_that_is_not_the_keys_resource_fails(client, kinds, org, make, change):
    wrong = change(CREATE, kinds["Skill"], skill(make, kinds, "other"))
    wrong["key"]["slug"] = "one"
    torn = change(CREATE, kinds["Skill"], skill(make, kinds, "two"))
    torn["content"] = torn["content"][:-3]
    claims = change(CREATE, kinds["Skill"], skill(make, kinds, "three"), claims=b"\xff\xff\xff")
    response = client.apply(wrong, torn, claims)
    assert [each.error.code for each in response.results] == ["INVALID_ARGUMENT"] * 3


def test_a_stream_needs_a_header_first_and_once(client, contract, refused):
    request = contract.methods["ApplyChanges"].input_class
    header, chunk = request(header={"request_id": "x"}), request(chunk={})
    for messages in ([chunk], [header, header], [], [header, request()]):
        with refused("INVALID_ARGUMENT"):
            client._callable("ApplyChanges")(iter(messages), timeout=20)


def test_an_empty_request_changes_nothing(client):
    before = client.revision()
    response = client.apply()
    assert (response.committed, response.revision, len(response.results)) == (False, before, 0)


def test_too_many_changes_are_refused_saying_what_to_do(client, contract, monkeypatch, refused, kinds, make, change):
    monkeypatch.setattr("stigmer.server.staging.MAX_CHANGES", 3)
    with refused("RESOURCE_EXHAUSTED") as caught:
        client.apply(*(change(DELETE, kinds["Skill"], f"s{number}") for number in range(4)), chunk=2)
    assert "at most 3 changes" in caught.error.message
    assert "fewer resources" in caught.error.hint


def test_explanations_of_many_failures_are_cut_short(client, kinds, change, monkeypatch):
    monkeypatch.setattr("stigmer.server.steps.results.MAX_ERROR_BYTES", 200)
    bad = kinds["Agent"].message_class(metadata={"name": "x"}, spec={"instructions": "short"})
    wanted = []
    for number in range(9):
        bad.metadata.slug = f"a{number}"
        wanted.append(change(CREATE, kinds["Agent"], bad))
    errors = [each.error for each in client.apply(*wanted).results]
    assert {each.code for each in errors} == {"INVALID_ARGUMENT"}
    assert errors[0].violations
    assert not errors[-1].violations
    assert errors[-1].message


def test_too_many_bytes_are_refused(client, monkeypatch, refused, kinds, make, change):
    monkeypatch.setattr("stigmer.server.staging.MAX_APPLY_BYTES", 1 << 20)
    big = [change(CREATE, kinds["Skill"], skill(make, kinds, f"s{n}", "x" * 400_000)) for n in range(3)]
    with refused("RESOURCE_EXHAUSTED") as caught:
        client.apply(*big, chunk=1)
    assert "1 MiB" in caught.error.message

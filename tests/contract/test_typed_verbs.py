"""Create, get, update and delete of every kind. Assumes that the codec is tested elsewhere."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor

from stigmer.server import verbs


def test_a_created_resource_is_what_get_returns(client, kind, org, make):
    wanted = make(kind, "one", labels={"team": "core"}, annotations={"a": "b"}, tags=["x", "y"])
    created = client.create(kind, wanted)
    assert client.get(kind, "one", org) == created
    assert created.spec == wanted.spec
    assert created.metadata.labels == {"team": "core"}
    assert list(created.metadata.tags) == ["x", "y"]


def test_the_server_fills_in_identity_versions_and_audit(client, kind, org, make):
    created = client.create(kind, make(kind, "one"))
    metadata = created.metadata
    assert created.api_version == kind.api_version
    assert created.kind == kind.name
    assert re.fullmatch(f"{kind.id_prefix}-[0-9a-hjkmnp-tv-z]{{26}}", metadata.id)
    assert metadata.org == org
    assert metadata.generation == 1
    assert metadata.resource_version > 0
    assert metadata.etag
    assert "@" in metadata.audit.created_by
    assert metadata.audit.created_at == metadata.audit.updated_at
    assert metadata.audit.event == "created"


def test_what_a_client_sets_of_the_servers_fields_is_dropped(client, kind, org, make):
    wanted = make(kind, "one")
    wanted.metadata.id = "mine"
    wanted.metadata.generation = 7
    wanted.metadata.owner = "me"
    wanted.status.conditions.add(type="Fine", status="True")
    created = client.create(kind, wanted)
    assert created.metadata.id != "mine"
    assert created.metadata.generation == 1
    assert created.metadata.owner == ""
    assert "Fine" not in [each.type for each in created.status.conditions]


def test_a_name_and_a_spec_are_enough_to_create(client, kind, org, make):
    created = client.call(kind.methods["create"].name, name="My Ünïque Thing", spec=make(kind, "x").spec, org=org)
    assert created.metadata.slug == "my-unique-thing"
    assert created.metadata.name == "My Ünïque Thing"


def test_a_resource_is_found_by_id_whatever_its_org(client, kind, org, make):
    created = client.create(kind, make(kind, "one"))
    assert client.call(kind.methods["get"].name, id=created.metadata.id) == created


def test_a_taken_slug_is_refused(client, kind, org, make, refused):
    client.create(kind, make(kind, "one"))
    with refused("ALREADY_EXISTS") as caught:
        client.create(kind, make(kind, "one"))
    assert caught.error.message == f"{kind.singular} with slug one exists"


def test_the_same_slug_is_free_in_another_org_and_another_kind(client, kind, org, make):
    client.create(kind, make(kind, "one"))
    other = make(kind, "one")
    other.metadata.org = f"{org}-b"
    for name in [each.name for each in other.spec.DESCRIPTOR.fields if each.name in ("agent", "workflow", "skill")]:
        setattr(other.spec, name, f"{org}/{getattr(other.spec, name)}")
    assert client.create(kind, other).metadata.org == f"{org}-b"


def test_what_is_not_there_is_not_found(client, kind, org, refused):
    with refused("NOT_FOUND") as caught:
        client.get(kind, "nobody", org)
    assert caught.error.message == f"{kind.singular} not found: nobody"


def test_get_wants_either_an_id_or_a_slug(client, kind, org, refused):
    with refused("INVALID_ARGUMENT") as caught:
        client.call(kind.methods["get"].name, org=org)
    assert "give either id, or slug" in caught.error.message


def test_an_update_with_the_etag_replaces_the_whole(client, kind, org, make):
    created = client.create(kind, make(kind, "one", labels={"a": "1"}, tags=["x"]))
    created.metadata.ClearField("labels")
    created.metadata.name = "Another name"
    updated = client.update(kind, created)
    assert not updated.metadata.labels
    assert updated.metadata.name == "Another name"
    assert list(updated.metadata.tags) == ["x"]
    assert updated.metadata.slug == "one"
    assert updated.metadata.audit.event == "updated"
    assert updated.metadata.audit.created_at == created.metadata.audit.created_at
    assert updated.metadata.id == created.metadata.id


def test_an_update_with_a_mask_replaces_only_what_it_names(client, kind, org, make):
    created = client.create(kind, make(kind, "one", labels={"a": "1"}))
    patch = kind.message_class(metadata={"slug": "one", "org": org, "labels": {"b": "2"}, "name": "ignored"})
    patch.spec.description = "what it is for"
    updated = client.update(kind, patch, "spec.description", "metadata.labels")
    assert updated.metadata.labels == {"b": "2"}
    assert updated.metadata.name == "one"
    assert updated.spec.description == "what it is for"
    created.spec.description = "what it is for"
    assert updated.spec == created.spec


def test_a_mask_unsets_what_the_resource_does_not_have(client, kind, org, make):
    client.create(kind, make(kind, "one", labels={"a": "1"}))
    updated = client.update(kind, kind.message_class(metadata={"slug": "one", "org": org}), "metadata.labels")
    assert not updated.metadata.labels


def test_an_update_without_etag_and_mask_is_refused(client, kind, org, make, refused):
    client.create(kind, make(kind, "one"))
    with refused("INVALID_ARGUMENT") as caught:
        client.update(kind, make(kind, "one"))
    assert "update_mask" in caught.error.fields


def test_a_mask_with_an_unknown_path_is_refused(client, kind, org, make, refused):
    client.create(kind, make(kind, "one"))
    with refused("INVALID_ARGUMENT") as caught:
        client.update(kind, make(kind, "one"), "spec.nonsense")
    assert "spec.nonsense" in caught.error.message


def test_a_stale_etag_is_aborted(client, kind, org, make, refused):
    first = client.create(kind, make(kind, "one"))
    first.metadata.labels["a"] = "1"
    client.update(kind, first)
    with refused("ABORTED"):
        client.update(kind, first)
    with refused("ABORTED"):
        client.delete(kind, "one", org, etag=first.metadata.etag)


def test_an_update_that_changes_nothing_writes_nothing(client, kind, org, make):
    created = client.create(kind, make(kind, "one", labels={"a": "1"}))
    before = client.revision()
    assert client.update(kind, created) == created
    assert client.update(kind, created, "metadata.labels") == created
    assert client.revision() == before


def test_generation_counts_changes_of_the_spec_alone(client, kind, org, make):
    created = client.create(kind, make(kind, "one"))
    created.metadata.labels["a"] = "1"
    labelled = client.update(kind, created)
    assert labelled.metadata.generation == 1
    labelled.spec.description = "changed"
    described = client.update(kind, labelled)
    assert described.metadata.generation == 2
    assert described.metadata.resource_version > labelled.metadata.resource_version > created.metadata.resource_version


def test_slug_and_org_cannot_change(client, kind, org, make, refused):
    created = client.create(kind, make(kind, "one"))
    for name in ("slug", "org"):
        renamed = kind.message_class()
        renamed.CopyFrom(created)
        setattr(renamed.metadata, name, "other")
        with refused("FAILED_PRECONDITION") as caught:
            client.update(kind, renamed)
        assert f"metadata.{name}" in caught.error.message


def test_immutable_fields_cannot_change(client, kind, org, make, refused):
    immutable = [
        each.name for each in kind.shape.by_name["spec"].message.fields if each.rules.immutable and not each.oneof
    ]
    created = client.create(kind, make(kind, "one"))
    for name in immutable:
        setattr(created.spec, name, "other")
        with refused("FAILED_PRECONDITION") as caught:
            client.update(kind, created)
        assert caught.error.reason == "IMMUTABLE_FIELD"
        assert f"spec.{name}" in caught.error.fields
    assert client.get(kind, "one", org).metadata.generation == 1


def test_a_deleted_resource_is_returned_and_gone(client, kind, org, make, refused):
    created = client.create(kind, make(kind, "one"))
    deleted = client.delete(kind, "one", org)
    assert deleted.metadata == created.metadata
    assert deleted.spec == created.spec
    with refused("NOT_FOUND"):
        client.get(kind, "one", org)
    with refused("NOT_FOUND"):
        client.delete(kind, "one", org)
    assert client.delete(kind, "one", org, allow_missing=True) == kind.message_class()


def test_a_slug_is_free_again_after_deletion_under_another_id(client, kind, org, make):
    first = client.create(kind, make(kind, "one"))
    client.delete(kind, "one", org)
    assert client.create(kind, make(kind, "one")).metadata.id != first.metadata.id


def test_what_is_protected_is_not_deleted(client, kind, org, make, refused):
    created = client.create(kind, make(kind, "one", protect=True))
    with refused("FAILED_PRECONDITION") as caught:
        client.delete(kind, "one", org)
    assert caught.error.reason == "PROTECTED"
    created.metadata.protect = False
    client.update(kind, created)
    client.delete(kind, "one", org)


def test_validate_only_answers_as_usual_and_writes_nothing(client, kind, org, make, refused):
    wanted = make(kind, "one")
    before = client.revision()
    assert client.create(kind, wanted, validate_only=True).spec == wanted.spec
    assert client.revision() == before
    with refused("NOT_FOUND"):
        client.get(kind, "one", org)
    created = client.create(kind, wanted)
    created.metadata.labels["a"] = "1"
    assert client.update(kind, created, validate_only=True).metadata.labels == {"a": "1"}
    client.delete(kind, "one", org, validate_only=True)
    assert not client.get(kind, "one", org).metadata.labels


def test_broken_constraints_are_named_in_the_manifests_spelling(client, kind, org, make, refused):
    wanted = make(kind, "one", labels={"": "x"}, tags=["y" * 300])
    with refused("INVALID_ARGUMENT") as caught:
        client.create(kind, wanted)
    assert 'metadata.labels[""]' in caught.error.fields
    assert any(field.startswith('metadata.tags[="yyy') for field in caught.error.fields)


def test_a_slug_must_be_a_slug_and_not_too_long(client, kind, org, make, refused):
    for slug in ("Not A Slug", "a--b", "x" * (kind.max_slug_length + 1)):
        with refused("INVALID_ARGUMENT"):
            client.create(kind, make(kind, slug))
    longest = "x" * kind.max_slug_length
    assert client.create(kind, make(kind, longest)).metadata.slug == longest


def test_labels_are_text(client, kind, org, make, refused):
    with refused("INVALID_ARGUMENT") as caught:
        client.create(kind, make(kind, "one", labels={"a": "b\0c"}))
    assert "metadata.labels.a" in caught.error.fields


def test_long_labels_are_kept_and_selected_by(client, kind, org, make):
    key, value = "k" * 317, "v" * 253
    client.create(kind, make(kind, "one", labels={key: value}))
    client.create(kind, make(kind, "two", labels={key: value[:-1]}))
    assert [each.metadata.slug for each in client.items(kind, org=org, label_selector=f"{key}={value}")] == ["one"]


def test_updates_of_different_fields_at_once_all_survive(client, kind, org, make):
    client.create(kind, make(kind, "one"))
    patches = {
        "spec.description": kind.message_class(spec={"description": "described"}),
        "metadata.labels": kind.message_class(metadata={"labels": {"a": "b"}}),
        "metadata.annotations": kind.message_class(metadata={"annotations": {"c": "d"}}),
        "metadata.tags": kind.message_class(metadata={"tags": ["e"]}),
    }
    for patch in patches.values():
        patch.metadata.slug, patch.metadata.org = "one", org
    with ThreadPoolExecutor(len(patches)) as pool:
        list(pool.map(lambda mask: client.update(kind, patches[mask], mask), patches))
    found = client.get(kind, "one", org)
    assert (found.spec.description, found.metadata.labels, list(found.metadata.tags)) == (
        "described",
        {"a": "b"},
        ["e"],
    )
    assert found.metadata.annotations == {"c": "d"}


def test_an_org_must_be_an_org(client, kind, org, make, refused):
    wanted = make(kind, "one")
    wanted.metadata.org = "not/an org"
    with refused("INVALID_ARGUMENT") as caught:
        client.create(kind, wanted)
    assert "metadata.org" in caught.error.fields


def test_another_kinds_envelope_is_refused(client, kind, org, make, refused):
    wanted = make(kind, "one")
    wanted.kind = "Something"
    with refused("INVALID_ARGUMENT") as caught:
        client.create(kind, wanted)
    assert "kind" in caught.error.fields


def test_create_has_the_twelve_steps_in_order():
    assert verbs.CREATE.step_names == (
        "ValidateFieldConstraints",
        "Authorize",
        "ResolveSlug",
        "CheckDuplicate",
        "SetDefaults",
        "Persist",
        "CreateIamPolicies",
        "CreateDefaultInstance",
        "UpdateStatusWithDefaultInstance",
        "Publish",
        "TransformResponse",
        "SendResponse",
    )

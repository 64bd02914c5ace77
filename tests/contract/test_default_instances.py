"""Default instances: made with their parent, gone with their parent, nobody else's."""

from __future__ import annotations

import pytest

PARENTS = [("Agent", "AgentInstance", "agent"), ("Workflow", "WorkflowInstance", "workflow")]


@pytest.fixture(params=PARENTS, ids=[each[0] for each in PARENTS])
def family(request, contract):
    parent, instance, field = request.param
    return contract.kinds[parent], contract.kinds[instance], field


def instance_of(kind, org, field, parent, slug):
    return kind.message_class(metadata={"slug": slug, "org": org}, spec={field: parent})


def test_a_default_instance_comes_with_its_parent(client, org, make, family):
    kind, instance, field = family
    parent = client.create(kind, make(kind, "one"))
    child = client.get(instance, "one-default", org)
    assert parent.status.default_instance_id == child.metadata.id
    assert getattr(child.spec, field) == "one"
    assert child.metadata.parent == f"{org}/{kind.name}/one"
    assert child.metadata.resource_version == parent.metadata.resource_version
    assert [each.metadata.slug for each in client.items(instance, org=org)] == ["one-default"]


def test_the_status_keeps_the_instance_over_updates(client, org, make, family):
    kind, _, _ = family
    created = client.create(kind, make(kind, "one"))
    created.spec.description = "changed"
    assert client.update(kind, created).status.default_instance_id == created.status.default_instance_id


def test_deleting_the_parent_deletes_its_default_instance(client, org, make, family, refused):
    kind, instance, _ = family
    client.create(kind, make(kind, "one"))
    client.delete(kind, "one", org)
    with refused("NOT_FOUND"):
        client.get(instance, "one-default", org)
    client.create(kind, make(kind, "one"))
    assert client.get(instance, "one-default", org)


def test_a_default_instance_is_not_deleted_by_itself(client, org, make, family, refused):
    kind, instance, _ = family
    client.create(kind, make(kind, "one"))
    with refused("FAILED_PRECONDITION") as caught:
        client.delete(instance, "one-default", org)
    assert caught.error.reason == "DEFAULT_INSTANCE"
    assert f"{kind.singular} one" in caught.error.message


def test_its_slug_is_taken_naming_the_parent(client, org, make, family, refused):
    kind, instance, field = family
    client.create(kind, make(kind, "one"))
    with refused("ALREADY_EXISTS") as caught:
        client.create(instance, instance_of(instance, org, field, "one", "one-default"))
    assert caught.error.message.endswith(f"it is the default instance of {kind.singular} one")


def test_a_parent_whose_instances_slug_is_taken_is_refused(client, org, make, family, refused):
    kind, instance, field = family
    client.create(kind, make(kind, "other"))
    client.create(instance, instance_of(instance, org, field, "other", "one-default"))
    with refused("ALREADY_EXISTS") as caught:
        client.create(kind, make(kind, "one"))
    assert "one-default" in caught.error.message
    with refused("NOT_FOUND"):
        client.get(kind, "one", org)


def test_another_instance_keeps_its_parent_from_being_deleted(client, org, make, family, refused):
    kind, instance, field = family
    client.create(kind, make(kind, "one"))
    client.create(instance, instance_of(instance, org, field, "one", "mine"))
    with refused("FAILED_PRECONDITION"):
        client.delete(kind, "one", org)
    client.delete(instance, "mine", org)
    client.delete(kind, "one", org)


def test_a_default_instance_may_be_given_environments(client, contract, org, make, family):
    kind, instance, _ = family
    client.create(kind, make(kind, "one"))
    environments = contract.kinds["Environment"]
    client.create(environments, make(environments, "prod"))
    patch = instance.message_class(metadata={"slug": "one-default", "org": org}, spec={"environments": ["prod"]})
    updated = client.update(instance, patch, "spec.environments")
    assert updated.metadata.parent
    assert list(updated.spec.environments) == ["prod"]
    client.delete(kind, "one", org)


def test_a_protected_default_instance_protects_its_parent(client, org, make, family, refused):
    kind, instance, _ = family
    client.create(kind, make(kind, "one"))
    patch = instance.message_class(metadata={"slug": "one-default", "org": org, "protect": True})
    client.update(instance, patch, "metadata.protect")
    with refused("FAILED_PRECONDITION") as caught:
        client.delete(kind, "one", org)
    assert caught.error.reason == "PROTECTED"

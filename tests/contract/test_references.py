"""References between resources, on the kinds that have them."""

from __future__ import annotations

import pytest


@pytest.fixture
def kinds(contract):
    return contract.kinds


def conditions(resource):
    return {each.type: each.status for each in resource.status.conditions}


def test_a_missing_required_target_is_refused_naming_the_field(client, kinds, org, make, refused):
    agent = make(kinds["Agent"], "bot")
    agent.spec.skills.append("nowhere")
    with refused("FAILED_PRECONDITION") as caught:
        client.create(kinds["Agent"], agent)
    assert caught.error.fields == {f'{org}/Agent/bot:spec.skills[="nowhere"]': "skill not found: nowhere"}
    assert caught.error.reason == "REFERENCE_NOT_FOUND"


def test_an_update_to_a_missing_target_is_refused(client, kinds, org, make, refused):
    created = client.create(kinds["Agent"], make(kinds["Agent"], "bot"))
    created.spec.skills.append("nowhere")
    with refused("FAILED_PRECONDITION"):
        client.update(kinds["Agent"], created)
    assert client.get(kinds["Agent"], "bot", org).metadata.generation == 1


def test_a_target_in_another_org_is_named_with_its_org(client, kinds, org, make):
    client.create(kinds["Skill"], make(kinds["Skill"], "refunds"))
    agent = make(kinds["Agent"], "bot")
    agent.metadata.org = f"{org}-b"
    agent.spec.skills.append(f"{org}/refunds")
    assert client.create(kinds["Agent"], agent).metadata.org == f"{org}-b"


def test_a_missing_optional_target_is_a_condition_that_heals(client, kinds, org, make):
    workflow = client.create(kinds["Workflow"], make(kinds["Workflow"], "flow"))
    assert conditions(workflow) == {"AgentsResolved": "False"}
    assert "planner" in workflow.status.conditions[0].message
    for slug in ("planner", "a"):
        client.create(kinds["Agent"], make(kinds["Agent"], slug))
    healed = client.get(kinds["Workflow"], "flow", org)
    assert conditions(healed) == {"AgentsResolved": "True"}
    assert healed.metadata.resource_version == workflow.metadata.resource_version
    assert conditions(client.items(kinds["Workflow"], org=org)[0]) == {"AgentsResolved": "True"}


def test_what_is_referenced_is_not_deleted(client, kinds, org, make, refused):
    for slug in ("planner", "a"):
        client.create(kinds["Agent"], make(kinds["Agent"], slug))
    client.create(kinds["Workflow"], make(kinds["Workflow"], "flow"))
    with refused("FAILED_PRECONDITION") as caught:
        client.delete(kinds["Agent"], "planner", org)
    assert caught.error.reason == "REFERENCED"
    assert "workflow flow" in caught.error.message
    assert f"{org}/Workflow/flow:metadata.slug" in caught.error.fields
    client.delete(kinds["Workflow"], "flow", org)
    client.delete(kinds["Agent"], "planner", org)


def test_a_reference_from_another_org_protects_too(client, kinds, org, make, refused):
    client.create(kinds["Skill"], make(kinds["Skill"], "refunds"))
    agent = make(kinds["Agent"], "bot")
    agent.metadata.org = f"{org}-b"
    agent.spec.skills.append(f"{org}/refunds")
    client.create(kinds["Agent"], agent)
    with refused("FAILED_PRECONDITION") as caught:
        client.delete(kinds["Skill"], "refunds", org)
    assert f"{org}-b/Agent/bot:metadata.slug" in caught.error.fields


def test_a_reference_that_was_taken_back_protects_no_longer(client, kinds, org, make):
    client.create(kinds["Skill"], make(kinds["Skill"], "refunds"))
    agent = make(kinds["Agent"], "bot")
    agent.spec.skills.append("refunds")
    created = client.create(kinds["Agent"], agent)
    del created.spec.skills[:]
    client.update(kinds["Agent"], created)
    client.delete(kinds["Skill"], "refunds", org)


def test_many_referrers_are_listed_in_part(client, kinds, org, make, refused):
    client.create(kinds["Skill"], make(kinds["Skill"], "refunds"))
    for number in range(25):
        agent = make(kinds["Agent"], f"bot-{number:02}")
        agent.spec.skills.append("refunds")
        client.create(kinds["Agent"], agent)
    with refused("FAILED_PRECONDITION") as caught:
        client.delete(kinds["Skill"], "refunds", org)
    assert "5 more" in caught.error.message


def test_a_secret_value_is_refused(client, kinds, org, make, refused):
    environment = make(kinds["Environment"], "prod")
    environment.spec.data["TOKEN"].value = "s3cret"
    environment.spec.data["TOKEN"].is_secret = True
    with refused("INVALID_ARGUMENT") as caught:
        client.create(kinds["Environment"], environment)
    assert "spec.data.TOKEN.value" in caught.error.fields
    assert "s3cret" not in str(caught.error)


def test_a_cycle_of_tasks_is_refused_with_its_chain(client, kinds, org, make, refused):
    workflow = make(kinds["Workflow"], "flow")
    workflow.spec.tasks[0].depends_on.append("act")
    with refused("INVALID_ARGUMENT") as caught:
        client.create(kinds["Workflow"], workflow)
    assert "plan" in caught.error.message
    assert "act" in caught.error.message


def test_the_transport_of_a_server_cannot_change_its_kind(client, kinds, org, make, refused):
    created = client.create(kinds["McpServer"], make(kinds["McpServer"], "gh"))
    created.spec.stdio.command = "uvx"
    created = client.update(kinds["McpServer"], created)
    created.spec.http.url = "https://example.com"
    with refused("FAILED_PRECONDITION") as caught:
        client.update(kinds["McpServer"], created)
    assert caught.error.reason == "IMMUTABLE_FIELD"


def test_a_skill_has_its_content_address_as_version(client, kinds, org, make):
    created = client.create(kinds["Skill"], make(kinds["Skill"], "refunds"))
    assert len(created.status.version) == 64
    created.spec.skill_md = "# Other\n"
    updated = client.update(kinds["Skill"], created)
    assert updated.status.version != created.status.version
    assert client.get(kinds["Skill"], "refunds", org).status.version == updated.status.version

"""Claims: what one apply manager declares, another does not change silently."""

from __future__ import annotations

import pytest

from stigmer.contract.claims import pack, unpack


@pytest.fixture
def put(client, skills, org):
    def apply(action, text, claims, labels=(), **header):
        content = skills.message_class(metadata={"slug": "one", "labels": dict(labels)}, spec={"skill_md": text})
        return client.apply(
            {
                "key": {"kind": skills.name, "org": org, "slug": "one"},
                "action": action,
                "content": content.SerializeToString(),
                "claims": pack(claims),
            },
            **header,
        )

    return apply


def claims_of(resource):
    return {each.manager: set(unpack(each.paths)) for each in resource.metadata.claims}


def test_claims_are_kept_and_shown(client, skills, org, put):
    put(1, "# a\n", ["spec.skillMd", "metadata.name"])
    assert claims_of(client.get(skills, "one", org)) == {"stigmer": {"spec.skillMd", "metadata.name"}}


def test_managers_claim_side_by_side(client, skills, org, put):
    put(1, "# a\n", ["spec.skillMd"], manager="git")
    put(2, "# a\n", ["metadata.labels.team"], {"team": "core"}, manager="ops")
    assert claims_of(client.get(skills, "one", org)) == {"git": {"spec.skillMd"}, "ops": {"metadata.labels.team"}}


def test_a_field_that_another_manager_claims_is_a_conflict(client, skills, org, put):
    put(1, "# a\n", ["spec.skillMd"], manager="git")
    response = put(2, "# b\n", ["spec.skillMd"], manager="ops")
    (result,) = response.results
    assert result.outcome == 11
    assert result.error.code == "ABORTED"
    assert "git" in result.error.message
    assert result.error.violations[0].field == "spec.skillMd"
    assert client.get(skills, "one", org).spec.skill_md == "# a\n"


def test_force_takes_the_field_and_the_claim_over(client, skills, org, put):
    put(1, "# a\n", ["spec.skillMd", "metadata.name"], manager="git")
    put(2, "# b\n", ["spec.skillMd"], manager="ops", force_conflicts=True)
    found = client.get(skills, "one", org)
    assert found.spec.skill_md == "# b\n"
    assert claims_of(found) == {"git": {"metadata.name"}, "ops": {"spec.skillMd"}}


def test_a_manager_may_change_what_it_claims_itself(client, skills, org, put):
    put(1, "# a\n", ["spec.skillMd"], manager="git")
    assert put(2, "# b\n", ["spec.skillMd"], manager="git").committed


def test_a_manager_that_declares_nothing_releases_its_claims(client, skills, org, put):
    put(1, "# a\n", ["spec.skillMd"], manager="git")
    put(2, "# a\n", [], manager="git")
    assert claims_of(client.get(skills, "one", org)) == {}
    assert put(2, "# b\n", ["spec.skillMd"], manager="ops").committed


def test_a_typed_update_leaves_claims_alone(client, skills, org, put):
    put(1, "# a\n", ["spec.skillMd"], manager="git")
    found = client.get(skills, "one", org)
    found.spec.skill_md = "# by hand\n"
    assert claims_of(client.update(skills, found)) == {"git": {"spec.skillMd"}}


def test_claims_are_in_no_digest(client, skills, org, put):
    put(1, "# a\n", ["spec.skillMd"])
    before = [each.digest for page in client.stream("ListDigests", org=org) for each in page.entries]
    put(2, "# a\n", ["metadata.name"])
    assert before == [each.digest for page in client.stream("ListDigests", org=org) for each in page.entries]

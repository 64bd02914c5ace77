"""Lists of every kind: pages, tokens, selectors, filters."""

from __future__ import annotations

import pytest


def slugs(items):
    return [each.metadata.slug for each in items]


def make_five(client, kind, make):
    """Five resources, the newest last."""
    labels = [{"team": "core", "tier": "prod"}, {"team": "core"}, {"team": "web"}, {}, {"team": "core", "tier": "test"}]
    return [
        client.create(kind, make(kind, f"item-{number}", labels=each, protect=number == 2))
        for number, each in enumerate(labels)
    ]


@pytest.fixture
def five(client, kind, make):
    return make_five(client, kind, make)


@pytest.fixture
def five_of_one(client, one_kind, make):
    return make_five(client, one_kind, make)


def own(client, kind, org, **fields):
    """A list without what `make` created as targets, and without default instances."""
    return [each for each in client.items(kind, org=org, **fields) if each.metadata.slug.startswith("item-")]


def test_a_list_is_newest_first_and_complete(client, kind, org, five):
    assert own(client, kind, org) == five[::-1]


@pytest.mark.parametrize("size", [1, 2, 3, 5, 6, 1000])
def test_pages_of_any_size_make_the_same_list(client, kind, org, five, size):
    assert slugs(own(client, kind, org, page_size=size)) == slugs(five[::-1])


def test_a_full_last_page_has_no_token(client, kind, org, five):
    page = client.list(kind, org=org, label_selector="team=core", page_size=3)
    assert page.next_page_token == ""
    assert page.revision == client.revision()


def test_a_write_between_pages_neither_skips_nor_repeats(client, kind, org, five, make):
    first = client.list(kind, org=org, page_size=2, label_selector="team")
    client.delete(kind, "item-4", org)
    client.create(kind, make(kind, "item-9", labels={"team": "new"}))
    second = client.list(kind, org=org, page_size=2, label_selector="team", page_token=first.next_page_token)
    field = next(each.name for each in first.DESCRIPTOR.fields if each.is_repeated)
    assert slugs(getattr(first, field)) == ["item-4", "item-2"]
    assert slugs(getattr(second, field)) == ["item-1", "item-0"]


@pytest.mark.parametrize("token", ["garbage", "AAAA", "ä", "=", "Zm9vYmFyYmF6cXV4cXV1eA=="])
def test_a_token_that_is_none_is_refused(client, one_kind, org, refused, token):
    with refused("INVALID_ARGUMENT") as caught:
        client.list(one_kind, org=org, page_token=token)
    assert "page_token" in caught.error.fields


def test_a_token_of_another_query_is_refused(client, one_kind, org, five_of_one, refused):
    token = client.list(one_kind, org=org, page_size=1).next_page_token
    for fields in ({"org": f"{org}-b"}, {"org": org, "label_selector": "team"}, {"org": org, "filter": "slug = a"}):
        with refused("INVALID_ARGUMENT") as caught:
            client.list(one_kind, page_token=token, **fields)
        assert "another query" in caught.error.fields["page_token"]


def test_a_negative_page_size_is_refused(client, one_kind, org, refused):
    with refused("INVALID_ARGUMENT"):
        client.list(one_kind, org=org, page_size=-1)


@pytest.mark.parametrize(
    ("selector", "expected"),
    [
        ("team=core", [0, 1, 4]),
        ("team==core,tier!=test", [0, 1]),
        ("team!=core,team", [2]),
        ("team in (core, web)", [0, 1, 2, 4]),
        ("team notin (core),team", [2]),
        ("tier", [0, 4]),
        ("!tier,team", [1, 2]),
        ("team=core , tier in (prod,test)", [0, 4]),
        ("team=nobody", []),
        ('team="core"', [0, 1, 4]),
    ],
)
def test_label_selectors_select_by_labels(client, one_kind, org, five_of_one, selector, expected):
    wanted = [f"item-{number}" for number in reversed(expected)]
    assert slugs(own(client, one_kind, org, label_selector=selector)) == wanted
    assert slugs(own(client, one_kind, org, label_selector=selector, page_size=1)) == wanted


@pytest.mark.parametrize("selector", ["team=", "team in (core", "=core", ",", "a b", "team core", "a,,b", "a,", "!"])
def test_what_is_no_selector_is_refused_or_selects_nothing(client, one_kind, org, five_of_one, refused, selector):
    if selector == "team=":
        assert own(client, one_kind, org, label_selector=selector) == []
        return
    with refused("INVALID_ARGUMENT") as caught:
        client.list(one_kind, org=org, label_selector=selector)
    assert "label_selector" in caught.error.fields


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('slug = "item-3"', [3]),
        ('slug = "item*" AND protect = true', [2]),
        ("slug = *-1", [1]),
        ('labels.team != "core" AND labels.team = *', [2]),
        ('name = "*tem*" AND slug != item-0 AND protect=false', [1, 3, 4]),
        ('owner = "" AND slug = item-0', [0]),
        ("slug = nobody", []),
    ],
)
def test_filters_join_comparisons(client, one_kind, org, five_of_one, text, expected):
    assert slugs(own(client, one_kind, org, filter=text)) == [f"item-{number}" for number in reversed(expected)]


@pytest.mark.parametrize(
    "text", ["slug", "slug = ", "nonsense = 1", "slug = a OR slug = b", "protect = maybe", 'slug = "a', "labels = 1"]
)
def test_what_is_no_filter_is_refused(client, one_kind, org, refused, text):
    with refused("INVALID_ARGUMENT") as caught:
        client.list(one_kind, org=org, filter=text)
    assert "filter" in caught.error.fields


def test_a_list_is_of_one_org_unless_it_asks_for_all(client, one_kind, org, five_of_one, make):
    other = make(one_kind, "item-x", labels={"elsewhere": org})
    other.metadata.org = f"{org}-b"
    for each in ("agent", "workflow", "skill"):
        if each in other.spec.DESCRIPTOR.fields_by_name:
            setattr(other.spec, each, f"{org}/{getattr(other.spec, each)}")
    client.create(one_kind, other)
    assert "item-x" not in slugs(client.items(one_kind, org=org))
    assert slugs(client.items(one_kind, org="-", label_selector=f"elsewhere={org}")) == ["item-x"]
    everywhere = client.items(one_kind, org="-", page_size=7)
    assert {each.metadata.org for each in everywhere} >= {org, f"{org}-b"}

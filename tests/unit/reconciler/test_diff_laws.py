"""What holds for every three-way merge, whatever the bodies, claims and managers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, TypeAlias

from hypothesis import given
from hypothesis import strategies as st

from reconciler import Node, leaf_paths, path, three_way
from reconciler.leaves import same
from reconciler.path import Item, Member

Body: TypeAlias = dict[str, Any]

word = st.sampled_from(["a", "b", "c.d", "é f", "1"])
scalar = word | st.integers(0, 2) | st.booleans()
free = st.recursive(
    scalar, lambda inner: st.lists(inner, max_size=2) | st.dictionaries(word, inner, max_size=2), max_leaves=4
)


def some(**fields: st.SearchStrategy[Any]) -> st.SearchStrategy[Body]:
    """Objects with any of the fields, at least one."""
    return st.fixed_dictionaries({}, optional=fields).filter(bool)


def words(least: int = 1) -> st.SearchStrategy[list[str]]:
    return st.lists(word, min_size=least, max_size=4, unique=True)


task = st.fixed_dictionaries({"name": word}, optional={"agent": word, "after": words(), "options": free})
tasks = st.lists(task, min_size=1, max_size=4, unique_by=lambda one: str(one["name"]))
labels = st.dictionaries(word, word, min_size=1, max_size=4)
metadata = some(name=word, labels=labels, tags=words(), protect=st.booleans())
spec = some(
    text=word,
    count=st.integers(0, 2),
    agent=word,
    token=word,
    config=free,
    args=words(),
    tools=words(),
    tasks=tasks,
    noise=labels,
    http=some(url=word, retries=st.integers(0, 2)),
)
bodies = st.fixed_dictionaries({}, optional={"metadata": metadata, "spec": spec})


@st.composite
def sides(draw: st.DrawFn, schema: Node) -> tuple[Body, Body, frozenset[str], dict[str, str]]:
    """Desired and live bodies, our claims, and the claims of others; claims may be of anything that is or was."""
    want, have, past = draw(bodies), draw(bodies), draw(bodies)
    known = sorted(leaf_paths(schema, have) | leaf_paths(schema, past))
    claimed = st.frozensets(st.sampled_from(known)) if known else st.just(frozenset())
    return want, have, draw(claimed), dict.fromkeys(draw(claimed), "terraform")


def at(body: Any, text: str) -> Any:
    """The value at a path, found by nothing but the path's own segments; KeyError if there is none."""
    for segment in path.parse(text):
        if isinstance(segment, Item):
            found = [one for one in body if one[segment.key] == segment.value]
            body = found[0] if found else _missing(text)
        elif isinstance(segment, Member):
            body = segment.value if any(same(one, segment.value) for one in body) else _missing(text)
        else:
            body = body[segment]
    return body


def _missing(text: str) -> Any:
    raise KeyError(text)


def leaves(schema: Node, body: Body) -> dict[str, Any]:
    return {text: at(body, text) for text in leaf_paths(schema, body)}


def items(value: Any) -> Iterator[Mapping[str, Any]]:
    yield from value.get("spec", {}).get("tasks", [])


@given(st.data())
def test_merging_twice_changes_nothing_more(schema: Node, data: st.DataObject) -> None:
    want, have, ours, others = data.draw(sides(schema))
    first = three_way(schema, want, have, ours, others)
    second = three_way(schema, want, first.body, first.claims, others)
    assert second.changes == ()
    assert second.body is first.body


@given(st.data())
def test_what_the_manifest_declares_always_wins(schema: Node, data: st.DataObject) -> None:
    want, have, ours, others = data.draw(sides(schema))
    merged = leaves(schema, dict(three_way(schema, want, have, ours, others).body))
    for text, value in leaves(schema, want).items():
        assert same(merged[text], value)


@given(st.data())
def test_the_claims_are_the_leaves_of_the_manifest(schema: Node, data: st.DataObject) -> None:
    want, have, ours, others = data.draw(sides(schema))
    assert three_way(schema, want, have, ours, others).claims == leaf_paths(schema, want)


@given(st.data())
def test_the_changes_are_the_whole_difference(schema: Node, data: st.DataObject) -> None:
    want, have, ours, others = data.draw(sides(schema))
    merge = three_way(schema, want, have, ours, others)
    before, after = leaves(schema, have), leaves(schema, dict(merge.body))
    changed = {change.path: change.op for change in merge.changes}
    assert len(changed) == len(merge.changes)
    assert {text for text, op in changed.items() if op == "add"} == after.keys() - before.keys()
    assert {text for text, op in changed.items() if op == "remove"} == before.keys() - after.keys()
    differing = {text for text in before.keys() & after.keys() if not same(before[text], after[text])}
    assert {text for text, op in changed.items() if op == "replace"} == differing


@given(st.data())
def test_metadata_that_nobody_declared_survives(schema: Node, data: st.DataObject) -> None:
    want, have, ours, others = data.draw(sides(schema))
    merge = three_way(schema, want, have, ours, others)
    declared = leaf_paths(schema, want)
    foreign = {text for text in leaf_paths(schema, have) - declared - ours if text.startswith("metadata.")}
    assert foreign <= leaf_paths(schema, merge.body)
    assert set(merge.kept) == foreign - others.keys() or same(want, have)


@given(st.data())
def test_a_spec_holds_what_is_declared_or_claimed_by_others_and_no_more(schema: Node, data: st.DataObject) -> None:
    want, have, ours, others = data.draw(sides(schema))
    merged = leaf_paths(schema, three_way(schema, want, have, ours, others).body)
    surplus = {text for text in merged - leaf_paths(schema, want) - others.keys() if text.startswith("spec.")}
    assert all(text.startswith("spec.noise") or text.endswith("].name") for text in surplus)


@given(st.data())
def test_no_item_loses_its_key(schema: Node, data: st.DataObject) -> None:
    want, have, ours, others = data.draw(sides(schema))
    assert all("name" in item for item in items(three_way(schema, want, have, ours, others).body))


@given(st.data())
def test_nothing_is_left_empty(schema: Node, data: st.DataObject) -> None:
    want, have, ours, others = data.draw(sides(schema))
    body = three_way(schema, want, have, ours, others).body
    assert all(body.values())
    assert all(body.get("metadata", {}).get(name, [0]) for name in ("labels", "tags"))
    assert all(body.get("spec", {}).get(name, [0]) for name in ("tools", "tasks", "noise", "http"))


@given(st.data())
def test_a_leaf_removed_from_the_manifest_goes_away(schema: Node, data: st.DataObject) -> None:
    want = data.draw(bodies)
    names = [name for part in want.values() for name in part]
    if not names:
        return
    name = data.draw(st.sampled_from(names))
    applied = three_way(schema, want, data.draw(bodies), frozenset(), {})
    later = {part: {n: v for n, v in fields.items() if n != name} for part, fields in want.items()}
    later = {part: fields for part, fields in later.items() if fields}
    merged = three_way(schema, later, applied.body, applied.claims, {})
    gone = leaf_paths(schema, want) - leaf_paths(schema, later)
    assert not gone & leaf_paths(schema, merged.body)

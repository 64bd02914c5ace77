"""Order of writes and cycles of references."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler import Desired, Reference, ResourceKey, find_cycles, order
from reconciler.components import strong_components
from reconciler.graph import MAX_CYCLES

RANKS = {"Environment": 0, "Agent": 1, "Workflow": 2}
Want = Callable[..., Desired]


def ordered(*items: Desired) -> list[str]:
    return [item.key.slug for item in order(items, RANKS.__getitem__)]


def chains(cycles: list[tuple[Reference, ...]]) -> list[str]:
    return [" > ".join(reference.target.slug for reference in (cycle[-1], *cycle)) for cycle in cycles]


def test_lower_ranks_come_first_and_keys_decide_within_a_rank(want: Want) -> None:
    items = [want(text, {}) for text in ("Workflow/a", "Agent/b", "Environment/z", "Agent/a", "other/Agent/c")]
    assert ordered(*items) == ["z", "a", "b", "c", "a"]


def test_what_is_referred_to_comes_first_within_a_rank(want: Want) -> None:
    assert ordered(want("a", {}, "b"), want("b", {}, "c"), want("c", {}), want("d", {})) == ["c", "b", "a", "d"]


def test_a_reference_to_a_higher_rank_is_still_respected(want: Want) -> None:
    assert ordered(want("Environment/e", {}, "Workflow/w"), want("Workflow/w", {}), want("Agent/a", {})) == [
        "a",
        "w",
        "e",
    ]


def test_references_to_what_is_not_there_order_nothing(want: Want) -> None:
    assert ordered(want("b", {}, "zzz"), want("a", {})) == ["a", "b"]


def test_naming_the_same_target_twice_is_one_dependency(want: Want) -> None:
    assert ordered(want("a", {}, "b", "b"), want("b", {})) == ["b", "a"]


def test_members_of_a_cycle_come_last_and_none_is_lost(want: Want) -> None:
    assert ordered(want("a", {}, "b"), want("b", {}, "a"), want("c", {}), want("d", {}, "a")) == ["c", "a", "b", "d"]


def test_no_references_no_cycles(want: Want) -> None:
    assert find_cycles([want("a", {}, "b"), want("b", {}), want("c", {}, "a", "b", "gone")]) == []


def test_a_cycle_is_listed_once_from_its_smallest_key(want: Want) -> None:
    items = [want("c", {}, "a"), want("b", {}, "c"), want("a", {}, "b"), want("x", {}, "a")]
    assert chains(find_cycles(items)) == ["a > b > c > a"]


def test_a_resource_that_names_itself_is_a_cycle(want: Want) -> None:
    assert chains(find_cycles([want("a", {}, "a")])) == ["a > a"]


def test_each_step_of_a_cycle_says_which_field_makes_it(key_of: Callable[[str], ResourceKey]) -> None:
    one = Desired(key_of("a"), b"", dict, None, (Reference("spec.subAgents[name=x].agent", key_of("b")),))
    other = Desired(key_of("b"), b"", dict, None, (Reference("spec.agent", key_of("a")),))
    (cycle,) = find_cycles([one, other])
    assert [reference.path for reference in cycle] == ["spec.subAgents[name=x].agent", "spec.agent"]


def test_the_shortest_way_round_is_shown(want: Want) -> None:
    items = [want("a", {}, "b", "e"), want("b", {}, "c"), want("c", {}, "d"), want("d", {}, "a"), want("e", {}, "a")]
    assert chains(find_cycles(items)) == ["a > e > a", "a > b > c > d > a"]


def test_cycles_that_share_a_resource_are_both_listed(want: Want) -> None:
    assert chains(find_cycles([want("a", {}, "b", "c"), want("b", {}, "a"), want("c", {}, "a")])) == [
        "a > b > a",
        "a > c > a",
    ]


def test_the_number_of_listed_cycles_is_limited(want: Want) -> None:
    assert len(find_cycles([want(f"n{i}", {}, f"n{i}") for i in range(MAX_CYCLES + 5)])) == MAX_CYCLES


nodes = st.integers(0, 7)
graphs = st.lists(st.tuples(nodes, nodes), max_size=16)


def build(want: Want, edges: list[tuple[int, int]]) -> list[Desired]:
    return [want(f"n{i}", {}, *(f"n{target}" for source, target in edges if source == i)) for i in range(8)]


def reaches_itself(start: int, edges: list[tuple[int, int]]) -> bool:
    seen: set[int] = set()
    ahead = [target for source, target in edges if source == start]
    while ahead:
        at = ahead.pop()
        if at not in seen:
            seen.add(at)
            ahead += [target for source, target in edges if source == at]
    return start in seen


@given(graphs)
def test_the_cycles_are_real_and_cover_all_that_is_cyclic(want: Want, edges: list[tuple[int, int]]) -> None:
    cycles = find_cycles(build(want, edges))
    covered = set()
    for cycle in cycles:
        numbers = [int(reference.target.slug[1:]) for reference in cycle]
        assert len(set(numbers)) == len(numbers)
        assert all(edge in edges for edge in zip([numbers[-1], *numbers], numbers, strict=False))
        assert cycle[-1].target == min(reference.target for reference in cycle)
        covered.update(numbers)
    assert covered == {number for number in range(8) if reaches_itself(number, edges)}
    assert len(set(cycles)) == len(cycles)


@given(graphs)
def test_every_acyclic_order_has_targets_first(want: Want, edges: list[tuple[int, int]]) -> None:
    edges = [(source, target) for source, target in edges if source > target]
    items = build(want, [(7 - source, 7 - target) for source, target in edges])
    positions = {item.key: position for position, item in enumerate(order(items, RANKS.__getitem__))}
    assert all(positions[r.target] < positions[item.key] for item in items for r in item.references)


@given(graphs)
def test_strong_components_reach_each_other_and_nobody_else_does(want: Want, edges: list[tuple[int, int]]) -> None:
    items = build(want, edges)
    components = strong_components({item.key: [r.target for r in item.references] for item in items})
    assert sorted(key for component in components for key in component) == [item.key for item in items]
    together = {key: component for component in components for key in component}
    for item in items:
        number = int(item.key.slug[1:])
        assert (len(together[item.key]) > 1) <= reaches_itself(number, edges)


@pytest.mark.parametrize("length", [20_000])
def test_a_long_chain_is_ordered_and_a_long_cycle_found(key_of: Callable[[str], ResourceKey], length: int) -> None:
    keys = [key_of(f"n{i:06}") for i in range(length)]
    ring = [Desired(key, b"", dict, None, (Reference("x", keys[i - 1]),)) for i, key in enumerate(keys)]
    began = time.process_time()
    (cycle,) = find_cycles(ring)
    assert len(cycle) == length
    ring[0].references = ()
    assert [item.key for item in order(reversed(ring), RANKS.__getitem__)] == keys
    assert time.process_time() - began < 5

"""The order of writes and the cycles that forbid one. Works on anything that has a key and references; a reference to
something outside the given items orders nothing. Iterative and linear: a chain of 100,000 resources is no special case.
"""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Protocol, TypeVar

from reconciler.components import strong_components
from reconciler.resource import Reference, ResourceKey

MAX_CYCLES = 20
"""Cycles that are looked for; each costs one walk over the resources that take part in it."""


class Referring(Protocol):
    """An item that can be ordered."""

    @property
    def key(self) -> ResourceKey: ...

    @property
    def references(self) -> Sequence[Reference]: ...


T = TypeVar("T", bound=Referring)


def order(items: Iterable[T], rank: Callable[[str], int]) -> list[T]:
    """The order in which to create: referenced resources first, then by rank of the kind, then by key. Deletes go in
    the reverse. Total: members of a cycle, which a caller should have refused, come last."""
    given = list(items)
    ranks = {kind: rank(kind) for kind in {item.key.kind for item in given}}
    ranked = [given[i] for _, _, i in sorted((ranks[item.key.kind], item.key, i) for i, item in enumerate(given))]
    positions = {item.key: position for position, item in enumerate(ranked)}
    targets = [_targets(item.references, positions) for item in ranked]
    if all(target < position for position, ours in enumerate(targets) for target in ours):
        return ranked
    return [ranked[position] for position in _topological(targets)]


def _targets(references: Sequence[Reference], positions: Mapping[ResourceKey, int]) -> Sequence[int]:
    return [positions[one.target] for one in references if one.target in positions] if references else ()


def _topological(targets: Sequence[Sequence[int]]) -> list[int]:
    """Positions such that targets come first, otherwise ascending (Kahn, with a heap)."""
    waiting = [len(ours) for ours in targets]
    referrers: list[list[int]] = [[] for _ in targets]
    for position, ours in enumerate(targets):
        for target in ours:
            referrers[target].append(position)
    ready = [position for position, count in enumerate(waiting) if not count]
    done = []
    while ready:
        position = heapq.heappop(ready)
        done.append(position)
        for referrer in referrers[position]:
            waiting[referrer] -= 1
            if not waiting[referrer]:
                heapq.heappush(ready, referrer)
    return done + [position for position, count in enumerate(waiting) if count]


def find_cycles(items: Iterable[Referring]) -> list[tuple[Reference, ...]]:
    """Chains of references that lead back to where they start: the last one's target holds the first one, and so on.

    Each cycle is listed once, as short as it can be, from its smallest key. Every resource that is part of a cycle is
    in at least one of them, up to `MAX_CYCLES`.
    """
    edges = _tangled({item.key: item.references for item in items})
    cycles: list[tuple[Reference, ...]] = []
    covered: set[ResourceKey] = set()
    for knot in _knots(edges):
        for key in sorted(knot):
            if key not in covered and len(cycles) < MAX_CYCLES:
                cycle = _shortest_cycle(key, edges, knot)
                covered.update(reference.target for reference in cycle)
                cycles.append(cycle)
    return cycles


def _tangled(references: Mapping[ResourceKey, Sequence[Reference]]) -> dict[ResourceKey, list[Reference]]:
    """The resources that no order can place, with the references among them; nearly always none."""
    inside = {key: [one for one in ours if one.target in references] for key, ours in references.items() if ours}
    waiting = {key: len(ours) for key, ours in inside.items() if ours}
    referrers: dict[ResourceKey, list[ResourceKey]] = {}
    for key in waiting:
        for reference in inside[key]:
            referrers.setdefault(reference.target, []).append(key)
    placed = [key for key in referrers if key not in waiting]
    while placed:
        for referrer in referrers.get(placed.pop(), ()):
            waiting[referrer] -= 1
            if not waiting[referrer]:
                del waiting[referrer]
                placed.append(referrer)
    return {key: [one for one in inside[key] if one.target in waiting] for key in waiting}


def _knots(edges: Mapping[ResourceKey, Sequence[Reference]]) -> list[set[ResourceKey]]:
    """The groups of resources that all reach each other, or one that refers to itself, by smallest key."""
    knots = [
        group
        for group in strong_components({key: [one.target for one in ours] for key, ours in edges.items()})
        if len(group) > 1 or any(reference.target in group for key in group for reference in edges[key])
    ]
    return sorted(knots, key=min)


def _shortest_cycle(
    start: ResourceKey, edges: Mapping[ResourceKey, Sequence[Reference]], knot: set[ResourceKey]
) -> tuple[Reference, ...]:
    """The shortest way from `start` back to it inside its knot, where there always is one (breadth first)."""
    came: dict[ResourceKey, tuple[ResourceKey, Reference]] = {}
    queue = deque([start])
    while start not in came:
        source = queue.popleft()
        for reference in edges[source]:
            if reference.target in knot and reference.target not in came:
                came[reference.target] = (source, reference)
                queue.append(reference.target)
    chain: list[Reference] = []
    at = start
    while not chain or at != start:
        at, reference = came[at]
        chain.append(reference)
    chain.reverse()
    smallest = min(range(len(chain)), key=lambda index: chain[index - 1].target)
    return tuple(chain[smallest:] + chain[:smallest])

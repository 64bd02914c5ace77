"""Strongly connected components of a graph of keys: the part of the search for cycles that is pure graph theory."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from reconciler.resource import ResourceKey

Edges = Mapping[ResourceKey, Sequence[ResourceKey]]


def strong_components(edges: Edges) -> list[set[ResourceKey]]:
    """The groups of keys that all reach each other; a key alone is a group. Every target must be a key of `edges`."""
    search = _Search(edges)
    for key in edges:
        if key not in search.number:
            search.explore(key)
    return search.components


class _Search:
    """Tarjan's algorithm with a stack of its own instead of recursion.

    `number` counts keys as they are entered, `low` is the smallest number known to be reachable, `path` holds entered
    keys whose component is still open, `walk` the keys being explored with their remaining targets.
    """

    __slots__ = ("components", "edges", "low", "number", "on_path", "path", "walk")

    def __init__(self, edges: Edges) -> None:
        self.edges = edges
        self.number: dict[ResourceKey, int] = {}
        self.low: dict[ResourceKey, int] = {}
        self.path: list[ResourceKey] = []
        self.on_path: set[ResourceKey] = set()
        self.walk: list[tuple[ResourceKey, Iterator[ResourceKey]]] = []
        self.components: list[set[ResourceKey]] = []

    def explore(self, start: ResourceKey) -> None:
        self._enter(start)
        while self.walk:
            key, targets = self.walk[-1]
            target = next(targets, None)
            if target is None:
                self._leave(key)
            elif target not in self.number:
                self._enter(target)
            elif target in self.on_path:
                self.low[key] = min(self.low[key], self.number[target])

    def _enter(self, key: ResourceKey) -> None:
        self.number[key] = self.low[key] = len(self.number)
        self.path.append(key)
        self.on_path.add(key)
        self.walk.append((key, iter(self.edges[key])))

    def _leave(self, key: ResourceKey) -> None:
        self.walk.pop()
        if self.walk:
            parent = self.walk[-1][0]
            self.low[parent] = min(self.low[parent], self.low[key])
        if self.low[key] == self.number[key]:
            component: set[ResourceKey] = set()
            while key not in component:
                component.add(self.path.pop())
            self.on_path -= component
            self.components.append(component)

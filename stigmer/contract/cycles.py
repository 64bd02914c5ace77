"""Cycles among names."""

from __future__ import annotations


def find_name_cycles(edges: dict[str, list[str]]) -> list[list[str]]:
    """One readable cycle per knot, found by depth-first search without recursion."""
    done: set[str] = set()
    cycles = []
    for start in sorted(edges):
        trail: list[str] = []
        on_trail: set[str] = set()
        pending = [(start, iter(edges[start]))] if start not in done else []
        while pending:
            name, rest = pending[-1]
            if name not in on_trail:
                trail.append(name)
                on_trail.add(name)
            following = next(rest, None)
            if following is None:
                pending.pop()
                trail.pop()
                on_trail.discard(name)
                done.add(name)
            elif following in on_trail:
                cycles.append(trail[trail.index(following) :])
            elif following not in done:
                pending.append((following, iter(edges[following])))
    return cycles

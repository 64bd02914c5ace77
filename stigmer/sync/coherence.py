"""What is wrong with a desired set as a whole: nothing in it, one resource declared twice, references in a circle."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from manifests import Diagnostic, Related, Severity, Source
from reconciler import Desired, Origin, ResourceKey, find_cycles

Place = Callable[[Origin | None], tuple[Source, str]]
"""Where something is declared, and the line that stands there."""


def nothing(paths: Sequence[str]) -> Diagnostic:
    return Diagnostic(
        Severity.ERROR,
        f"no manifest in {', '.join('standard input' if path == '-' else path for path in paths)}",
        hint="an empty set of manifests is refused: it could be a mistake in the path",
        code="no-manifests",
    )


def duplicate(first: Desired, second: Desired, place: Place) -> Diagnostic:
    key = second.key
    one, two = place(first.origin), place(second.origin)
    return Diagnostic(
        Severity.ERROR,
        f"{key.kind.lower()} {key.slug} is declared twice",
        two[0],
        two[1],
        hint="remove one of the two, or give one another slug",
        related=(Related("the first one is here", one[0], one[1]),),
        code="duplicate-resource",
    )


def cycles(resources: Mapping[ResourceKey, Desired], rank: Callable[[str], int], place: Place) -> list[Diagnostic]:
    """Cycles among resources, not looked for where there can be none."""
    if not may_have_cycles(resources, rank):
        return []
    diagnostics = []
    for cycle in find_cycles(resources.values()):
        chain = " -> ".join(str(reference.target) for reference in cycle)
        places = [place(resources[reference.target].origin) for reference in cycle]
        related = tuple(
            Related(f"{reference.path} refers to {reference.target}", *found)
            for reference, found in zip(cycle, places, strict=True)
        )
        diagnostics.append(
            Diagnostic(
                Severity.ERROR,
                f"cycle of references: {chain}",
                *places[0],
                hint="remove one of the references",
                related=related,
                code="reference-cycle",
            )
        )
    return diagnostics


def may_have_cycles(resources: Mapping[ResourceKey, Desired], rank: Callable[[str], int]) -> bool:
    """Cycles are impossible while every reference goes to a lower rank."""
    return any(rank(ref.target.kind) >= rank(want.key.kind) for want in resources.values() for ref in want.references)

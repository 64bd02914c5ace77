"""Rows of the loader: YAML with line marks and limits, against the C loader of PyYAML, which has neither."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any

import yaml

from benchmarks.data import Document, documents
from benchmarks.figures import Figure, Goal, faster
from benchmarks.harness import OURS, Peer, Session, Side, expect
from benchmarks.rows import Row
from manifests import parse

ROUNDS = 11
LARGE_BYTES = 1_200
"""Agents longer than this are the large ones of the estate (1.4 kB), the others the small ones (0.9 kB)."""


def ordinary(session: Session) -> Iterator[Figure]:
    """Documents that a byte bound lets pass without a closer look."""
    agents = _agents(session)
    large = [text for text in agents if len(text) > LARGE_BYTES]
    small = [text for text in agents if len(text) <= LARGE_BYTES]
    yield from _compare(session, "load", "load an ordinary document of 1.4 kB", large, faster(1.8))
    yield from _compare(session, "load", "load an ordinary document of 0.9 kB", small, faster(1.8))


def suspicious(session: Session) -> Iterator[Figure]:
    """Documents that could be bombs by their first look, and are taken event by event first."""
    agents = _agents(session)
    for what, change in (("with & and * in its text", _emphatic), ("with an anchor and an alias", _aliased)):
        texts = [change(text) for text in agents]
        yield from _compare(session, "load-suspicious", f"load a document {what}", texts, faster(1.0))


def _compare(session: Session, row: str, what: str, texts: Sequence[str], goal: Goal) -> list[Figure]:
    files = [text.encode() for text in texts]
    wanted = [yaml.load(text, yaml.CSafeLoader) for text in texts]

    def ours(_: object) -> list[Any]:
        return [parse(data, "agent.yaml").documents[0].value for data in files]

    def theirs(_: object) -> list[Any]:
        return [yaml.load(data, yaml.CSafeLoader) for data in files]

    def check(_: object, values: list[Any]) -> None:
        expect(values == wanted, True, "the loaded values are those of PyYAML")

    peer = Peer(Side("CSafeLoader", theirs, check=check), goal)
    scale = 1e6 / len(files)
    return session.compare(row, what, Side(OURS, ours, check=check), [peer], rounds=ROUNDS, unit="us", scale=scale)


def _agents(session: Session) -> list[str]:
    found: Iterator[Document] = (each for each in documents(10_000) if each.kind == "Agent")
    return [each.text for each in islice(found, session.size(400, 60))]


def _emphatic(text: str) -> str:
    return text.replace("  instructions: |\n", "  instructions: |\n    * Read & answer.\n    * Then rest.\n", 1)


def _aliased(text: str) -> str:
    return text.replace("  labels:\n", "  labels: &labels\n", 1).replace(
        "spec:\n", "  annotations: *labels\nspec:\n", 1
    )


ROWS = (
    Row("load", "ordinary YAML documents, against CSafeLoader", ordinary),
    Row("load-suspicious", "YAML documents that need a closer look, against CSafeLoader", suspicious),
)

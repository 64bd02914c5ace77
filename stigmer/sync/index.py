"""What the manifest cache keeps of a file and of a whole tree, so that unchanged files need not be read.

Per file: the identity, digest, references and position of each document. Per tree: the digest trees and the revision at
which the backend was last known to hold all of it.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from reconciler import DigestTree, Origin, Reference, ResourceKey

INDEX_VERSION = 1
"""Part of the cache's fingerprint: bumped when a payload's form or meaning changes."""

CACHE_FOLDER = "manifests"
"""Where the caches lie in the cache directory."""


class Entry(NamedTuple):
    """One document of a file."""

    key: ResourceKey
    digest: bytes
    origin: Origin
    references: tuple[Reference, ...]


@dataclass(frozen=True, slots=True)
class Verified:
    """A tree that needed no change: `trees` maps each org to its digest tree, at `revision` of `epoch`."""

    epoch: str
    revision: int
    trees: Mapping[str, bytes]
    files: int
    documents: int


def encode_entries(entries: Iterable[Entry]) -> bytes:
    rows = [
        [
            *entry.key,
            entry.digest.hex(),
            entry.origin.line,
            entry.origin.column,
            entry.origin.document,
            [[reference.path, *reference.target, reference.required] for reference in entry.references],
        ]
        for entry in entries
    ]
    return json.dumps(rows, separators=(",", ":")).encode()


def decode_entries(paths: Sequence[str], payloads: Sequence[bytes]) -> list[list[Entry]]:
    """The entries of many files at once: one pass of the JSON decoder over all of them."""
    files = json.loads(b"[" + b",".join(payloads) + b"]")
    return [[_entry(path, row) for row in rows] for path, rows in zip(paths, files, strict=True)]


def _entry(path: str, row: list[Any]) -> Entry:
    kind, org, slug, digest, line, column, document, references = row
    return Entry(
        ResourceKey(kind, org, slug),
        bytes.fromhex(digest),
        Origin(path, line, column, document),
        tuple(Reference(at, ResourceKey(*target), required) for at, *target, required in references),
    )


def encode_verified(verified: Verified | None) -> bytes:
    if verified is None:
        return b""
    trees = {org: base64.b64encode(tree).decode() for org, tree in verified.trees.items()}
    row = [verified.epoch, verified.revision, trees, verified.files, verified.documents]
    return json.dumps(row, separators=(",", ":")).encode()


def decode_verified(data: bytes) -> Verified | None:
    """The summary of a tree, None when there is none."""
    if not data:
        return None
    epoch, revision, trees, files, documents = json.loads(data)
    return Verified(epoch, revision, {org: base64.b64decode(tree) for org, tree in trees.items()}, files, documents)


def digest_trees(keys: Mapping[ResourceKey, bytes]) -> dict[str, bytes]:
    """One digest tree per org over (key, digest)."""
    by_org: dict[str, list[tuple[str, str, bytes]]] = {}
    for key, digest in keys.items():
        by_org.setdefault(key.org, []).append((key.kind, key.slug, digest))
    return {org: DigestTree(members).to_bytes() for org, members in by_org.items()}


def changed_trees(
    trees: Mapping[str, bytes], gone: Iterable[Entry], come: Mapping[ResourceKey, bytes]
) -> dict[str, bytes]:
    """The trees after some resources have left them and others, by key and digest, have come."""
    changed = {org: DigestTree.from_bytes(tree) for org, tree in trees.items()}
    for entry in gone:
        changed[entry.key.org].remove(entry.key.kind, entry.key.slug, entry.digest)
    for key, digest in come.items():
        changed.setdefault(key.org, DigestTree()).add(key.kind, key.slug, digest)
    return {org: tree.to_bytes() for org, tree in changed.items()}


def needle(key: ResourceKey) -> bytes:
    """What every encoded entry of the key contains, and no encoded entry of another one."""
    return json.dumps(key, separators=(",", ":")).encode()[:-1] + b","


def cache_file(directory: Path, *scope: str) -> Path:
    """The cache of one scope: the same paths, backend, org and manager share one."""
    name = hashlib.sha256("\0".join(scope).encode(errors="surrogateescape")).hexdigest()[:32]
    return directory / CACHE_FOLDER / f"{name}.cache"

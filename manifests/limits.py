"""The named bounds of everything that a manifest may make the reader do.

They hold before any kind is known: `split` and `compose` apply them to text, `careful` to what aliases expand to,
`files` and `beneath` to what is read from disk.
"""

from __future__ import annotations

from dataclasses import dataclass

KIB = 1024
MIB = 1024 * KIB


@dataclass(frozen=True, slots=True)
class Limits:
    """What one file and one document may cost at most. Every excess is an ERROR diagnostic, never a truncation."""

    depth: int = 64
    """Collections inside each other, the document itself being the first."""

    nodes: int = 100_000
    """Keys, values and collections of one document after aliases are expanded: about 50 MB while it is composed."""

    file_nodes: int = 1_500_000
    """Nodes of all documents of one file: an honest file of the full 16 MiB has about 1.1 million."""

    aliases: int = 1_000
    """Uses (`*name`) of anchors in one document."""

    expanded_characters: int = MIB
    """Characters of a document after its aliases are expanded: no more than without aliases."""

    document_bytes: int = MIB
    """Bytes of one document; a gRPC message holds at most four times that."""

    file_bytes: int = 16 * MIB
    """Bytes of one file, or of standard input."""

    documents: int = 10_000
    """Documents of one file."""

    mistakes: int = 1_000
    """Diagnostics of one file; after them the rest of the file is not read."""


DEFAULT_LIMITS = Limits()

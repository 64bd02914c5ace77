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

IMPORT_LIMITS = Limits(file_bytes=512 * MIB, documents=100_000, file_nodes=48_000_000)
"""For one file, or standard input, that somebody means to import: as many documents as one apply may change, and bytes
and nodes in the proportion of the default. What a single document may cost stays the same; the memory of the reader
grows with what it is given, as it does with a folder of as many files."""


@dataclass(frozen=True, slots=True)
class FolderLimits:
    """What a folder may hold that a manifest refers to as a whole. Every excess is an error, never a truncation."""

    files: int = 1_000
    """Files in it, and entries of any one folder in it."""

    depth: int = 16
    """Folders inside each other, the first one included."""

    file_bytes: int = 32 * MIB
    """Bytes of one file."""

    total_bytes: int = 32 * MIB
    """Bytes of all files."""


DEFAULT_FOLDER_LIMITS = FolderLimits()

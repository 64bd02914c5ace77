"""YAML and JSON text from files, folders, patterns and standard input -> plain documents with positions, and back.

Knows nothing of kinds, protobuf, backends or the command line: what a document means is decided above.
"""

from manifests.cache import StatCache
from manifests.diagnostics import Diagnostic, ManifestError, Position, Related, Severity, Source, has_errors, suggest
from manifests.limits import DEFAULT_LIMITS, Limits
from manifests.load import Loaded, Manifest, Parsed, load, parse
from manifests.render import render
from manifests.tree import Entry, FileTree, MemoryTree, Scan, StdinTree, Tree, open_trees, read_as_scanned, read_beneath

__all__ = [
    "DEFAULT_LIMITS",
    "Diagnostic",
    "Entry",
    "FileTree",
    "Limits",
    "Loaded",
    "Manifest",
    "ManifestError",
    "MemoryTree",
    "Parsed",
    "Position",
    "Related",
    "Scan",
    "Severity",
    "Source",
    "StatCache",
    "StdinTree",
    "Tree",
    "has_errors",
    "load",
    "open_trees",
    "parse",
    "read_as_scanned",
    "read_beneath",
    "render",
    "suggest",
]

"""YAML and JSON text from files, folders, patterns and standard input -> plain documents with positions, and back.

Knows nothing of kinds, protobuf, backends or the command line: what a document means is decided above.

Names are loaded when they are used: a command that shows one resource needs few of them.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from manifests.cache import StatCache
    from manifests.diagnostics import (
        Diagnostic,
        ManifestError,
        Position,
        Related,
        Severity,
        Source,
        has_errors,
        suggest,
    )
    from manifests.folder import FolderFile, read_folder
    from manifests.limits import DEFAULT_LIMITS, IMPORT_LIMITS, Limits
    from manifests.loader import Loaded, Manifest, Parsed, load, parse
    from manifests.renderer import render, render_json
    from manifests.tree import (
        Entry,
        FileTree,
        MemoryTree,
        Scan,
        StdinTree,
        Tree,
        open_trees,
        read_as_scanned,
        read_beneath,
    )

__all__ = [
    "DEFAULT_LIMITS",
    "IMPORT_LIMITS",
    "Diagnostic",
    "Entry",
    "FileTree",
    "FolderFile",
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
    "read_folder",
    "render",
    "render_json",
    "suggest",
]

_MODULES = {
    "cache": ("StatCache",),
    "diagnostics": (
        "Diagnostic",
        "ManifestError",
        "Position",
        "Related",
        "Severity",
        "Source",
        "has_errors",
        "suggest",
    ),
    "folder": ("FolderFile", "read_folder"),
    "limits": ("DEFAULT_LIMITS", "IMPORT_LIMITS", "Limits"),
    "loader": ("Loaded", "Manifest", "Parsed", "load", "parse"),
    "renderer": ("render", "render_json"),
    "tree": (
        "Entry",
        "FileTree",
        "MemoryTree",
        "Scan",
        "StdinTree",
        "Tree",
        "open_trees",
        "read_as_scanned",
        "read_beneath",
    ),
}
_HOMES = {name: module for module, names in _MODULES.items() for name in names}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = globals()[name] = getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    return value

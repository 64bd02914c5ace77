"""Who may know the libraries that engines are made of."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import stigmer
from stigmer.backend import settings
from stigmer.store import copies, engines, files, marker

PACKAGE = Path(stigmer.__path__[0])


def importers(library: str) -> Iterator[str]:
    """The modules that import a library, by path."""
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_bytes())):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            if any(name.partition(".")[0] == library for name in names):
                yield path.relative_to(PACKAGE).as_posix()


@pytest.mark.parametrize(("library", "engine"), [("lmdb", "lmdb"), ("sqlite3", "sqlite")])
def test_only_the_modules_of_an_engine_import_its_library(library: str, engine: str) -> None:
    found = sorted(set(importers(library)))
    assert found
    assert all(path.startswith(f"store/{engine}") for path in found), found


def test_every_place_that_names_the_durable_engines_names_the_same() -> None:
    named = set(engines.ENGINES) - {"memory"}
    assert named == set(files.ENGINE_FILES) == set(copies._MODULES) == marker.CONVERTIBLE == set(settings.ENGINES)

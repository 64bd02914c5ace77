"""Stores of every engine, closed at the end of the test."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from stigmer.store import engines
from stigmer.store.base import Store
from stigmer.store.files import ENGINE_FILES

Opener = Callable[..., Store]


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Callable[..., Store]]:
    """Opens a store in the test's folder; may be called again after `close`."""
    stores: list[Store] = []

    def open_one(engine: str = "lmdb", folder: str = "data", **options: Any) -> Store:
        stores.append(engines.open_store(tmp_path / folder, engine, **options))
        return stores[-1]

    yield open_one
    for store in stores:
        store.close()


@pytest.fixture(params=engines.ENGINES)
def engine(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(params=[name for name in engines.ENGINES if name in ENGINE_FILES])
def durable(request: pytest.FixtureRequest) -> str:
    """An engine that keeps its data in files."""
    return str(request.param)


@pytest.fixture
def store(opened: Opener, engine: str) -> Store:
    return opened(engine)

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[3]))  # benchmarks is in no wheel: it runs from the clone

from benchmarks.harness import Session


@pytest.fixture
def session(tmp_path: Path) -> Iterator[Session]:
    with ExitStack() as closing:
        yield Session(tmp_path, closing)

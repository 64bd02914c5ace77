"""What importing the package loads: commands that need no connection must not pay for one."""

from __future__ import annotations

import subprocess
import sys

import pytest

HEAVY = {"grpc", "google.protobuf", "yaml", "stigmer.contract", "stigmer.backend.v1", "asyncio"}


def loaded_by(statement: str) -> set[str]:
    code = f"{statement}\nimport sys\nprint(*[name for name in {sorted(HEAVY)} if name in sys.modules])"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(run.stdout.split())


@pytest.mark.parametrize(
    "statement",
    [
        "import stigmer.backend",
        "from stigmer.backend import config; config.load(environ={'STIGMER_HOME': '/nonexistent'})",
        "import stigmer.backend.local",
        "import stigmer.backend.factory",
    ],
)
def test_looking_around_loads_neither_grpc_nor_protobuf(statement: str) -> None:
    assert loaded_by(statement) == set()


def test_the_packages_names_are_there_when_they_are_used() -> None:
    import stigmer.backend
    from stigmer.backend.client import GrpcBackend

    assert stigmer.backend.GrpcBackend is GrpcBackend
    assert callable(stigmer.backend.open_backend)
    assert not hasattr(stigmer.backend, "nothing")

"""The program starts fast: what is loaded before a command needs it. Runs child processes."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]

HEAVY = (
    "click", "deepdiff", "difflib", "google", "grpc", "lmdb", "manifests", "protovalidate", "reconciler", "rich",
    "stigmer.backend", "stigmer.contract", "stigmer.sync", "watchfiles", "yaml",
)  # fmt: skip

NEEDED_BY_NO_PARSER = tuple(name for name in HEAVY if name not in {"click", "stigmer.backend"})


def modules_after(statement: str) -> set[str]:
    program = f"import sys\n{statement}\nsys.stderr.write('\\n'.join(sys.modules))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, cwd=ROOT, check=True)
    return set(done.stderr.split())


def test_importing_the_entry_point_loads_nothing_heavy() -> None:
    assert modules_after("import stigmer.cli.main").isdisjoint(HEAVY)


def test_the_main_help_loads_nothing_heavy() -> None:
    assert modules_after("from stigmer.cli.main import main; main(['--help'])").isdisjoint(HEAVY)


@pytest.mark.parametrize("command", ["apply", "get", "config", "local", "agent", "env", "workflow"])
def test_the_help_of_a_command_loads_no_transport(command: str) -> None:
    loaded = modules_after(f"from stigmer.cli.main import main; main(['{command}', '--help'])")
    assert loaded.isdisjoint(NEEDED_BY_NO_PARSER)


def test_a_usage_error_loads_no_transport() -> None:
    loaded = modules_after("from stigmer.cli.main import main; main(['aply'])")
    assert loaded.isdisjoint({"grpc", "google", "yaml", "rich", "deepdiff"})

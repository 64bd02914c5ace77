"""The real program against a real daemon: every command is a process of its own.

One daemon serves a module. Tests keep out of each other's way by orgs, of which each test has its own.
"""

from __future__ import annotations

import itertools
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

import pytest

from stigmer.backend.config import load
from stigmer.backend.factory import open_backend

ROOT = Path(__file__).parents[2]
TIMEOUT_S = 60.0
ORGS = itertools.count(1)


@dataclass
class Result:
    """What a process left behind."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


@dataclass
class Cli:
    """Runs `stigmer` with a home folder of its own, by default in `org`."""

    home: Path
    org: str = ""
    folder: Path | None = None
    environ: dict[str, str] = field(default_factory=dict)
    compiled: ClassVar[Path]
    """Where the processes keep compiled modules, so that they start as fast as an installed program."""

    def __call__(self, *arguments: object, stdin: str | bytes = "", env: Mapping[str, str] | None = None) -> Result:
        process = self.start(*arguments, env=env)
        data = stdin.encode() if isinstance(stdin, str) else stdin
        try:
            out, err = process.communicate(data, timeout=TIMEOUT_S)
        except BaseException:
            process.kill()
            process.communicate()
            raise
        result = Result(process.returncode, out.decode(), err.decode())
        assert "Traceback" not in result.err, result.err
        return result

    def start(
        self, *arguments: object, env: Mapping[str, str] | None = None, **options: Any
    ) -> subprocess.Popen[bytes]:
        """A process that goes on; the caller waits for it."""
        streams = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE} | options
        return subprocess.Popen(
            [*self.command, *map(str, arguments)], env=self.environment(env), cwd=self.folder, **streams
        )

    @property
    def command(self) -> list[str]:
        org = ["--org", self.org] if self.org else []
        return [sys.executable, "-m", "stigmer.cli", *org]

    def environment(self, more: Mapping[str, str] | None = None) -> dict[str, str]:
        ours = ("STIGMER_", "PYTHONDONTWRITEBYTECODE", "NO_COLOR")
        inherited = {key: value for key, value in os.environ.items() if not key.startswith(ours)}
        path = {"PYTHONPATH": str(ROOT), "PYTHONPYCACHEPREFIX": str(self.compiled), "STIGMER_HOME": str(self.home)}
        return {**inherited, **path, **self.environ, **(more or {})}

    def ok(self, *arguments: object, **options: Any) -> Result:
        """The same, for a command that must succeed."""
        result = self(*arguments, **options)
        assert result.code == 0, f"{arguments}: exit {result.code}\n{result.out}\n{result.err}"
        return result

    def json(self, *arguments: object, code: int = 0, **options: Any) -> Any:
        """The object printed with -o json by a command that must exit with `code`."""
        result = self(*arguments, "-o", "json", **options)
        assert result.code == code, f"{arguments}: exit {result.code}\n{result.out}\n{result.err}"
        return result.json

    def slugs(self, kind: str) -> set[str]:
        """What the daemon holds of a kind, asked without the program."""
        with open_backend(load(environ=self.environment())) as backend:
            return {resource.metadata.slug for resource in backend.list(kind, org=self.org)}

    def live(self, kind: str, slug: str) -> dict[str, Any]:
        """One resource as the daemon holds it, asked without the program."""
        with open_backend(load(environ=self.environment())) as backend:
            found = backend.contract.kinds.find(kind)
            return backend.contract.codec.manifest(found, backend.get(found, slug, self.org), full=True)

    def revision(self) -> int:
        """The daemon's newest commit, asked without the program."""
        with open_backend(load(environ=self.environment())) as backend:
            return backend.server_info().revision

    def pid(self) -> int:
        return int(json.loads((self.home / "data" / "daemon.json").read_text(encoding="utf-8"))["pid"])

    @staticmethod
    def manifest(kind: str, name: str, spec: Mapping[str, Any] | None = None, **metadata: Any) -> dict[str, Any]:
        """One document."""
        return {
            "apiVersion": "agentic.stigmer.ai/v1",
            "kind": kind,
            "metadata": {"name": name, **metadata},
            "spec": dict(spec or {}),
        }

    @classmethod
    def agent(cls, name: str, instructions: str = "Do as you are told.", **metadata: Any) -> dict[str, Any]:
        return cls.manifest("Agent", name, {"instructions": instructions}, **metadata)

    def write(self, name: str, *documents: Mapping[str, Any]) -> Path:
        """Writes manifests into the test's folder. JSON is YAML."""
        assert self.folder is not None
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("\n---\n".join(json.dumps(document, indent=1) for document in documents), encoding="utf-8")
        return path


def stop_daemon(cli: Cli) -> None:
    """Ends the daemon of a home folder, gently if it can be."""
    record = cli.home / "data" / "daemon.json"
    with suppress(OSError, ValueError, KeyError):
        pid = int(json.loads(record.read_text(encoding="utf-8"))["pid"])
        cli("local", "stop")
        if b"stigmer.server" in Path(f"/proc/{pid}/cmdline").read_bytes():
            os.kill(pid, signal.SIGKILL)


@pytest.fixture(scope="session", autouse=True)
def compiled(tmp_path_factory: pytest.TempPathFactory) -> None:
    Cli.compiled = tmp_path_factory.mktemp("compiled")


@pytest.fixture(scope="module")
def daemon_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A home folder whose daemon runs as long as the module's tests."""
    home = tmp_path_factory.mktemp("home")
    cli = Cli(home)
    cli.ok("local", "start")
    yield home
    stop_daemon(cli)


@pytest.fixture
def cli(daemon_home: Path, tmp_path: Path) -> Cli:
    """The program in an org and a folder of the test's own, over the module's daemon."""
    return Cli(daemon_home, f"org-{next(ORGS)}", tmp_path)


@pytest.fixture
def own_cli(tmp_path: Path) -> Iterator[Cli]:
    """The program with a home folder, and so a daemon, of the test's own."""
    folder = tmp_path / "work"
    folder.mkdir()
    cli = Cli(tmp_path / "home", folder=folder)
    yield cli
    stop_daemon(cli)


@pytest.fixture(scope="session")
def run_cli() -> type[Cli]:
    """The class itself, for fixtures that need the program with a folder and an org of their own."""
    return Cli

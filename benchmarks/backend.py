"""A backend of our own to measure: a home folder of this run, its daemon, and the command line against it."""

from __future__ import annotations

import io
import json
import pstats
import shutil
import sys
from pathlib import Path
from typing import Any

from benchmarks.harness import Session
from benchmarks.processes import Finished, environment, run

MODULE = (sys.executable, "-m", "stigmer.cli")
"""How the command line is started where no console script is asked for."""

LINES = 25
"""Functions shown of each order."""

_PROFILED = """
import cProfile, sys
def run():
    from stigmer.cli.main import main
    return main(sys.argv[2:])
profile = cProfile.Profile()
code = profile.runcall(run)
profile.dump_stats(sys.argv[1])
sys.exit(code)
"""
"""The command line inside a profile: as a program of its own it ends without giving the profiler a chance to write."""

_REQUEST_MARK = "stigmer.server.requests "


def applying(tree: Path) -> tuple[str, ...]:
    """The arguments of an apply of all manifests below a folder."""
    return ("apply", "-f", str(tree), "--yes")


class Backend:
    """A home folder. Its daemon is stopped and the folder removed by `close`."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.environ = environment(STIGMER_HOME=str(home))

    @classmethod
    def opened(cls, session: Session, name: str) -> Backend:
        """A started one, which the run closes at its end."""
        backend = cls(session.folder(name) / "home")
        session.closing.callback(backend.close)
        backend.reset()
        return backend

    @property
    def data_dir(self) -> Path:
        return self.home / "data"

    def cli(self, *arguments: str) -> Finished:
        return run([*MODULE, *arguments], self.environ)

    def apply(self, tree: Path) -> Finished:
        return self.cli(*applying(tree))

    def reset(self) -> None:
        """Nothing stored, nothing cached, and a daemon that has answered once."""
        self.close()
        self.cli("local", "start")
        self.cli("get", "agents")

    def restart(self) -> None:
        self.cli("local", "restart")
        self.cli("get", "agents")

    def pid(self) -> int:
        return int(json.loads(self.cli("local", "status", "-o", "json").output)["pid"])

    def explain(self, *arguments: str) -> str:
        """Run a command under a profile: its functions, and what the daemon's log says of its requests."""
        known = len(self._requests())
        profile = self.home.parent / "profile"
        run([sys.executable, "-c", _PROFILED, str(profile), *arguments], self.environ)
        return "\n\n".join([functions(profile), *map(_request_text, self._requests()[known:])])

    def _requests(self) -> list[dict[str, Any]]:
        """What the daemon's log says of each request, oldest first."""
        log = self.data_dir / "logs" / "daemon.log"
        lines = log.read_text(encoding="utf-8").splitlines() if log.exists() else []
        return [json.loads(line.partition(_REQUEST_MARK)[2]) for line in lines if _REQUEST_MARK in line]

    def close(self) -> None:
        if self.home.exists():
            self.cli("local", "stop")
            shutil.rmtree(self.home)


def functions(profile: Path) -> str:
    """The functions of a stored profile that took longest by themselves, and those that did with what they called."""
    out = io.StringIO()
    stats = pstats.Stats(str(profile), stream=out)
    stats.sort_stats("tottime").print_stats(LINES)
    stats.sort_stats("cumulative").print_stats(LINES)
    return out.getvalue().strip()


def _request_text(request: dict[str, Any]) -> str:
    steps = sorted(request["steps"].items(), key=lambda item: -item[1])
    method = request["method"].rpartition("/")[2]
    head = f"the daemon: {method}, {request['ms']:.0f} ms for {request.get('changes', 0):,} changes"
    return "\n".join([head, *(f"  {name:<32}{spent:10.1f} ms" for name, spent in steps if spent >= 1)])

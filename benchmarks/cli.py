"""Rows of the smallest commands, whole processes, against an interpreter that does nothing."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence

from benchmarks.backend import MODULE, Backend
from benchmarks.data import documents
from benchmarks.figures import Figure, Goal, at_most
from benchmarks.harness import Peer, Session, Side, WrongOutcomeError
from benchmarks.processes import Finished, console_script, environment, run
from benchmarks.rows import Row
from benchmarks.trees import taken

ROUNDS = 21

_NOTHING = (sys.executable, "-c", "pass")


def get(session: Session) -> Iterator[Figure]:
    """One resource as YAML, from a warm daemon."""
    estate = taken(session, session.size(1_000, 100))
    agent = next(each.slug for each in documents(20) if each.kind == "Agent")
    arguments = ("get", "agent", agent, "-o", "yaml")
    yield from _against_nothing(session, "get", arguments, estate.backend, f"name: {agent}", at_most(8))


def show_help(session: Session) -> Iterator[Figure]:
    """The help page, which needs no backend."""
    estate = taken(session, session.size(1_000, 100))
    yield from _against_nothing(session, "help", ("--help",), estate.backend, "Usage: stigmer", at_most(3))


def _against_nothing(
    session: Session, row: str, arguments: Sequence[str], backend: Backend, shown: str, goal: Goal
) -> Iterator[Figure]:
    """The installed console script, where there is one, and the module: their start differs."""
    script = console_script()
    programs = [(str(script),), MODULE] if script is not None else [MODULE]

    def check(_: object, done: Finished) -> None:
        if shown not in done.output:
            raise WrongOutcomeError(f"{shown!r} is not in what it printed: {done.output[:200]!r}")

    for program in programs:
        name = "stigmer" if len(program) == 1 else "python -m stigmer.cli"
        act = _runner([*program, *arguments], backend.environ)
        side = Side(name, act, check=check, explain=lambda: backend.explain(*arguments))
        nothing = Peer(Side("python -c pass", _runner(_NOTHING, environment())), goal)
        yield from session.compare(row, f"{name} {' '.join(arguments)}", side, [nothing], rounds=ROUNDS, warmup=2)


def _runner(command: Sequence[str], environ: dict[str, str]) -> Callable[[object], Finished]:
    return lambda _: run(command, environ)


ROWS = (
    Row("get", "stigmer get agent X -o yaml, against python -c pass", get),
    Row("help", "stigmer --help, against python -c pass", show_help),
)

"""Rows of the whole command line on trees of manifests: first applies, applies that change nothing, one changed file.

Each turn is a process from its start to its end, against a daemon that is already running.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

from benchmarks.backend import Backend, applying
from benchmarks.data import documents, write_tree
from benchmarks.figures import Figure, at_most
from benchmarks.harness import OURS, Peer, Session, Side, WrongOutcomeError
from benchmarks.peers.git import Repository
from benchmarks.peers.kubectl import Kustomization
from benchmarks.processes import Finished, environment, run
from benchmarks.rows import Row

PARSER = Path(__file__).parent / "peers" / "parse_yaml.py"

EDITABLE = 5
"""Every file at this position of its group is an agent, whose description an edit may change."""


@dataclass(slots=True)
class Estate:
    """A tree, and a backend that has taken it. `edits` numbers what was changed since."""

    tree: Path
    files: list[Path]
    backend: Backend
    edits: Iterator[int] = field(default_factory=lambda: count(1))

    @property
    def count(self) -> int:
        return len(self.files)

    def noop(self) -> Side:
        """An apply that has nothing to do."""

        def check(_: object, done: Finished) -> None:
            expect_outcome(done, f"{self.count:,} unchanged")

        name = f"nothing changed, {self.count:,} files"
        return Side(name, self._apply, check=check, explain=self._explain)

    def edited(self) -> Side:
        """An apply of the tree with another file changed each time."""

        def prepare(_: int) -> None:
            number = next(self.edits)
            path = self.files[EDITABLE + 20 * (number * 7919 % (self.count // 20))]
            lines = path.read_text().splitlines(keepends=True)
            path.write_text("".join(f"  description: Edit {number}\n" if _is_description(x) else x for x in lines))

        def check(_: object, done: Finished) -> None:
            expect_outcome(done, f"1 updated, {self.count - 1:,} unchanged")

        return Side("one file changed", self._apply, prepare, check, self._explain)

    def _apply(self, _: object) -> Finished:
        return self.backend.apply(self.tree)

    def _explain(self) -> str:
        return self.backend.explain(*applying(self.tree))


def first_apply(session: Session) -> Iterator[Figure]:
    """New manifests on an empty backend, against merely parsing them."""
    size = session.size(10_000, 400)
    tree = session.folder("first") / "tree"
    write_tree(tree, size)
    side = _first_side(session, tree, size)
    parsing = Side(
        "CSafeLoader parsing the same files",
        lambda _: run([sys.executable, str(PARSER), str(tree)], environment()),
        check=lambda _, done: expect_outcome(done, str(size)),
    )
    what = f"first apply of {size:,} manifests"
    yield from session.compare("apply-new", what, side, [Peer(parsing, at_most(0.7))], rounds=5, warmup=0)


def first_apply_and_kubectl(session: Session) -> Iterator[Figure]:
    """New manifests on an empty backend, against kubectl building the same ones into a list."""
    size = session.size(1_000, 200)
    tree = session.folder("thousand") / "tree"
    write_tree(tree, size)
    built = Kustomization(session.folder("kustomize"), list(documents(size)))
    side = _first_side(session, tree, size)
    building = Side("kubectl kustomize", lambda _: built.build(), check=lambda _, text: built.check(text))
    what = f"first apply of {size:,} manifests"
    yield from session.compare("apply-kubectl", what, side, [Peer(building, at_most(0.25))], rounds=7)


def _first_side(session: Session, tree: Path, size: int) -> Side:
    backend = Backend.opened(session, "first")
    return Side(
        OURS,
        lambda _: backend.apply(tree),
        prepare=lambda _: backend.reset(),
        check=lambda _, done: expect_outcome(done, f"{size:,} created"),
        explain=lambda: backend.explain(*applying(tree)),
    )


def noop_and_git(session: Session) -> Iterator[Figure]:
    """An apply with nothing to do, against git seeing that nothing has changed."""
    estate = large(session)
    repository = Repository(session.folder("git") / "repository", estate.tree)
    status = Side("git status", lambda _: repository.status(), check=lambda _, text: _expect_clean(text))
    note = "the stretch goal is 3x"
    what = f"apply of {estate.count:,} unchanged files"
    yield from session.compare("noop-git", what, estate.noop(), [Peer(status, at_most(3.5), note=note)], rounds=9)


def noop_growth(session: Session) -> Iterator[Figure]:
    """How an apply with nothing to do grows with the number of files."""
    many = taken(session, session.size(10_000, 400))
    few = taken(session, session.size(1_000, 100))
    what = f"apply of {many.count:,} unchanged files"
    yield from session.compare("noop-growth", what, many.noop(), [Peer(few.noop(), at_most(2))], rounds=11)


def one_changed(session: Session) -> Iterator[Figure]:
    """An apply of a tree in which one file has changed, against the apply that finds nothing changed."""
    estate = large(session)
    what = f"apply of {estate.count:,} files, one changed"
    yield from session.compare("one-changed", what, estate.edited(), [Peer(estate.noop(), at_most(1.2))], rounds=9)


def large(session: Session) -> Estate:
    """The estate of 100,000 files."""
    return taken(session, session.size(100_000, 1_000))


def taken(session: Session, size: int) -> Estate:
    """A tree of so many files with a backend that has taken it and was asked again once."""
    return session.shared(f"estate-{size}", lambda: _taken(session, size))


def _taken(session: Session, size: int) -> Estate:
    session.say(f"setting up a backend with {size:,} resources")
    tree = session.folder(f"estate-{size}") / "tree"
    estate = Estate(tree, write_tree(tree, size), Backend.opened(session, f"backend-{size}"))
    expect_outcome(estate.backend.apply(tree), f"{size:,} created")
    expect_outcome(estate.backend.apply(tree), f"{size:,} unchanged")
    return estate


def expect_outcome(done: Finished, last: str) -> None:
    """The last line of a process says what it did."""
    said = done.output.rstrip().rpartition("\n")[2]
    if said != last:
        raise WrongOutcomeError(f"it said {said!r} instead of {last!r}; {done.errors[-300:].strip()}")


def _expect_clean(text: str) -> None:
    if text:
        raise WrongOutcomeError(f"git status sees changes: {text[:200]!r}")


def _is_description(line: str) -> bool:
    return line.startswith("  description: ")


ROWS = (
    Row("apply-new", "first apply of 10,000 manifests, against parsing the same files", first_apply),
    Row("apply-kubectl", "first apply of 1,000 manifests, against kubectl kustomize", first_apply_and_kubectl),
    Row("noop-git", "second apply of 100,000 files, against git status", noop_and_git),
    Row("noop-growth", "second apply of 10,000 files, against 1,000", noop_growth),
    Row("one-changed", "one file changed in 100,000, against none", one_changed),
)

"""Looks at store folders from a process of its own: `python store_probe.py FOLDER...` prints one JSON line for each.

A line has `content` (a digest of all that can be read), `revision`, `notes` (of all commits), and `problems` (what
`verify` found, or the typed error that ended the look). No line, or an `untyped` error, means that the store let a
fault through that it should have caught.
"""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from stigmer.errors import StigmerError
from stigmer.store.base import Head, Query, ReadTransaction, SlugKey
from stigmer.store.engines import open_store

REPOSITORY = Path(__file__).resolve().parents[2]
SPACE = "fault-tests"
INDEX = "label"


@dataclass(frozen=True)
class Look:
    """What a process saw in one folder; a process that died saw nothing."""

    content: str = ""
    revision: int = -1
    notes: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()
    untyped: str = "the process died"


def look_at(folders: Iterable[Path]) -> Iterator[Look]:
    """Probe the folders in one process, and the rest in another one if it dies."""
    waiting = [str(folder) for folder in folders]
    while waiting:
        done = subprocess.run(
            [sys.executable, __file__, *waiting],
            capture_output=True,
            text=True,
            check=False,
            cwd=REPOSITORY,
            env={"PYTHONPATH": str(REPOSITORY)},
        )
        looks = [Look(**_tuples(json.loads(line))) for line in done.stdout.splitlines()]
        if len(looks) < len(waiting):
            looks.append(Look(untyped=f"the process died with {done.returncode}: {done.stderr[-300:]}"))
        yield from looks
        waiting = waiting[len(looks) :]


def _tuples(fields: dict[str, Any]) -> dict[str, Any]:
    return {name: tuple(value) if isinstance(value, list) else value for name, value in fields.items()}


def everything(tx: ReadTransaction) -> tuple[str, int, list[str]]:
    """A digest over every way of reading the store but for times, its revision, and the notes of its commits."""
    seen = hashlib.sha256()
    for org in tx.orgs():
        heads = list(tx.heads(org))
        seen.update(repr((org, heads)).encode())
        seen.update(repr(tx.find_many([_slug_key(head) for head in heads])).encode())
        for kind in sorted({head.kind for head in heads}):
            rows = tx.list(Query(kind, org))
            for index in sorted({index for row in rows for index in row.indexes}):
                seen.update(repr([row.id for row in tx.list(Query(kind, org, index))]).encode())
            seen.update(repr(rows).encode())
    commits = [replace(commit, at=0) for commit in tx.commits(tx.oldest_revision, 1_000_000)]
    seen.update(repr((commits, tx.kv_scan(SPACE))).encode())
    return seen.hexdigest(), tx.revision, [commit.note.decode() for commit in commits]


def _slug_key(head: Head) -> SlugKey:
    return SlugKey(head.org, head.kind, head.slug)


def engine_of(folder: Path) -> str:
    """What the marker says."""
    return str(json.loads((folder / "store.json").read_bytes())["engine"])


def probe(folder: Path) -> dict[str, Any]:
    try:
        store = open_store(folder, engine_of(folder))
    except StigmerError as error:
        return {"problems": [f"{error.code} {error.message}"], "untyped": ""}
    try:
        problems = store.verify()
        content, revision, notes = store.read(everything)
    except StigmerError as error:
        return {"problems": [f"{error.code} {error.message}"], "untyped": ""}
    else:
        return {"content": content, "revision": revision, "notes": notes, "problems": problems, "untyped": ""}
    finally:
        store.close()


def main() -> None:
    for name in sys.argv[1:]:
        try:
            answer = probe(Path(name))
        except Exception as error:  # noqa: BLE001 - what is not typed is what the probe looks for
            answer = {"untyped": f"{type(error).__name__}: {error}"}
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()

"""Putting one store in the place of another: a crash at any point leaves the old one, or the new one as soon as
somebody opens the folder.

The new store lies complete and durable in a folder inside the data directory. Writing the journal is the step that
counts: before it nothing has changed, and after it the moves can be made again by anybody who holds the directory,
because each shows in what is left to move.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from stigmer.errors import DataLoss
from stigmer.store.files import STORE_FILES
from stigmer.store.integrity import LAST_BACKUP
from stigmer.store.marker import MARKER_NAME, cannot_use, sync_folder, write_durably

JOURNAL_NAME = "swap.json"

FOLDER_MODE = 0o700


@dataclass(frozen=True, slots=True)
class Swap:
    """`staged` and `kept` are names of folders in the data directory: where the new store comes from, and where the old
    one goes. `files` are those of the new store."""

    staged: str
    kept: str
    files: Sequence[str]


def swap(data_dir: Path, staged: Path, kept: Path) -> bool:
    """Replace the store in `data_dir` by the one in `staged`, and keep the old one, whatever is left of it, in `kept`;
    both are folders in `data_dir`. The caller owns the directory, and everything in `staged` is durable. Returns
    whether there was anything to keep. ResourceExhausted or Unavailable when files cannot be moved: if that happened
    after the step that counts, the next opening finishes it."""
    files = [name for name in STORE_FILES if (staged / name).exists()]
    old = [name for name in STORE_FILES if (data_dir / name).exists()]
    journal = Swap(staged.name, kept.name, files)
    try:
        if old:
            kept.mkdir(mode=FOLDER_MODE)
        sync_folder(data_dir)
    except OSError as error:
        raise cannot_use(kept, error) from error
    write_durably(data_dir / JOURNAL_NAME, json.dumps(asdict(journal)).encode())
    _carry_out(data_dir, journal)
    return bool(old)


def pending_swap(data_dir: Path) -> Swap | None:
    """The swap that a crash has interrupted, if there is one. DataLoss when the journal cannot be understood."""
    path = data_dir / JOURNAL_NAME
    try:
        fields = json.loads(path.read_bytes())
        journal = Swap(str(fields["staged"]), str(fields["kept"]), tuple(map(str, fields["files"])))
    except FileNotFoundError:
        return None
    except OSError as error:
        raise cannot_use(path, error) from error
    except (ValueError, TypeError, KeyError) as error:
        raise _not_understood(path) from error
    names = (journal.staged, journal.kept)
    if not set(journal.files) <= set(STORE_FILES) or any(Path(name).name != name or not name for name in names):
        raise _not_understood(path)
    return journal


def finish_swap(data_dir: Path) -> Swap | None:
    """Finish what a crash has interrupted, and return it; None when there is nothing to finish. The caller owns the
    directory. DataLoss when the new store has gone meanwhile."""
    journal = pending_swap(data_dir)
    if journal is not None:
        _carry_out(data_dir, journal)
    return journal


def _carry_out(data_dir: Path, journal: Swap) -> None:
    staged, kept = data_dir / journal.staged, data_dir / journal.kept
    try:
        for name in STORE_FILES:
            if (data_dir / name).exists() and (name not in journal.files or (staged / name).exists()):
                kept.mkdir(mode=FOLDER_MODE, exist_ok=True)
                (data_dir / name).rename(kept / name)
        for folder in (kept, data_dir):
            if folder.exists():
                sync_folder(folder)
        for name in sorted(journal.files, key=STORE_FILES.index):
            if (staged / name).exists():
                (staged / name).rename(data_dir / name)
        _check(data_dir, journal)
        sync_folder(data_dir)
        (data_dir / JOURNAL_NAME).unlink()
        sync_folder(data_dir)
        shutil.rmtree(staged, ignore_errors=True)
    except OSError as error:
        raise cannot_use(data_dir, error) from error


def _check(data_dir: Path, journal: Swap) -> None:
    missing = [name for name in (*journal.files, MARKER_NAME) if not (data_dir / name).exists()]
    if missing:
        raise DataLoss(
            f"{data_dir} was to get the store in {journal.staged}, but {', '.join(missing)} has gone",
            hint=f"{LAST_BACKUP}; the store before it is in {data_dir / journal.kept}",
            reason="SWAP_INCOMPLETE",
        )


def _not_understood(path: Path) -> DataLoss:
    return DataLoss(
        f"{path} is damaged: it does not say which store was to replace which", hint=LAST_BACKUP, reason="SWAP_DAMAGED"
    )

"""What an export says: its progress while it runs, and at its end what it warns of and how much it was."""

from __future__ import annotations

from pathlib import Path
from typing import final

from stigmer.cli.console import Console
from stigmer.cli.plaintext import clean
from stigmer.cli.views.progress import Progress
from stigmer.cli.views.wording import counted
from stigmer.sync.export import Exported, Oversized, Writing
from stigmer.sync.export_files import FolderSink
from stigmer.sync.export_read import Reading

SHOWN = 10
"""Paths that a warning lists; the rest are counted."""


@final
class ExportWatch:
    """Takes the events of one export: draws progress at once, and keeps warnings for the end."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self.warnings: list[str] = []

    def __call__(self, event: object) -> None:
        match event:
            case Reading(resources=resources):
                self._progress.say(f"reading: {resources:,} resources")
            case Writing(done=done, total=total):
                self._progress.say(f"writing manifests {done:,}/{total:,}")
            case Oversized(key=key, size=size):
                self.warnings.append(f"{key} has {size:,} bytes as a manifest: more than import takes in one document")
            case _:
                pass


def print_stream_exported(done: Exported, watch: ExportWatch, console: Console) -> None:
    """The last words of an export to standard output."""
    _warn(watch, console)
    console.success(_what(done))


def print_folder_exported(done: Exported, sink: FolderSink, folder: Path, watch: ExportWatch, console: Console) -> None:
    """The last words of an export to a folder."""
    _warn(watch, console)
    if sink.foreign:
        _warn_of_foreign(sink, folder, console)
    counts = [f"{counted(sink.written, 'file')} written", f"{sink.unchanged:,} unchanged"]
    counts += [f"{sink.removed:,} removed"] if sink.removed else []
    console.success(clean(f"{_what(done)} to {folder}: {', '.join(counts)}"))


def _what(done: Exported) -> str:
    return f"exported {counted(done.resources, 'resource')} at revision {done.revision}"


def _warn(watch: ExportWatch, console: Console) -> None:
    for text in watch.warnings:
        console.warning(clean(text))


def _warn_of_foreign(sink: FolderSink, folder: Path, console: Console) -> None:
    count = len(sink.foreign)
    shown = ", ".join(sink.foreign[:SHOWN])
    more = f" and {count - SHOWN:,} more" if count > SHOWN else ""
    why = "no export writes them as they are" if sink.prune else "--prune removes what an export wrote"
    are = "is" if count == 1 else "are"
    console.warning(clean(f"{counted(count, 'file')} in {folder} {are} not of this export: {shown}{more}; {why}"))

"""What an export says on standard error, and the bytes it writes to standard output. Exporting is tested below."""

from __future__ import annotations

import io
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from reconciler import ResourceKey
from stigmer.cli.console import Console
from stigmer.cli.views import progress
from stigmer.cli.views.exports import SHOWN, ExportWatch, print_folder_exported, print_stream_exported
from stigmer.cli.views.progress import Progress
from stigmer.sync.export import Exported, Oversized, Writing
from stigmer.sync.export_read import Reading


@dataclass
class Saved:
    """What a folder sink counts."""

    written: int = 3
    unchanged: int = 1_200
    removed: int = 0
    prune: bool = False
    foreign: list[str] = field(default_factory=list)


def watch(recorder: Any) -> ExportWatch:
    return ExportWatch(Progress(recorder.console))


def test_a_stream_is_summed_up_with_what_it_warns_of(pipe: Any) -> None:
    watching = watch(pipe)
    watching(Oversized(ResourceKey("Skill", "local", "huge"), 2_000_000))
    print_stream_exported(Exported(1, 7), watching, pipe.console)
    assert pipe.out == ""
    assert pipe.err == (
        "⚠ local/Skill/huge has 2,000,000 bytes as a manifest: more than import takes in one document\n"
        "✓ exported 1 resource at revision 7\n"
    )


def test_a_folder_is_summed_up_with_what_was_written(pipe: Any) -> None:
    print_folder_exported(Exported(1_203, 7), Saved(removed=2), Path("a\x1b[31mb"), watch(pipe), pipe.console)  # type: ignore[arg-type]
    assert pipe.err == (
        "✓ exported 1,203 resources at revision 7 to a[31mb: 3 files written, 1,200 unchanged, 2 removed\n"
    )


@pytest.mark.parametrize(("prune", "why"), [(False, "--prune removes"), (True, "no export writes them as they are")])
def test_files_that_are_not_of_the_export_are_listed_up_to_a_number(pipe: Any, prune: bool, why: str) -> None:
    saved = Saved(prune=prune, foreign=[f"skills/s{number}.yaml" for number in range(SHOWN + 2)])
    print_folder_exported(Exported(1, 7), saved, Path("out"), watch(pipe), pipe.console)  # type: ignore[arg-type]
    warning = pipe.err.splitlines()[0]
    assert warning.startswith("⚠ 12 files in out are not of this export: skills/s0.yaml, ")
    assert f"skills/s9.yaml and 2 more; {why}" in warning


def test_progress_is_drawn_on_a_terminal_that_waits(terminal: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "DELAY", 0.01)
    monkeypatch.setattr(progress, "INTERVAL", 0.01)
    drawing = Progress(terminal.console)
    watching = ExportWatch(drawing)
    for event, said in ((Reading(1_000), "reading: 1,000 resources"), (Writing(500, 1_000), "manifests 500/1,000")):
        watching(event)
        for _ in range(500):
            if said in terminal.err:
                break
            time.sleep(0.01)
        assert said in terminal.err
    drawing.close()


def test_bytes_are_written_as_they_are_after_the_text_before_them() -> None:
    raw = io.BytesIO()
    console = Console(io.TextIOWrapper(raw, encoding="ascii"), io.StringIO())
    console.write("text")
    console.write_bytes("😀\n".encode())
    console.flush()
    assert raw.getvalue() == "text\n😀\n".encode()

#!/usr/bin/env python3
"""Merges CSV exports into one timeline in Markdown: `timeline.py channel.csv pager.csv deployments.csv`.

Each file has a header with the columns `time` (ISO 8601 with an offset) and `text`; the file's name tells the source.
"""

from __future__ import annotations

import csv
import sys
from datetime import UTC, datetime
from pathlib import Path


def events(path: Path) -> list[tuple[datetime, str, str]]:
    """(time in UTC, source, text) of every row."""
    with path.open(newline="", encoding="utf-8") as file:
        return [
            (datetime.fromisoformat(row["time"]).astimezone(UTC), path.stem, row["text"].strip())
            for row in csv.DictReader(file)
        ]


def main(paths: list[str]) -> int:
    if not paths:
        sys.stderr.write("usage: timeline.py FILE.csv...\n")
        return 2
    lines = ["| time (UTC) | source | what |", "| --- | --- | --- |"]
    for time, source, text in sorted(event for path in paths for event in events(Path(path))):
        lines.append(f"| {time:%Y-%m-%d %H:%M} | {source} | {text.replace('|', '/')} |")
    sys.stdout.write("\n".join(lines) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

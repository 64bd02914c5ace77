"""The marker of a data folder, `store.json`, as far as a client may read it: which engine made the store."""

from __future__ import annotations

import json
from pathlib import Path

MARKER_NAME = "store.json"
MAX_MARKER_BYTES = 64 * 1024


def engine_of(data_dir: Path) -> str:
    """The engine's name; empty when there is no marker or it cannot be understood."""
    try:
        with (data_dir / MARKER_NAME).open("rb") as file:
            engine = json.loads(file.read(MAX_MARKER_BYTES))["engine"]
    except (OSError, ValueError, KeyError, TypeError):
        return ""
    return engine if isinstance(engine, str) else ""

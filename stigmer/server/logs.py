"""The daemon's log: rotating, one line an event, JSON for requests. It never holds a secret or a resource's content."""

from __future__ import annotations

import logging
import os
import time
from logging.handlers import RotatingFileHandler
from pathlib import Path

LOG_FOLDER = "logs"
LOG_NAME = "daemon.log"

MAX_LOG_BYTES = 5 << 20
KEPT_LOGS = 3
"""The log is rotated at this size, and so many older ones are kept."""

LEVEL_VARIABLE = "STIGMER_LOG_LEVEL"
DEFAULT_LEVEL = "INFO"


def configure(data_dir: Path) -> None:
    """Send every log record of the process to the data directory's log."""
    folder = data_dir / LOG_FOLDER
    folder.mkdir(mode=0o700, exist_ok=True)
    handler = RotatingFileHandler(
        folder / LOG_NAME, maxBytes=MAX_LOG_BYTES, backupCount=KEPT_LOGS, encoding="utf-8", delay=True
    )
    formatter = logging.Formatter("%(asctime)s.%(msecs)03dZ %(levelname)s %(name)s %(message)s", "%Y-%m-%dT%H:%M:%S")
    formatter.converter = time.gmtime
    handler.setFormatter(formatter)
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level())


def level() -> int:
    """The level that the environment asks for; what is not a level counts as the default."""
    named = logging.getLevelNamesMapping()
    return named.get(os.environ.get(LEVEL_VARIABLE, DEFAULT_LEVEL).upper(), named[DEFAULT_LEVEL])

"""What a maintenance process says: one JSON object a line on standard output, each with its `event`.

| event | fields | |
| --- | --- | --- |
| progress | text | what is being done |
| check | name, status, message, hint | one finding of the doctor |
| facts | of `copies.Survey` | the store that the doctor has found |
| ready | current, of a restore also backup | the line `go` on standard input is waited for |
| result | by command | how it ended well; the last line |
| error | code, reason, message, hint, violations | how it ended otherwise; the last line |
"""

from __future__ import annotations

import json
import sys
from typing import Any

from stigmer.errors import StigmerError

GO = "go"
"""The answer to `ready` that lets the work be done; anything else, or the end of the input, does not."""

MAX_VIOLATIONS = 200
"""Problems that an error lists: more say nothing new."""


def emit(event: str, **fields: Any) -> None:
    """Say it at once. BrokenPipeError when nobody listens any more."""
    sys.stdout.write(json.dumps({"event": event, **fields}, ensure_ascii=True) + "\n")
    sys.stdout.flush()


def progress(text: str) -> None:
    emit("progress", text=text)


def fail(error: StigmerError) -> None:
    emit(
        "error",
        code=error.code,
        reason=error.reason,
        message=error.message,
        hint=error.hint,
        violations=[violation.description for violation in error.violations[:MAX_VIOLATIONS]],
    )

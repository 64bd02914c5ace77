"""Bounds that client and server hold alike: the client refuses early and kindly, the server in any case."""

from __future__ import annotations

MAX_CHANGES = 100_000
"""The most changes of one ApplyChanges."""

MAX_APPLY_BYTES = 256 << 20
"""The most bytes of one ApplyChanges; the server holds them until it commits."""

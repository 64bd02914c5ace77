"""Bounds that client and server hold alike: the client refuses early and kindly, the server in any case."""

from __future__ import annotations

MAX_CHANGES = 100_000
"""The most changes of one ApplyChanges."""

MAX_APPLY_BYTES = 256 << 20
"""The most bytes of one ApplyChanges; the server holds them until it commits."""

MAX_ARTIFACT_BYTES = 32 << 20
"""The most bytes of one artifact."""

ARTIFACT_PIECE_BYTES = 1 << 20
"""The most bytes of one message of an artifact's stream."""

MAX_ARCHIVE_ENTRIES = 1_000
"""The most files and folders of one archive."""

MAX_UNPACKED_FILE_BYTES = 32 << 20
"""The most bytes of one file of an archive."""

MAX_UNPACKED_BYTES = 64 << 20
"""The most bytes of all files of an archive."""

MAX_UNPACKED_RATIO = 100
"""How many times its own size an archive may unpack to, beyond the first RATIO_FREE_BYTES. Text packs 3 to 10 times;
what packs better than this holds nothing worth sending."""

RATIO_FREE_BYTES = 1 << 20

MAX_PATH_BYTES = 240
"""The longest path of a file in an archive, in UTF-8: file systems take 255 for one name."""

MAX_PATH_DEPTH = 16
"""The most parts of such a path."""

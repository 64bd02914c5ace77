"""The checksum in front of every stored value, over its space, its key and its bytes.

The engines' pages carry none, so a flipped bit would otherwise be served as data. The key is part of the sum, so a
value that moved under another key is caught too. CRC-32 was chosen over an 8-byte BLAKE2b: it finds every error burst
up to 32 bits for certain, and costs 0.3 us per kB against 1.0 us. It guards against faults, not forgers.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import IntEnum
from pathlib import Path
from struct import Struct
from zlib import crc32

from stigmer.errors import DataLoss

CHECKSUM = Struct("<I")

LAST_BACKUP = "restore the last backup: stigmer local restore FILE (what is there now is kept)"
"""What to do about data that cannot be trusted."""


class Space(IntEnum):
    """Seeds of the sum, one per kind of value, so that a value cannot pass in the place of another kind."""

    RECORD = 0x5265C0
    SLUG = 0x51A9
    LOG = 0x109
    KEY_VALUE = 0x4B76
    NAME = 0x7A3E
    STATE = 0x57A7


def checksum(space: Space, key: bytes, payload: bytes) -> int:
    return crc32(payload, crc32(key, space))


def seal(space: Space, key: bytes, payload: bytes) -> bytes:
    """`payload` behind its checksum, as it is stored under `key`."""
    return CHECKSUM.pack(checksum(space, key, payload)) + payload


def unseal(space: Space, key: bytes, value: bytes, name: Callable[[], str]) -> bytes:
    """The payload of a sealed value; DataLoss naming `name()` when the sum does not match."""
    payload = value[CHECKSUM.size :]
    if len(value) < CHECKSUM.size or CHECKSUM.unpack_from(value)[0] != checksum(space, key, payload):
        raise damaged(name())
    return payload


def damaged(name: str) -> DataLoss:
    """The error of a stored value that is not what was written."""
    return DataLoss(
        f"{name} is damaged: the stored bytes fail their checksum",
        hint=LAST_BACKUP,
        reason="CHECKSUM_MISMATCH",
    )


def damaged_file(path: Path, problem: str) -> DataLoss:
    """The error of a data file that cannot be what the store left."""
    return DataLoss(f"{path} is damaged: {problem}", hint=LAST_BACKUP, reason="DATA_FILE_DAMAGED")


def damaged_store(data_dir: Path, cause: object) -> DataLoss:
    """The error of a store that an engine gave up reading."""
    return DataLoss(f"the store in {data_dir} is damaged: {cause}", hint=LAST_BACKUP, reason="DATA_FILE_DAMAGED")

"""`manifest.json`, the first member of a backup: what is in it and where it comes from."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from stigmer.errors import DataLoss, FailedPrecondition
from stigmer.store.copies import known_engine
from stigmer.store.files import ENGINE_FILES
from stigmer.store.marker import MARKER_NAME

BACKUP_FORMAT = 1
"""Version of the layout of backups. One written in a newer layout is refused."""

MAX_MANIFEST_BYTES = 64 << 10
"""A manifest is a few hundred bytes, and one count for each kind."""

MANIFEST_NAME = "manifest.json"


@dataclass(frozen=True, slots=True)
class Member:
    """One file of the store. `sha256` is hexadecimal."""

    name: str
    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """`created` is RFC 3339 in UTC; `resources` counts records by kind; `members` are in the order of the archive."""

    format: int
    stigmer: str
    engine: str
    store_id: str
    epoch: str
    revision: int
    created: str
    resources: Mapping[str, int]
    members: tuple[Member, ...]

    @property
    def total(self) -> int:
        return sum(self.resources.values())

    def encode(self) -> bytes:
        return json.dumps(asdict(self), indent=1).encode() + b"\n"


def decode_manifest(data: bytes, where: str) -> Manifest:
    """FailedPrecondition for a newer layout or an engine that this version does not know; DataLoss when it is not a
    manifest, or when its members are not the files of its engine."""
    try:
        fields = json.loads(data)
        version = fields["format"]
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise _not_understood(where) from error
    if type(version) is not int or version < 1:
        raise _not_understood(where)
    if version > BACKUP_FORMAT:
        raise FailedPrecondition(
            f"{where} has format {version}; this version of stigmer reads up to format {BACKUP_FORMAT}",
            hint="upgrade stigmer",
            reason="BACKUP_FORMAT_NEWER",
        )
    manifest = _parse(fields, where)
    files = ENGINE_FILES[known_engine(manifest.engine, where)]
    if [member.name for member in manifest.members] != [MARKER_NAME, files.data]:
        raise _not_understood(where)
    return manifest


def _parse(fields: dict[str, Any], where: str) -> Manifest:
    try:
        members = tuple(Member(each["name"], each["size"], each["sha256"]) for each in fields["members"])
        manifest = Manifest(**{name: fields[name] for name in Manifest.__slots__ if name != "members"}, members=members)
    except (TypeError, KeyError) as error:
        raise _not_understood(where) from error
    texts = [manifest.stigmer, manifest.engine, manifest.store_id, manifest.epoch, manifest.created]
    texts += [text for member in members for text in (member.name, member.sha256)]
    counts = manifest.resources if isinstance(manifest.resources, dict) else {"": None}
    numbers = [manifest.revision, *counts.values(), *(member.size for member in members)]
    if not all(isinstance(text, str) for text in texts) or not all(type(n) is int and n >= 0 for n in numbers):
        raise _not_understood(where)
    return manifest


def _not_understood(where: str) -> DataLoss:
    return damaged_backup(where, "its manifest cannot be understood")


def damaged_backup(where: str, problem: str) -> DataLoss:
    """The error of a backup that is not as it was written."""
    return DataLoss(
        f"{where} is damaged: {problem}",
        hint="nothing was changed; use another backup",
        reason="BACKUP_DAMAGED",
    )

"""The handles of the LMDB engine's trees, and the types of the binding with their `bytes` spelled out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import lmdb

Txn: TypeAlias = "lmdb.Transaction[bytes]"
Cursor: TypeAlias = "lmdb.Cursor[bytes]"
Tree: TypeAlias = "lmdb._Database"


@dataclass(frozen=True, slots=True)
class Trees:
    """See `lmdb_keys` for what each holds. The field names are the names in the file."""

    records: Tree
    primary: Tree
    slugs: Tree
    indexes: Tree
    log: Tree
    pairs: Tree
    names: Tree

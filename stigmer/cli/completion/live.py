"""Names of live resources, asked of the daemon that runs; without one there are none."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from itertools import islice
from typing import TYPE_CHECKING, Any

from stigmer.errors import StigmerError
from stigmer.version import VERSION

if TYPE_CHECKING:
    from stigmer.backend.daemon import Record
    from stigmer.cli.application import Invocation
    from stigmer.contract import Contract, Kind

MAX_NAMES = 300
"""Names offered at once; more cannot be chosen from by eye."""

ANSWER_S = 0.5
"""How long the daemon may take. Somebody waits for the cursor."""

_BEGINNING = re.compile(r"[a-z0-9-]*")


def live_names(invocation: Invocation, kind: Kind, start: str) -> list[tuple[str, str]]:
    """(slug, display name) of resources whose slug begins with `start`, in order of the slugs. Empty when no daemon
    runs, it is of another version, or it does not answer at once."""
    if not _BEGINNING.fullmatch(start):
        return []
    try:
        return sorted(islice(_ask(invocation, kind, start), MAX_NAMES))
    except (StigmerError, OSError):
        return []


def _ask(invocation: Invocation, kind: Kind, start: str) -> Iterator[tuple[str, str]]:
    from stigmer.contract import default_contract

    contract = default_contract()
    record = _daemon(invocation, contract)
    if record is None:
        return
    from stigmer.backend.client import GrpcBackend

    narrowed = f'slug = "{start}*"' if start else ""
    with GrpcBackend(record.address, contract, timeout=ANSWER_S) as backend:
        listed: Iterator[Any] = backend.list(kind, org=invocation.org, filter=narrowed, page_size=MAX_NAMES)
        for resource in listed:
            name, slug = resource.metadata.name, resource.metadata.slug
            yield slug, name if name != slug else ""


def _daemon(invocation: Invocation, contract: Contract) -> Record | None:
    """The daemon of the data directory that the line or the configuration names, if it runs and speaks our contract."""
    from stigmer.backend import config, daemon

    flags = {"backend.local.data_dir": str(invocation.data_dir) if invocation.data_dir else None}
    loaded = config.load(flags=flags, environ=os.environ, file=invocation.config)
    if loaded.backend_type != "local":
        return None
    record = daemon.serving(loaded.data_dir)
    return record if record and (record.version, record.contract_hash) == (VERSION, contract.hash) else None

"""What a command needs to work: the configuration its options lead to, and an open backend.

Opening the local backend starts its daemon when none runs, which is why it can take a second the first time.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from stigmer.cli.application import Invocation
from stigmer.cli.plaintext import clean

if TYPE_CHECKING:
    from stigmer.backend.client import GrpcBackend, ServerInfo
    from stigmer.backend.config import Config
    from stigmer.contract import Contract
    from stigmer.sync import Workspace


@dataclass(frozen=True, slots=True)
class World:
    """An open backend. `org` is what --org said, empty for the backend's own (`info.default_org`)."""

    config: Config
    contract: Contract
    backend: GrpcBackend
    info: ServerInfo
    org: str


def load_config(invocation: Invocation) -> Config:
    """The settings of this run; its warnings are shown."""
    from stigmer.backend import config

    flags = {"backend.local.data_dir": str(invocation.data_dir) if invocation.data_dir else None}
    loaded = config.load(flags=flags, environ=os.environ, file=invocation.config)
    for warning in loaded.warnings:
        invocation.console.warning(clean(warning))
    return loaded


@contextmanager
def open_world(invocation: Invocation) -> Iterator[World]:
    """The backend that the configuration names, open until the block ends."""
    from stigmer.backend.factory import open_backend

    config = load_config(invocation)
    with open_backend(config) as backend:
        info = backend.server_info()
        if invocation.verbose:
            invocation.console.info(clean(f"{config.backend_type} backend, {info.data_dir}, revision {info.revision}"))
        yield World(config, backend.contract, backend, info, invocation.org)


def workspace_of(world: World) -> Workspace:
    """The world as the use cases want it."""
    from stigmer.sync import Workspace

    return Workspace(
        backend=world.backend,
        contract=world.contract,
        default_org=world.info.default_org,
        backend_id=world.info.store_id,
        cache_dir=world.config.home / "cache",
        stdin=sys.stdin.buffer if sys.stdin is not None else None,
        environ=os.environ,
        artifacts=world.backend.artifacts,
    )

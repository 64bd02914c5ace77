"""From a configuration to an open backend: the one place that knows the backend types."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stigmer.backend.config import Config
from stigmer.backend.local import connect_local
from stigmer.errors import FailedPrecondition

if TYPE_CHECKING:
    from stigmer.backend.client import GrpcBackend
    from stigmer.contract import Contract


def open_backend(config: Config, contract: Contract | None = None, *, timeout: float | None = None) -> GrpcBackend:
    """The configured backend, ready to use and to be closed by the caller (it is a context manager). `timeout` caps
    every call, in seconds. FailedPrecondition for a backend that this version cannot open."""
    if config.backend_type == "local":
        return connect_local(config, contract, timeout=timeout)
    raise FailedPrecondition(
        f"the {config.backend_type} backend is not available in this version",
        hint="use the local one: stigmer backend switch local",
        reason="BACKEND_UNAVAILABLE",
    )

"""How a program on this machine reaches a backend: configuration, the local daemon's life, and a typed client.

It never knows how a server stores, validates or authorises: it speaks the contract only. Importing this package loads
neither grpc nor protobuf; its names do when they are used.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from stigmer.backend.client import GrpcBackend, ServerInfo
    from stigmer.backend.factory import open_backend

__all__ = ["GrpcBackend", "ServerInfo", "open_backend"]

_HOMES = {"GrpcBackend": "client", "ServerInfo": "client", "open_backend": "factory"}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)

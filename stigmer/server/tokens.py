"""Callers of the local daemon. The unix socket is the user's own: whoever connects is the user. A loopback port is open
to everybody on the machine, so that calls on it must carry the token of the data directory."""

from __future__ import annotations

import getpass
import hmac
import ipaddress
import os
import secrets
import socket
from pathlib import Path

from stigmer.errors import InvalidArgument, Unauthenticated, Unavailable
from stigmer.server.policy import LOCAL_PRINCIPAL, Caller
from stigmer.server.record import replace_file

TOKEN_NAME = "daemon.token"  # noqa: S105 -- the name of a file
TOKEN_BYTES = 32
"""256 bits."""

MAX_PORT = 65_535

_SCHEME = "Bearer "


def actor() -> str:
    """`user@host`: how audit fields name the local user."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError):
        user = f"uid-{os.geteuid()}"
    return f"{user}@{socket.gethostname()}"


def read_token(data_dir: Path) -> str:
    """The data directory's token, made on first use. Unavailable when others can read it."""
    path = data_dir / TOKEN_NAME
    if not path.exists():
        replace_file(path, secrets.token_hex(TOKEN_BYTES).encode() + b"\n")
    found = path.stat()
    if found.st_uid != os.geteuid() or found.st_mode & 0o077:
        raise Unavailable(f"{path} can be read by others", hint="delete it; the next start makes a new one")
    return path.read_text().strip()


class LocalCallers:
    """Says who is calling (a `boundary.Identify`). Without a token there is no TCP listener to ask for it."""

    def __init__(self, token: str = "") -> None:
        self._token = token.encode()
        self._caller = Caller(LOCAL_PRINCIPAL, actor())

    def __call__(self, peer: str, metadata: dict[str, str]) -> Caller:
        if not peer.startswith("unix:"):
            self._check(metadata.get("authorization", ""))
        return self._caller

    def _check(self, authorization: str) -> None:
        given = authorization.removeprefix(_SCHEME).encode() if authorization.startswith(_SCHEME) else b""
        if not self._token or not hmac.compare_digest(given, self._token):
            raise Unauthenticated(
                "no or wrong token",
                hint=f"send the content of {TOKEN_NAME} as authorization: Bearer TOKEN",
            )


def loopback_address(text: str) -> str:
    """`host:port` of the loopback interface in gRPC's form. InvalidArgument for anything that others could reach."""
    host, _, port = text.rpartition(":")
    bare = "127.0.0.1" if host == "localhost" else host.strip("[]")
    try:
        address = ipaddress.ip_address(bare)
    except ValueError:
        raise _not_an_address(text) from None
    if not (port.isascii() and port.isdigit() and int(port) <= MAX_PORT):
        raise _not_an_address(text)
    if not address.is_loopback:
        raise InvalidArgument(f"{text} is not a loopback address: the local daemon serves this machine only")
    return f"[{address}]:{port}" if address.version == 6 else f"{address}:{port}"


def _not_an_address(text: str) -> InvalidArgument:
    return InvalidArgument(f'"{text}" is not an address', hint="write it as 127.0.0.1:PORT")

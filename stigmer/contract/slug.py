"""The slug rule: how a display name becomes an identity. One function for client and server."""

from __future__ import annotations

import re
import unicodedata

from stigmer.errors import InvalidArgument, Violation

MAX_SLUG_LENGTH = 253
"""Longest slug; kinds with default instances stay 8 below it to leave room for DEFAULT_INSTANCE_SUFFIX."""

DEFAULT_INSTANCE_SUFFIX = "-default"

_IS_SLUG = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*").fullmatch
_OUTSIDE = re.compile(r"[^a-z0-9]+")


def slugify(name: str) -> str:
    """Unicode NFKD, combining marks dropped, casefold, every run outside [a-z0-9] becomes one "-", trimmed.

    Never truncated. Raises InvalidArgument when nothing is left.
    """
    if _IS_SLUG(name):
        return name
    decomposed = unicodedata.normalize("NFKD", name)
    plain = "".join(char for char in decomposed if not unicodedata.combining(char)).casefold()
    slug = _OUTSIDE.sub("-", plain).strip("-")
    if not slug:
        raise InvalidArgument(
            f"no slug can be made from the name {name!r}",
            violations=[Violation("metadata.name", "has no letter a-z and no digit; give metadata.slug")],
        )
    return slug


def is_slug(text: str) -> bool:
    return _IS_SLUG(text) is not None

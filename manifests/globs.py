"""Patterns such as `agents/*.yaml` or `**/team-*.yaml`, expanded where the shell did not. `**` descends into folders
but not through symbolic links; hidden names match only a pattern part that starts with a dot.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from fnmatch import fnmatchcase

_MAGIC = re.compile(r"[*?\[]")
_ABSENT = (FileNotFoundError, NotADirectoryError)


def is_pattern(path: str) -> bool:
    return _MAGIC.search(path) is not None


def expand(pattern: str) -> list[str]:
    """The existing paths that match, in the order of their names and each once. Raises OSError for a folder on the
    way that cannot be listed: what it hides must not look like nothing."""
    root = "/" if pattern.startswith("/") else ""
    return list(dict.fromkeys(_matches(root, [part for part in pattern.split("/") if part])))


def _matches(base: str, parts: list[str]) -> Iterator[str]:
    if not parts:
        yield base.removesuffix("/")
        return
    part, rest = parts[0], parts[1:]
    if part == "**":
        yield from _matches(base, rest)
        for name in _names(base, "*", folders=True):
            yield from _matches(f"{base}{name}/", parts)
    elif is_pattern(part):
        for name in _names(base, part, folders=False):
            yield from _matches(f"{base}{name}/", rest)
    elif os.path.lexists(base + part):
        yield from _matches(f"{base}{part}/", rest)


def _names(base: str, part: str, folders: bool) -> list[str]:
    """Names in the folder that match; only real folders with `folders`."""
    try:
        with os.scandir(base or ".") as listing:
            return sorted(
                item.name
                for item in listing
                if fnmatchcase(item.name, part)
                and (item.name[0] != "." or part[0] == ".")
                and (not folders or item.is_dir(follow_symlinks=False))
            )
    except _ABSENT:
        return []

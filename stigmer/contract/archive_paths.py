"""Which paths an archive may hold: those that mean the same file below the same folder on every system."""

from __future__ import annotations

import re
import unicodedata

from stigmer.contract.limits import MAX_PATH_BYTES, MAX_PATH_DEPTH

_UNSEEN = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
"""Unicode categories of characters that are not shown, or that change how others are: a name must be what it looks
like."""

_DRIVE = re.compile(r"[A-Za-z]:").match


def path_problem(path: str) -> str:
    """What is wrong with the path of a file, or "": "leads out of the folder"."""
    parts = path.split("/")
    problems = (
        (not path, "is empty"),
        (any(unicodedata.category(char) in _UNSEEN for char in path), "has a character that is not shown"),
        (path.startswith("/") or _DRIVE(path), "is absolute"),
        (".." in parts, "leads out of the folder"),
        ("\\" in path, "has a backslash, which separates folders on some systems"),
        ("" in parts or "." in parts, "has an empty part"),
        (len(path.encode(errors="surrogatepass")) > MAX_PATH_BYTES, f"is longer than {MAX_PATH_BYTES} bytes"),
        (len(parts) > MAX_PATH_DEPTH, f"has more than {MAX_PATH_DEPTH} parts"),
    )
    return next((problem for is_so, problem in problems if is_so), "")


class PathSet:
    """The paths of one archive, which must stay apart also where capitals and the forms of Unicode count as one."""

    def __init__(self) -> None:
        self._spelled: dict[str, str] = {}
        """Each path and each folder above it, folded -> as it was spelled first."""
        self._files: set[str] = set()
        self._folders: set[str] = set()
        self._listed: set[str] = set()

    def add(self, path: str, *, is_folder: bool = False) -> str:
        """Takes in one more path. What is wrong with it beside the others, or ""."""
        parts = path.split("/")
        above = ["/".join(parts[:length]) for length in range(1, len(parts))]
        for part in (*above, path):
            known = self._spelled.setdefault(_folded(part), part)
            if known != part:
                return f"is the same as {known!r} on some systems"
        if path in self._files or (is_folder and path in self._listed):
            return "is there twice"
        if (not is_folder and path in self._folders) or not self._files.isdisjoint(above):
            return "is both a file and a folder"
        self._folders.update(above)
        if is_folder:
            self._folders.add(path)
            self._listed.add(path)
        else:
            self._files.add(path)
        return ""


def _folded(path: str) -> str:
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", path).casefold())

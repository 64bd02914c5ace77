"""`git status` on a settled tree, with git's own defaults and nothing that watches or caches directories for it.

The repository lies beside the tree, so that both sides look at exactly the same files.
"""

from __future__ import annotations

import time
from pathlib import Path

from benchmarks.harness import expect
from benchmarks.processes import environment, run

SETTLE_SECONDS = 1.1
"""Files as young as the index are read again by every `git status`; after this they are older."""

SETTINGS = {"core.fsmonitor": "false", "core.untrackedCache": "false", "feature.manyFiles": "false", "gc.auto": "0"}

_IDENTITY = {"user.name": "someone", "user.email": "someone@example"}


class Repository:
    """A repository whose one commit is the tree as it was."""

    def __init__(self, folder: Path, tree: Path) -> None:
        self._environ = environment(GIT_CONFIG_GLOBAL="/dev/null", GIT_CONFIG_NOSYSTEM="1")
        self._command = ("git", f"--git-dir={folder}", f"--work-tree={tree}")
        self._tree = tree
        run(["git", "init", "--quiet", "--bare", str(folder)], self._environ)
        self._git("config", "core.bare", "false")
        for name, value in (SETTINGS | _IDENTITY).items():
            self._git("config", name, value)
        self.settle()

    def settle(self) -> None:
        """Commit what there is, and see that the index is younger than every file."""
        self._git("add", "--all")
        self._git("commit", "--quiet", "--allow-empty", "--message", "The estate")
        time.sleep(SETTLE_SECONDS)
        self._git("update-index", "--refresh")
        expect(self.status(), "", "git status of the settled tree")

    def status(self) -> str:
        return self._git("status", "--porcelain")

    def _git(self, *arguments: str) -> str:
        return run([*self._command, *arguments], self._environ, self._tree).output

"""Lint the contract, compare it with the last released one, and check that the generated code is up to date.

buf reads the committed descriptor set, so that no dependency has to be fetched. The last released contract is that of
the newest tag `v*`; before the first release it is the last commit's, so that a breaking change shows while it is made.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from generate_contract import DESCRIPTOR_SET, PACKAGE, ROOT, drift

CONTRACT = PACKAGE / DESCRIPTOR_SET


def buf(*arguments: str) -> bool:
    program = shutil.which("buf", path=str(Path(sys.executable).parent)) or shutil.which("buf")
    if program is None:
        sys.exit("buf is not installed: pip install -e '.[dev]'")
    scope = ["--config", str(ROOT / "buf.yaml"), "--path", str(PACKAGE)]
    return subprocess.run([program, *arguments, *scope], cwd=ROOT, check=False).returncode == 0


def released() -> bytes | None:
    """The contract to compare with; None in a tree without history."""
    tag = git("describe", "--tags", "--match", "v*", "--abbrev=0").decode().strip()
    return git("show", f"{tag or 'HEAD'}:{CONTRACT.as_posix()}") or None


def git(*arguments: str) -> bytes:
    return subprocess.run(["git", *arguments], cwd=ROOT, check=False, capture_output=True).stdout  # noqa: S607


def main() -> None:
    sound = buf("lint", str(CONTRACT))
    if baseline := released():
        with tempfile.TemporaryDirectory() as name:
            against = Path(name) / "released.binpb"
            against.write_bytes(baseline)
            sound &= buf("breaking", str(CONTRACT), "--against", str(against))
    if differing := drift():
        print(f"not up to date: {', '.join(differing)}; run python tools/generate_contract.py", file=sys.stderr)
        sound = False
    sys.exit(0 if sound else 1)


if __name__ == "__main__":
    main()

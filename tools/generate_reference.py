"""Generate `docs/reference/` from the command line, the contract and the code, or with --check say how it differs.

Everything on the pages is read from where it is held to be true: options from the parser, fields from descriptors with
their comments and constraints, exit codes and errors from the modules that define them. The folder holds nothing else.
"""

from __future__ import annotations

import argparse
import difflib
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
REFERENCE = ROOT / "docs" / "reference"

MAX_DIFF_LINES = 12
"""Lines shown of each page that differs."""

sys.path[:0] = [str(ROOT)]

from reference import api, commands, kinds, outcomes  # noqa: E402 -- the tree's own packages, not installed ones
from reference.markdown import link, page, prose, table  # noqa: E402

from stigmer.cli.catalog import PROGRAM  # noqa: E402
from stigmer.contract.explain import default_explainer  # noqa: E402


def reference() -> dict[str, str]:
    """Every page by its path."""
    explainer = default_explainer()
    pages = commands.pages() | kinds.pages(explainer) | api.pages(explainer) | outcomes.pages()
    return {"README.md": _index(pages)} | pages


def differences(pages: dict[str, str], folder: Path) -> Iterator[str]:
    """One text for each page of the folder that is not as it should be."""
    present = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*") if path.is_file()}
    for name in sorted({*pages, *present}):
        if name not in present:
            yield f"{name} is missing"
        elif name not in pages:
            yield f"{name} is left over"
        elif (text := present[name].read_text(encoding="utf-8")) != pages[name]:
            yield f"{name} differs\n{_diff(text, pages[name])}"


def write(pages: dict[str, str], folder: Path) -> None:
    """Make the folder hold these pages and nothing else."""
    for path in [path for path in folder.rglob("*") if path.is_file()]:
        if path.relative_to(folder).as_posix() not in pages:
            path.unlink()
    for name, text in pages.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="fail when the committed pages are not up to date")
    parser.add_argument("--dir", type=Path, default=REFERENCE, help="the folder of the pages")
    options = parser.parse_args()
    if not options.check:
        write(reference(), options.dir)
    elif found := list(differences(reference(), options.dir)):
        sys.exit("\n".join([*found, "docs/reference is not up to date: run python tools/generate_reference.py"]))


def _index(pages: dict[str, str]) -> str:
    tops = [name for name in pages if "/" not in name or name.endswith("/README.md")]
    rows = [[link(_title(pages[name]), name), _inside(name, pages)] for name in tops]
    text = "Generated from the program itself; a check holds the pages to it."
    return page("Reference", text, table(["Page", ""], rows))


def _title(text: str) -> str:
    return text.partition("\n")[0].removeprefix("# ")


def _inside(name: str, pages: dict[str, str]) -> str:
    """The pages below an index, or the sections of a page."""
    folder, _, last = name.rpartition("/")
    if last == "README.md":
        below = [other for other in pages if other.startswith(f"{folder}/") and other != name]
        return ", ".join(link(_title(pages[other]).removeprefix(f"{PROGRAM} "), other) for other in below)
    return prose(", ".join(line.removeprefix("## ") for line in pages[name].splitlines() if line.startswith("## ")))


def _diff(old: str, new: str) -> str:
    lines = list(difflib.unified_diff(old.splitlines(), new.splitlines(), "committed", "generated", n=0, lineterm=""))
    rest = [f"... and {len(lines) - MAX_DIFF_LINES} more lines"] if len(lines) > MAX_DIFF_LINES else []
    return "\n".join(f"    {line}" for line in [*lines[:MAX_DIFF_LINES], *rest])


if __name__ == "__main__":
    main()

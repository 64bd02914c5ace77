"""The documentation's commands, links and index. Each page runs from top to bottom in a folder and with a backend of
its own, as a reader would run it; `docs/testing.md` says how blocks are marked. The README is `test_readme`'s.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from textwrap import dedent

import pytest

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
PAGES = sorted([*DOCS.rglob("*.md"), *ROOT.glob("examples/*/README.md")])
COPIED = ("docs", "examples", "proto", "tools")
"""What commands of a page may read, and change in the copy."""

RUN_ELSEWHERE = {"docs/extending.md": "tests/e2e/test_extending.py"}
"""Pages whose commands change the sources, and the test that carries them out."""

BLOCK_TIMEOUT_S = 120.0
SHELLS = {"sh": "sh", "shell": "sh", "bash": "bash", "console": "sh"}
ATTRIBUTES = {"no-run", "exit", "needs", "file"}
FENCE = re.compile(r"^(?P<indent> *)(?P<ticks>`{3,})(?P<info>[^`]*)$")
LINK = re.compile(r"(?<!!)\[[^\]]*\]\((?P<target>[^)\s]+)\)")
HEADING = re.compile(r"^#+ +(?P<text>.+?) *#*$", flags=re.MULTILINE)
MARK = "-- next command --"


@dataclass(frozen=True)
class Block:
    """One fenced block: `info` is what stands behind the fence, `place` is for messages."""

    place: str
    info: str
    text: str

    @property
    def language(self) -> str:
        return self.info.partition(" ")[0]

    @property
    def attributes(self) -> dict[str, str]:
        pairs = (word.partition("=") for word in self.info.split()[1:])
        return {name: value for name, _, value in pairs}

    @property
    def runs(self) -> bool:
        return self.language in SHELLS and "no-run" not in self.attributes


def blocks(page: Path) -> Iterator[Block]:
    lines = page.read_text(encoding="utf-8").splitlines()
    at = 0
    while at < len(lines):
        opened = FENCE.match(lines[at])
        at += 1
        if opened is None:
            continue
        start = at
        while at < len(lines) and not lines[at].strip().startswith(opened["ticks"]):
            at += 1
        text = dedent("\n".join(lines[start:at]) + "\n")
        yield Block(f"{page.relative_to(ROOT)}:{start}", opened["info"].strip(), text)
        at += 1


RUNNING = [
    page
    for page in PAGES
    if page.relative_to(ROOT).as_posix() not in RUN_ELSEWHERE and any(block.runs for block in blocks(page))
]


@dataclass
class Step:
    """One command of a console block and the output it shows."""

    command: str
    shown: list[str] = field(default_factory=list)


def steps(block: Block) -> list[Step]:
    """A `console` block's commands: lines that start with `$ `, continued by lines that start with `> `."""
    found: list[Step] = []
    for line in block.text.splitlines():
        if line.startswith("$ "):
            found.append(Step(line[2:]))
        elif not found:
            raise AssertionError(f"{block.place}: a console block starts with a command: $ ...")
        elif line.startswith("> ") and not found[-1].shown:
            found[-1].command += f"\n{line[2:]}"
        else:
            found[-1].shown.append(line.rstrip())
    return found


def pattern(shown: list[str]) -> re.Pattern[str]:
    """`...` stands for anything within a line, and on a line of its own for any number of lines. The width of columns
    does not count."""
    parts = []
    for line in shown:
        if line.strip() == "...":
            parts.append(r"(?:.*\n)*?")
        else:
            words = [re.escape(word).replace(re.escape("..."), ".*") for word in line.split()]
            parts.append(r"[ \t]*" + r"[ \t]+".join(words) + r"[ \t]*\n")
    return re.compile("".join(parts))


@dataclass
class Reader:
    """Somebody who types a page's commands: a folder, a home, a backend."""

    folder: Path
    environ: dict[str, str]

    def run(self, shell: str, script: str) -> tuple[int, str]:
        done = subprocess.run(
            [shell, "-c", script],
            cwd=self.folder,
            env=self.environ,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=BLOCK_TIMEOUT_S,
            check=False,
        )
        return done.returncode, done.stdout

    def follow(self, block: Block) -> None:
        if block.attributes.get("file"):
            path = self.folder / block.attributes["file"]
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(block.text, encoding="utf-8")
        elif block.runs:
            needed = block.attributes.get("needs", "")
            if needed and shutil.which(needed, path=self.environ["PATH"]) is None:
                return
            (self.converse if block.language == "console" else self.execute)(block)

    def execute(self, block: Block) -> None:
        code, output = self.run(SHELLS[block.language], f"set -e\n{block.text}")
        expected = int(block.attributes.get("exit", "0"))
        assert code == expected, f"{block.place}: exit {code} instead of {expected}\n{block.text}\n{output}"

    def converse(self, block: Block) -> None:
        """Runs the commands in one shell and compares what each prints with what the page shows."""
        conversation = steps(block)
        script = "".join(f"{step.command}\nprintf '\\n%s %s\\n' '{MARK}' \"$?\"\n" for step in conversation)
        _, output = self.run(SHELLS[block.language], script)
        answers = re.findall(rf"(.*?)\n{MARK} (\d+)\n", output, flags=re.DOTALL)
        assert len(answers) == len(conversation), f"{block.place}: the shell ended early\n{output}"
        for number, (step, (printed, code)) in enumerate(zip(conversation, answers, strict=True), 1):
            where = f"{block.place}: $ {step.command}"
            expected = block.attributes.get("exit", "0") if number == len(conversation) else "0"
            assert code == expected, f"{where}\nexit {code} instead of {expected}\n{printed}"
            text = printed if not printed or printed.endswith("\n") else f"{printed}\n"
            shown = "\n".join(step.shown)
            if step.shown and not pattern(step.shown).fullmatch(text):
                pytest.fail(f"{where}\nthe page shows\n{shown}\nbut the command printed\n{text}", pytrace=False)


@pytest.fixture
def reader(tmp_path: Path, run_cli) -> Iterator[Reader]:
    folder = tmp_path / "repository"
    folder.mkdir()
    for name in COPIED:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    programs = tmp_path / "bin"
    programs.mkdir()
    for name, arguments in {"stigmer": "-m stigmer.cli", "python": "", "python3": ""}.items():
        program = programs / name
        program.write_text(f'#!/bin/sh\nexec "{sys.executable}" {arguments} "$@"\n', encoding="utf-8")
        program.chmod(0o755)
    (tmp_path / "user").mkdir()
    environ = run_cli(tmp_path / "home").environment({"HOME": str(tmp_path / "user")})
    environ["PATH"] = f"{programs}:{environ['PATH']}"
    yield Reader(folder, environ)
    subprocess.run(
        [programs / "stigmer", "local", "stop"], env=environ, capture_output=True, timeout=BLOCK_TIMEOUT_S, check=False
    )


@pytest.mark.parametrize("page", RUNNING, ids=lambda page: str(page.relative_to(ROOT)))
def test_the_commands_of_a_page_run_as_written(page: Path, reader: Reader) -> None:
    for block in blocks(page):
        reader.follow(block)


def test_a_page_that_is_run_elsewhere_is_named_there() -> None:
    for page, test in RUN_ELSEWHERE.items():
        assert (ROOT / page).exists()
        assert Path(page).name in (ROOT / test).read_text(encoding="utf-8")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_blocks_are_marked_with_what_this_test_knows(page: Path) -> None:
    for block in blocks(page):
        assert set(block.attributes) <= ATTRIBUTES, f"{block.place}: {block.info}"


@pytest.mark.parametrize("page", [ROOT / "README.md", *PAGES], ids=lambda page: str(page.relative_to(ROOT)))
def test_links_inside_the_repository_lead_somewhere(page: Path) -> None:
    prose = re.sub(r"^ *(`{3,}).*?^ *\1", "", page.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE)
    for match in LINK.finditer(prose):
        path, _, anchor = match["target"].partition("#")
        if "://" in path or path.startswith("mailto:"):
            continue
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), f"{page.relative_to(ROOT)}: {match['target']}"
        if anchor and target.suffix == ".md":
            headings = HEADING.findall(target.read_text(encoding="utf-8"))
            assert anchor in {slug(text) for text in headings}, f"{page.relative_to(ROOT)}: {match['target']}"


def slug(heading: str) -> str:
    """The anchor that forges give a heading."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def test_the_index_lists_every_page() -> None:
    index = DOCS / "README.md"
    linked = {
        (DOCS / match["target"].partition("#")[0]).resolve()
        for match in LINK.finditer(index.read_text(encoding="utf-8"))
        if "://" not in match["target"]
    }
    pages = {*DOCS.glob("*.md"), *DOCS.glob("*/README.md")} - {index}
    assert {page.relative_to(DOCS).as_posix() for page in pages - linked} == set()

"""The reference pages: complete, the same everywhere, and up to date. Assumes that commands and contract are right."""

from __future__ import annotations

import importlib
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import click
import pytest

from stigmer.backend.settings import SETTINGS
from stigmer.cli.application import application
from stigmer.cli.exit_codes import ExitCode
from stigmer.contract.explain import default_explainer
from stigmer.errors import BY_CODE

ROOT = Path(__file__).resolve().parents[3]
TOOL = ROOT / "tools" / "generate_reference.py"


@pytest.fixture(scope="module")
def tool():
    sys.path.insert(0, str(TOOL.parent))
    yield importlib.import_module(TOOL.stem)
    sys.path.remove(str(TOOL.parent))


@pytest.fixture(scope="module")
def pages(tool) -> dict[str, str]:
    return tool.reference()


def test_the_committed_pages_are_what_the_program_says(tool, pages) -> None:
    found = list(tool.differences(pages, tool.REFERENCE))
    assert not found, "run python tools/generate_reference.py\n" + "\n".join(found)


def test_pages_do_not_depend_on_where_and_how_they_are_made(pages, tmp_path: Path) -> None:
    environ = {**os.environ, "COLUMNS": "30", "PYTHONHASHSEED": "7", "LC_ALL": "C", "TZ": "Asia/Tokyo", "NO_COLOR": "1"}
    subprocess.run([sys.executable, TOOL, "--dir", tmp_path / "made"], cwd=tmp_path, env=environ, check=True)
    made = {path.relative_to(tmp_path / "made").as_posix(): path for path in (tmp_path / "made").rglob("*.md")}
    assert {name: path.read_text(encoding="utf-8") for name, path in made.items()} == pages


def test_pages_name_no_place_of_this_machine(pages) -> None:
    for name, text in pages.items():
        assert str(ROOT) not in text, name
        assert str(Path.home()) not in text, name


def leaves(command: click.Command, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    if path:
        yield path, command
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            child = command.get_command(context, name)
            assert child is not None
            yield from leaves(child, (*path, name))


def test_every_command_is_there_with_every_option(pages) -> None:
    for path, command in leaves(application()):
        text = pages[f"cli/{path[0]}.md"]
        assert f"{' '.join(('stigmer', *path))}\n" in text
        for parameter in command.params:
            flags = parameter.opts if isinstance(parameter, click.Option) and not parameter.hidden else ()
            assert all(re.search(rf"[` /]{flag}[` ,/]", text) for flag in flags), (path, flags)


def test_every_field_of_every_kind_is_there(pages) -> None:
    explainer = default_explainer()
    for kind in explainer.contract.kinds.values():
        text = pages[f"kinds/{kind.singular}.md"] + pages["kinds/metadata.md"]
        for _, field in explainer.walk(explainer.kind(kind)):
            assert f"`{field.path}`" in text or f"## {field.path}\n" in text, field.path


def test_every_kind_has_an_example(pages) -> None:
    for kind in default_explainer().contract.kinds.values():
        assert "```yaml\n" in pages[f"kinds/{kind.singular}.md"], f"examples/ has no {kind.name}"
        assert f"kind: {kind.name}\n" in pages[f"kinds/{kind.singular}.md"]


def test_every_rpc_and_its_messages_are_there(pages) -> None:
    for method in default_explainer().contract.methods.values():
        assert f"| `{method.name}` |" in pages["api.md"]
        assert f"`{method.permission}`" in pages["api.md"]
        assert f"### {method.input_class.DESCRIPTOR.name}\n" in pages["api.md"]


def test_every_code_setting_and_error_is_there(pages) -> None:
    assert all(f"| {code.value} | `{code.name}` |" in pages["exit-codes.md"] for code in ExitCode)
    assert all(f"| `{setting.key}` |" in pages["configuration.md"] for setting in SETTINGS)
    assert all(f"| `{name}` |" in pages["errors.md"] for name in BY_CODE)
    assert "| `REFERENCED` | `FAILED_PRECONDITION` |" in pages["errors.md"]


@pytest.mark.parametrize("name", ["exit-codes.md", "configuration.md", "cli/README.md"])
def test_nothing_is_left_unsaid(name: str, pages) -> None:
    lines = pages[name].splitlines()
    rows = [line for line, after in pairwise(lines) if line.startswith("|") and not after.startswith("| ---")]
    assert [row for row in rows if row.endswith("|  |")] == []


def test_the_rows_of_a_table_have_as_many_cells_as_its_head(pages) -> None:
    for name, text in pages.items():
        lines = re.sub(r"^(`{3,}).*?^\1$", "", text, flags=re.DOTALL | re.MULTILINE).splitlines()
        width = 0
        for line in lines:
            cells = len(re.findall(r"(?<!\\)\|", line)) if line.startswith("|") else 0
            assert not (width and cells) or cells == width, f"{name}: {line}"
            width = cells


def test_a_folder_is_compared_and_mended(tool, tmp_path: Path) -> None:
    wanted = {"a.md": "one\ntwo\n", "b/c.md": "three\n"}
    (tmp_path / "a.md").write_text("one\n2\n", encoding="utf-8")
    (tmp_path / "old.md").write_text("x", encoding="utf-8")
    found = list(tool.differences(wanted, tmp_path))
    assert [text.partition("\n")[0] for text in found] == ["a.md differs", "b/c.md is missing", "old.md is left over"]
    assert "-2" in found[0]
    assert "+two" in found[0]
    tool.write(wanted, tmp_path)
    assert list(tool.differences(wanted, tmp_path)) == []


def test_a_check_fails_and_says_what_to_do(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, TOOL, "--check", "--dir", tmp_path], capture_output=True, text=True, check=False
    )
    assert (done.returncode, "README.md is missing" in done.stderr) == (1, True)
    assert "run python tools/generate_reference.py" in done.stderr

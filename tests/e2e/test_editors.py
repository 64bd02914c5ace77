"""The JSON Schema in yaml-language-server, which is what VS Code, Neovim and others show.

Needs the server: `npm install yaml-language-server` anywhere, and its program on the path or named by
STIGMER_YAML_LANGUAGE_SERVER. What the schema accepts is tested in `tests/contract/test_manifest_schema.py`.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from .yaml_language_server import PROGRAM, PROGRAM_VARIABLE, LanguageServer, server_command

ROOT = Path(__file__).parents[2]
EXAMPLES = sorted(ROOT.glob("examples/**/*.yaml"))

MODELINE = "# yaml-language-server: $schema=stigmer.schema.json\n"
CURSOR = "|"

AGENT = """apiVersion: agentic.stigmer.ai/v1
kind: Agent
metadata: {name: a}
spec:
  instructions: Do as you are told.
"""
WORKFLOW = """apiVersion: agentic.stigmer.ai/v1
kind: Workflow
metadata: {name: w}
spec:
"""

COMMAND = server_command()

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        COMMAND is None, reason=f"{PROGRAM} is not on the path, and {PROGRAM_VARIABLE} does not name it"
    ),
]


class Editor:
    """Documents that are open in an editor with the schema beside them."""

    def __init__(self, server: LanguageServer, modeline: str = MODELINE) -> None:
        self._server = server
        self._modeline = modeline
        self._opened = 0

    def problems(self, text: str) -> list[str]:
        return [found["message"] for found in self._open(text)[1]]

    def marked(self, text: str) -> dict[str, tuple[int, int]]:
        """Messages and where they begin, as (line, column) from 0 in the text."""
        above = self._modeline.count("\n")
        starts = {each["message"]: each["range"]["start"] for each in self._open(text)[1]}
        return {message: (start["line"] - above, start["character"]) for message, start in starts.items()}

    def offered(self, text: str) -> dict[str, dict[str, Any]]:
        """What is offered at the cursor, by label."""
        line, column, text = self._cursor(text)
        return self._server.completions(self._open(text)[0], line, column)

    def hover(self, text: str) -> str:
        line, column, text = self._cursor(text)
        return self._server.hover(self._open(text)[0], line, column)

    def _open(self, text: str) -> tuple[str, list[dict[str, Any]]]:
        self._opened += 1
        name = f"{self._opened}.yaml"
        return name, self._server.open(name, self._modeline + text)

    def _cursor(self, text: str) -> tuple[int, int, str]:
        before, _, after = text.partition(CURSOR)
        above = self._modeline.count("\n")
        return before.count("\n") + above, len(before) - before.rfind("\n") - 1, before + after


@pytest.fixture(scope="module")
def folder(run_cli: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the schema, as `stigmer schema > stigmer.schema.json` leaves it."""
    made = tmp_path_factory.mktemp("editor")
    (made / "stigmer.schema.json").write_text(run_cli(tmp_path_factory.mktemp("home")).ok("schema").out)
    return made


@pytest.fixture(scope="module")
def editor(folder: Path) -> Iterator[Editor]:
    assert COMMAND is not None
    with LanguageServer(COMMAND, folder) as server:
        yield Editor(server)


@pytest.fixture(scope="module")
def set_up_editor(folder: Path) -> Iterator[Editor]:
    """An editor whose settings name the schema, so that manifests need no comment."""
    assert COMMAND is not None
    schemas = {(folder / "stigmer.schema.json").as_uri(): ["*.yaml"]}
    with LanguageServer(COMMAND, folder, schemas) as server:
        yield Editor(server, modeline="")


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: str(path.relative_to(ROOT)))
def test_an_example_has_no_problems(path: Path, set_up_editor: Editor) -> None:
    assert set_up_editor.problems(path.read_text()) == []


def test_the_kinds_are_offered(editor: Editor) -> None:
    offered = editor.offered("apiVersion: agentic.stigmer.ai/v1\nkind: |")
    assert {"Agent", "AgentInstance", "Environment", "McpServer", "Skill", "Workflow"} <= set(offered)


def test_the_fields_of_the_kind_are_offered_in_one_spelling_and_without_what_the_server_sets(editor: Editor) -> None:
    offered = set(editor.offered(AGENT + "  |"))
    assert {"mcpServers", "skills", "subAgents", "env", "config", "description"} <= offered
    assert not offered & {"mcp_servers", "agent", "environments", "tasks", "instructions"}
    metadata = set(editor.offered("apiVersion: agentic.stigmer.ai/v1\nkind: Agent\nmetadata:\n  |"))
    assert {"name", "slug", "labels", "tags", "protect"} <= metadata
    assert not metadata & {"id", "etag", "resourceVersion", "audit"}


def test_a_field_is_inserted_with_what_it_needs(editor: Editor) -> None:
    offered = editor.offered(AGENT + "  mcpServers:\n    - name: x\n      |")
    assert "command:" in offered["stdio"]["insertText"]
    assert "url:" in offered["http"]["insertText"]
    tasks = editor.offered(WORKFLOW + "  tasks:\n    - name: plan\n      |")
    assert {"agent", "dependsOn", "inputs", "outputs"} <= set(tasks)


def test_values_are_offered(editor: Editor) -> None:
    types = editor.offered(WORKFLOW + "  inputs:\n    topic: |\n  tasks: [{name: a, agent: b}]\n")
    assert {"string", "number", "integer", "boolean"} <= set(types)


@pytest.mark.parametrize("between", ["", MODELINE], ids=["settings", "a comment in each document"])
def test_each_document_of_a_file_is_of_its_own_kind(between: str, editor: Editor, set_up_editor: Editor) -> None:
    """A comment is for one document only, says the server; settings are for all."""
    chosen = editor if between else set_up_editor
    text = f"{AGENT}---\n{between}{WORKFLOW}  description: x\n"
    offered = set(chosen.offered(f"{text}  |\n"))
    assert {"tasks", "do", "inputs"} <= offered
    assert not offered & {"mcpServers", "skills"}
    marked = chosen.marked(f"{text}  skills: []\n")
    assert marked["Property skills is not allowed."] == (text.count("\n"), 2)
    assert "Slug of the Agent" in chosen.hover(f"{text}  tasks: [{{name: a, ag|ent: b}}]\n")
    assert chosen.problems(f"{text}  tasks: [{{name: a, agent: b}}]\n---\n{between}{AGENT}") == []


def test_hovering_shows_what_a_field_is_for(editor: Editor) -> None:
    shown = editor.hover(AGENT + "  mcpSer|vers: []\n")
    assert "Servers whose tools the agent may call" in shown
    assert "at most 256 items" in shown
    assert "A model with instructions" in editor.hover(AGENT.replace("kind: Agent", "ki|nd: Agent"))
    below = AGENT + "  mcp_servers: [{name: x, http: {url: 'http://x', timeout_seco|nds: 5}}]\n"
    assert "unset stands for 30" in editor.hover(below)


@pytest.mark.parametrize(
    ("text", "message", "place"),
    [
        (AGENT + "  instrutions: x\n", "Property instrutions is not allowed.", (5, 2)),
        (AGENT.replace("kind: Agent", "kind: Agnt"), "Value is not accepted. Valid values:", (1, 6)),
        (AGENT.replace("Do as you are told.", "short"), "String is shorter than the minimum length of 10.", (4, 16)),
        (AGENT + "  description: [x]\n", "Incorrect type.", (5, 15)),
        (WORKFLOW + "  description: x\n", "give either tasks (a graph of tasks) or do", (3, 0)),
        (WORKFLOW + "  tasks: [{name: a}]\n", 'Missing property "agent".', (4, 10)),
        (WORKFLOW.replace("Workflow", "Skill") + "  tag: x\n", 'Missing property "skillMd".', (3, 0)),
        (AGENT + "  mcpServers: [{name: x}]\n", "give either a reference to an McpServer, or a name", (5, 15)),
    ],
)
def test_a_mistake_is_marked_where_it_is(text: str, message: str, place: tuple[int, int], editor: Editor) -> None:
    marked = editor.marked(text)
    assert any(found.startswith(message) and at == place for found, at in marked.items()), marked


def test_what_people_may_write_has_no_problems(editor: Editor) -> None:
    text = (
        AGENT
        + "  mcp_servers: [github, {name: x, stdio: {command: y}}]\n  env:\n  config: {temperature: 0.2, deep: true}\n"
    )
    assert editor.problems(text) == []
    fetched = (
        text.replace("metadata: {name: a}", "metadata: {name: a, id: agt-1, resourceVersion: 7}") + "status: {a: b}\n"
    )
    assert editor.problems(fetched) == []

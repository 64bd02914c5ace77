"""The manifests that every row works on: a made-up estate, the same on every machine and in every run.

Of twenty documents eleven are agents (six of about 1.4 kB, five of about 0.9 kB), three environments, two MCP servers,
two workflows, one an agent instance and one a workflow instance. References stay within the set, so an apply of any
number of them is complete.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

SEED = 20_260_101
"""Seed of every text."""

PER_FOLDER = 1_000
"""Files in one folder of a tree: what `git` and people cope with."""

_GROUP = 20
_SERVER, _ENVIRONMENT, _AGENT, _WORKFLOW = 0, 2, 5, 16
"""Positions within a group of the first document of a kind; references go to these, so they always exist."""

_WORDS = """
account answer archive article balance billing branch brief budget calendar carrier catalogue channel claim client
comment contract country courier credit customer dashboard deadline delivery department document draft engineer entry
error estimate evidence example exchange figure folder forecast handbook incident invoice journal language ledger
letter licence manual market measure meeting message method minute module network notice number office order owner
package page partner passage payment policy price process product project question quota reader reason receipt record
refund region register release reply report request review route sample schedule search section service shipment
source statement status stock summary supplier support table team ticket topic total transfer update vendor version
warehouse week window writer
""".split()  # noqa: SIM905 - a line for each word would hide the file


@dataclass(frozen=True, slots=True)
class Document:
    """One manifest. `text` is a whole YAML document without a separator."""

    kind: str
    slug: str
    text: str


def documents(count: int) -> Iterator[Document]:
    """The first `count` documents of the estate; a longer list begins with every shorter one."""
    source = random.Random(SEED)
    for number in range(count):
        yield _MAKERS[number % _GROUP](number, source)


def write_tree(folder: Path, count: int) -> list[Path]:
    """One file per document, in subfolders; the files, in order."""
    files = []
    for number, each in enumerate(documents(count)):
        below = folder / f"part-{number // PER_FOLDER:03d}"
        if number % PER_FOLDER == 0:
            below.mkdir(parents=True)
        files.append(below / f"{each.slug}.yaml")
        files[-1].write_text(each.text)
    return files


def _sentences(source: random.Random, indent: str, count: int) -> str:
    lines = []
    for _ in range(count):
        words = source.choices(_WORDS, k=9)
        lines.append(f"{indent}{words[0].capitalize()} {' '.join(words[1:])}.\n")
    return "".join(lines)


def _head(kind: str, name: str, number: int) -> str:
    return (
        f"apiVersion: agentic.stigmer.ai/v1\nkind: {kind}\nmetadata:\n  name: {name}\n"
        f"  labels:\n    team: team-{number % 50}\n    tier: {('gold', 'silver', 'bronze')[number % 3]}\nspec:\n"
    )


def _other(number: int, position: int) -> int:
    """The number of the document at a position of the same group."""
    return number // _GROUP * _GROUP + position


def _server(number: int, source: random.Random) -> Document:
    name = f"tools-{number:06d}"
    return Document(
        "McpServer",
        name,
        _head("McpServer", name, number)
        + f"  description: Tools for the {source.choice(_WORDS)} {source.choice(_WORDS)}\n"
        + f'  stdio:\n    command: npx\n    args: [-y, "@example/server-{number % 40}", --read-only]\n'
        + "  enabledTools: [search, read, list_folders]\n"
        + "  env:\n    API_TOKEN:\n      isSecret: true\n      description: A token that may read\n    REGION: Where\n",
    )


def _environment(number: int, source: random.Random) -> Document:
    name = f"settings-{number:06d}"
    rows = "".join(
        f"    {word.upper()}_{index}: {source.choice(_WORDS)}-{source.randrange(1000)}\n"
        for index, word in enumerate(source.choices(_WORDS, k=12))
    )
    return Document(
        "Environment",
        name,
        _head("Environment", name, number)
        + f"  description: Settings of the {source.choice(_WORDS)} {source.choice(_WORDS)}\n  data:\n{rows}",
    )


def _agent(number: int, source: random.Random, sentences: int, *, delegates: bool) -> Document:
    name = f"agent-{number:06d}"
    text = (
        _head("Agent", name, number)
        + f"  description: Looks after the {source.choice(_WORDS)} of the {source.choice(_WORDS)}\n"
        + f"  instructions: |\n{_sentences(source, '    ', sentences)}"
        + f"  mcpServers:\n    - tools-{_other(number, _SERVER):06d}\n"
        + f"    - name: local\n      stdio:\n        command: npx\n        args: [-y, server-{number % 13}]\n"
        + "      enabledTools: [search, read]\n"
        + "  env:\n    TOKEN:\n      isSecret: true\n      description: A token\n"
        + "    REGION:\n      description: Where\n"
        + "  config:\n    model: claude-sonnet\n    temperature: 0.7\n    max_tokens: 1000\n"
    )
    if delegates:
        text += (
            "  subAgents:\n    - name: proofreader\n      description: Reads the draft once more\n"
            f"      instructions: |\n{_sentences(source, '        ', 2)}"
        )
    return Document("Agent", name, text)


def _large_agent(number: int, source: random.Random) -> Document:
    return _agent(number, source, 9, delegates=True)


def _small_agent(number: int, source: random.Random) -> Document:
    return _agent(number, source, 5, delegates=False)


def _workflow(number: int, source: random.Random) -> Document:
    name = f"flow-{number:06d}"
    agents = [f"agent-{_other(number, _AGENT + offset):06d}" for offset in range(3)]
    return Document(
        "Workflow",
        name,
        _head("Workflow", name, number)
        + f"  description: From {source.choice(_WORDS)} to {source.choice(_WORDS)}\n"
        + "  inputs:\n    topic: {type: string, required: true, description: What it is about}\n  tasks:\n"
        + f"    - name: collect\n      agent: {agents[0]}\n      inputs:\n        topic: ${{workflow.inputs.topic}}\n"
        + "      outputs: [findings]\n"
        + f"    - name: draft\n      agent: {agents[1]}\n      dependsOn: [collect]\n      inputs:\n"
        + "        findings: ${tasks.collect.outputs.findings}\n      outputs: [page]\n"
        + f"    - name: review\n      agent: {agents[2]}\n      dependsOn: [draft]\n      inputs:\n"
        + "        page: ${tasks.draft.outputs.page}\n      outputs: [report]\n",
    )


def _agent_instance(number: int, source: random.Random) -> Document:
    return _instance("AgentInstance", f"agent: agent-{_other(number, _AGENT):06d}", number, source)


def _workflow_instance(number: int, source: random.Random) -> Document:
    return _instance("WorkflowInstance", f"workflow: flow-{_other(number, _WORKFLOW):06d}", number, source)


def _instance(kind: str, reference: str, number: int, source: random.Random) -> Document:
    name = f"run-{number:06d}"
    return Document(
        kind,
        name,
        _head(kind, name, number)
        + f"  {reference}\n  description: For the {source.choice(_WORDS)}\n"
        + f"  environments: [settings-{_other(number, _ENVIRONMENT):06d}]\n",
    )


_MAKERS: tuple[Callable[[int, random.Random], Document], ...] = (
    *[_server] * 2,
    *[_environment] * 3,
    *[_large_agent, _small_agent] * 5,
    _large_agent,
    *[_workflow] * 2,
    _agent_instance,
    _workflow_instance,
)

"""`stigmer agent`."""

from __future__ import annotations

import click

from stigmer.cli.application import Invocation
from stigmer.cli.exit_codes import ExitCode
from stigmer.cli.options import command_frame
from stigmer.cli.output import LISTING
from stigmer.cli.typed_group import TextOption, TypedGroup, create_resource, creation_options, typed_group

INSTRUCTIONS = "What the agent is told; @- reads standard input."

AGENT = TypedGroup(
    word="agent",
    kind="Agent",
    one="an agent",
    many="agents",
    slug="support-bot",
    texts=(TextOption("instructions", INSTRUCTIONS, from_file=True),),
)

command = typed_group(
    AGENT,
    """Create, change and delete agents without a manifest.

    What is written here belongs to no manifest: an apply of a manifest for the same agent takes the fields over that
    it declares.

    \b
    Examples:
      stigmer agent create "Support Bot" --instructions @support.md --label team=core
      stigmer agent list
    """,
)


@command.command("create")
@creation_options()
@click.option("--instructions", metavar="TEXT|@FILE", required=True, help=INSTRUCTIONS)
@click.option("--mcp-server", "mcp_servers", metavar="SLUG", multiple=True, help="MCP server it may use; repeatable.")
@click.option("--skill", "skills", metavar="SLUG", multiple=True, help="Skill it has; repeatable.")
@command_frame(*LISTING)
def create(
    invocation: Invocation,
    *,
    name: str,
    slug: str | None,
    description: str,
    labels: tuple[str, ...],
    instructions: str,
    mcp_servers: tuple[str, ...],
    skills: tuple[str, ...],
) -> ExitCode:
    """Create an agent.

    The server adds a default instance. An agent with the same slug is not touched: that is an error.

    \b
    Examples:
      stigmer agent create "Support Bot" --instructions "Answer questions about orders."
      stigmer agent create triage --instructions @triage.md --mcp-server github --skill triage
    """
    from stigmer.cli.drafts import draft, text_of

    spec = {
        "instructions": text_of(instructions),
        "description": description,
        "mcpServers": list(dict.fromkeys(mcp_servers)),
        "skills": sorted(set(skills)),
    }
    return create_resource(invocation, AGENT, draft(name, slug, labels, spec))

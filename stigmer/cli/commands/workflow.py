"""`stigmer workflow`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from stigmer.cli.application import Invocation
from stigmer.cli.exit_codes import ExitCode
from stigmer.cli.options import command_frame
from stigmer.cli.output import LISTING
from stigmer.cli.typed_group import TypedGroup, creation_options, typed_group, write_resource

if TYPE_CHECKING:
    from stigmer.cli.file_drafts import ResourceFile

WORKFLOW = TypedGroup(word="workflow", kind="Workflow", one="a workflow", many="workflows", slug="triage")

command = typed_group(
    WORKFLOW,
    """Create, change and delete workflows without a manifest.

    What is written here belongs to no manifest. To change the tasks of a workflow, keep it in a manifest and apply
    that.

    \b
    Examples:
      stigmer workflow create triage -f tasks.yaml
      stigmer workflow list
    """,
)


@command.command("create")
@creation_options(name_required=False)
@click.option("-f", "--file", metavar="FILE", required=True, help="Its spec, or a manifest; - reads standard input.")
@command_frame(*LISTING)
def create(
    invocation: Invocation,
    *,
    name: str | None,
    slug: str | None,
    description: str,
    labels: tuple[str, ...],
    file: str,
) -> ExitCode:
    """Create a workflow from one file.

    The file is a manifest of one workflow, or its spec alone: tasks and inputs, or a definition in the Serverless
    Workflow DSL as it is. The server adds a default instance. A workflow with the same slug is not touched: that is an
    error.

    NAME and the options count more than what the file says. NAME may be left out for a manifest, and for a DSL
    definition, whose document.name is taken.

    \b
    Examples:
      stigmer workflow create triage -f tasks.yaml
      stigmer workflow create -f order.sw.yaml --label team=shop
    """
    from stigmer.cli.drafts import parse_labels
    from stigmer.cli.file_drafts import Given, read_resource

    given_labels = parse_labels(labels)
    source = read_resource(file)
    given = Given(name or _own_name(source), slug or "", description, given_labels)
    return write_resource(invocation, WORKFLOW, lambda world, kind: (source.create(world, kind, given), "created"))


def _own_name(source: ResourceFile) -> str:
    """What a file that is no manifest calls its workflow; empty for a manifest, which has a name of its own."""
    if not source.is_spec:
        return ""
    document = source.value.get("document")
    name = document.get("name") if isinstance(document, dict) else None
    if not isinstance(name, str) or not name:
        raise click.UsageError(f"Say what the workflow in {source.place} is called: NAME.", click.get_current_context())
    return name

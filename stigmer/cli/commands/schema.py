"""`stigmer schema`."""

from __future__ import annotations

import click

from stigmer.cli.application import Invocation
from stigmer.cli.exit_codes import ExitCode
from stigmer.cli.options import command_frame


@click.command("schema")
@click.argument("kind", metavar="[KIND]", required=False)
@command_frame("json")
def command(invocation: Invocation, *, kind: str | None) -> ExitCode:
    """Print the JSON Schema of manifests, for editors.

    Without KIND, one schema covers documents of every kind. Editors with yaml-language-server complete, check and
    explain manifests with it: save it, and name it in the first line of a manifest:

    \b
      # yaml-language-server: $schema=stigmer.schema.json

    No backend is needed. What takes more than one document to judge, such as references, is left to `validate`.

    \b
    Examples:
      stigmer schema > stigmer.schema.json
      stigmer schema agent > agent.schema.json
    """
    from stigmer.cli.plaintext import json_text
    from stigmer.contract.explain import default_explainer
    from stigmer.contract.json_schema import manifest_schema

    explainer = default_explainer()
    chosen = explainer.contract.kinds.find(kind) if kind else None
    invocation.console.write(json_text(manifest_schema(explainer, chosen)))
    return ExitCode.OK

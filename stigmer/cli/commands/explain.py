"""`stigmer explain`."""

from __future__ import annotations

import click

from stigmer.cli.application import Invocation
from stigmer.cli.exit_codes import ExitCode
from stigmer.cli.options import command_frame
from stigmer.cli.output import SINGLE


@click.command("explain")
@click.argument("field", metavar="[KIND[.PATH]]", required=False)
@click.option("--recursive", is_flag=True, help="List the fields of all levels below, by name and type.")
@command_frame(*SINGLE)
def command(invocation: Invocation, *, field: str | None, recursive: bool) -> ExitCode:
    """Explain a kind or one of its fields.

    Shows what a manifest may say there: type, constraints, default, shorthands, and the fields below. PATH is written
    as in a manifest, in either spelling; list indexes and map keys may stand in it. Without KIND, lists the kinds. No
    backend is needed.

    \b
    Examples:
      stigmer explain
      stigmer explain agent.spec.mcpServers
      stigmer explain workflow.spec --recursive
    """
    from stigmer.contract.explain import default_explainer

    explainer = default_explainer()
    if not field:
        return _kinds(invocation)
    word, _, path = field.partition(".")
    kind = explainer.contract.kinds.find(word)
    entry = explainer.resolve(kind, path)
    below = list(explainer.walk(entry)) if recursive else [(0, child) for child in explainer.children(entry)]
    if invocation.format.for_people:
        from stigmer.cli.views.explanation import print_explanation

        print_explanation(kind, entry, below, invocation.console, recursive=recursive)
    else:
        from stigmer.cli.views.explanation import explanation_object
        from stigmer.cli.views.objects import print_object

        print_object(explanation_object(kind, entry, below), invocation.console, invocation.format)
    return ExitCode.OK


def _kinds(invocation: Invocation) -> ExitCode:
    from stigmer.cli.views.explanation import kind_object, print_kinds
    from stigmer.cli.views.objects import print_object
    from stigmer.contract.explain import default_explainer

    explainer = default_explainer()
    entries = [(kind, explainer.kind(kind)) for kind in explainer.contract.kinds.values()]
    if invocation.format.for_people:
        print_kinds(entries, invocation.console)
    else:
        items = [kind_object(kind, entry) for kind, entry in entries]
        print_object({"items": items}, invocation.console, invocation.format)
    return ExitCode.OK

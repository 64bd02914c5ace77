"""`stigmer env`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import click

from stigmer.cli.application import Invocation
from stigmer.cli.exit_codes import ExitCode
from stigmer.cli.options import command_frame
from stigmer.cli.output import LISTING
from stigmer.cli.typed_group import TypedGroup, create_resource, creation_options, edit_resource, typed_group

ENVIRONMENT = TypedGroup(
    word="env",
    kind="Environment",
    one="an environment",
    many="environments",
    slug="production",
    has_default_instances=False,
)

command = typed_group(
    ENVIRONMENT,
    """Create, change and delete environments without a manifest.

    An environment holds the variables that agents and workflows run with. Secret values are refused: this version has
    no encryption at rest.

    \b
    Examples:
      stigmer env create production --set LOG_LEVEL=info --from-file .env
      stigmer env set production LOG_LEVEL=debug OLD_FLAG-
      stigmer env get production -o yaml
    """,
)

from_file = click.option(
    "--from-file",
    "files",
    metavar="FILE",
    multiple=True,
    help="Variables from a dotenv file, - for standard input; repeatable.",
)


@command.command("create")
@creation_options()
@click.option("--set", "words", metavar="KEY=VALUE", multiple=True, help="A variable; repeatable.")
@from_file
@command_frame(*LISTING)
def create(
    invocation: Invocation,
    *,
    name: str,
    slug: str | None,
    description: str,
    labels: tuple[str, ...],
    words: tuple[str, ...],
    files: tuple[str, ...],
) -> ExitCode:
    """Create an environment.

    A dotenv file has lines KEY=VALUE, perhaps after `export`, and comments; values may be quoted, and nothing in them
    is expanded. A later file counts more than an earlier one, and --set more than any.

    \b
    Examples:
      stigmer env create production --set LOG_LEVEL=info --set REGION=eu
      stigmer env create staging --from-file .env.staging --label team=core
    """
    from stigmer.cli.drafts import draft
    from stigmer.cli.variables import changed_data

    spec = {"description": description, "data": changed_data({}, _variables(words, files))}
    return create_resource(invocation, ENVIRONMENT, draft(name, slug, labels, spec))


@command.command("set")
@click.argument("slug")
@click.argument("words", metavar="[KEY=VALUE | KEY-]...", nargs=-1)
@from_file
@command_frame(*LISTING)
def set_(invocation: Invocation, *, slug: str, words: tuple[str, ...], files: tuple[str, ...]) -> ExitCode:
    """Set variables of an environment, and remove those given as KEY-.

    The other variables stay, also when somebody else changes them at the same time. Removing what is not there is no
    error.

    \b
    Examples:
      stigmer env set production LOG_LEVEL=debug OLD_FLAG-
      stigmer env set production --from-file .env
    """
    from stigmer.cli.variables import with_variables

    changes = _variables(words, files, removable=True)
    if not words and not files:
        raise click.UsageError("Say what to set: KEY=VALUE, KEY- or --from-file FILE.", click.get_current_context())
    return edit_resource(invocation, ENVIRONMENT, slug, lambda body: with_variables(body, changes))


def _variables(words: Sequence[str], files: Sequence[str], *, removable: bool = False) -> Mapping[str, str | None]:
    from stigmer.cli.dotenv import parse_dotenv
    from stigmer.cli.drafts import read_text
    from stigmer.cli.variables import parse_words

    given = parse_words(words, removable=removable)
    variables: dict[str, str | None] = {}
    for file in files:
        variables |= parse_dotenv(read_text(file), "standard input" if file == "-" else file)
    return variables | given

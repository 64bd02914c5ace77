"""The options that every command takes, and the frame that hands a command what they said.

They may stand anywhere: before the command, or after it, where the last one wins.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any, Concatenate, ParamSpec

import click

from stigmer.cli.application import Invocation
from stigmer.cli.catalog import GLOBAL_OPTIONS
from stigmer.cli.exit_codes import ExitCode
from stigmer.cli.output import parse_format

P = ParamSpec("P")


class GivenPath(click.Path):
    """A path whose value is a Path. An empty one is refused: mostly it is a variable that is not set, and to the file
    system it is this folder. So is one that is not UTF-8: nothing could be said about it."""

    def __init__(self) -> None:
        super().__init__(path_type=Path)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        if value == "":
            self.fail("the path is empty; . is this folder", param, ctx)
        try:
            str(value).encode()
        except UnicodeEncodeError:
            self.fail("the path is not valid UTF-8", param, ctx)
        return super().convert(value, param, ctx)


def common_parameters(formats: tuple[str, ...] = ()) -> list[click.Parameter]:
    """Fresh option objects for one command; `formats` are what its -o takes."""
    return [
        _option("org"),
        _option("data_dir", type=GivenPath()),
        _option("config", type=GivenPath()),
        _option("output", metavar="|".join(formats) or "FORMAT"),
        _option("no_color", is_flag=True),
        _option("verbose", count=True),
    ]


def command_frame(
    *formats: str,
) -> Callable[[Callable[Concatenate[Invocation, P], ExitCode | None]], Callable[P, ExitCode | None]]:
    """Decorates the body of a command: it takes the common options, and its first argument is the Invocation.

    `formats` are the output formats it knows; a table is the default.
    """

    def decorate(body: Callable[Concatenate[Invocation, P], ExitCode | None]) -> Callable[P, ExitCode | None]:
        @functools.wraps(body)
        def framed(*args: P.args, **kwargs: P.kwargs) -> ExitCode | None:
            context = click.get_current_context()
            invocation = context.find_object(Invocation)
            assert invocation is not None
            invocation.format = parse_format(invocation.output, formats)
            return body(invocation, *args, **kwargs)

        own = getattr(body, "__click_params__", [])
        shared = reversed(common_parameters(formats))  # the parser keeps them last first
        framed.__click_params__ = [*shared, *own]  # type: ignore[attr-defined]
        return framed

    return decorate


def _option(name: str, **attributes: Any) -> click.Option:
    declared = GLOBAL_OPTIONS[name]
    attributes = {"metavar": declared.metavar, **attributes}
    given = {key: value for key, value in attributes.items() if value}
    return click.Option(
        [*declared.flags, name], help=declared.help, expose_value=False, is_eager=True, callback=_remember, **given
    )


def _remember(context: click.Context, parameter: click.Parameter, value: Any) -> None:
    invocation = context.find_object(Invocation)
    if value and invocation is not None and parameter.name is not None:
        setattr(invocation, parameter.name, value)

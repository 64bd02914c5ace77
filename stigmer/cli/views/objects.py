"""Values for programs: the form that `-o json` prints, `-o yaml` prints differently, and a jsonpath looks into."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from stigmer.cli.console import Console
from stigmer.cli.output import Format
from stigmer.cli.plaintext import json_text

if TYPE_CHECKING:
    from stigmer.errors import StigmerError


def print_object(value: Any, console: Console, form: Format) -> None:
    """Prints a JSON-like value in a format made for programs."""
    if form.name == "jsonpath" and form.path is not None:
        console.write(form.path.render(value))
    elif form.name == "yaml":
        from manifests import render

        console.write(render([value]))
    else:
        console.write(json_text(value, ascii_only=not console.unicode))


def error_object(error: StigmerError) -> dict[str, Any]:
    """The JSON form of one error."""
    return {
        "code": error.code,
        "reason": error.reason,
        "message": error.message,
        "hint": error.hint,
        "violations": [
            {"key": item.key, "field": item.field, "description": item.description, "related": list(item.related)}
            for item in error.violations
        ],
    }
